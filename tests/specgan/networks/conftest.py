"""Real mels for the tests of the picture networks."""

from pathlib import Path

import pytest
import soundfile
import torch
import torch.nn.functional as F

from vocoder.signal.mel import LogMel
from vocoder.signal.spec import MelSpec

WAVS = Path(__file__).parents[2] / "fixtures" / "kathleen" / "wavs"


@pytest.fixture(scope="package")
def speech():
    """Kathleen's mels, normalised, in pieces, and their smoothed versions: (N, 1, 80, 64) each."""
    log_mel, pieces = LogMel(MelSpec()), []
    for path in sorted(WAVS.glob("*.flac")):
        wave, _ = soundfile.read(path, dtype="float32")
        pieces += [p for p in log_mel(torch.from_numpy(wave)[None])[0].split(64, dim=1) if p.shape[1] == 64]
    real = torch.stack(pieces)[:, None]
    real = (real - real.mean()) / real.std()
    # what a regression leaves of a mel: each bin the mean of five bands and three frames
    return real, F.avg_pool2d(real, (5, 3), 1, padding=(2, 1), count_include_pad=False)

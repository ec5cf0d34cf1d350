"""What a voice draws at the true durations of recordings, and the section about it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from specgan.evaluate import true_durations
from vocoder.signal.manifest import Recording
from vocoder.signal.spec import preset

WAV = Path(__file__).parents[2] / "fixtures" / "kathleen" / "wavs" / "arctic_a0008.flac"


class Model:
    """coarse is the text and the pitch of each frame; the drawn mel adds a tenth of the noise."""

    spec = preset("22k")

    def run(self, function: str, *inputs: np.ndarray) -> list[np.ndarray]:
        if function == "encode":
            phones = inputs[0]
            return [phones[:, None].astype(np.float32), np.ones(phones.shape, np.float32)]
        text, pitch, energy, _, noise = inputs
        assert text.shape[2] % 4 == 0 and noise.shape[1:] == (80, text.shape[2])
        assert all(plane.dtype == np.float32 for plane in inputs if plane is not inputs[3])
        coarse = text + pitch[:, None] + energy[:, None] + np.zeros((1, 80, 1), np.float32)
        return [coarse + 0.1 * noise, coarse]


def test_true_durations_repeat_what_the_encoder_says(monkeypatch: pytest.MonkeyPatch) -> None:
    real = np.random.default_rng(0).standard_normal((1, 80, 6)).astype(np.float32)
    batch = SimpleNamespace(
        phones=torch.tensor([[10, 20, 30]]),
        stress=torch.zeros(1, 3, dtype=torch.int64),
        speaker=torch.tensor([0]),
        language=torch.tensor([0]),
        durations=torch.tensor([[2, 1, 3]]),
        pitch=torch.tensor([[1.0, 0.0, 0.5]]),
        energy=torch.tensor([[0.0, 0.0, 0.25]]),
        mel=torch.from_numpy(real),
        voiced=torch.tensor([[True, True, True, False, False, True]]),
    )
    monkeypatch.setattr(true_durations, "Corpus", lambda rows, *rest: rows)
    monkeypatch.setattr(true_durations, "AlignedCorpus", lambda *given: SimpleNamespace(batch=lambda index: batch))
    config = SimpleNamespace(symbols=None, speakers=("a",), languages=("en",), pitch={"a": (5.0, 0.2)}, multiple=4)
    voice = SimpleNamespace(model=Model(), config=config)
    (found,) = true_durations.at_true_durations(voice, [Recording("one", WAV)], Path("anywhere"))
    # the last token is lengthened from three frames to five for the model, and cut again
    assert found.coarse[0].tolist() == [11, 11, 20, 30.75, 30.75, 30.75]
    assert found.real.shape == found.coarse.shape == found.drawn.shape == (80, 6)
    assert 0.05 < np.std(found.drawn - found.coarse) < 0.15
    assert found.voiced.tolist() == [True, True, True, False, False, True]


def test_smoothing_section_and_its_picture(tmp_path: Path) -> None:
    time = np.arange(100) / preset("22k").frame_rate
    real = np.sin(2 * np.pi * 10 * time)[None] * np.ones((80, 1))
    mels = [true_durations.Aligned("one", real, 0.25 * real, 0.9 * real, np.ones(100, bool))]
    section = true_durations.smoothing_section(mels, preset("22k").frame_rate, tmp_path / "mels.png")
    assert "| real | 1.000 | 1.000 | 1.000 | 0.000 |" in section
    assert "| coarse: without GAN | 0.250 | 0.062 | 0.250 | 0.000 |" in section
    assert "| drawn by the GAN | 0.900 | 0.810 | 0.900 | 0.000 |" in section
    assert "](mels.png)" in section
    with Image.open(tmp_path / "mels.png") as picture:
        assert picture.size == (3 * 100, 3 * (3 * 80 + 2 * 2))

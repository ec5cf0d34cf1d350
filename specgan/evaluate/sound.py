"""A wave and what measures need of it, each computed when it is first asked for."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np

from specgan.evaluate import cepstrum, pitch
from vocoder.signal import audio
from vocoder.signal.spec import preset

SPEC = preset("22k")
"""The mel of the cepstral distance, whatever the rate of the sound."""


class Sound:
    """A wave.

    Parameters
    ----------
    wave : (N,) float32 in [-1, 1]
    rate : int
        Hz.
    """

    def __init__(self, wave: np.ndarray, rate: int) -> None:
        self.wave, self.rate = wave, rate

    @classmethod
    def read(cls, path: Path, rate: int) -> Sound:
        """Read a file, the mean of its channels, at `rate` Hz."""
        return cls(audio.read_mono(path, rate), rate)

    @property
    def seconds(self) -> float:
        return len(self.wave) / self.rate

    @functools.cached_property
    def pitch(self) -> pitch.Pitch:
        """See `pitch.track`."""
        return pitch.track(self.wave, self.rate)

    @functools.cached_property
    def cepstrum(self) -> np.ndarray:
        """(13, T) at the frames of `SPEC`; see `cepstrum.mel_cepstrum`."""
        import torch

        from vocoder.signal.mel import LogMel

        wave = audio.resample(self.wave, self.rate, SPEC.sample_rate)
        return cepstrum.mel_cepstrum(LogMel(SPEC)(torch.from_numpy(wave)[None])[0].numpy())

    @functools.cached_property
    def sounding(self) -> float:
        """Seconds from the first frame to the last that is within 40 dB of the loudest; 0 of silence."""
        if not np.any(self.wave):
            return 0.0
        from specgan.evaluate.errors import needs

        with needs("librosa"):
            from librosa.effects import trim
        return len(trim(self.wave, top_db=40)[0]) / self.rate

"""Fundamental frequency, periodicity and voicing of a wave, for the metrics that compare them."""

from __future__ import annotations

import numpy as np

from specgan.evaluate.errors import NotMeasurable
from specgan.runtime import f0
from specgan.runtime.f0 import Pitch

__all__ = ["Pitch", "along", "track"]


def track(wave: np.ndarray, rate: int) -> Pitch:
    """Track the pitch of speech, see `specgan.runtime.f0.track`.

    Parameters
    ----------
    wave : (N,) float in [-1, 1]
    rate : int
        Hz.

    Raises
    ------
    NotMeasurable
        If the wave is shorter than one frame of 16 ms.
    """
    if len(wave) * f0.RATE < f0.HOP * rate:
        raise NotMeasurable("shorter than 16 ms, one frame of pitch")
    return f0.track(wave, rate)


def along(pitch: Pitch, frames: np.ndarray) -> Pitch:
    """The same track at the frames (P,) of it that a path names."""
    return Pitch(pitch.frequency[frames], pitch.periodicity[frames], pitch.voiced[frames])


def pairs(path: np.ndarray, hop: float, one: Pitch, other: Pitch) -> tuple[np.ndarray, np.ndarray]:
    """Frames (P,) of two tracks for a warping path (P, 2) over the frames of two mels.

    Parameters
    ----------
    path : (P, 2) int
        See `cepstrum.warping_path`. Frame k of a mel is centred on (k + 1/2)·hop.
    hop : float
        Of the mels, in seconds.
    one, other : Pitch
    """
    nearest = np.rint((path + 0.5) * hop * f0.RATE / f0.HOP).astype(int)
    first, second = (np.minimum(nearest[:, k], len(each.voiced) - 1) for k, each in enumerate((one, other)))
    return first, second

"""Fundamental frequency, periodicity and voicing of a wave, for the metrics that compare them."""

from __future__ import annotations

import numpy as np

from specgan.evaluate.errors import NotMeasurable
from specgan.runtime import f0
from specgan.runtime.f0 import Pitch

__all__ = ["Pitch", "track"]


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

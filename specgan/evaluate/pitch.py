"""Fundamental frequency, periodicity and voicing of a wave, for the metrics that compare them."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np

from specgan.evaluate.errors import NotMeasurable, needs
from vocoder.signal.audio import resample

RATE = 16_000  # Hz, what the pitch network was trained at
HOP = 256  # samples at RATE, 16 ms
RANGE = (50.0, 550.0)  # Hz, the range of speech in Morrison 2022
VOICED = 0.5  # the periodicity at which the network's authors calibrated voicing


@dataclass(frozen=True)
class Pitch:
    """One value a frame of 16 ms.

    Attributes
    ----------
    frequency : (T,) float
        Fundamental frequency in Hz, of every frame: read it where `voiced` holds.
    periodicity : (T,) float in [0, 1]
        The network's confidence that the frame is voiced; 0 where the wave is silent.
    voiced : (T,) bool
        Periodicity of at least 0.5.
    """

    frequency: np.ndarray
    periodicity: np.ndarray
    voiced: np.ndarray


@functools.lru_cache(maxsize=1)
def _detector() -> Any:
    with needs("swift-f0"):
        from swift_f0 import SwiftF0
    return SwiftF0(threads=1, spin=False)


def track(wave: np.ndarray, rate: int) -> Pitch:
    """Track the pitch of speech with swift-f0 (Nieradzik 2025, arXiv:2508.18440).

    Parameters
    ----------
    wave : (N,) float in [-1, 1]
    rate : int
        Hz.

    Raises
    ------
    NotMeasurable
        If the wave is shorter than one frame of 16 ms.
    InputError
        If swift-f0 is not installed.
    """
    detector = _detector()
    if len(wave) * RATE < HOP * rate:
        raise NotMeasurable("shorter than 16 ms, one frame of pitch")
    found = detector.detect(resample(wave, rate, RATE), RATE, *RANGE)
    return Pitch(found.pitch_hz, found.confidence, found.confidence >= VOICED)

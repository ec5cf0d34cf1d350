"""Melody and loudness, as they are carried from one speaker to another: what training and running share. No torch.

F0 of the source ── ln ── (x − mean of the source) / deviation · deviation of the target + mean of the target
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

LOUDNESS = -3.2
"""ln of the mean mel magnitude of the voiced frames of speech at about −23 dBFS: where recordings are brought to."""
QUIETEST, LOUDEST = -4.0, 2.0
"""Of a frame beside the voiced ones, ln magnitude: what is quieter is the noise of a room, which belongs to a voice."""
ENERGY = 1.5
PITCH = 5.1, 0.4
"""Mean and deviation of ln F0 (Hz) of people: bring what networks see near zero mean and unit variance."""
STEADY, FEWEST = 0.03, 40
"""Least deviation of ln F0 that is stretched to another, and voiced frames to measure one: below, only means count."""


class Range(NamedTuple):
    """Mean and standard deviation of the ln F0 (Hz) of voiced frames."""

    mean: float
    deviation: float


def pitch_range(frequency: np.ndarray) -> Range | None:
    """The range of a speaker.

    Parameters
    ----------
    frequency : (T,) float
        F0 in Hz, 0 where unvoiced.

    Returns
    -------
    Range or None
        None if nothing is voiced. The deviation is 0 if fewer frames than `FEWEST` are.
    """
    voiced = np.log(frequency[frequency > 0])
    if not len(voiced):
        return None
    return Range(float(voiced.mean()), float(voiced.std()) if len(voiced) >= FEWEST else 0.0)


def continuous(frequency: np.ndarray) -> np.ndarray:
    """F0 (T,) in Hz, 0 where unvoiced → ln F0 (T,) float32 of every frame, a straight line between voiced ones.

    Before the first and behind the last it is theirs; the mean of people if nothing is voiced.
    """
    (voiced,) = (frequency > 0).nonzero()
    if not len(voiced):
        return np.full(len(frequency), PITCH[0], np.float32)
    return np.interp(np.arange(len(frequency)), voiced, np.log(frequency[voiced])).astype(np.float32)


def carried(log_frequency: np.ndarray, source: Range | None, target: Range) -> np.ndarray:
    """ln F0 of a source, moved and stretched to the range of a target.

    Parameters
    ----------
    log_frequency : (T,) float
    source : Range or None
        None if nothing of it is voiced: then nothing changes.
    target : Range
    """
    if source is None:
        return log_frequency
    ratio = target.deviation / source.deviation if min(source.deviation, target.deviation) >= STEADY else 1.0
    return (log_frequency - source.mean) * ratio + target.mean


def seen(log_frequency: np.ndarray) -> np.ndarray:
    """ln F0 as networks see it."""
    return ((log_frequency - PITCH[0]) / PITCH[1]).astype(np.float32)


def loudness(mel: np.ndarray) -> np.ndarray:
    """Natural-log mel (M, T) → ln of the mean magnitude of each frame, (T,)."""
    return np.log(np.exp(mel).mean(axis=0))


def reference(loud: np.ndarray, voiced: np.ndarray | Sequence[bool]) -> float:
    """Mean loudness (T,) of the voiced frames; of the loudest tenth if there is none."""
    chosen = loud[np.asarray(voiced)]
    if not len(chosen):
        chosen = np.sort(loud)[-max(1, len(loud) // 10) :]
    return float(chosen.mean())


def energy(loud: np.ndarray, beside: float) -> np.ndarray:
    """Loudness (T,) beside that of voiced frames, as networks see it, float32."""
    return (np.clip(loud - beside, QUIETEST, LOUDEST) / ENERGY).astype(np.float32)

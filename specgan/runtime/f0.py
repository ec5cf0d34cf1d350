"""Fundamental frequency of speech without torch: what pitch predictors learn, and what the metrics compare."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np

from vocoder.signal.audio import resample

RATE = 16_000  # Hz, what the pitch network was trained at
HOP = 256  # samples at RATE, 16 ms
RANGE = (50.0, 550.0)  # Hz, the range of speech in Morrison 2022
VOICED = 0.5  # the periodicity at which the network's authors calibrated voicing


@dataclass(frozen=True)
class Pitch:
    """One value every 16 ms, the k-th at the time k · 16 ms.

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
    from swift_f0 import SwiftF0  # here, because it brings ONNX Runtime

    return SwiftF0(threads=1, spin=False)


def track(wave: np.ndarray, rate: int) -> Pitch:
    """Track the pitch of speech with swift-f0 (Nieradzik 2025, arXiv:2508.18440), on its own frames of 16 ms.

    Parameters
    ----------
    wave : (N,) float in [-1, 1]
        At least 16 ms.
    rate : int
        Hz.
    """
    found = _detector().detect(resample(wave, rate, RATE), RATE, *RANGE)
    return Pitch(found.pitch_hz, found.confidence, found.confidence >= VOICED)


def fundamental_frequency(wave: np.ndarray, rate: int, hop: int, frames: int) -> tuple[np.ndarray, np.ndarray]:
    """Pitch at the frames of a mel: the k-th is centred on sample (k + 1/2)·hop of the wave.

    The logarithm of the frequency is interpolated over voiced frames of the tracker only; whether a frame is voiced,
    its nearest neighbour says. Beyond the end of the wave there is silence.

    Parameters
    ----------
    wave : (N,) float in [-1, 1]
        Any length.
    rate : int
        Hz.
    hop : int
        Samples between the frames of the mel.
    frames : int
        T, `MelSpec.frames(N)` for a whole recording.

    Returns
    -------
    frequency : (T,) float64
        Hz; 0 where unvoiced.
    voiced : (T,) bool
    """
    # two more frames of the tracker than the mel lasts, so that the last ones lie between neighbours as well
    samples = frames * hop + 2 * -(-HOP * rate // RATE)
    wave = np.asarray(wave, dtype=np.float32)[:samples]
    found = track(np.pad(wave, (0, samples - len(wave))), rate)
    times = (np.arange(frames) + 0.5) * hop / rate * RATE / HOP  # in frames of the tracker
    voiced = found.voiced[np.rint(times).astype(int)]
    if not voiced.any():
        return np.zeros(frames), voiced
    (at,) = found.voiced.nonzero()
    log = np.interp(times, at, np.log(found.frequency[at]))
    return np.where(voiced, np.exp(log), 0.0), voiced

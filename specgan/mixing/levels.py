"""How loud speech is while somebody speaks, and noise set against it. No torch."""

from __future__ import annotations

import numpy as np

FRAME = 0.02  # seconds
ACTIVE = 30.0  # dB below the loudest frame, above which a frame counts as speech


def power(wave: np.ndarray) -> float:
    """Mean square."""
    return float(np.mean(np.square(wave, dtype=np.float64))) if len(wave) else 0.0


def active_power(wave: np.ndarray, rate: int) -> float:
    """Mean square of the frames that hold speech: those at most 30 dB below the loudest.

    As ITU-T P.56 means it: pauses do not make speech quieter.

    Parameters
    ----------
    wave : (N,) float array
    rate : int
        Hz.
    """
    frame = max(1, round(FRAME * rate))
    whole = len(wave) // frame * frame
    if not whole:
        return power(wave)
    powers = np.square(wave[:whole], dtype=np.float64).reshape(-1, frame).mean(axis=1)
    return float(powers[powers >= powers.max() * 10 ** (-ACTIVE / 10)].mean())


def at_snr(speech: np.ndarray, noise: np.ndarray, snr: float, rate: int) -> np.ndarray:
    """The noise, scaled so that the active level of the speech lies `snr` dB above the level of the noise.

    Parameters
    ----------
    speech, noise : (N,) float arrays
        If either is silent the noise stays as it is.
    snr : float
        dB.
    rate : int
        Hz.
    """
    wanted, given = active_power(speech, rate) * 10 ** (-snr / 10), power(noise)
    return noise if not wanted or not given else noise * np.float32(np.sqrt(wanted / given))

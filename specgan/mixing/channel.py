"""What lies between a source and a microphone: rooms, band limits, colouration. No torch."""

from __future__ import annotations

import numpy as np

Random = np.random.Generator
EARLY = 0.05  # seconds after the direct sound that the ear takes for part of it (Haas 1951)


def room_response(random: Random, rate: int, t60: float, direct: float) -> tuple[np.ndarray, np.ndarray]:
    """Impulse response of a made-up room, the whole and its early part.

    The direct sound at sample 0, and Gaussian noise whose power falls by 60 dB in `t60` (Polack 1988), behind a gap of
    1 to 8 ms up to the first reflection. High frequencies die away faster.

    Parameters
    ----------
    random : numpy Generator
    rate : int
        Hz.
    t60 : float
        Seconds.
    direct : float
        Power of the direct sound against all that follows, dB.

    Returns
    -------
    whole, early : (N,) float32 arrays
        The early part ends 50 ms after the direct sound; energy of the direct sound 1.
    """
    count = max(2, round(t60 * rate))
    tail = random.standard_normal(count)
    tail = 0.6 * tail + 0.4 * np.roll(tail, 1)
    tail *= 10 ** (-3 * np.arange(count) / (t60 * rate))
    tail[: max(1, round(random.uniform(0.001, 0.008) * rate))] = 0
    tail *= np.sqrt(10 ** (-direct / 10) / np.maximum(np.square(tail).sum(), 1e-12))
    tail[0] = 1.0
    whole = tail.astype(np.float32)
    early = whole.copy()
    early[round(EARLY * rate) :] = 0
    return whole, early


def convolved(wave: np.ndarray, response: np.ndarray) -> np.ndarray:
    """The wave as it arrives, as long as it was."""
    from scipy.signal import oaconvolve

    return oaconvolve(wave, response)[: len(wave)].astype(np.float32)


def filtered(wave: np.ndarray, response: np.ndarray) -> np.ndarray:
    """The wave through a filter of zero phase, given as gains at N // 2 + 1 evenly spaced frequencies."""
    from scipy import fft

    return fft.irfft(fft.rfft(wave) * response.astype(np.float32), len(wave)).astype(np.float32)


def low_pass(count: int, rate: int, cutoff: float) -> np.ndarray:
    """Gains of a low-pass whose edge, centred on `cutoff` (Hz), is a tenth of it wide, for `filtered`."""
    frequency = np.fft.rfftfreq(count, 1 / rate)
    edge = np.clip((frequency - 0.95 * cutoff) / (0.1 * cutoff), 0, 1)
    return 0.5 + 0.5 * np.cos(np.pi * edge)


def colouration(random: Random, count: int, rate: int, depth: float) -> np.ndarray:
    """Gains of a random equaliser: a smooth curve through points an octave apart, within ± `depth` dB."""
    frequency = np.fft.rfftfreq(count, 1 / rate)
    octaves = np.log2(np.maximum(frequency, 31.25) / 31.25)
    points = random.uniform(-depth, depth, 10)
    return 10 ** (np.interp(octaves, np.arange(10), points) / 20)

"""Synthesised noise, so that a network trained on a few minutes of recorded noise knows others too. No torch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from vocoder.signal.manifest import Recording

Random = np.random.Generator


def coloured(random: Random, count: int, rate: int) -> np.ndarray:
    """Gaussian noise whose power falls by 0 (white) to 6 dB (brown) an octave."""
    spectrum = np.fft.rfft(random.standard_normal(count))
    frequency = np.maximum(np.fft.rfftfreq(count, 1 / rate), 20.0)
    return np.fft.irfft(spectrum * frequency ** (-random.uniform(0.0, 1.0)), count)


def gusts(random: Random, count: int, rate: int) -> np.ndarray:
    """Coloured noise that swells and fades: wind, traffic, waves."""
    points = max(2, round(count / rate * random.uniform(0.5, 8.0)) + 1)
    level = np.interp(np.linspace(0, points - 1, count), np.arange(points), random.uniform(-25, 0, points))
    return coloured(random, count, rate) * 10 ** (level / 20)


def hum(random: Random, count: int, rate: int) -> np.ndarray:
    """Harmonics of a mains or an engine, perhaps throbbing, in a little noise."""
    f0 = float(random.choice([50.0, 60.0, 100.0, 120.0])) if random.random() < 0.4 else random.uniform(30, 400)
    time = np.arange(count) / rate
    # an engine's revolutions drift
    phase = 2 * np.pi * f0 * (time + 0.02 * random.uniform() * np.sin(2 * np.pi * random.uniform(0.1, 2) * time))
    wave = np.zeros(count)
    for harmonic in range(1, min(40, int(0.45 * rate / f0)) + 1):
        if random.random() < 0.7:
            wave += harmonic ** (-random.uniform(0.3, 1.5)) * np.cos(harmonic * phase + random.uniform(0, 2 * np.pi))
    if random.random() < 0.4:
        wave *= 1 + random.uniform(0.2, 0.9) * np.sin(2 * np.pi * random.uniform(2, 30) * time)
    noise = coloured(random, count, rate)
    return wave + noise * np.std(wave) / np.std(noise) * random.uniform(0, 0.7)


def clicks(random: Random, count: int, rate: int) -> np.ndarray:
    """Knocks, keys, dishes, drops: resonances struck at random, or in a regular beat."""
    often = random.uniform(1.5, 25)  # a second
    if random.random() < 0.3:
        period = rate / min(often, 8)
        places = np.arange(random.uniform(0, period), count, period).astype(int)
    else:
        places = random.integers(0, count, max(1, random.poisson(often * count / rate)))
    struck = np.zeros(count)
    struck[places] = random.normal(size=len(places)) * 10 ** (random.uniform(-15, 0, len(places)) / 20)
    length = round(0.3 * rate)
    time = np.arange(length) / rate
    ring = random.standard_normal(length) * np.exp(-time / random.uniform(0.001, 0.03)) * random.uniform(0, 1)
    for _ in range(random.integers(1, 6)):
        frequency, decay = np.exp(random.uniform(np.log(200), np.log(0.45 * rate))), random.uniform(0.003, 0.08)
        ring += random.uniform() * np.sin(2 * np.pi * frequency * time) * np.exp(-time / decay)
    from scipy.signal import oaconvolve

    return oaconvolve(struck, ring)[:count]


def calls(random: Random, count: int, rate: int) -> np.ndarray:
    """Gliding tones that come and go: birds, sirens, beeps, a child crying."""
    time = np.arange(count) / rate
    wave = np.zeros(count)
    for _ in range(random.integers(1, 4)):
        points = max(2, round(count / rate * random.uniform(0.5, 6)) + 1)
        octaves = np.interp(
            np.linspace(0, points - 1, count), np.arange(points), random.uniform(-0.5, 0.5, points) * random.uniform()
        )
        f0 = np.exp(random.uniform(np.log(300), np.log(3000))) * 2**octaves
        f0 *= 1 + random.uniform(0, 0.03) * np.sin(2 * np.pi * random.uniform(4, 40) * time)
        phase = 2 * np.pi * np.cumsum(f0) / rate
        tone = sum(
            random.uniform() * h ** (-random.uniform(0, 2)) * np.sin(h * phase) * (h * f0 < 0.48 * rate)
            for h in range(1, 1 + int(random.integers(1, 8)))
        )
        gate = np.interp(
            np.linspace(0, 2 * points - 1, count),
            np.arange(2 * points),
            random.uniform(size=2 * points) > random.uniform(0.2, 0.8),
        )
        wave += tone * gate
    return wave


KINDS: tuple[Callable[[Random, int, int], np.ndarray], ...] = (coloured, gusts, hum, clicks, calls)


def synthesised(random: Random, count: int, rate: int) -> np.ndarray:
    """Noise of a random kind, (count,) float32 of RMS 0.1 (silence where nothing happened)."""
    wave = KINDS[random.integers(len(KINDS))](random, count, rate)
    return (0.1 * wave / max(float(np.sqrt(np.mean(wave**2))), 1e-9)).astype(np.float32)


class Synthesised:
    """Made-up noises in place of recorded ones: ten seconds each, whose numbers are their seeds."""

    COUNT, SECONDS = 64, 10

    def __init__(self, rate: int) -> None:
        self.sample_rate = rate
        self.rows = [Recording(f"synthesised {number}", Path("-")) for number in range(self.COUNT)]
        self.lengths = np.full(self.COUNT, self.SECONDS * rate)

    def read(self, index: int, start: int = 0, count: int | None = None) -> np.ndarray:
        """As `vocoder.signal.dataset.Recordings.read`."""
        wave = synthesised(np.random.default_rng(index), self.SECONDS * self.sample_rate, self.sample_rate)
        return wave[start:] if count is None else wave[start : start + count]

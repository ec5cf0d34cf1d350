"""Synthesised noises: what their names promise, always finite and as loud as asked."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import welch

from specgan.mixing import noises

RATE = 16_000


@pytest.mark.parametrize("kind", noises.KINDS)
def test_noises_are_sounds_and_differ(kind):
    waves = [kind(np.random.default_rng(seed), RATE, RATE) for seed in range(12)]
    assert all(wave.shape == (RATE,) and np.isfinite(wave).all() for wave in waves)
    assert sum(wave.std() > 0 for wave in waves) >= 11
    again = kind(np.random.default_rng(3), RATE, RATE)
    assert np.array_equal(again, waves[3]) and not np.array_equal(again, waves[4])


def test_the_slope_of_coloured_noise():
    slopes = []
    for seed in range(30):
        frequency, power = welch(noises.coloured(np.random.default_rng(seed), 4 * RATE, RATE), RATE, nperseg=1024)
        inside = (frequency > 100) & (frequency < 6000)
        slopes.append(np.polyfit(np.log2(frequency[inside]), 10 * np.log10(power[inside]), 1)[0])
    assert -6.5 < min(slopes) < -4.5 and -1.5 < max(slopes) < 0.5  # dB an octave, from brown to white


def test_a_hum_is_harmonic():
    """Most of its power lies in a comb of narrow lines; the strongest twentieth of white noise has a fifth of it."""
    flatness = []
    for seed in range(8):
        spectrum = np.abs(np.fft.rfft(noises.hum(np.random.default_rng(seed), RATE, RATE) * np.hanning(RATE))) ** 2
        strongest = np.sort(spectrum)[::-1]
        flatness.append(strongest[: len(spectrum) // 20].sum() / spectrum.sum())
    assert np.median(flatness) > 0.75


def test_one_loudness():
    levels = [np.sqrt(np.mean(noises.synthesised(np.random.default_rng(s), RATE, RATE) ** 2)) for s in range(20)]
    assert np.allclose([level for level in levels if level > 0], 0.1, rtol=1e-4)


def test_numbered_noises_read_like_recordings():
    made = noises.Synthesised(RATE)
    whole = made.read(5)
    assert len(whole) == made.lengths[5] == 10 * RATE
    assert np.array_equal(made.read(5, 300, 50), whole[300:350])
    assert np.array_equal(noises.Synthesised(RATE).read(5), whole)
    assert not np.array_equal(made.read(6), whole)

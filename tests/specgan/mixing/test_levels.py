"""Levels and SNRs, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from specgan.mixing.levels import active_power, at_snr, power

RATE = 16_000


def tone(level: float, seconds: float) -> np.ndarray:
    """A sine of that amplitude, in whole periods."""
    return (level * np.sin(2 * np.pi * 100 * np.arange(round(seconds * RATE)) / RATE)).astype(np.float32)


def test_pauses_do_not_count():
    speech = np.concatenate([np.zeros(RATE), tone(0.5, 1.0), np.zeros(2 * RATE)])
    assert power(speech) == pytest.approx(0.125 / 4, rel=1e-5)
    assert active_power(speech, RATE) == pytest.approx(0.125, rel=1e-5)
    # 31 dB below the loudest frames: no speech; 29 dB: speech
    for below, expected in ((31, 0.125), (29, 0.125 * (1 + 10**-2.9) / 2)):
        both = np.concatenate([tone(0.5, 1.0), tone(0.5 * 10 ** (-below / 20), 1.0)])
        assert active_power(both, RATE) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("snr", [-5.0, 0.0, 15.0])
def test_noise_at_an_snr(snr):
    speech = np.concatenate([np.zeros(RATE // 2), tone(0.5, 0.5)])
    noise = np.random.default_rng(0).normal(0, 3, RATE)
    scaled = at_snr(speech, noise, snr, RATE)
    assert 10 * np.log10(0.125 / np.mean(scaled**2)) == pytest.approx(snr, abs=1e-4)
    assert np.corrcoef(scaled, noise)[0, 1] == pytest.approx(1)


def test_silence_leaves_the_noise_alone():
    noise = tone(0.3, 0.1)
    assert np.array_equal(at_snr(np.zeros(1600, np.float32), noise, 5.0, RATE), noise)
    assert not at_snr(noise, np.zeros(1600, np.float32), 5.0, RATE).any()

"""Clipping told from what only looks like it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specgan.doctor.clipping import Clipping, find_clipping

TIME = np.arange(22_050) / 22_050


def test_counted_by_hand():
    wave = 0.1 * np.sin(2 * np.pi * 997 * TIME)
    wave[100:104] = 0.5
    wave[200:205] = -0.4
    found = find_clipping(wave)
    assert (found.runs, found.samples, found.longest, found.level) == (2, 9, 5, 0.5)


def test_a_clipped_sine_has_two_runs_a_period():
    found = find_clipping(np.clip(np.sin(2 * np.pi * 100 * TIME), -0.5, 0.5))
    assert found.runs == 200  # above 0.5 a sine is for a third of its period: 73.5 samples of 220.5
    assert found.longest in (73, 74)


@pytest.mark.parametrize("frequency", [20.0, 30.0, 100.0, 440.0, 3000.0])
@pytest.mark.parametrize("bits", [8, 16, 32])
def test_a_pure_tone_is_not_clipped(frequency, bits):
    tone = np.round(0.8 * np.sin(2 * np.pi * frequency * TIME) * 2 ** (bits - 1)) / 2 ** (bits - 1)
    assert find_clipping(tone) == Clipping()


@settings(max_examples=25, deadline=None)
@given(st.floats(0.05, 1.0), st.floats(0.3, 0.9), st.integers(0, 99))
def test_clipped_noise_is_found_at_any_level(level, share, seed):
    smooth = np.convolve(np.random.default_rng(seed).standard_normal(8000), np.hanning(16), "valid")
    smooth /= np.abs(smooth).max()
    assert find_clipping(level * smooth).runs == 0
    assert find_clipping(level * np.clip(smooth, -share, share)).runs > 0


def test_silence_and_faint_sound_are_not_clipped():
    assert find_clipping(np.zeros(1000)) == Clipping()
    assert find_clipping(np.full(1000, 2.0**-15)) == Clipping()

"""Rooms, low-passes and equalisers do to sines and impulses what their names say."""

from __future__ import annotations

import numpy as np
import pytest

from specgan.mixing.channel import colouration, convolved, filtered, low_pass, room_response

RATE = 16_000


def test_a_room_dies_away_in_its_time():
    whole, early = room_response(np.random.default_rng(0), RATE, 0.4, direct=3.0)
    assert whole[0] == 1 and not whole[1:16].any()  # the direct sound, and at least a millisecond before the first echo
    assert np.square(whole[1:]).sum() == pytest.approx(10**-0.3, rel=1e-5)
    # Schroeder's integral falls by 60 dB in t60: by 30 dB in half of it
    decay = 10 * np.log10(np.cumsum(np.square(whole[1:])[::-1])[::-1])
    half = round(0.2 * RATE)
    assert decay[400] - decay[400 + half] == pytest.approx(30, abs=1.5)
    end = round(0.05 * RATE)
    assert np.array_equal(early[:end], whole[:end]) and not early[end:].any() and whole[end:].any()


def test_convolution_keeps_time_and_length():
    wave, response = np.random.default_rng(1).normal(size=(2, 700)).astype(np.float32)
    np.testing.assert_allclose(convolved(wave, response), np.convolve(wave, response)[:700], atol=1e-4)
    assert np.allclose(convolved(wave, np.eye(1, 50, dtype=np.float32)[0]), wave, atol=1e-6)


def test_a_low_pass_lets_low_sines_pass():
    time = np.arange(RATE) / RATE
    response = low_pass(RATE, RATE, 4000.0)
    for frequency, gain in ((1000, 1.0), (3700, 1.0), (4000, 0.5), (4300, 0.0), (7000, 0.0)):
        wave = np.sin(2 * np.pi * frequency * time).astype(np.float32)
        np.testing.assert_allclose(filtered(wave, response), gain * wave, atol=1e-4)


def test_an_equaliser_keeps_within_its_depth():
    curves = [20 * np.log10(colouration(np.random.default_rng(seed), 8000, RATE, 6.0)) for seed in range(20)]
    assert all(np.abs(curve).max() <= 6 for curve in curves)
    assert np.std(curves, axis=0).min() > 1
    # smooth: not more than its whole range in an octave
    frequency = np.fft.rfftfreq(8000, 1 / RATE)
    octave = [np.searchsorted(frequency, hertz) for hertz in (1000, 1100)]
    assert all(abs(curve[octave[0]] - curve[octave[1]]) < 12 * np.log2(1.1) + 0.1 for curve in curves)

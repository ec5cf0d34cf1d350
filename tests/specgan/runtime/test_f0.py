"""Pitch at the frames of a mel: known sounds, exact lengths, and the interpolation by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.signal import lfilter

from specgan.runtime import f0
from specgan.runtime.f0 import Pitch, fundamental_frequency
from vocoder.signal import audio
from vocoder.signal.spec import PRESETS, MelSpec, preset

RATE, HOP = 22_050, 256
FIXTURES = Path(__file__).parents[2] / "fixtures"


def pulses(frequency: np.ndarray, rate: int = RATE) -> np.ndarray:
    """Harmonics below 5 kHz with the slope of a voice, of a frequency (Hz) given for every sample."""
    phase = 2 * np.pi * np.cumsum(frequency) / rate
    count = int(5000 / frequency.max())
    return (0.15 * sum(np.sin(k * phase) / k for k in range(1, count + 1))).astype(np.float32)


def vowel(frequency: float, seconds: float, rate: int = RATE) -> np.ndarray:
    """A steady voice through the formants of [a]: 730, 1090 and 2440 Hz (Peterson 1952), 90 Hz wide."""
    wave = pulses(np.full(int(seconds * rate), frequency), rate)
    for formant in (730, 1090, 2440):
        radius, angle = np.exp(-np.pi * 90 / rate), 2 * np.pi * formant / rate
        feedback = [1.0, -2 * radius * np.cos(angle), radius**2]
        wave = lfilter([sum(feedback)], feedback, wave)
    return (0.3 * wave / np.abs(wave).max()).astype(np.float32)


@pytest.mark.parametrize(("first", "last", "seconds"), [(90, 270, 0.8), (270, 90, 0.8), (400, 100, 0.6)])
def test_follows_a_glide_at_the_centre_of_every_frame(first, last, seconds):
    """Three octaves in two seconds: a frame read 10 ms too early or late would be more than 1 % off."""
    time = np.arange(int(seconds * RATE)) / RATE
    frames = -(-len(time) // HOP)
    frequency, voiced = fundamental_frequency(pulses(first * (last / first) ** (time / seconds)), RATE, HOP, frames)
    centres = (np.arange(frames) + 0.5) * HOP / RATE
    error = np.abs(frequency / (first * (last / first) ** (centres / seconds)) - 1)
    assert voiced[3:-3].all() and error[3:-3].max() < 0.01


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("pitch", [85.0, 130.0, 310.0])
def test_finds_the_pitch_of_a_vowel_at_the_frames_of_every_mel(pitch, name):
    spec = preset(name)
    wave = vowel(pitch, 0.7, spec.sample_rate)
    frequency, voiced = fundamental_frequency(wave, spec.sample_rate, spec.hop, spec.frames(len(wave)))
    inner = slice(spec.frames(spec.sample_rate // 20), -spec.frames(spec.sample_rate // 20))
    assert voiced[inner].all()
    np.testing.assert_allclose(frequency[inner], pitch, rtol=0.01)


def test_only_the_voice_is_voiced():
    """Silence, then 60 frames of a vowel, then noise: the borders are found within 3 frames."""
    noise = 0.02 * np.random.default_rng(0).standard_normal(60 * HOP)
    wave = np.concatenate([np.zeros(40 * HOP), vowel(150, 1.0)[: 60 * HOP], noise]).astype(np.float32)
    frequency, voiced = fundamental_frequency(wave, RATE, HOP, 160)
    assert voiced[43:97].all() and not voiced[:37].any() and not voiced[103:].any()
    assert (frequency[~voiced] == 0).all() and (frequency[voiced] > 0).all()
    frequency, voiced = fundamental_frequency(np.zeros(RATE, np.float32), RATE, HOP, 87)
    assert not voiced.any() and (frequency == 0).all()


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("samples", [0, 1, 255, 256, 257, 353, 5001])
def test_gives_as_many_frames_as_asked_for(samples, name):
    spec: MelSpec = preset(name)
    wave = vowel(200, 0.5, spec.sample_rate)[:samples]
    for frames in (spec.frames(samples), spec.frames(samples) + 3):
        frequency, voiced = fundamental_frequency(wave, spec.sample_rate, spec.hop, frames)
        assert frequency.shape == voiced.shape == (frames,) and voiced.dtype == bool
        assert np.isfinite(frequency).all()


def test_the_voice_may_last_to_the_last_frame():
    frequency, voiced = fundamental_frequency(vowel(200, 1.0)[: 70 * HOP - 17], RATE, HOP, 70)
    assert voiced[-2:].all()
    np.testing.assert_allclose(frequency[-2:], 200, rtol=0.01)


def test_a_shift_by_whole_hops_shifts_the_result():
    wave = audio.read_mono(FIXTURES / "kathleen" / "wavs" / "arctic_a0001.flac", RATE)
    frames = -(-len(wave) // HOP)
    frequency, voiced = fundamental_frequency(wave, RATE, HOP, frames)
    assert 0.3 < voiced.mean() < 0.9
    # 441 hops are 320 frames of the tracker, so all but the rounding of the resampler is the same
    for hops, agreeing, share, error in ((441, 1.0, 1.0, 1e-3), (5, 0.93, 0.9, 0.02)):
        shifted = np.concatenate([np.zeros(hops * HOP, np.float32), wave])
        later, still = fundamental_frequency(shifted, RATE, HOP, hops + frames)
        assert not still[:hops].any()
        assert (still[hops:] == voiced).mean() >= agreeing
        both = still[hops:] & voiced
        assert np.quantile(np.abs(np.log(later[hops:][both] / frequency[both])), share) < error


def test_interpolates_the_logarithm_between_voiced_frames_only(monkeypatch):
    """Mel frames of 8 ms lie at 1/4, 3/4, 5/4, … frames of the tracker; at 16 kHz these have 256 samples."""
    tracked = np.array([999.0, 100.0, 200.0, 888.0, 400.0, 777.0])
    known = Pitch(tracked, np.ones(6), np.array([False, True, True, False, True, False]))
    monkeypatch.setattr(f0, "track", lambda wave, rate: known)
    frequency, voiced = fundamental_frequency(np.zeros(8 * 128), 16_000, 128, 8)
    assert voiced.tolist() == [False, True, True, True, True, False, False, True]
    expected = [0, 100, 100 * 2**0.25, 100 * 2**0.75, 200 * 2**0.125, 0, 0, 200 * 2**0.875]
    np.testing.assert_allclose(frequency, expected)

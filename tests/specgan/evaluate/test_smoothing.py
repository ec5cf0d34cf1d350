"""The over-smoothing index on movements worked out by hand, and on a recording that is smoothed and roughened."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d

from specgan.evaluate.errors import NotMeasurable
from specgan.evaluate.smoothing import Smoothing, over_smoothing, stretches
from specgan.runtime.f0 import fundamental_frequency
from specgan.runtime.pipeline import Vocoder
from vocoder.signal import audio
from vocoder.signal.spec import preset

SPEC = preset("22k")
WAVS = Path(__file__).parents[2] / "fixtures" / "kathleen" / "wavs"

Utterances = list[tuple[np.ndarray, np.ndarray]]


@pytest.fixture(scope="module")
def speech() -> Utterances:
    """Log-mel and voiced frames of three recordings."""
    vocoder = Vocoder.load(threads=1)
    found = []
    for path in sorted(WAVS.glob("arctic_a000[1-3].flac")):
        wave = audio.read_mono(path, SPEC.sample_rate)
        mel = vocoder.analyse(wave)
        found.append((mel, fundamental_frequency(wave, SPEC.sample_rate, SPEC.hop, mel.shape[1])[1]))
    return found


def index(speech: Utterances, made: list[np.ndarray]) -> Smoothing:
    rows = [(mel, other, voiced) for (mel, voiced), other in zip(speech, made, strict=True)]
    return over_smoothing(rows, SPEC.frame_rate)


def smoothed(speech: Utterances, frames: float) -> list[np.ndarray]:
    return [gaussian_filter1d(mel, frames, axis=1) for mel, _ in speech]


def noisy(mels: list[np.ndarray], level: float) -> list[np.ndarray]:
    random = np.random.default_rng(0)
    return [mel + level * random.standard_normal(mel.shape) for mel in mels]


def test_of_the_recordings_themselves_is_one(speech: Utterances) -> None:
    assert index(speech, [mel for mel, _ in speech]) == Smoothing(1.0, 1.0, 1.0, 0.0)


def test_half_of_the_movement_by_hand(speech: Utterances) -> None:
    # a contrast of one half: half the deviation, a quarter of the energy
    found = index(speech, [0.5 * mel - 3 for mel, _ in speech])
    assert found.deviation == pytest.approx(0.5, abs=1e-4)
    assert found.modulation == pytest.approx(0.25, abs=1e-4)
    assert found.index == pytest.approx(0.5, abs=1e-4)


def test_energy_of_sinusoids_by_hand() -> None:
    # 2 Hz is not counted, 10 Hz is: with its amplitude from 1 to 0.6 the energy falls to 0.36,
    # and the variance from (3² + 1²)/2 to (3² + 0.6²)/2
    time = np.arange(400) / 100.0
    slow, fast = 3 * np.sin(2 * np.pi * 2 * time), np.sin(2 * np.pi * 10 * time)
    found = over_smoothing([((slow + fast)[None], (slow + 0.6 * fast)[None], np.ones(400, bool))], 100.0)
    assert found.modulation == pytest.approx(0.36, abs=0.005)
    assert found.deviation == pytest.approx(np.sqrt(9.36 / 10), abs=1e-3)
    assert found.index == pytest.approx((np.sqrt(9.36 / 10) + 0.6) / 2, abs=0.005)


def test_utterances_are_added_up_before_the_ratio() -> None:
    # energies 1 → 1 and 9 → 0: 1/10 of all, though the mean of the two ratios is 1/2
    wave = np.sin(2 * np.pi * 10 * np.arange(200) / 100.0)[None]
    everywhere = np.ones(200, bool)
    found = over_smoothing([(wave, wave, everywhere), (3 * wave, 0 * wave, everywhere)], 100.0)
    assert found.modulation == pytest.approx(0.1, abs=1e-6)


def test_smoothing_in_time_lowers_it(speech: Utterances) -> None:
    mild, strong = (index(speech, smoothed(speech, frames)).index for frames in (1, 3))
    assert strong < 0.75
    assert strong < mild - 0.1 < 0.85


def test_smoothing_over_bands_lowers_it(speech: Utterances) -> None:
    assert index(speech, [gaussian_filter1d(mel, 2, axis=0) for mel, _ in speech]).index < 0.9


@pytest.mark.parametrize("level", [0.1, 0.3, 1.0])
def test_noise_does_not_pass_for_detail(speech: Utterances, level: float) -> None:
    flat = smoothed(speech, 2)
    found = index(speech, noisy(flat, level))
    assert found.index < index(speech, flat).index + 0.05
    assert found.index < 0.85
    # the recordings have a little of their own above 32 Hz, which is not taken for noise
    assert level - 0.1 < found.noise < 1.05 * level


def test_what_is_not_voiced_does_not_count(speech: Utterances) -> None:
    random = np.random.default_rng(0)
    made = [np.where(voiced, mel, random.standard_normal(mel.shape)) for mel, voiced in speech]
    assert index(speech, made) == Smoothing(1.0, 1.0, 1.0, 0.0)


def test_stretches() -> None:
    mask = np.zeros(700, bool)
    mask[3:15] = mask[20:31] = mask[100:700] = True
    # 12 frames, 11 frames (too short), 600 frames (cut at 512)
    assert stretches(mask) == [(3, 15), (100, 612)]


def test_nothing_voiced_has_no_value() -> None:
    mel = np.random.default_rng(0).standard_normal((80, 50))
    with pytest.raises(NotMeasurable, match="12 frames"):
        over_smoothing([(mel, mel, np.zeros(50, bool))], SPEC.frame_rate)
    with pytest.raises(NotMeasurable, match="12 frames"):
        over_smoothing([], SPEC.frame_rate)
    with pytest.raises(NotMeasurable, match="does not move"):
        over_smoothing([(0 * mel, mel, np.ones(50, bool))], SPEC.frame_rate)


def test_mels_of_two_lengths_are_an_error() -> None:
    with pytest.raises(ValueError, match=r"\(80, 50\), \(80, 49\)"):
        over_smoothing([(np.zeros((80, 50)), np.zeros((80, 49)), np.ones(50, bool))], SPEC.frame_rate)

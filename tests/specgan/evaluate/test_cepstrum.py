"""Mel-cepstra and their distance along a path, by hand and on a recording."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from specgan.evaluate.cepstrum import mel_cepstral_distance, mel_cepstrum, warping_path
from specgan.runtime.pipeline import Vocoder
from vocoder.signal import audio

SPEECH = Path(__file__).parents[2] / "fixtures" / "kathleen" / "wavs" / "arctic_a0001.flac"
BANDS = 80


def cosine(order: int) -> np.ndarray:
    return np.cos(np.pi * order * (np.arange(BANDS) + 0.5) / BANDS)


def straight(frames: int) -> np.ndarray:
    return np.stack([np.arange(frames)] * 2, axis=1)


@pytest.fixture(scope="module")
def mel() -> np.ndarray:
    return Vocoder.load(threads=1).analyse(audio.read_mono(SPEECH, 22_050))


def test_cepstrum_of_cosines_by_hand() -> None:
    # ln|H| = 5 + 0.7 cos(ω) − 0.2 cos(13 ω) + cos(14 ω): c₀ and c₁₄ are left out
    column = 5 + 0.7 * cosine(1) - 0.2 * cosine(13) + cosine(14)
    wanted = np.zeros(13)
    wanted[0], wanted[12] = 0.7, -0.2
    assert mel_cepstrum(column[:, None])[:, 0] == pytest.approx(wanted, abs=1e-12)


def test_distance_by_hand_is_the_difference_of_the_envelopes_in_decibels() -> None:
    reference = np.zeros((BANDS, 4))
    other = reference + 0.3 * cosine(2)[:, None]
    other[:, 2:] += 7  # the level does not count
    found = mel_cepstral_distance(mel_cepstrum(reference), mel_cepstrum(other), straight(4))
    # 10/ln 10 · √2 · 0.3
    assert found == pytest.approx(1.8425, abs=1e-4)
    assert found == pytest.approx(20 / np.log(10) * np.sqrt(np.mean((0.3 * cosine(2)) ** 2)))


def test_mean_over_the_path() -> None:
    reference, other = np.zeros((13, 2)), np.zeros((13, 3))
    other[0, 2] = 1.0
    path = np.array([[0, 0], [0, 1], [1, 1], [1, 2]])
    assert mel_cepstral_distance(reference, other, path) == pytest.approx(10 / np.log(10) * np.sqrt(2) / 4)


def test_path_undoes_a_change_of_pace(mel: np.ndarray) -> None:
    own = mel_cepstrum(mel)
    slow = np.repeat(own, 2, axis=1)
    path = warping_path(own, slow)
    assert path[0].tolist() == [0, 0] and path[-1].tolist() == [own.shape[1] - 1, slow.shape[1] - 1]
    assert (np.diff(path, axis=0) >= 0).all() and (np.diff(path, axis=0) <= 1).all()
    assert mel_cepstral_distance(own, slow, path) == pytest.approx(0, abs=1e-9)
    assert mel_cepstral_distance(own, slow[:, : own.shape[1]], straight(own.shape[1])) > 3


def test_more_noise_is_further_away(mel: np.ndarray) -> None:
    own, random = mel_cepstrum(mel), np.random.default_rng(0)
    distances = []
    for level in (0.0, 0.3, 1.0):
        other = mel_cepstrum(mel + level * random.standard_normal(mel.shape))
        distances.append(mel_cepstral_distance(own, other, warping_path(own, other)))
    assert distances[0] == 0
    assert distances[1] < distances[2]

"""One speaker is closer to herself than to another; short utterances are pooled."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from specgan.evaluate.errors import NotMeasurable
from specgan.evaluate.speaker import Speech, pooled, similarities, similarity, speech
from vocoder.signal import audio

FIXTURES = Path(__file__).parents[2] / "fixtures"
RATE = 22_050


def of(recording: str) -> Speech:
    return speech(audio.read_mono(FIXTURES / recording, RATE), RATE)


def test_tells_two_speakers_apart() -> None:
    first, second, third = (of(f"kathleen/wavs/arctic_a000{n}.flac") for n in (1, 2, 3))
    linda = of("ljspeech/wavs/LJ001-0013.flac")
    rest = second.embedding + third.embedding
    assert similarity(first.embedding, rest) > 0.85
    assert similarity(linda.embedding, rest) < similarity(first.embedding, rest) - 0.15
    recording = audio.info(FIXTURES / "kathleen/wavs/arctic_a0001.flac")
    assert 1 < first.seconds <= recording.samples / recording.rate


def test_similarity_by_hand() -> None:
    assert similarity(np.array([3.0, 3.0]), np.array([2.0, 0.0])) == pytest.approx(np.sqrt(0.5))


def test_does_not_guess() -> None:
    with pytest.raises(NotMeasurable, match="silent"):
        speech(np.zeros(RATE, np.float32), RATE)
    with pytest.raises(NotMeasurable, match="no speech"):
        speech(np.full(RATE, 1e-4, np.float32), RATE)


@pytest.mark.parametrize(
    ("seconds", "groups"),
    [
        ([2, 3, 6, 1], [[0, 1], [2, 3]]),  # a rest joins the last group
        ([2, 2.9], []),
        ([], []),
        ([5], [[0]]),
        ([4, 4, 4, 4], [[0, 1], [2, 3]]),
    ],
)
def test_groups_have_five_seconds(seconds: list[float], groups: list[list[int]]) -> None:
    assert pooled(seconds) == groups


X, Y = np.array([1.0, 0.0]), np.array([0.0, 1.0])


def test_similarities_by_hand() -> None:
    recordings = {"a": Speech(3, 3 * X), "b": Speech(3, 3 * Y), "c": Speech(6, 6 * X)}
    made = {"a": Speech(2, 2 * X), "b": Speech(3, 2 * X), "c": Speech(6, Y)}
    found = similarities(made, recordings, dict.fromkeys("abc", "anna"))
    # a and b have 5 s together: 4x against 3x + 3y, and against c
    assert found.recording == {"a": pytest.approx(np.sqrt(0.5)), "c": 0}
    assert found.voice == {"a": 1, "c": pytest.approx(np.sqrt(0.5))}


def test_speakers_are_not_mixed_and_other_texts_have_no_recording() -> None:
    recordings = {"a": Speech(6, X), "b": Speech(6, Y)}
    made = {"one": Speech(3, X), "two": Speech(3, X), "three": Speech(9, X)}
    speakers = {"a": "anna", "b": "ben", "one": "anna", "two": "ben", "three": "ben"}
    found = similarities(made, recordings, speakers)
    assert found.recording == {}
    assert found.voice == {"two": 0}  # anna says too little, ben's two utterances are one group


def test_less_than_five_seconds_is_no_value() -> None:
    assert similarities({"a": Speech(4.9, X)}, {"a": Speech(9, X)}, {"a": None}) == ({}, {})

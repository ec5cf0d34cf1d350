"""One speaker is closer to herself than to another."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from specgan.evaluate.errors import NotMeasurable
from specgan.evaluate.speaker import embedding, mean_voice, similarity
from vocoder.signal import audio

FIXTURES = Path(__file__).parents[2] / "fixtures"
RATE = 22_050


def of(*recordings: str) -> list[np.ndarray]:
    return [embedding(audio.read_mono(FIXTURES / recording, RATE), RATE) for recording in recordings]


def test_tells_two_speakers_apart() -> None:
    kathleen = of(*(f"kathleen/wavs/arctic_a000{n}.flac" for n in (1, 2, 3)))
    linda = of("ljspeech/wavs/LJ001-0013.flac")[0]
    own = [similarity(one, mean_voice(kathleen)) for one in kathleen]
    assert min(own) > 0.85
    assert similarity(linda, mean_voice(kathleen)) < min(own) - 0.15
    assert similarity(kathleen[0], kathleen[0]) == pytest.approx(1)


def test_mean_voice_by_hand() -> None:
    mean = mean_voice([np.array([1.0, 0.0]), np.array([0.0, 1.0])])
    assert mean == pytest.approx([np.sqrt(0.5)] * 2)
    assert similarity(mean, np.array([2.0, 0.0])) == pytest.approx(np.sqrt(0.5))


def test_does_not_guess() -> None:
    with pytest.raises(NotMeasurable, match="silent"):
        embedding(np.zeros(RATE, np.float32), RATE)
    with pytest.raises(NotMeasurable, match="no speech"):
        embedding(np.full(RATE, 1e-4, np.float32), RATE)

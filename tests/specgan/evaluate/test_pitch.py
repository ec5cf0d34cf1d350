"""The pitch track on synthetic sound, and against librosa's pYIN on speech."""

from __future__ import annotations

from pathlib import Path

import librosa
import numpy as np
import pytest

from specgan.evaluate import pitch
from specgan.evaluate.errors import NotMeasurable
from vocoder.signal import audio

RATE = 22_050
FIXTURES = Path(__file__).parents[2] / "fixtures"


def sawtooth(frequency: float, rate: int) -> np.ndarray:
    return (0.4 * (2 * (frequency * np.arange(rate) / rate % 1) - 1)).astype(np.float32)


@pytest.mark.parametrize("rate", [16_000, 22_050, 44_100])
@pytest.mark.parametrize("frequency", [80.0, 200.0, 400.0])
def test_finds_the_frequency_at_any_rate(frequency: float, rate: int) -> None:
    found = pitch.track(sawtooth(frequency, rate), rate)
    assert len(found.frequency) == len(found.periodicity) == len(found.voiced) == 16_000 // 256
    inner = slice(4, -4)
    assert found.voiced[inner].all()
    assert np.abs(1200 * np.log2(found.frequency[inner] / frequency)).max() < 30


def test_noise_and_silence_are_unvoiced() -> None:
    noise = np.random.default_rng(0).standard_normal(RATE).astype(np.float32)
    assert pitch.track(0.1 * noise, RATE).voiced.mean() < 0.02
    silence = pitch.track(np.zeros(RATE, np.float32), RATE)
    assert not silence.voiced.any()
    assert (silence.periodicity == 0).all()


@pytest.mark.parametrize("recording", ["kathleen/wavs/arctic_a0001.flac", "ljspeech/wavs/LJ001-0013.flac"])
def test_agrees_with_pyin_on_speech(recording: str) -> None:
    wave = audio.read_mono(FIXTURES / recording, 16_000)
    found = pitch.track(wave, 16_000)
    # both have a frame centred on every 256th sample; pYIN calls more frames voiced, creaks among them
    frequency, voiced, _ = librosa.pyin(wave, fmin=50, fmax=550, sr=16_000, frame_length=1024, hop_length=256)
    voiced, frequency = voiced[: len(found.voiced)], frequency[: len(found.voiced)]
    both = voiced & found.voiced
    assert both.sum() > 0.9 * found.voiced.sum()
    assert np.median(np.abs(1200 * np.log2(found.frequency[both] / frequency[both]))) < 25


def test_too_short_for_a_frame() -> None:
    with pytest.raises(NotMeasurable, match="16 ms"):
        pitch.track(np.zeros(300, np.float32), RATE)
    with pytest.raises(NotMeasurable, match="16 ms"):
        pitch.track(np.zeros(0, np.float32), RATE)

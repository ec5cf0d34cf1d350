"""Measures of one utterance: side by side, along a warped path, by what is heard."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from specgan.evaluate import take as takes
from specgan.evaluate.errors import NotMeasurable
from specgan.evaluate.measures import MEASURES
from specgan.evaluate.pitch import Pitch, pairs
from specgan.evaluate.score import row_of
from specgan.evaluate.sound import Sound
from specgan.evaluate.take import Take
from vocoder.signal import audio

SPEECH = Path(__file__).parents[2] / "fixtures" / "kathleen" / "wavs" / "arctic_a0008.flac"
RATE = 22_050
NETWORKS = {"mos", "dnsmos", "wer", "cer"}
QUICK = [name for name, measure in MEASURES.items() if measure.compute and name not in NETWORKS]


@pytest.fixture(scope="module")
def speech() -> Sound:
    return Sound(audio.read_mono(SPEECH, RATE), RATE)


def test_a_recording_is_at_no_distance_from_itself(speech: Sound) -> None:
    row = row_of("a", Take(Sound(speech.wave, RATE), speech, aligned=True), QUICK)
    found = row.values
    for name in ("multi_resolution_stft", "long_window_stft", "mcd", "f0_error", "periodicity_error"):
        assert found[name] == pytest.approx(0, abs=1e-9), name
    for name in ("stoi", "voicing_f1", "duration_ratio"):
        assert found[name] == pytest.approx(1, abs=1e-6), name
    assert found["pesq"] == pytest.approx(4.64, abs=0.01)
    assert set(row.left_out) == {"si_sdr"}
    assert found["real_time_factor"] is None


def test_pace_is_warped_away_and_pitch_is_not(speech: Sound) -> None:
    slow = Sound(audio.resample(np.repeat(speech.wave, 2), RATE, 16_000), 16_000)  # half the pace, an octave lower
    slow = Sound(audio.resample(slow.wave, 16_000, RATE), RATE)
    take = Take(slow, speech, aligned=False, seconds=0.1 * slow.seconds)
    frames = np.arange(speech.cepstrum.shape[1])
    take.path = np.stack([frames, 2 * frames], axis=1)  # that an octave does not lead the warping astray is not asked
    row = row_of("a", take, QUICK)
    assert row.values["f0_error"] == pytest.approx(1200, rel=0.05)
    assert row.values["voicing_f1"] > 0.85
    assert row.values["duration_ratio"] == pytest.approx(2, rel=0.02)
    assert row.values["mcd"] > 3
    assert row.values["real_time_factor"] == pytest.approx(0.1)
    assert row.values["pesq"] is None and row.left_out == {}  # that it runs beside the recording is not claimed
    row = row_of("a", Take(slow, speech, aligned=True), ["pesq"])
    assert row.left_out == {"pesq": "not as long as the recording"}


def test_silence_and_crumbs_have_reasons_and_no_values(speech: Sound) -> None:
    silence, crumb = (Sound(np.zeros(size, np.float32), RATE) for size in (len(speech.wave), 100))
    row = row_of("a", Take(silence, speech, aligned=True), QUICK)
    measured = {name for name, value in row.values.items() if value is not None}
    # a silent wave has a spectrum, and no periodicity
    assert measured == {"multi_resolution_stft", "long_window_stft", "voicing_f1", "periodicity_error"}
    assert row.left_out["pesq"] == row.left_out["mcd"] == row.left_out["duration_ratio"] == "silent"
    row = row_of("a", Take(crumb, crumb, aligned=True), QUICK)
    assert not any(value is not None for value in row.values.values())


def test_padding_of_another_program_is_cut(speech: Sound) -> None:
    longer = Sound(np.append(speech.wave, np.zeros(1000, np.float32)), RATE)
    assert Take(longer, speech, aligned=True).waves[1].shape == speech.wave.shape
    with pytest.raises(NotMeasurable, match="not as long"):
        _ = Take(Sound(np.append(longer.wave, longer.wave[:200]), RATE), speech, aligned=True).waves


def test_without_a_recording_only_what_needs_none(speech: Sound) -> None:
    row = row_of("a", Take(speech, None, aligned=False, seconds=1.0), QUICK)
    assert {name for name, value in row.values.items() if value is not None} == {"real_time_factor"}
    assert row.left_out == {}


def test_error_rates_weigh_by_words_and_keep_what_was_heard(speech: Sound, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def hear(wave: np.ndarray, rate: int, language: str) -> str:
        asked.append((len(wave), rate, language))
        return "Gad, your letter came just in thyme."

    monkeypatch.setattr(takes, "recogniser", lambda folder: SimpleNamespace(hear=hear))
    take = Take(speech, None, aligned=False, accepted="{ God / Gad }, your letter came just in time.", language="en")
    row = row_of("a", take, ["wer", "cer"])
    assert row.values["wer"] == pytest.approx(100 / 7) and row.weights["wer"] == 7
    assert 0 < row.values["cer"] < row.values["wer"] and row.weights["cer"] == len("gad your letter came just in time")
    assert row.details == {"heard": "Gad, your letter came just in thyme."}
    assert asked == [(len(speech.wave), RATE, "en")]


def test_frames_of_a_path_by_hand() -> None:
    track = Pitch(np.zeros(10), np.zeros(10), np.zeros(10, bool))
    short = Pitch(np.zeros(3), np.zeros(3), np.zeros(3, bool))
    # frames of 10 ms centred on 5, 25 and 95 ms lie at 0.31, 1.56 and 5.94 frames of 16 ms
    first, second = pairs(np.array([[0, 0], [2, 2], [9, 9]]), 0.010, track, short)
    assert first.tolist() == [0, 2, 6]
    assert second.tolist() == [0, 2, 2]  # none beyond the last


def test_every_measure_says_what_it_is() -> None:
    for name, measure in MEASURES.items():
        assert measure.note and measure.group and measure.title, name
        assert not measure.aligned or measure.against

"""The table of systems that speak: what is measured for which, and how it is added up."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from specgan.evaluate import naturalness
from specgan.evaluate.errors import NotMeasurable
from specgan.evaluate.report import Results
from specgan.evaluate.speech import AGAINST_RECORDING, MEASURES, Prompt, Spoken, evaluate_speech, speak
from vocoder.errors import InputError
from vocoder.signal import audio

WAVS = Path(__file__).parents[2] / "fixtures" / "kathleen" / "wavs"
RATE = 22_050
TEXTS = {
    "arctic_a0008": "Gad, your letter came just in time.",
    "arctic_a0004": "Lord, but I'm glad to see you again, Phil.",
}


class Listener:
    """A recogniser that hears the first prompt right, the second with one word wrong, and silence as nothing."""

    language = "en"

    def __init__(self) -> None:
        self.answers = list(TEXTS.values())
        self.count = 0

    def hear(self, wave: np.ndarray, rate: int) -> str:
        self.count += 1
        text = self.answers[(self.count - 1) % 2]
        return "" if not np.any(wave) else text.replace("glad", "sad")


@pytest.fixture(scope="module")
def prompts() -> list[Prompt]:
    return [Prompt(id, text, text, audio.read_mono(WAVS / f"{id}.flac", RATE)) for id, text in TEXTS.items()]


@pytest.fixture(scope="module")
def no_opinion() -> Iterator[None]:
    """The predictors of opinion scores are tested elsewhere, and slow."""

    def score(wave: np.ndarray, rate: int) -> float:
        if not np.any(wave):
            raise NotMeasurable("silent")
        return 3.0

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(naturalness, "distilled_mos", score)
        patch.setattr(naturalness, "dnsmos", score)
        yield


@pytest.fixture(scope="module")
def results(prompts: list[Prompt], no_opinion: None) -> Results:
    def slow(prompt: Prompt) -> Spoken:
        wave = audio.resample(np.repeat(prompt.recording, 2), RATE, 16_000)  # half the pace, an octave lower
        return Spoken(wave, 16_000, 0.1 * len(wave) / 16_000)

    spoken = {
        "the recordings": [Spoken(prompt.recording, RATE, None) for prompt in prompts],
        "slow": [slow(prompt) for prompt in prompts],
        "silent": [Spoken(np.zeros(RATE, np.float32), RATE, 0.5) for _ in prompts],
    }
    return evaluate_speech(spoken, prompts, Listener())


def test_recordings_are_at_no_distance_from_themselves(results: Results) -> None:
    means = {name: results.summary("the recordings", name).mean for name in MEASURES}
    assert (means["mcd"], means["f0_error"], means["voicing_error"]) == (0, 0, 0)
    assert means["similarity"] == pytest.approx(1)
    assert 0.7 < means["voice_similarity"] < 0.999
    assert means["real_time_factor"] is None


def test_error_rates_are_all_edits_over_all_words(results: Results) -> None:
    # 7 words without an error, 10 ("I'm" is two) with one: 1/17, not the mean of 0 and 1/10
    assert [row.values["wer"] for row in results.systems["the recordings"]] == [0, pytest.approx(10)]
    assert results.summary("the recordings", "wer").mean == pytest.approx(100 / 17)
    assert results.summary("silent", "wer").mean == 100
    assert results.systems["slow"][1].details["heard"] == "Lord, but I'm sad to see you again, Phil."


def test_pace_is_warped_away_and_pitch_is_not(results: Results) -> None:
    # one octave is 1200 cents
    assert results.summary("slow", "f0_error").mean == pytest.approx(1200, rel=0.1)
    assert results.summary("slow", "mcd").mean > 3
    assert results.summary("slow", "similarity").mean < 0.9
    assert results.summary("slow", "real_time_factor").mean == pytest.approx(0.1)


def test_what_has_no_value_has_a_reason(results: Results) -> None:
    row = results.systems["silent"][0]
    assert {name for name, value in row.values.items() if value is not None} == {"wer", "cer", "real_time_factor"}
    assert row.left_out["mos"] == row.left_out["mcd"] == row.left_out["similarity"] == "silent"
    assert "silent: MCD (dB) left out for 2 of 2 (silent)." in results.markdown()
    assert "of real-time factor the median" in results.markdown()


def test_without_recordings_there_is_nothing_to_compare_with(prompts: list[Prompt], no_opinion: None) -> None:
    alone = [Prompt("one", "Gad, your letter came just in time.", "{ God / Gad }, your letter came just in time.")]
    results = evaluate_speech({"it": [Spoken(prompts[0].recording, RATE, 1.0)]}, alone, Listener())
    assert set(results.metrics) == set(MEASURES) - set(AGAINST_RECORDING)
    assert results.summary("it", "wer").mean == 0


def test_a_recording_without_speech_is_an_error_that_names_it(no_opinion: None) -> None:
    prompt = Prompt("empty_1", "a", "a", np.zeros(RATE, np.float32))
    with pytest.raises(InputError, match="empty_1: its recording is of no use"):
        evaluate_speech({"it": [Spoken(np.ones(RATE, np.float32), RATE, 1.0)]}, [prompt], Listener())


class TestSpeak:
    def test_takes_turns_and_is_warm(self, prompts: list[Prompt]) -> None:
        calls: list[str] = []

        def system(name: str):
            def say(prompt: Prompt) -> tuple[np.ndarray, int]:
                if not any(call.startswith(name) for call in calls):
                    time.sleep(0.2)  # loading
                calls.append(f"{name} {prompt.id}")
                return np.ones(100, np.float32), 16_000

            return say

        spoken = speak({"a": system("a"), "b": system("b")}, prompts)
        first, second = TEXTS
        assert calls == [f"a {first}", f"b {first}", f"a {first}", f"b {first}", f"a {second}", f"b {second}"]
        assert all(0 <= one.seconds < 0.1 for one in spoken["a"] + spoken["b"])
        assert all(one.rate == 16_000 for one in spoken["b"])

    def test_a_recording_took_no_time(self, prompts: list[Prompt]) -> None:
        assert speak({"it": lambda prompt: (prompt.recording, RATE)}, prompts)["it"][0].seconds is None

    @pytest.mark.parametrize("wave", [np.zeros(0, np.float32), np.array([0.0, np.nan]), np.zeros((2, 5))])
    def test_no_sound_is_an_error_that_names_system_and_prompt(self, prompts: list[Prompt], wave: np.ndarray) -> None:
        with pytest.raises(InputError, match="broken: arctic_a0008: made no sound"):
            speak({"broken": lambda prompt: (wave, RATE)}, prompts)

    def test_nothing_to_say_is_an_error(self) -> None:
        with pytest.raises(InputError, match="no prompt"):
            speak({"it": lambda prompt: (np.ones(5), RATE)}, [])

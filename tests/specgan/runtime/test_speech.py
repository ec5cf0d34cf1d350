"""Speaking: durations, prosody, pieces, joins, worked out by hand on a voice of a few numbers."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import specgan
from specgan.runtime.script import LONGEST, portions
from specgan.runtime.speech import PAUSES, Voice, whole_frames
from specgan.text.lexicon import Lexicon
from specgan.text.phonemes import phonemise
from specgan.text.sentences import prepare_text
from specgan.text.symbols import tokenise
from specgan.torch_backend import TorchVoice
from tests.specgan import tiny_voice
from tests.specgan.tiny_voice import DURATIONS, ENERGY, MIX, PHONE, PITCH, SPEAKER, STRESS, SYMBOLS, write
from vocoder.errors import InputError

ROOT = Path(__file__).parents[3]
ONE = "ðə kwˈɪk fˈɑːks, dʒˈʌmps."
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # other work may share the processor
LONG = " ".join(["ðə kwˈɪk bɹˈaʊn fˈɑːks dʒˈʌmps ˌoʊvɚ ðə lˈeɪzi dˈɑːɡ"] * 6) + "."  # 300 letters


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("voices") / "tiny")


@pytest.fixture
def voice(folder: Path) -> Voice:
    return specgan.load(folder, threads=1)


class Watched:
    """A model that remembers how many frames each function was given."""

    def __init__(self, voice: Voice) -> None:
        self.model = voice.model
        self.name, self.spec, self.config = voice.model.name, voice.model.spec, voice.model.config
        self.receptive_field = voice.model.receptive_field
        self.seen: list[tuple[str, int]] = []

    def run(self, function: str, *inputs: np.ndarray) -> list[np.ndarray]:
        self.seen.append((function, inputs[0].shape[-1]))
        return self.model.run(function, *inputs)


def lengths(ipa: str) -> np.ndarray:
    """Unrounded frames of each token."""
    return DURATIONS[SYMBOLS.ids(tokenise(ipa))[0]].astype(np.float64)


# -- durations --------------------------------------------------------------------------------------------------------


def test_the_remainder_of_a_rounding_goes_to_the_next():
    #                                        1.4→1, 1.4+.4→2, 1.4−.2→1, 0.2+.2→1 at least, then 5 → 8
    assert whole_frames(np.array([1.4, 1.4, 1.4, 0.2]), 1).tolist() == [1, 2, 1, 1]
    assert whole_frames(np.array([1.4, 1.4, 1.4, 0.2]), 4).tolist() == [1, 2, 1, 4]
    assert whole_frames(np.array([0.25] * 4 + [9.0]), 1).tolist() == [1, 1, 1, 1, 6]  # the last pays the others back


@UNHURRIED
@given(st.lists(st.floats(0.01, 50), min_size=1, max_size=60), st.sampled_from([1, 4]))
def test_frames_are_as_many_as_the_durations_say(given_lengths, multiple):
    frames = whole_frames(np.array(given_lengths), multiple)
    assert frames.min() >= 1 and frames.sum() % multiple == 0
    if min(given_lengths) >= 1:
        assert -0.5 - 1e-9 <= frames.sum() - sum(given_lengths) <= 0.5 + multiple - 1 + 1e-9


@pytest.mark.parametrize(("speed", "factor"), [(0.5, 2), (1, 1), (2, 0.5)])
def test_speed_divides_durations(voice, speed, factor):
    wanted = whole_frames(lengths(LONG) * factor, 4)
    mel = voice.draw(LONG, phonemes=True, speed=speed).mel
    assert mel.shape == (4, wanted.sum())
    assert len(voice.speak(LONG, phonemes=True, speed=speed)) == wanted.sum() * 64


# -- what is drawn ----------------------------------------------------------------------------------------------------


def coarse_by_hand(ipa: str, speaker: int, pitch: float = 0.0, energy: float = 0.0) -> np.ndarray:
    phones, stress, unknown = SYMBOLS.ids(tokenise(ipa))
    assert not unknown
    text = PHONE[phones] + STRESS[stress] + SPEAKER[speaker]
    prosody = PITCH[phones] + pitch * (PITCH[phones] != 0) + ENERGY[phones] + energy
    tokens = MIX @ text.T + prosody + SPEAKER[speaker].sum()
    return np.repeat(tokens, whole_frames(DURATIONS[phones].astype(np.float64), 4), axis=1)


@pytest.mark.parametrize(("name", "speaker"), [(None, 0), ("anna", 0), ("ben", 1)])
def test_each_frame_gets_its_phones_stress_and_speaker(voice, name, speaker):
    coarse = voice.draw(ONE, phonemes=True, speaker=name).coarse
    np.testing.assert_allclose(coarse, coarse_by_hand(ONE, speaker), atol=1e-5)


def test_pitch_and_energy_are_factors_in_the_units_of_the_speaker(voice):
    louder = voice.draw(ONE, phonemes=True, energy=2.0).coarse
    np.testing.assert_allclose(louder, coarse_by_hand(ONE, 0, energy=np.log(2) / 2.0), atol=1e-5)
    lower = voice.draw(ONE, phonemes=True, pitch=0.5, speaker="ben").coarse  # unvoiced phones stay at 0
    np.testing.assert_allclose(lower, coarse_by_hand(ONE, 1, pitch=np.log(0.5) / 0.2), atol=1e-5)


def test_the_seed_decides_the_noise_and_each_sentence_has_its_own(voice):
    twice = f"{ONE} {ONE}"
    first = voice.speak(twice, phonemes=True, seed=3)
    assert np.array_equal(voice.speak(twice, phonemes=True, seed=3), first)
    assert not np.array_equal(voice.speak(twice, phonemes=True, seed=4), first)
    _, second, third, _ = (drawn.mel for drawn in voice.sentences(" ".join([ONE] * 4), phonemes=True))
    assert second.shape == third.shape and np.std(second - third) > 1  # the difference of two standard normals


def test_a_picture_in_pieces_is_the_whole_picture(voice):
    watched = Watched(voice)
    pieces = Voice(watched, picture=28, chunk=10)
    whole = Voice(voice.model, picture=10**6, chunk=10**6)
    np.testing.assert_allclose(pieces.draw(LONG, phonemes=True).mel, whole.draw(LONG, phonemes=True).mel, atol=1e-5)
    np.testing.assert_allclose(pieces.speak(LONG, phonemes=True), whole.speak(LONG, phonemes=True), atol=1e-6)
    two = Voice(Watched(voice), picture=whole.draw(LONG, phonemes=True).mel.shape[1] * 2 // 3, chunk=10)
    np.testing.assert_allclose(two.draw(LONG, phonemes=True).mel, whole.draw(LONG, phonemes=True).mel, atol=1e-5)
    assert [function for function, _ in two.model.seen] == ["encode", "draw", "draw"]
    drawn = [frames for function, frames in watched.seen if function == "draw"]
    assert len(drawn) > 10 and max(drawn) <= 28 and all(frames % 4 == 0 for frames in drawn)
    assert max(frames for function, frames in watched.seen if function == "render") <= 12


def test_torch_gives_the_same(voice):
    torch_voice = Voice(TorchVoice("tiny", tiny_voice.modules(), tiny_voice.CONFIG))
    for manner in ({}, {"speaker": "ben", "speed": 1.3, "pitch": 1.2, "energy": 0.5, "seed": 7, "language": "de"}):
        ours, theirs = (v.speak(f"{ONE} {LONG}", phonemes=True, **manner) for v in (voice, torch_voice))
        assert np.abs(ours).max() > 0.05
        np.testing.assert_allclose(ours, theirs, atol=1e-4)


# -- sentences --------------------------------------------------------------------------------------------------------


def test_text_is_normalised_cut_and_phonemised(voice):
    text = "The quick fox paid $3. Did the dog jump over Dr. King?"
    ipa = " ".join(phonemise(sentence, "en-us") for sentence in prepare_text(text, "en-us"))
    assert ipa.count(".") == 1 and ipa.endswith("?")
    assert np.array_equal(voice.speak(text), voice.speak(ipa, phonemes=True))


def test_a_lexicon_overrides(voice):
    lexicon = Lexicon({"fox": "dˈɑːɡ"})
    assert np.array_equal(voice.speak("The fox.", lexicon=lexicon), voice.speak("The dog."))
    assert not np.array_equal(voice.speak("The fox."), voice.speak("The dog."))


@pytest.mark.parametrize(("between", "pause"), [(" ", "sentence"), ("\n\n", "paragraph"), ("\n \n\n", "paragraph")])
def test_half_of_a_pause_ends_a_sentence_and_half_begins_the_next(voice, between, pause):
    first, second = (drawn.mel.shape[1] for drawn in voice.sentences(f"{ONE}{between}{ONE}", phonemes=True, speed=2.0))
    half = PAUSES[pause] / 2 / 2.0 * 8_000 / 64
    before, after = lengths(ONE) / 2, lengths(ONE) / 2
    before[-1] += half
    after[0] += half
    assert (first, second) == (whole_frames(before, 4).sum(), whole_frames(after, 4).sum())


def test_sentences_join_at_zero_without_a_step(voice):
    loud = {"phonemes": True, "energy": 4.0}
    first, second = ([*voice.render(drawn.mel)] for drawn in voice.sentences(f"{ONE} {ONE}", **loud))
    both = np.concatenate([*first, *second])
    assert np.array_equal(voice.speak(f"{ONE} {ONE}", **loud), both)
    for wave in (np.concatenate(first), np.concatenate(second)):
        assert wave[0] == 0 == wave[-1]
        inner = np.abs(wave[100:-100]).max()
        assert inner > 0.05
        ramp = np.arange(40) / 39  # 5 ms: what was there is faded, and nothing else is touched
        assert (np.abs(wave[:40]) <= ramp * inner * 3 + 1e-9).all()
    raw = np.concatenate(list(voice._vocoder.stream(next(voice.sentences(ONE, **loud)).mel)))
    np.testing.assert_array_equal(voice.speak(ONE, **loud)[40:-40], raw[40:-40])


def test_a_loud_voice_is_clipped_with_one_warning(voice):
    mel = np.full((4, 40), 90.0, np.float32)
    with pytest.warns(UserWarning, match="clipped, the voice reaches") as caught:
        wave = np.concatenate([*voice.render(mel), *voice.render(mel)])
    assert len(caught) == 1 and np.abs(wave).max() == 1


def test_a_stream_is_lazy_and_its_pieces_are_what_speak_gives(voice):
    watched = Watched(voice)
    slow = Voice(watched, chunk=20)
    stream = slow.stream(f"{ONE} {LONG}", phonemes=True)
    assert watched.seen == []
    pieces = [next(stream)]
    assert [function for function, _ in watched.seen] == ["encode", "draw", "render"]
    pieces += stream
    assert len(pieces) > 3 and all(piece.dtype == np.float32 for piece in pieces)
    assert np.array_equal(np.concatenate(pieces), slow.speak(f"{ONE} {LONG}", phonemes=True))


def test_memory_does_not_grow_with_the_text(voice):
    def peak(sentences: int) -> int:
        text = f"{ONE} " * sentences
        tracemalloc.start()
        for _ in voice.stream(text, phonemes=True):
            continue
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found - 250 * sentences  # the text itself, cut into sentences

    peak(2)
    assert peak(400) < 1.25 * peak(20)  # one sentence's frames take 12 kB


# -- what cannot be spoken --------------------------------------------------------------------------------------------


def test_a_phone_that_the_voice_lacks_is_left_out_with_one_warning(voice):
    with pytest.warns(UserWarning, match="the voice has no phone 'ʘ'") as caught:
        wave = voice.speak("ðə ʘkwˈɪʘk fˈɑːks. ʘ. fˈɑːks.", phonemes=True)
    assert [str(warning.message).count("ʘ") for warning in caught if "phone 'ʘ'" in str(warning.message)] == [1]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert len(voice.speak("ðə kwˈɪk fˈɑːks. fˈɑːks.", phonemes=True)) == len(wave)


def test_an_unknown_modifier_is_no_loss(voice):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.array_equal(voice.speak("kʷwˈɪk.", phonemes=True), voice.speak("kwˈɪk.", phonemes=True))


def test_what_has_no_words_among_others_is_passed_over(voice):
    assert np.array_equal(voice.speak("The dog.\n\n* * *\n\nThe fox."), voice.speak("The dog.\n\nThe fox."))


@pytest.mark.parametrize("text", ["", "  \n\n ", "...", "?! —", "* * *", "\x07", "😀"])
def test_nothing_to_say_is_an_error(voice, text):
    with warnings.catch_warnings(), pytest.raises(InputError) as caught:
        warnings.simplefilter("ignore")
        voice.speak(text)
    assert "\n" not in str(caught.value) and "word" in str(caught.value)


@pytest.mark.parametrize("text", ["", "ˈ.", "ʘ."])
def test_no_phone_is_an_error(voice, text):
    with warnings.catch_warnings(), pytest.raises(InputError):
        warnings.simplefilter("ignore")
        voice.speak(text, phonemes=True)


def test_text_that_is_no_unicode_is_an_error(voice):
    with pytest.raises(InputError, match="not valid Unicode"):
        voice.speak("a \udcff b")


@pytest.mark.parametrize(
    ("manner", "message"),
    [
        ({"speed": 0.2}, "speed is 0.2, must be from 0.25 to 4"),
        ({"speed": 4.1}, "speed is 4.1"),
        ({"speed": float("nan")}, "speed is nan"),
        ({"pitch": 0}, "pitch is 0"),
        ({"energy": -1}, "energy is -1"),
        ({"seed": -1}, "seed is -1, must be at least 0"),
        ({"speaker": "carl"}, "no speaker 'carl'; it has anna, ben"),
        ({"language": "nl"}, "no language 'nl'; it has en-us, de"),
    ],
)
def test_a_manner_that_the_voice_has_not_is_refused_at_once(voice, manner, message):
    with pytest.raises(InputError, match=message):
        voice.stream(ONE, phonemes=True, **manner)


@UNHURRIED
@given(st.lists(st.sampled_from(["fˈɑːks", "ðə", "dɑːɡ,", "kwˈɪk.", "lˈeɪzi;", "ə" * 90]), min_size=1, max_size=60))
def test_long_sentences_are_cut_and_nothing_is_dropped(words):
    ipa = " ".join(words)
    parts = list(portions(ipa, 80))
    assert all(len(part) <= 81 for part, _ in parts)
    assert all(part[-1] in ".,;" for part, _ in parts[:-1])
    kept = "".join(part.removesuffix(",") if pause == "cut" else part for part, pause in parts)
    assert kept.replace(" ", "") == ipa.replace(" ", "")


def test_a_long_sentence_is_cut_behind_a_mark_if_it_has_one():
    head, tail = "ə" * 300 + ",", "ə " * (LONGEST // 4)
    assert [(len(part), pause) for part, pause in portions(f"{head} {tail}")] == [(301, "clause"), (249, "sentence")]
    cut = list(portions("ab " * LONGEST))
    assert {pause for _, pause in cut[:-1]} == {"cut"} and all(part.endswith("ab,") for part, _ in cut[:-1])


# -- models -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"task": "vocoder"}, "is for the task vocoder; speaking needs one for tts"),
        ({"speakers": []}, "speakers must be a list of texts"),
        ({"phones": "abc"}, "phones must be a list of texts"),
        ({"languages": [1]}, "languages must be a list of texts"),
        ({"draw": {"receptive_field": 5}}, "must have receptive_field and multiple"),
        ({"draw": {"receptive_field": 5, "multiple": 0}}, "must have receptive_field and multiple"),
        ({"pitch": {"anna": [5.3, 0.25]}}, "pitch of 'ben' is None"),
        ({"pitch": {"anna": [5.3, 0], "ben": [5, 1]}}, "pitch of 'anna' is \\[5.3, 0\\]"),
        ({"energy": None}, "energy is None"),
    ],
)
def test_a_config_that_cannot_be_used_is_refused(tmp_path, change, message):
    with pytest.raises(InputError, match=message) as caught:
        specgan.load(write(tmp_path / "bad", **change))
    assert "bad" in str(caught.value) and "\n" not in str(caught.value)


def test_a_damaged_function_is_named(tmp_path):
    (write(tmp_path / "bad") / "draw.onnx").write_bytes(b"not a graph")
    with pytest.raises(InputError, match=r"draw\.onnx: damaged"):
        specgan.load(tmp_path / "bad").speak(ONE, phonemes=True)


def test_functions_are_loaded_in_the_background_once(folder):
    loaded = specgan.load(folder)
    threads = list(loaded.model._loading.values())
    assert len(threads) == 3
    for thread in threads:
        thread.join()
    sessions = dict(loaded.model._sessions)
    loaded.speak(ONE, phonemes=True)
    assert sessions.keys() == {"encode", "draw", "render"} and loaded.model._sessions == sessions


def test_backends_and_devices_that_do_not_fit_are_refused(folder, tmp_path):
    with pytest.raises(InputError, match="the backend is 'jax', must be onnx or torch"):
        specgan.load(folder, backend="jax")
    with pytest.raises(InputError, match="the device cuda needs the backend torch"):
        specgan.load(folder, device="cuda")
    with pytest.raises(InputError, match="the device 'warp' cannot be used"):
        TorchVoice("tiny", tiny_voice.modules(), tiny_voice.CONFIG, "warp")
    (tmp_path / "run" / "checkpoints").mkdir(parents=True)
    with pytest.raises(InputError, match="run: is a run, which needs the backend torch"):
        specgan.load(tmp_path / "run")


def test_speaking_brings_nothing_that_only_training_needs(folder):
    program = (
        f"import specgan, sys; specgan.load({str(folder)!r}).speak('The quick fox.')\n"
        "heavy = {'torch', 'librosa', 'scipy', 'onnx', 'safetensors', 'omegaconf', 'soxr', 'PIL', 'swift_f0'}\n"
        "sys.exit(f'brings {heavy & set(sys.modules)}' if heavy & set(sys.modules) else 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_importing_specgan_brings_no_package():
    program = "import specgan, sys; sys.exit('numpy' in sys.modules or specgan.load.__doc__ is None)"
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT).returncode == 0


def test_the_version_is_that_of_the_package():
    assert f'version = "{specgan.__version__}"' in (ROOT / "pyproject.toml").read_text()

"""Conversion of recordings: joins, rates and lengths, melody and loudness, references, refusals, torch beside ONNX."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest

import specgan
from specgan.cli import main
from specgan.runtime import prosody
from specgan.runtime.converter import Conversion, Converter, noise
from specgan.runtime.model import load
from specgan.runtime.prosody import Range
from specgan.torch_backend import load_converter
from tests.specgan.conftest import FIXTURES
from vocoder.errors import InputError
from vocoder.signal import audio

SPEECH = FIXTURES / "kathleen/wavs/arctic_a0003.flac"
OTHER = FIXTURES / "ljspeech/wavs/LJ001-0008.flac"


@pytest.fixture(scope="module")
def model(tiny_conversion):
    return load(tiny_conversion.model, threads=1)


@pytest.fixture(scope="module")
def converter(model):
    return Converter(model)


@pytest.fixture(scope="module")
def wave():
    return audio.read(SPEECH)[0][0]


class Spy:
    """A model that writes down what its functions are given."""

    def __init__(self, model):
        self.model, self.seen = model, {}

    def __getattr__(self, name):
        return getattr(self.model, name)

    def run(self, function, *inputs):
        self.seen.setdefault(function, []).append(inputs)
        return self.model.run(function, *inputs)


# -- melody and loudness by hand --------------------------------------------------------------------------------------


def test_the_range_of_a_speaker():
    """ln 100 and ln 400 in turn: the mean is ln 200, the deviation ln 2; unvoiced frames do not count."""
    frequency = np.tile([100.0, 0.0, 400.0], 30)
    found = prosody.pitch_range(frequency)
    assert found == pytest.approx((np.log(200), np.log(2)))
    assert prosody.pitch_range(np.zeros(9)) is None
    assert prosody.pitch_range(np.array([100.0, 400.0])) == pytest.approx((np.log(200), 0.0))


def test_melody_is_carried_over():
    line = np.log([100.0, 200.0])
    moved = prosody.carried(line, Range(np.log(100), 0.2), Range(np.log(300), 0.1))
    assert np.exp(moved) == pytest.approx([300, 300 * 2**0.5])
    # too steady to stretch: only moved
    steady = prosody.carried(line, Range(np.log(100), 0.0), Range(np.log(300), 0.1))
    assert np.exp(steady) == pytest.approx([300, 600])
    assert prosody.carried(line, None, Range(6.0, 0.1)) is line


def test_melody_between_voiced_frames():
    found = np.exp(prosody.continuous(np.array([0.0, 100.0, 0.0, 400.0, 0.0])))
    assert found == pytest.approx([100, 100, 200, 400, 400], rel=1e-5)
    assert prosody.continuous(np.zeros(3)) == pytest.approx([prosody.PITCH[0]] * 3)


def test_energy_is_beside_the_voiced_frames():
    mel = np.log(np.array([[1.0, 3.0, 1e-5], [3.0, 1.0, 1e-5]]))
    loud = prosody.loudness(mel)
    assert loud == pytest.approx([np.log(2), np.log(2), np.log(1e-5)])
    beside = prosody.reference(loud, [True, True, False])
    assert prosody.energy(loud, beside) == pytest.approx([0, 0, prosody.QUIETEST / prosody.ENERGY])


def test_the_converter_is_given_the_melody_of_the_target(model, wave):
    """Mean and deviation are the target's, with keep_pitch the mean is the source's; 12 semitones are an octave."""
    spy = Spy(model)
    converter = Converter(spy)
    mean, deviation = prosody.PITCH
    for options, shift in (({}, 0.0), ({"pitch_shift": 12.0}, np.log(2)), ({"keep_pitch": True}, None)):
        spy.seen.clear()
        converter.convert(wave, 22_050, to="ljspeech", **options)
        ((_, pitch, voiced, *_),) = spy.seen["convert"]
        heard = (pitch[0] * deviation + mean)[voiced[0] > 0]
        target = converter.speakers["ljspeech"].range
        if shift is None:
            own = converter.speakers["kathleen"].range
            assert abs(heard.mean() - own.mean) < 0.1 < abs(heard.mean() - target.mean)
        else:
            assert heard.mean() == pytest.approx(target.mean + shift, abs=0.02)
            assert heard.std() == pytest.approx(target.deviation, rel=0.05)


def test_networks_hear_speech_at_one_loudness(model, wave):
    """A recording ten times quieter gives the networks the same, and comes back ten times quieter."""
    spy = Spy(model)
    converter = Converter(spy)
    made = [converter.convert(scale * wave, 22_050, to="ljspeech") for scale in (0.5, 0.05)]
    loud, quiet = (inputs[3] for inputs in spy.seen["convert"])
    assert np.abs(loud - quiet).max() < 0.05  # a frame or two may be voiced in one only
    assert np.sqrt(np.mean(made[0] ** 2) / np.mean(made[1] ** 2)) == pytest.approx(10, rel=0.05)


# -- pieces, rates, channels ------------------------------------------------------------------------------------------


def test_pieces_join_to_the_whole(model, wave):
    """Windows so short that three pieces are needed: the samples of one window within 1e-5 of full scale."""
    target = Converter(model).target("ljspeech")
    whole, pieces = (Conversion(Converter(model, picture), target).convert(wave, 22_050) for picture in (4096, 320))
    spy = Spy(model)
    Conversion(Converter(spy, 320), target).convert(wave, 22_050)
    assert len(spy.seen["convert"]) >= 3
    assert whole.shape == wave.shape and np.abs(whole).max() > 1e-3
    assert np.abs(whole - pieces).max() < 1e-5 * max(1, np.abs(whole).max())


def test_blocks_of_any_length(converter, wave):
    changer = converter.towards(converter.target("ljspeech"))
    whole = changer.convert(wave - wave.mean(), 22_050)
    level = (wave - wave.mean()).astype(np.float32)
    blocks = changer.at_rate(np.split(level, [100, 5000, 5001, 30_000]), 22_050)
    np.testing.assert_allclose(np.concatenate(list(blocks)), whole, atol=1e-5)


@pytest.mark.parametrize("rate", [8_000, 44_100, 48_000])
def test_length_rate_and_channels_stay(rate, converter, wave):
    given = audio.resample(wave[:30_000], 22_050, rate)[: -7 if rate == 8_000 else None]
    made = converter.convert(np.stack([given, -0.5 * given]), rate, to="ljspeech")
    assert made.shape == (2, len(given)) and made.dtype == np.float32
    assert np.isfinite(made).all() and np.abs(made).max() > 1e-4


def test_the_same_seed_gives_the_same_samples(converter, wave):
    one, same, other = (converter.convert(wave[:20_000], 22_050, to="ljspeech", seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(one, same) and not np.array_equal(one, other)


def test_noise_belongs_to_its_frame():
    whole = noise(3, 4, 0, 700)
    assert np.array_equal(noise(3, 4, 250, 300), whole[:, 250:550])
    assert abs(whole.std() - 1) < 0.05


def test_torch_and_onnx_agree(tiny_conversion, model, wave):
    """Functions within 1e-4 with the same weights; the wave within 1e-3 of full scale."""
    torch_model = load_converter(tiny_conversion.model)
    rng = np.random.default_rng(0)
    mel = (rng.standard_normal((1, 80, 64)) - 5).astype(np.float32)
    for name, shapes in model.functions.items():
        given = [
            (
                rng.standard_normal(
                    [64 if axis == "frames" else 64 * 256 if axis == "samples" else axis for axis in shape]
                )
            )
            .astype(np.float32)
            .clip(-1, 1)
            for shape in shapes["inputs"].values()
        ]
        given = [mel] if list(shapes["inputs"]) == ["mel"] else given
        for one, other in zip(torch_model.run(name, *given), model.run(name, *given), strict=True):
            assert np.abs(one - other).max() < 1e-4 * max(1, np.abs(one).max()), name
    waves = [Converter(one).convert(wave[:30_000], 22_050, to="ljspeech") for one in (torch_model, model)]
    assert np.abs(waves[0] - waves[1]).max() < 1e-3


def test_a_run_and_its_folder_say_the_same(tiny_conversion, wave):
    """Half-precision weights in the folder, float32 in the run."""
    run, folder = load_converter(tiny_conversion.run), load_converter(tiny_conversion.model)
    mel = folder.run("mel", wave[None, : 64 * 256])[0]
    contents = [one.run("content", mel)[0] for one in (run, folder)]
    assert 0 < np.abs(contents[0] - contents[1]).max() < 0.05


# -- references -------------------------------------------------------------------------------------------------------


def test_a_reference_gives_style_and_range(converter):
    wave, rate = audio.read(OTHER)
    wave = np.tile(wave, 3)[:, : 4 * rate]
    target = converter.target(like=wave, like_rate=rate)
    known = converter.speakers["ljspeech"]
    assert abs(target.range.mean - known.range.mean) < 0.15
    near = {
        name: float(np.sum(target.style * one.style) / np.linalg.norm(target.style) / np.linalg.norm(one.style))
        for name, one in converter.speakers.items()
    }
    assert max(near, key=near.get) == "ljspeech"
    again = converter.target(like=0.1 * wave, like_rate=rate)
    np.testing.assert_allclose(again.style, target.style, atol=0.05)  # however loud


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"like": np.full(30_000, 0.1)}, "the reference has 1.36 s, must have at least 2 s"),
        ({"like": np.zeros(50_000)}, "nothing in the reference is voiced"),
        ({"like": np.full(50_000, np.nan)}, "NaN"),
        ({"to": "nobody"}, "has no speaker 'nobody'; it has kathleen, ljspeech"),
        ({}, "either a speaker of the model"),
        ({"to": "kathleen", "like": np.zeros(50_000)}, "not both"),
        ({"to": "kathleen", "pitch_shift": 25.0}, "from -24 to 24"),
        ({"to": "kathleen", "pitch_shift": float("nan")}, "from -24 to 24"),
        ({"to": "kathleen", "seed": -1}, "the seed is -1"),
    ],
)
def test_who_is_to_speak_is_refused(given, said, converter, wave):
    with pytest.raises(InputError, match=said):
        converter.convert(wave, 22_050, **given)


@pytest.mark.parametrize(
    ("given", "said"),
    [(np.zeros(500), "too short"), (np.full(9000, np.nan), "NaN"), (np.zeros((1, 2, 9000)), "must be")],
)
def test_a_recording_that_cannot_be_used(given, said, converter):
    with pytest.raises(InputError, match=said):
        converter.convert(given, 22_050, to="kathleen")


def test_silence_stays_nearly_silent(converter):
    made = converter.convert(np.zeros(22_050), 22_050, to="kathleen")
    assert made.shape == (22_050,) and np.abs(made).max() < 1e-2


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"task": "tts"}, "is for the task tts"),
        ({"multiple": 0}, "multiple is 0"),
        ({"styles": {}}, "tables of the same speakers"),
        ({"pitch": {"kathleen": [5, 0.2], "ljspeech": "high"}}, "'ljspeech' must be numbers"),
        ({"convert_receptive_field": None}, "convert_receptive_field is None"),
    ],
)
def test_a_damaged_config(change, said, tiny_conversion, tmp_path):
    config = json.loads((tiny_conversion.model / "config.json").read_text()) | change
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(InputError, match=said):
        Converter(load(tmp_path))


# -- the folder and the command line ----------------------------------------------------------------------------------


def test_the_folder_says_what_it_is(tiny_conversion):
    config = json.loads((tiny_conversion.model / "config.json").read_text())
    assert config["task"] == "conversion" and config["speakers"] == ["kathleen", "ljspeech"]
    assert config["facts"]["licence"] == "public domain"
    assert "| speakers | kathleen, ljspeech; others by a reference" in (tiny_conversion.model / "README.md").read_text()


def test_the_shipped_vocoder_renders_where_the_folder_has_none(tiny_conversion, tmp_path, wave):
    """A folder without `render` names it."""
    folder = tmp_path / "lean"
    shutil.copytree(tiny_conversion.model, folder)
    config = json.loads((folder / "config.json").read_text())
    del config["functions"]["render"], config["generator"]
    (folder / "config.json").write_text(json.dumps(config | {"vocoder": "vocoder-22k"}))
    (folder / "render.onnx").unlink()
    made = specgan.load(folder, threads=1).convert(wave[:20_000], 22_050, to="ljspeech")
    assert made.shape == (20_000,) and np.abs(made).max() > 1e-3
    (folder / "config.json").write_text(json.dumps(config | {"vocoder": "nothing"}))
    with pytest.raises(InputError, match="no shipped model 'nothing'"):
        specgan.load(folder)


def test_the_command_line_converts_without_torch(tiny_conversion, tmp_path):
    out = tmp_path / "out.wav"
    words = ["infer", "--audio", str(SPEECH), "--model", str(tiny_conversion.model), "--to", "ljspeech", "-o", str(out)]
    program = (
        f"import sys; from specgan.cli import main; code = main({words}); "
        "print(code, sorted({'torch', 'librosa', 'scipy'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "0 []", done.stderr
    assert audio.info(out) == audio.info(SPEECH)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "who is to speak? Give --to NAME (model has kathleen, ljspeech) or --like RECORDING"),
        (("--to", "nobody"), "it has kathleen, ljspeech"),
        (("--to", "kathleen", "--like", str(OTHER)), "give one of them"),
        (("--like", str(FIXTURES / "README.md")), "README.md"),
        (("--like", "SHORT"), "must have at least 2 s of speech"),
        (("--to", "kathleen", "--speed", "2"), "--speed is not for the model"),
        (("--to", "kathleen", "--pitch-shift", "99"), "from -24 to 24"),
    ],
)
def test_the_command_line_refuses(words, said, tiny_conversion, tmp_path, capsys):
    out, short = tmp_path / "out.wav", tmp_path / "short.wav"
    audio.write(short, audio.read(SPEECH)[0][:, :30_000], 22_050)
    words = [str(short) if word == "SHORT" else word for word in words]
    code = main(["infer", "--audio", str(SPEECH), "--model", str(tiny_conversion.model), "-o", str(out), *words])
    assert code == 2 and not out.exists()
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line


def test_help_says_that_timing_stays(capsys):
    assert main(["infer", "--help"]) == 0
    assert "--pitch-shift" in (said := capsys.readouterr().out) and "my timing" in " ".join(said.split())

"""`specgan infer`: files, pipes, batches, mels, players; what bad input gets."""

from __future__ import annotations

import io
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image

import specgan
from specgan import infer as inference
from specgan.cli import main
from specgan.decode import read_mel
from specgan.runtime.picture import write_picture
from specgan.runtime.speech import Voice
from specgan.torch_backend import TorchVoice
from tests.specgan import tiny_voice
from vocoder.errors import InputError
from vocoder.signal import audio

ROOT = Path(__file__).parents[2]
TEXT = "The quick fox jumps. Over the dog."


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_voice.write(tmp_path_factory.mktemp("voices") / "tiny")


@pytest.fixture
def run(folder, tmp_path, monkeypatch):
    """The command, in an empty folder, with the tiny voice."""
    monkeypatch.chdir(tmp_path)
    return lambda *words: main(["infer", "--model", str(folder), *map(str, words)])


def piped(folder: Path, *words: str, given: bytes = b"", cwd: Path | None = None) -> subprocess.CompletedProcess[bytes]:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "specgan", "infer", "--model", str(folder), *words]
    return subprocess.run(command, input=given, capture_output=True, env=environment, cwd=cwd, check=False)


def steps(wave: np.ndarray) -> np.ndarray:
    """What 16 bits keep of a wave."""
    return np.clip(np.rint(wave.astype(np.float64) * 2**15), -(2**15), 2**15 - 1).astype(np.int16)


def test_the_file_has_the_samples_that_speak_returns(run, folder, tmp_path, capsys):
    assert run("--text", TEXT, "-o", "out.wav", "--speed", 1.25, "--pitch", 1.1, "--seed", 5, "--speaker", "ben") == 0
    wave = specgan.load(folder).speak(TEXT, speed=1.25, pitch=1.1, seed=5, speaker="ben")
    written, rate = soundfile.read("out.wav", dtype="int16")
    assert rate == 8_000 and np.array_equal(written, steps(wave))
    assert capsys.readouterr().out == f"out.wav: {len(wave) / 8_000:.1f} s of speech by tiny\n"
    assert [path.name for path in tmp_path.iterdir()] == ["out.wav"]


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".ogg", ".mp3"])
def test_files_say_that_they_are_synthetic_and_by_what(run, suffix):
    assert run("--text", TEXT, "-o", f"out{suffix}") == 0
    with soundfile.SoundFile(f"out{suffix}") as file:
        assert file.comment == f"synthetic speech, made by specgan {specgan.__version__} with the voice tiny"
        assert file.frames > 8_000


def test_text_comes_from_an_option_a_file_or_the_standard_input(run, folder, tmp_path):
    Path("text.txt").write_bytes(b"\xef\xbb\xbf" + TEXT.encode())  # as some editors write it
    assert run("--text", TEXT, "-o", "a.wav") == run("--text-file", "text.txt", "-o", "b.wav") == 0
    for words in (["-o", "c.wav"], ["--text-file", "-", "-o", "c.wav"]):
        done = piped(folder, *words, given=TEXT.encode(), cwd=tmp_path)
        assert (done.returncode, done.stderr) == (0, b"")
        assert Path("a.wav").read_bytes() == Path("b.wav").read_bytes() == Path("c.wav").read_bytes()


def test_a_pipe_gets_a_wav_and_nothing_else(folder, tmp_path):
    done = piped(folder, "--text", TEXT, "-o", "-", cwd=tmp_path)
    assert (done.returncode, done.stderr, list(tmp_path.iterdir())) == (0, b"", [])
    written, rate = soundfile.read(io.BytesIO(done.stdout), dtype="int16")
    assert rate == 8_000 and np.array_equal(written, steps(specgan.load(folder).speak(TEXT)))
    (tmp_path / "saved.wav").write_bytes(done.stdout)
    assert audio.info(tmp_path / "saved.wav").samples == len(written)  # decode and prepare take it too
    with soundfile.SoundFile(tmp_path / "saved.wav") as file:
        assert "synthetic" in file.comment


def test_whoever_reads_the_pipe_may_stop(folder):
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    words = ["--phonemes", "--text", "ðə fˈɑːks. " * 300, "-o", "-"]
    command = [sys.executable, "-m", "specgan", "infer", "--model", str(folder), *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment) as process:
        assert process.stdout.read(4) == b"RIFF"
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 1


def test_a_batch_has_a_file_for_each_line_and_loads_the_voice_once(run, folder, monkeypatch, capsys):
    Path("lines.txt").write_text(f"{TEXT}\n\nfox/1|the third column|The fox.\nb|The dog.\n")
    loads: list[str] = []
    load = specgan.runtime.model.Model._load
    monkeypatch.setattr(specgan.runtime.model.Model, "_load", lambda self, name: loads.append(name) or load(self, name))
    assert run("--file", "lines.txt", "-o", "out") == 0
    assert sorted(loads) == ["draw", "encode", "render"]
    assert sorted(str(path) for path in Path("out").rglob("*.wav")) == ["out/0001.wav", "out/b.wav", "out/fox/1.wav"]
    voice = specgan.load(folder)
    for name, text in (("0001", TEXT), ("fox/1", "The fox."), ("b", "The dog.")):
        assert np.array_equal(soundfile.read(f"out/{name}.wav", dtype="int16")[0], steps(voice.speak(text)))
    assert capsys.readouterr().out.startswith("out: 3 files, ")


def test_phonemes_and_a_lexicon(run, folder):
    Path("words.txt").write_text("fox\tdˈɑːɡ\n")
    assert run("--text", "The fox.", "--lexicon", "words.txt", "-o", "a.wav") == 0
    assert run("--text", "The dog.", "-o", "b.wav") == 0
    assert run("--text", "ðə dˈɑːɡ.", "--phonemes", "-o", "c.wav") == 0
    assert Path("a.wav").read_bytes() == Path("b.wav").read_bytes() == Path("c.wav").read_bytes()


def test_a_saved_mel_is_what_the_vocoder_reads_and_has_a_picture(run, folder):
    assert run("--text", TEXT, "-o", "out.flac", "--save-mel") == 0
    assert sorted(path.name for path in Path().iterdir()) == ["out.flac", "out.json", "out.npy", "out.png"]
    mel, spec = read_mel(Path("out.npy"))
    assert spec == tiny_voice.SPEC
    np.testing.assert_array_equal(mel, specgan.load(folder).draw(TEXT).mel)
    assert soundfile.info("out.flac").frames == 64 * mel.shape[1]
    with Image.open("out.png") as picture:
        assert picture.size == (4 * mel.shape[1], 4 * 4)
        assert "synthetic" in picture.text["Comment"]


def test_a_picture_is_bright_where_it_is_loud_with_low_bands_below(tmp_path):
    mel = np.full((4, 10), -11.0, np.float32)
    mel[0, 2] = 0  # the lowest band, early
    mel[1, 7] = -2.0
    write_picture(tmp_path / "a.png", mel, "made for a test")
    with Image.open(tmp_path / "a.png") as picture:
        lightness = np.asarray(picture.convert("L"))[::4, ::4]
    assert lightness.shape == (4, 10)
    assert np.unravel_index(lightness.argmax(), lightness.shape) == (3, 2)
    assert lightness[3, 2] > lightness[2, 7] > lightness[0, 0] + 60 > 60


@pytest.fixture
def player(tmp_path, monkeypatch):
    """A program of that name which writes down how it was called, the only one in the path."""

    def install(name: str, ends: str = "") -> Path:
        bin = tmp_path / "bin"
        bin.mkdir()
        program = bin / name
        program.write_text(
            f'#!/bin/sh\necho "$@" > {tmp_path}/called\n/bin/cp "$(eval echo \\${{$#}})" {tmp_path}/heard.wav\n{ends}\n'
        )
        program.chmod(program.stat().st_mode | stat.S_IEXEC)
        monkeypatch.setenv("PATH", str(bin))
        return tmp_path

    return install


@pytest.mark.parametrize("name", ["aplay", "paplay", "ffplay", "afplay"])
def test_it_is_played_with_or_without_a_file(run, folder, player, name):
    place = player(name)
    assert run("--text", TEXT, "--play") == 0
    heard = soundfile.read(place / "heard.wav", dtype="int16")[0]
    assert np.array_equal(heard, steps(specgan.load(folder).speak(TEXT)))
    options, file = (
        (place / "called").read_text().rsplit(maxsplit=1)
        if inference.PLAYERS[name]
        else ("", (place / "called").read_text().strip())
    )
    assert options.split() == inference.PLAYERS[name] and not Path(file).exists()
    assert run("--text", TEXT, "--play", "-o", "out.wav") == 0
    assert (place / "called").read_text().split()[-1] == "out.wav" and Path("out.wav").exists()


def test_without_a_player_or_a_loudspeaker_it_says_so(run, player, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert run("--text", TEXT, "--play", "-o", "out.wav") == 2
    assert "needs one of aplay, paplay, ffplay, afplay" in capsys.readouterr().err
    assert not Path("out.wav").exists()
    player("aplay", "echo no such device >&2; exit 1")
    assert run("--text", TEXT, "--play") == 2
    assert capsys.readouterr().err == "specgan: aplay cannot play it (no such device); write a file with -o\n"


def test_torch_speaks_the_same(run, monkeypatch):
    voices = []

    def load_voice(folder: Path, device: str) -> TorchVoice:
        voices.append((folder.name, device))
        return TorchVoice(folder.name, tiny_voice.modules(), tiny_voice.CONFIG, device)

    monkeypatch.setattr("specgan.torch_backend.load_voice", load_voice)
    assert run("--text", TEXT, "-o", "a.wav", "--backend", "torch", "--device", "cpu") == 0
    assert run("--text", TEXT, "-o", "b.wav") == 0
    assert voices == [("tiny", "cpu")]
    a, b = (soundfile.read(name)[0] for name in ("a.wav", "b.wav"))
    np.testing.assert_allclose(a, b, atol=1e-4)


def test_characters_that_cannot_be_spoken_are_skipped_with_one_warning(run, capsys):
    assert run("--text", "The \x07quick 😀 fox, 😀 狐.", "-o", "a.wav") == 0
    said = capsys.readouterr().err
    assert said.startswith("specgan: warning: ") and said.count("\n") == 1
    assert all(name in said for name in ("😀", "狐", "U+0007"))
    assert run("--text", "The quick fox.", "-o", "b.wav") == 0


# -- bad input --------------------------------------------------------------------------------------------------------

TO = ("-o", "out.wav")
BAD = {
    "empty text": (("--text", "", *TO), ("word",)),
    "only punctuation": (("--text", "?! ...", *TO), ("word",)),
    "only emoji": (("--text", "😀", *TO), ("word",)),
    "no phonemes": (("--text", "ˈ", "--phonemes", *TO), ("IPA",)),
    "empty text in a pipe": (("--text", " ", "-o", "-"), ("word",)),
    "empty text with a mel": (("--text", ".", "--save-mel", *TO), ("word",)),
    "unknown language": (("--text", "a", "--language", "nl", *TO), ("'nl'", "en-us, de")),
    "unknown speaker": (("--text", "a", "--speaker", "carl", *TO), ("'carl'", "anna, ben")),
    "too slow": (("--text", "a", "--speed", "0.2", *TO), ("speed is 0.2", "0.25 to 4")),
    "too fast": (("--text", "a", "--speed", "5", *TO), ("speed is 5",)),
    "negative seed": (("--text", "a", "--seed", "-1", *TO), ("seed",)),
    "no output": (("--text", "a"), ("-o FILE",)),
    "output in no folder": (("--text", "a", "-o", "no/out.wav"), ("no/out.wav", "not a folder")),
    "output of another format": (("--text", "a", "-o", "out.txt"), ("out.txt", ".flac")),
    "output that is a folder": (("--text", "a", "-o", "is"), ("is", ".wav")),
    "two texts": (("--text", "a", "--file", "lines.txt", "-o", "out"), ("only one of",)),
    "missing file": (("--text-file", "no.txt", *TO), ("no.txt",)),
    "a text that is no text": (("--text-file", "binary", *TO), ("binary", "not UTF-8")),
    "missing lines": (("--file", "no.txt", "-o", "out"), ("no.txt",)),
    "no lines": (("--file", "blank.txt", "-o", "out"), ("blank.txt", "no line")),
    "a line without words": (("--file", "dots.txt", "-o", "out"), ("dots.txt:2", "'b|...'")),
    "an id twice": (("--file", "twice.txt", "-o", "out"), ("twice.txt:2", "'a'", "twice")),
    "an id that leads out": (("--file", "lines.txt", "-o", "out"), ("lines.txt:1", "'../x'")),
    "lines without a folder": (("--file", "lines.txt"), ("--file needs -o FOLDER",)),
    "lines into a pipe": (("--file", "lines.txt", "-o", "-"), ("--file needs -o FOLDER",)),
    "a mel of a pipe": (("--text", "a", "-o", "-", "--save-mel"), ("--save-mel",)),
    "a pipe that plays": (("--text", "a", "-o", "-", "--play"), ("--play", "not both")),
    "a lexicon that is none": (("--text", "a", "--lexicon", "lines.txt", *TO), ("lines.txt:1", "tab")),
    "another task": (("--text", "a", "--model", "vocoder-22k", *TO), ("vocoder-22k", "task vocoder", "tts")),
    "no such voice": (("--text", "a", "--model", "carla", *TO), ("'carla'", "vocoder-22k")),
    "no model folder": (("--text", "a", "--model", "is", *TO), ("is", "config.json")),
    "a device without torch": (("--text", "a", "--device", "cuda", *TO), ("cuda", "torch")),
    "an unknown backend": (("--text", "a", "--backend", "jax", *TO), ("'jax'", "onnx or torch")),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_line_and_leaves_no_file(run, name, capsys):
    words, parts = BAD[name]
    Path("is").mkdir()
    for file, content in {
        "lines.txt": b"../x|The fox.\n",
        "twice.txt": b"a|The fox.\na|The dog.\n",
        "dots.txt": b"a|The fox.\nb|...\n",
        "blank.txt": b"\n \n",
        "binary": b"\xff\xfe\x00a",
    }.items():
        Path(file).write_bytes(content)
    before = sorted(Path().rglob("*"))
    assert run(*words) == 2
    said = capsys.readouterr()
    lines = [line for line in said.err.splitlines() if "warning: characters" not in line]
    assert len(lines) == 1 and lines[0].startswith("specgan: "), said.err
    assert said.out == "" and all(part in lines[0] for part in parts), said.err
    assert sorted(Path().rglob("*")) == before


def test_sound_is_not_written_to_a_terminal(folder, tmp_path, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdout", Terminal())
    with pytest.raises(InputError, match="is a terminal"):
        inference.infer(specgan.load(folder), TEXT, inference.PIPE, {})


def test_what_was_written_before_a_bad_line_stays(run, capsys):
    Path("lines.txt").write_text("a|The fox.\nb|狐\n")
    assert run("--file", "lines.txt", "-o", "out") == 2
    assert "specgan: b: the text has no words" in capsys.readouterr().err
    assert [path.name for path in Path("out").iterdir()] == ["a.wav"]


def test_a_voice_that_breaks_off_leaves_no_file(run, folder, monkeypatch):
    def broken(self: Voice, mel: np.ndarray):
        yield np.zeros(100, np.float32)
        raise InputError("the mel has values that are NaN or infinite")

    monkeypatch.setattr(Voice, "render", broken)
    assert run("--text", TEXT, "-o", "out.wav") == 2
    assert list(Path().iterdir()) == []


def test_the_json_of_a_mel_has_all_fields_of_the_spec(run):
    assert run("--text", TEXT, "-o", "out.wav", "--save-mel") == 0
    assert json.loads(Path("out.json").read_text()) == tiny_voice.SPEC.to_dict()

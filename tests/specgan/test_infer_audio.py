"""`specgan infer --audio`: lengths, rates, channels, formats, folders, pipes; what bad input gets."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

import specgan
from specgan.cli import main
from specgan.infer_audio import find_jobs, infer_audio
from specgan.runtime.enhancer import Enhancer
from tests.specgan import tiny_voice
from tests.specgan.tiny_enhancer import write
from vocoder.errors import InputError
from vocoder.signal import audio

ROOT = Path(__file__).parents[2]
COMMENT = f"enhanced by specgan {specgan.__version__} with the model tiny"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("enhancers") / "tiny")


@pytest.fixture
def run(folder, tmp_path, monkeypatch):
    """The command, in an empty folder, with the tiny enhancer."""
    monkeypatch.chdir(tmp_path)
    return lambda *words: main(["infer", "--model", str(folder), *map(str, words)])


def piped(folder: Path, *words: str, given: bytes, cwd: Path) -> subprocess.CompletedProcess[bytes]:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "specgan", "infer", "--model", str(folder), *words]
    return subprocess.run(command, input=given, capture_output=True, env=environment, cwd=cwd, check=False)


def noise(samples: int, channels: int = 1, level: float = 0.1) -> np.ndarray:
    """(samples, channels) as soundfile has it, with a different noise in each channel, without DC."""
    wave = level * np.random.default_rng(channels).uniform(-1, 1, (samples, channels))
    return wave - wave.mean(axis=0)


def steps(wave: np.ndarray, bits: int = 16) -> np.ndarray:
    """What an integer format keeps of a wave (C, N), as (N, C)."""
    return np.rint(wave.astype(np.float64) * 2 ** (bits - 1)).astype(np.int64).T


# -- what is written --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "suffix, subtype, rate, channels",
    [
        (".wav", "PCM_16", 44_100, 2),
        (".wav", "PCM_24", 8_000, 1),
        (".wav", "FLOAT", 16_000, 3),
        (".wav", "PCM_U8", 11_025, 1),
        (".flac", "PCM_24", 48_000, 2),
        (".ogg", "VORBIS", 22_050, 1),
        (".opus", "OPUS", 48_000, 2),
        (".mp3", "MPEG_LAYER_III", 32_000, 2),
    ],
)
def test_length_rate_channels_and_sample_type_stay(run, folder, suffix, subtype, rate, channels, capsys):
    soundfile.write(f"in{suffix}", noise(10_007, channels), rate, subtype, format=audio.FORMATS[suffix])
    assert run("--audio", f"in{suffix}", "-o", f"out{suffix}") == 0
    assert capsys.readouterr() == (f"out{suffix}: {10_007 / rate:.1f} s enhanced by tiny\n", "")
    with soundfile.SoundFile(f"out{suffix}") as file:
        assert (file.samplerate, file.channels, file.subtype) == (rate, channels, subtype)
        assert file.frames == soundfile.info(f"in{suffix}").frames
        assert file.comment == COMMENT
        written = file.read(always_2d=True)
    wanted = specgan.load(folder).enhance(audio.read(f"in{suffix}")[0], rate)
    if suffix in (".wav", ".flac"):
        np.testing.assert_allclose(written.T, wanted, atol=2.0**-7 if subtype == "PCM_U8" else 2.0**-15)


@pytest.mark.parametrize(
    "subtype, out, kept",
    [
        ("FLOAT", "out.flac", "PCM_24"),
        ("PCM_24", "out.flac", "PCM_24"),
        ("PCM_24", "out.mp3", "MPEG_LAYER_III"),
        ("ULAW", "out.wav", "PCM_16"),
    ],
)
def test_another_format_keeps_what_it_can(run, subtype, out, kept):
    soundfile.write("in.wav", noise(4_000), 8_000, subtype)
    assert run("--audio", "in.wav", "-o", out) == 0
    assert soundfile.info(out).subtype == kept


def test_parts_of_a_stereo_file_are_worked_on_by_themselves(run):
    pair = noise(6_000, 2)
    soundfile.write("pair.wav", pair, 8_000, "FLOAT")
    for channel in (0, 1):
        soundfile.write(f"{channel}.wav", pair[:, channel], 8_000, "FLOAT")
    assert run("--audio", "pair.wav", "0.wav", "1.wav", "-o", "out") == 0
    apart = [soundfile.read(f"out/{channel}.wav", dtype="float32")[0] for channel in (0, 1)]
    together = soundfile.read("out/pair.wav", dtype="float32")[0]
    assert np.array_equal(together, np.stack(apart, axis=1)) and not np.array_equal(*apart)


def test_the_renderer_is_chosen(run, folder):
    soundfile.write("in.wav", noise(4_000), 8_000)
    assert run("--audio", "in.wav", "-o", "a.wav", "--renderer", "vocoder") == 0
    wave = audio.read("in.wav")[0]
    wanted = Enhancer(specgan.load(folder).model, "vocoder").enhance(wave, 8_000)
    assert np.abs(soundfile.read("a.wav", dtype="int16", always_2d=True)[0] - steps(wanted)).max() <= 1
    assert run("--audio", "in.wav", "-o", "b.wav") == 0
    assert Path("a.wav").read_bytes() != Path("b.wav").read_bytes()


def test_folders_patterns_and_several_recordings_go_into_a_folder(run, capsys):
    for name in ("s/a.wav", "s/deep/b.flac", "s/deep/c.WAV", "s/deep/.hidden.wav"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(name, noise(800), 8_000)
    Path("s/notes.txt").write_text("no sound")

    def made(place: str) -> list[str]:
        return sorted(str(path.relative_to(place)) for path in Path(place).rglob("*") if path.is_file())

    assert run("--audio", "s", "-o", "s/out") == run("--audio", "s", "-o", "s/out") == 0  # not what was made before
    assert made("s/out") == ["a.wav", "deep/b.flac", "deep/c.WAV"]
    assert capsys.readouterr().out == "s/out: 3 files, 0.3 s enhanced by tiny\n" * 2
    assert run("--audio", "s/d*/*", "-o", "o1") == 0
    assert made("o1") == ["deep/b.flac", "deep/c.WAV"]
    assert run("--audio", "s/**/b.*", "-o", "o2") == 0
    assert made("o2") == ["deep/b.flac", "out/deep/b.flac"]
    assert run("--audio", "s/a.wav", "s/deep/b.flac", "-o", "o3") == 0
    assert run("--audio", "s/a.wav", "--audio", "s/deep", "-o", "o4") == 0
    assert made("o3") == ["a.wav", "b.flac"] and made("o4") == ["a.wav", "b.flac", "c.WAV"]
    Path("o5").mkdir()
    assert run("--audio", "s/a.wav", "-o", "o5") == run("--audio", "s/a.*", "-o", "o5/one.wav") == 0
    assert made("o5") == ["a.wav", "one.wav"]


def test_progress_counts_seconds(folder, tmp_path):
    for name, samples in (("a", 8_000), ("b", 20_001), ("c", 300)):
        soundfile.write(tmp_path / f"{name}.wav", noise(samples), 8_000)
    seen: list[tuple[int, int]] = []

    def progress(items, count):
        shown = list(items)
        seen.append((len(shown), count))
        return shown

    done = infer_audio(specgan.load(folder), "enhanced", [str(tmp_path)], str(tmp_path / "out"), progress)
    assert seen == [(1 + 3 + 1, 1 + 3 + 1)]
    assert done.files == 3 and done.seconds == pytest.approx(28_301 / 8_000)


def test_memory_does_not_grow_with_the_recording(folder, tmp_path):
    soundfile.write(tmp_path / "short.wav", noise(8_000 * 20, 2), 8_000)
    soundfile.write(tmp_path / "long.wav", noise(8_000 * 400, 2), 8_000)
    program = (
        "import resource, sys\nfrom specgan.cli import main\n"
        f"main(['infer', '--model', {str(folder)!r}, '--audio', sys.argv[1], '-o', 'out.wav'])\n"
        "assert not {'torch', 'scipy', 'librosa', 'onnx', 'espeakng_loader'} & set(sys.modules)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    used = []
    for name in ("short.wav", "long.wav"):
        command = [sys.executable, "-c", program, name]
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
        used.append(int(done.stdout.split()[-1]) / 1024)
    assert used[1] < used[0] + 8, used  # MB; the recording has 24 as floats


# -- pipes ------------------------------------------------------------------------------------------------------------


def test_pipes_carry_the_same_as_files(run, folder, tmp_path):
    soundfile.write("in.wav", noise(9_000, 2), 16_000, "PCM_24")
    assert run("--audio", "in.wav", "-o", "file.wav") == 0
    given = Path("in.wav").read_bytes()
    streamed = given.replace(len(given[44:]).to_bytes(4, "little"), b"\xff" * 4)  # as ffmpeg writes into a pipe
    for sound in (given, streamed):
        done = piped(folder, "--audio", "-", "-o", "-", given=sound, cwd=tmp_path)
        assert (done.returncode, done.stderr) == (0, b"")
        assert done.stdout == Path("file.wav").read_bytes()
    with soundfile.SoundFile(io.BytesIO(done.stdout)) as file:
        assert (file.frames, file.subtype, file.comment) == (9_000, "PCM_24", COMMENT)
    done = piped(folder, "--audio", "-", "-o", "b.flac", given=given, cwd=tmp_path)
    assert done.returncode == 0 and soundfile.info("b.flac").frames == 9_000
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b.flac", "file.wav", "in.wav"]


def test_errors_and_warnings_about_pipes_name_them(folder, tmp_path):
    sound = io.BytesIO()
    soundfile.write(sound, np.zeros(100), 8_000, format="WAV")
    done = piped(folder, "--audio", "-", "-o", "-", given=sound.getvalue(), cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.startswith(b"specgan: the standard input: too short, 100 samples")
    loud = io.BytesIO()
    soundfile.write(loud, noise(4_000, level=3.0) + 0.1, 8_000, "FLOAT", format="WAV")
    done = piped(folder, "--audio", "-", "-o", "-", given=loud.getvalue(), cwd=tmp_path)
    said = done.stderr.decode().splitlines()
    assert done.returncode == 0 and len(said) == 2
    assert "warning: the standard input: has a constant offset (DC) of +0.1" in said[0]
    assert "warning: the standard output: clipped" in said[1]
    done = piped(folder, "--audio", "-", "-o", "-", given=b"", cwd=tmp_path)
    assert done.returncode == 2 and done.stderr.startswith(b"specgan: the standard input: empty file")


# -- what is warned of ------------------------------------------------------------------------------------------------


def test_silence_clipping_and_dc_are_warned_of_and_worked_on(run, folder, capsys):
    sounds = {
        "silent": np.zeros(4_000),
        "clipped": np.clip(noise(4_000, level=1.5)[:, 0].repeat(4)[:4_000], -1, 1),
        "dc": noise(4_000)[:, 0] + 0.25,
        "clean": 0.999 * np.sin(np.arange(4_000)),
        "full": np.sin(np.arange(4_000) / 3),  # touches full scale, as a recording brought to it does
    }
    said = {}
    for name, wave in sounds.items():
        soundfile.write(f"{name}.wav", wave, 8_000, "PCM_24")
        assert run("--audio", f"{name}.wav", "-o", f"out-{name}.wav") == 0
        said[name] = capsys.readouterr().err
    assert said["silent"].startswith("specgan: warning: silent.wav: silent recording")
    assert said["clipped"].startswith("specgan: warning: clipped.wav: clipped in ")
    assert said["dc"] == "specgan: warning: dc.wav: has a constant offset (DC) of +0.25 of full scale; taken off\n"
    assert said["clean"] == said["full"] == "" and all(text.count("\n") <= 1 for text in said.values())
    assert np.abs(soundfile.read("out-silent.wav")[0]).max() == 0
    assert abs(soundfile.read("out-dc.wav")[0].mean()) < 1e-3


def test_clipped_places_are_counted_across_blocks(tmp_path):
    from specgan.infer_audio import examine

    wave = np.zeros(200_000)
    for first, length in ((10, 2), (100, 3), (65_534, 4), (131_071, 3), (150_000, 70_000)):
        wave[first : first + length] = -1
    soundfile.write(tmp_path / "a.wav", wave, 8_000)
    with pytest.warns(UserWarning, match="constant offset"), pytest.warns(UserWarning, match="clipped in 4 places"):
        offsets = examine(tmp_path / "a.wav", 1)
    assert offsets == pytest.approx([wave.mean()])


def test_what_is_clipped_when_written_is_warned_of(run, capsys):
    soundfile.write("in.wav", noise(4_000, level=4.0), 8_000, "FLOAT")
    assert run("--audio", "in.wav", "-o", "out.wav") == 0
    said = capsys.readouterr().err
    assert said.startswith("specgan: warning: out.wav: clipped, the wave reaches ") and said.count("\n") == 1


# -- bad input --------------------------------------------------------------------------------------------------------

TO = ("-o", "out.wav")
BAD = {
    "missing": (("--audio", "no.wav", *TO), ("no.wav: no such file",)),
    "no file of a pattern": (("--audio", "no*.wav", *TO), ("no*.wav: no file is called like that",)),
    "empty": (("--audio", "empty.wav", *TO), ("empty.wav: empty file",)),
    "a text": (("--audio", "text.wav", *TO), ("text.wav: not a sound file",)),
    "a video": (("--audio", "film.mp4", *TO), ("film.mp4: a video", "ffmpeg -i film.mp4 -vn sound.wav")),
    "another video": (("--audio", "film.mkv", *TO), ("film.mkv: a video", "ffmpeg -i film.mkv -vn sound.wav")),
    "an AVI": (("--audio", "film.avi", *TO), ("film.avi: a video",)),
    "shorter than a frame": (("--audio", "short.wav", *TO), ("short.wav: too short, 1411 samples (32 ms)", "32 ms")),
    "not a number": (("--audio", "nan.wav", *TO), ("nan.wav: has samples that are NaN",)),
    "infinite": (("--audio", "inf.wav", *TO), ("inf.wav: has samples that are NaN or infinite",)),
    "cut": (("--audio", "cut.wav", *TO), ("cut.wav: truncated",)),
    "one of a folder": (("--audio", "mixed", "-o", "out"), ("bad.wav: not a sound file",)),
    "onto itself": (("--audio", "good.wav", "-o", "good.wav"), ("good.wav: would be written over",)),
    "onto another": (("--audio", "good.wav", "sub/good.wav", "-o", "."), ("written over the recording good.wav",)),
    "onto itself by a link": (("--audio", "good.wav", "-o", "link.wav"), ("link.wav: would be written over",)),
    "a folder onto itself": (("--audio", "sub", "-o", "sub"), ("sub/good.wav: would be written over",)),
    "two of one name": (("--audio", "good.wav", "sub/good.wav", "-o", "out"), ("sub/good.wav: would be written to",)),
    "one file for several": (("--audio", "good.wav", "other.wav", *TO), ("names one file for 2 recordings",)),
    "a folder without sound": (("--audio", "none", "-o", "out"), ("none: holds no sound",)),
    "no output": (("--audio", "good.wav"), ("-o FILE",)),
    "output of another format": (("--audio", "good.wav", "-o", "out.txt"), ("out.txt", ".flac")),
    "output in no folder": (("--audio", "good.wav", "-o", "no/out.wav"), ("no/out.wav", "not a folder")),
    "a rate without opus": (("--audio", "good.wav", "-o", "out.opus"), ("out.opus", "44100 Hz (Opus only supports")),
    "several into a pipe": (("--audio", "good.wav", "other.wav", "-o", "-"), ("a pipe carries one recording",)),
    "a folder into a pipe": (("--audio", "sub", "-o", "-"), ("a pipe carries one recording",)),
    "no recording": (TO, ("model tiny changes recordings", "--audio")),
    "a text to speak": (("--text", "a", *TO), ("--text is not for the model tiny (enhancement)", "--audio")),
    "two kinds": (("--text", "a", "--audio", "good.wav", *TO), ("only one of",)),
    "a voice's option": (("--audio", "good.wav", "--speed", "2", *TO), ("--speed is not for the model tiny",)),
    "a mel": (("--audio", "good.wav", "--save-mel", *TO), ("--save-mel is not for the model tiny",)),
    "a recording behind no option": (("good.wav", *TO), ("'good.wav' stands behind no option",)),
    "an unknown renderer": (
        ("--audio", "good.wav", "--renderer", "x", *TO),
        ("no renderer 'x'; it has gain, vocoder",),
    ),
    "another task": (("--audio", "good.wav", "--model", "vocoder-22k", *TO), ("task vocoder", "enhancement")),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_line_and_leaves_no_file(run, name, capsys):
    words, parts = BAD[name]
    for place in ("sub", "none", "mixed"):
        Path(place).mkdir()
    for file, wave in {
        "good.wav": noise(4_000),
        "other.wav": noise(4_000),
        "sub/good.wav": noise(4_000),
        "mixed/a.wav": noise(4_000),
        "short.wav": noise(1_411),
        "nan.wav": np.append(noise(4_000), np.nan),
        "inf.wav": np.append(noise(4_000), [np.inf, -np.inf]),
    }.items():
        soundfile.write(file, wave, 44_100, "FLOAT")
    Path("link.wav").symlink_to("good.wav")
    for file, content in {
        "empty.wav": b"",
        "text.wav": b"no sound at all",
        "mixed/bad.wav": b"no sound at all",
        "film.mp4": b"\0\0\0\x20ftypisom" + bytes(100),
        "film.mkv": b"\x1aE\xdf\xa3" + bytes(100),
        "film.avi": b"RIFF\x80\0\0\0AVI LIST" + bytes(100),
        "cut.wav": Path("good.wav").read_bytes()[:-1_000],
    }.items():
        Path(file).write_bytes(content)
    before = {path: path.stat().st_mtime_ns for path in Path().rglob("*")}
    assert run(*words) == 2
    said = capsys.readouterr()
    assert said.err.startswith("specgan: ") and said.err.count("\n") == 1, said.err
    assert said.out == "" and all(part in said.err for part in parts), said.err
    assert {path: path.stat().st_mtime_ns for path in Path().rglob("*")} == before


def test_a_voice_takes_no_recordings(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    voice = tiny_voice.write(tmp_path / "voice")
    assert main(["infer", "--model", str(voice), "--audio", "a.wav", "-o", "b.wav"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("specgan: --audio is not for the model voice (tts), which takes --text")


def test_what_breaks_off_leaves_no_file(tmp_path):
    class Broken:
        name, shortest = "broken", 0.0

        def at_rate(self, blocks, rate) -> Iterator[np.ndarray]:
            yield next(iter(blocks))[:100]
            raise InputError("the wave has samples that are NaN or infinite")

    soundfile.write(tmp_path / "in.wav", noise(4_000), 8_000)
    with pytest.raises(InputError, match="NaN"):
        infer_audio(Broken(), "broken", [str(tmp_path / "in.wav")], str(tmp_path / "out.wav"))
    assert [path.name for path in tmp_path.iterdir()] == ["in.wav"]


def test_jobs_of_a_pattern_keep_the_tree_below_its_fixed_part(tmp_path):
    for name in ("x/1/a.wav", "x/2/b.wav"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_bytes(b"")
    jobs = find_jobs([str(tmp_path / "x" / "*" / "*.wav")], Path("out"))
    assert [str(job.out) for job in jobs] == ["out/1/a.wav", "out/2/b.wav"]

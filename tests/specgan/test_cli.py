"""The command line: what it says, what it writes, and what bad input gets."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import soundfile
import torch

from specgan.cli import main
from vocoder.engine.trainer import TrainingError
from vocoder.hifigan import HiFiGAN, HiFiGANConfig
from vocoder.signal.spec import preset

ROOT = Path(__file__).parents[2]
FIXTURES = ROOT / "tests" / "fixtures"
SPEECH = FIXTURES / "ljspeech/wavs/LJ001-0008.flac"
MINI = ROOT / "recipes/vocoder/conf/mini.yaml"
TRAINING_ONLY = ("torch", "librosa", "scipy", "tensorboard", "omegaconf", "rich")

PUBLISHED = {
    "resblock": "2",
    "upsample_rates": [8, 8, 4],
    "upsample_kernel_sizes": [16, 16, 8],
    "upsample_initial_channel": 16,
    "resblock_kernel_sizes": [3],
    "resblock_dilation_sizes": [[1, 3]],
    "num_mels": 80,
    "n_fft": 1024,
    "hop_size": 256,
    "win_size": 1024,
    "sampling_rate": 22050,
    "fmin": 0,
    "fmax": 8000,
}

PUBLISHED_MEL = {"preset": "22k-8k"}


@dataclass
class Place:
    """A folder with things to work on."""

    path: Path

    def write(self, name: str, content: bytes | str = b"") -> Path:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def wav(self, name: str, wave: np.ndarray, rate: int = 22_050) -> Path:
        path = self.path / name
        soundfile.write(path, wave, rate, subtype="FLOAT")
        return path

    def mel(self, name: str, frames: int = 20, spec: object = PUBLISHED_MEL) -> Path:
        path = self.path / name
        values = np.full((80, frames), -6.0, np.float32)
        if path.suffix == ".npy":
            np.save(path, values)
        else:
            torch.save(torch.from_numpy(values), path)
        path.with_suffix(".json").write_text(json.dumps(spec))
        return path

    def published(self, **changes: object) -> list[str]:
        """Options that name a small generator with random weights in the published form."""
        fields = PUBLISHED | changes
        (self.path / "config.json").write_text(json.dumps(fields))
        torch.manual_seed(0)
        state = HiFiGAN(HiFiGANConfig.from_published(PUBLISHED, "test")).state_dict()
        torch.save({"generator": state}, self.path / "g_00000001")
        return ["--checkpoint", str(self.path / "g_00000001"), "--config", str(self.path / "config.json")]

    def manifest(self, *rows: object) -> Path:
        return self.write(
            "rows.jsonl", "".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows)
        )


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def python(*words: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run([sys.executable, *words], capture_output=True, text=True, env=environment, check=False)


# -- what it says -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["infer", "vocoder train", "vocoder decode", "prepare", "models", "pack"])
def test_every_command_has_help_with_an_example(command, capsys):
    assert main([*command.split(), "--help"]) == 0
    assert f"Example: specgan {command}" in " ".join(capsys.readouterr().out.split())


def test_a_plain_start_loads_nothing_that_only_training_needs():
    loaded = f"print(sorted(set({TRAINING_ONLY}) & set(sys.modules)), file=sys.stderr)"
    done = python("-c", f"import sys; from specgan.cli import main; code = main(['--help']); {loaded}; sys.exit(code)")
    assert (done.returncode, done.stderr) == (0, "[]\n")
    assert "vocoder" in done.stdout


def test_the_module_is_the_command(tmp_path):
    done = python("-m", "specgan", "prepare", str(tmp_path / "nowhere"), "-o", str(tmp_path / "data"))
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == f"specgan: {tmp_path / 'nowhere'}: is not a folder; name one that holds sounds\n"


def test_a_missing_package_is_named_with_the_way_to_get_it(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "torch", None)  # import then fails as if it was not installed
    for name in [name for name in sys.modules if name.startswith(("vocoder.task", "vocoder.train"))]:
        monkeypatch.delitem(sys.modules, name)
    assert main(["vocoder", "train", str(MINI)]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert 'torch is not installed, this needs it: pip install "specgan[train]"' in error


@pytest.mark.parametrize(
    "words", [["nonsense"], ["prepare"], ["prepare", "x", "-o", "y", "--rate", "fast"], ["pack", "--no"]]
)
def test_wrong_usage_is_exit_code_2(words, capsys):
    assert main(words) == 2
    assert "Error: " in capsys.readouterr().err


def test_an_interrupt_is_exit_code_130(monkeypatch):
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("specgan.prepare.prepare", interrupted)
    assert main(["prepare", "x", "-o", "y"]) == 130


# -- bad input --------------------------------------------------------------------------------------------------------

TONE = 0.3 * np.sin(np.arange(22_050) * 0.1)


class Harmful:
    """A pickle of it makes a file as soon as it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return os.mkdir, (str(self.path),)


def decoding(place: Place, source: Path, out: str = "out.wav") -> list[str]:
    return ["vocoder", "decode", str(source), "-o", str(place.path / out), *place.published()]


def truncated_flac(place: Place) -> list[str]:
    return decoding(place, place.write("cut.flac", SPEECH.read_bytes()[:20_000]))


def harmful_mel(place: Place) -> list[str]:
    path = place.mel("bad.pt")
    torch.save(Harmful(place.path / "harm"), path)
    return decoding(place, path)


def harmful_array(place: Place) -> list[str]:
    path = place.mel("bad.npy")
    np.save(path, np.array([Harmful(place.path / "harm")], dtype=object), allow_pickle=True)
    return decoding(place, path)


def mel_with_nan(place: Place) -> list[str]:
    path = place.mel("bad.npy")
    np.save(path, np.full((80, 5), np.nan, np.float32))
    return decoding(place, path)


def mel_of_other_bands(place: Place) -> list[str]:
    path = place.mel("bad.npy")
    np.save(path, np.zeros((5, 80), np.float32))
    return decoding(place, path)


def mel_without_spec(place: Place) -> list[str]:
    path = place.mel("bad.npy")
    path.with_suffix(".json").unlink()
    return decoding(place, path)


def cut_mel(place: Place) -> list[str]:
    path = place.mel("bad.npy")
    path.write_bytes(path.read_bytes()[:1000])
    return decoding(place, path)


def weights(place: Place, change: Callable[[Path], object]) -> list[str]:
    """Decoding with a checkpoint that was tampered with."""
    words = decoding(place, SPEECH)
    change(place.path / "g_00000001")
    return words


def other_architecture(path: Path) -> None:
    torch.save({"generator": {"conv_pre.weight": torch.zeros(3, 3, 3)}}, path)


def harmful_pickle(path: Path) -> None:
    torch.save({"generator": Harmful(path.parent / "harm")}, path)


def below_a_file(place: Place) -> Path:
    return place.write("file") / "folder"


def row(id: str, **more: object) -> dict[str, object]:
    return {"id": id, "audio": str(SPEECH), **more}


def training(place: Place, *settings: str, rows: Path | None = None, run: Path | None = None) -> list[str]:
    manifest = rows or place.manifest(row("a"), row("b"))
    data = [f"data.train=['{manifest}']", f"data.validation=['{manifest}']"]
    return ["vocoder", "train", str(MINI), *data, *settings, "--out", str(run or place.path / "run")]


def started_from(place: Place, content: bytes) -> list[str]:
    place.write("weights/generator.safetensors", content)
    return training(place, f"initial={place.path / 'weights'}")


OTHER = safetensors.torch.save({"weight": torch.zeros(2)})

# name: (what makes the command's words, what the message must name)
BAD: dict[str, tuple[Callable[[Place], list[str]], tuple[str, ...]]] = {
    # sound
    "missing": (lambda p: decoding(p, p.path / "no.wav"), ("no.wav",)),
    "empty": (lambda p: decoding(p, p.write("no.wav")), ("no.wav",)),
    "truncated": (truncated_flac, ("cut.flac",)),
    "not sound": (lambda p: decoding(p, p.write("no.wav", "a text " * 100)), ("no.wav",)),
    "no samples": (lambda p: decoding(p, p.wav("no.wav", np.zeros(0))), ("no.wav", "0 samples")),
    "NaN": (lambda p: decoding(p, p.wav("no.wav", np.where(TONE > 0.29, np.nan, TONE))), ("no.wav", "NaN")),
    "infinite": (lambda p: decoding(p, p.wav("no.wav", np.where(TONE > 0.29, np.inf, TONE))), ("no.wav", "infinite")),
    "a folder without sound": (lambda p: decoding(p, p.write("folder/a.txt").parent, "out"), ("folder", "no sound")),
    # mels
    "mel of another spec": (
        lambda p: decoding(p, p.mel("m.npy", spec={"preset": "22k"})),
        ("m.npy", "fmax 11025.0 against 8000.0"),
    ),
    "mel without spec": (mel_without_spec, ("bad.npy", "bad.json")),
    "mel with an unknown preset": (lambda p: decoding(p, p.mel("m.pt", spec={"preset": "8k"})), ("m.json", "22k-8k")),
    "mel with half a spec": (lambda p: decoding(p, p.mel("m.pt", spec={"hop": 256})), ("m.json", "n_fft")),
    "mel of another shape": (mel_of_other_bands, ("bad.npy", "(5, 80)", "80 bands")),
    "mel with NaN": (mel_with_nan, ("bad.npy", "NaN")),
    "mel without frames": (lambda p: decoding(p, p.mel("m.npy", frames=0)), ("m.npy", "(80, 0)")),
    "mel cut short": (cut_mel, ("bad.npy", "cut short")),
    "mel that is a text": (lambda p: decoding(p, p.write("m.pt", "a text")), ("m.pt",)),
    "harmful mel": (harmful_mel, ("bad.pt", "refused unread")),
    "harmful array": (harmful_array, ("bad.npy", "refused unread")),
    # models
    "no such model": (
        lambda p: ["vocoder", "decode", str(SPEECH), "-o", str(p.path / "o.wav"), "--model", "vocoder-99"],
        ("'vocoder-99'",),
    ),
    "weights without config": (lambda p: [*decoding(p, SPEECH)[:-2]], ("--config",)),
    "two models": (lambda p: [*decoding(p, SPEECH), "--model", "x"], ("--model", "not both")),
    "weights of another architecture": (
        lambda p: weights(p, other_architecture),
        ("g_00000001", "config.json", "conv_post.bias"),
    ),
    "weights cut short": (
        lambda p: weights(p, lambda w: w.write_bytes(w.read_bytes()[:999])),
        ("g_00000001", "cut short"),
    ),
    "harmful weights": (lambda p: weights(p, harmful_pickle), ("g_00000001", "refused unread")),
    "config of another hop": (
        lambda p: [*decoding(p, SPEECH)[:5], *p.published(hop_size=128)],
        ("config.json", "hop_size is 128"),
    ),
    # outputs
    "out below a file": (lambda p: decoding(p, SPEECH, str(below_a_file(p) / "o.wav")), ("file/folder",)),
    "out of another format": (lambda p: decoding(p, SPEECH, "o.aiff"), ("o.aiff", ".flac")),
    "out folder below a file": (lambda p: decoding(p, FIXTURES / "ljspeech", str(below_a_file(p))), ("file/folder",)),
    "prepared below a file": (
        lambda p: ["prepare", str(FIXTURES / "ljspeech"), "-o", str(below_a_file(p))],
        ("file/folder",),
    ),
    "run below a file": (lambda p: training(p, run=below_a_file(p)), ("file/folder",)),
    "an id that leads out": (lambda p: decoding(p, p.manifest(row("../x")), "out"), ("rows.jsonl", "'../x'")),
    # settings
    "no settings": (lambda p: ["vocoder", "train", str(p.path / "no.yaml")], ("no.yaml",)),
    "unknown key": (lambda p: training(p, "generator.sise=small"), ("generator.sise", "generator.size")),
    "unknown key in the file": (
        lambda p: ["vocoder", "train", str(p.write("c.yaml", "trian: {steps: 3}"))],
        ("c.yaml", "trian", "train"),
    ),
    "a word for a number": (
        lambda p: training(p, "generator.projections=two"),
        ("generator.projections", "'two'", "whole number"),
    ),
    "a truth value for a number": (
        lambda p: training(p, "train.steps=False"),
        ("train.steps", "False", "whole number"),
    ),
    "an option for a setting": (lambda p: training(p, "--fine-tune", "False"), ("--fine-tune",)),
    "unknown network": (lambda p: training(p, "generator.name=wavenet"), ("'wavenet'", "hifigan-v1")),
    "weights of another network": (lambda p: started_from(p, OTHER), ("generator.safetensors", "weight")),
    "weights to start from cut short": (lambda p: started_from(p, OTHER[:20]), ("generator.safetensors", "cut short")),
    "weights to start from in a pickle": (
        lambda p: started_from(p, pickle.dumps({1: 2})),
        ("generator.safetensors", "refused unread"),
    ),
    # data
    "no data": (lambda p: ["vocoder", "train", str(MINI), "--out", str(p.path / "run")], ("data.train", "prepare")),
    "too little data": (lambda p: training(p, "data.batch=64"), ("fewer than the batch of 64",)),
    "a row without audio": (lambda p: training(p, rows=p.manifest(row("a"), {"id": "b"})), ("rows.jsonl:2", "'audio'")),
    "a row whose audio is gone": (
        lambda p: training(p, rows=p.manifest(row("a", audio="no.wav"))),
        ("rows.jsonl:1", "no.wav"),
    ),
    "a negative time": (lambda p: training(p, rows=p.manifest(row("a", start=-1))), ("rows.jsonl:1", "start")),
    "an id that comes twice": (
        lambda p: training(p, rows=p.manifest(row("a"), row("b"), row("a"))),
        ("rows.jsonl:3", "'a'", "line 1"),
    ),
    "a row that is not JSON": (lambda p: training(p, rows=p.manifest("{id: 1}")), ("rows.jsonl:1", "JSON")),
    "a segment beyond the end": (
        lambda p: training(p, rows=p.manifest(row("a", start=99.0))),
        ("LJ001-0008.flac", "99"),
    ),
    "no recordings": (lambda p: training(p, rows=p.manifest()), ("rows.jsonl",)),
    "nothing to prepare": (
        lambda p: ["prepare", str(p.write("in/a.txt").parent), "-o", str(p.path / "out")],
        ("in", "no sound"),
    ),
    "a run that is none": (lambda p: ["pack", str(p.write("in/a.txt").parent), "-o", str(p.path / "out")], ("in",)),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_line_and_leaves_nothing_behind(name, place, capsys):
    make, words = BAD[name]
    arguments = make(place)
    before = {path: path.stat().st_mtime_ns for path in place.path.rglob("*")}
    assert main(arguments) == 2
    said = capsys.readouterr()
    if name != "an option for a setting":  # typer adds the usage to what it says itself
        assert said.err.startswith("specgan: ")
        assert said.err.count("\n") == 1, said.err
    assert said.out == ""
    for word in words:
        assert word in said.err
    after = {path: path.stat().st_mtime_ns for path in place.path.rglob("*")}
    assert after == before


# -- what it does -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".npy", ".pt"])
def test_a_mel_becomes_sound_of_its_length(place, suffix, capsys):
    out = place.path / "out.wav"
    assert main(decoding(place, place.mel(f"m{suffix}", frames=33))) == 0
    with soundfile.SoundFile(out) as file:
        assert (file.frames, file.samplerate, file.channels) == (33 * 256, 22_050, 1)
        assert "g_00000001" in file.comment
    assert capsys.readouterr().err == ""


def test_a_spec_with_all_fields_is_as_good_as_a_preset(place):
    assert main(decoding(place, place.mel("m.npy", spec=preset("22k-8k").to_dict()))) == 0


def test_a_recording_of_any_rate_and_channels_keeps_its_duration(place):
    source = place.wav("stereo.wav", np.stack([TONE, -0.5 * TONE], axis=1), 48_000)
    assert main(decoding(place, source, "out.flac")) == 0
    assert soundfile.info(place.path / "out.flac").frames == round(22_050 * 22_050 / 48_000)


def test_silence_is_rendered_with_a_warning(place, capsys):
    assert main(decoding(place, place.wav("still.wav", np.zeros(9_000)))) == 0
    error = capsys.readouterr().err
    assert error.startswith("specgan: warning: ")
    assert "still.wav" in error
    assert error.count("\n") == 1


def test_a_folder_and_a_manifest_become_folders(place, capsys):
    place.write("in/deep/a.flac", SPEECH.read_bytes())
    place.mel("in/b.npy", frames=4)
    assert main(decoding(place, place.path / "in", "one")) == 0
    assert soundfile.info(place.path / "one/b.wav").frames == 4 * 256
    assert soundfile.info(place.path / "one/deep/a.wav").frames == soundfile.info(SPEECH).frames
    rows = place.manifest(row("x", start=0.5, duration=0.25), row("y/z", duration=0.1))
    assert main(decoding(place, rows, "two")) == 0
    assert soundfile.info(place.path / "two/x.wav").duration == pytest.approx(0.25, abs=1e-4)
    assert soundfile.info(place.path / "two/y/z.wav").duration == pytest.approx(0.1, abs=1e-4)
    assert "2 files" in capsys.readouterr().out


def test_a_run_trains_resumes_decodes_and_packs(place, monkeypatch, capsys):
    monkeypatch.chdir(place.path)
    words = training(place, "train.steps=2", "train.validate_every=2", "critic.start=2")[:-2]  # without --out
    assert main(words) == 0
    run = place.path / "exp" / "mini"  # named after mini.yaml
    first = capsys.readouterr().err
    assert "step 0 of 2" in first and "step 2 validation" in first
    assert main([*words, "train.steps=3"]) == 0
    assert "step 2 of 3" in capsys.readouterr().err

    assert main(["vocoder", "decode", str(SPEECH), "-o", "out.ogg", "--model", str(run)]) == 0
    assert soundfile.info("out.ogg").frames == soundfile.info(SPEECH).frames
    with soundfile.SoundFile("out.ogg") as file:
        assert "mini" in file.comment

    packed: list[tuple[Any, ...]] = []
    monkeypatch.setattr("specgan.pack.export", lambda *given, critics: packed.append((*given, critics)))
    assert main(["pack", str(run), "-o", "mine", "--projections", "5", "--licence", "CC0 1.0"]) == 0
    ((generator, spec, out, card, facts, critics),) = packed
    assert (generator.projections, spec, out) == (5, preset("22k"), Path("mine"))
    assert (facts["licence"], facts["step"]) == ("CC0 1.0", 3)
    assert any(name.startswith("0.stacks.0") for name in critics)
    assert "# mine" in card and "fourier tiny, projections 5" in card and "CC0 1.0" in card


def test_training_that_breaks_off_is_exit_code_1(place, monkeypatch, capsys):
    def diverged(*_: object) -> bool:
        raise TrainingError("step 7: generator/mel not finite")

    monkeypatch.setattr("vocoder.train.train", diverged)
    assert main(training(place)) == 1
    assert capsys.readouterr().err == "specgan: step 7: generator/mel not finite\n"


def test_training_that_was_stopped_is_exit_code_130(place, monkeypatch):
    monkeypatch.setattr("vocoder.train.train", lambda *_: False)
    assert main(training(place)) == 130


def test_models_are_listed_with_size_task_mel_and_licence(place, monkeypatch, capsys):
    config = {
        "format_version": 1,
        "task": "vocoder",
        "functions": {},
        "spec": preset("16k").to_dict(),
        "receptive_field": 3,
        "facts": {"licence": "CC0 1.0"},
    }
    folder = place.write("vocoder-16k/config.json", json.dumps(config)).parent
    place.write("vocoder-16k/render.onnx", bytes(2_300_000))
    monkeypatch.setattr("specgan.zoo.shipped", lambda: {"vocoder-16k": folder})
    assert main(["models"]) == 0
    heads, row = capsys.readouterr().out.splitlines()
    assert heads.split() == ["name", "MB", "task", "mel", "licence"]
    assert row.split(maxsplit=3) == [
        "vocoder-16k",
        "2.3",
        "vocoder",
        "16k: 16000 Hz, 80 bands to 8000 Hz, 512/128  CC0 1.0",
    ]

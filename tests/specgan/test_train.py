"""`specgan train` and `specgan align`: what they are told, and what they say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from specgan import train as training
from specgan.cli import main
from specgan.tasks.acoustic import AcousticRun


@pytest.fixture
def config(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "voice.yaml"
    path.write_text("task: acoustic\ntrain: {steps: 7}\n")
    return path


@pytest.mark.parametrize(("words", "folder"), [((), Path("exp/voice")), (("--out", "elsewhere"), Path("elsewhere"))])
def test_the_task_of_the_config_is_trained(config, words, folder, monkeypatch):
    given: list[Any] = []
    monkeypatch.setitem(training.RUNS, "acoustic", (AcousticRun, lambda *both: bool(given.append(both)) or True))
    assert main(["train", str(config), *words, "data.batch=3"]) == 0
    ((run, where),) = given
    assert (run.train.steps, run.data.batch, where) == (7, 3, folder)


def test_a_stopped_run_is_exit_code_130(config, monkeypatch):
    monkeypatch.setitem(training.RUNS, "acoustic", (AcousticRun, lambda *_: False))
    assert main(["train", str(config)]) == 130


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("task: dancing", "the task is 'dancing'; there are alignment, acoustic, tts"),
        ("generator: {name: fourier}", "the task is None"),
        ("- 1", "the task is None"),
        ("task: [", "is not YAML"),
        ("task: tts\ntrain: {step: 1}", "did you mean train.steps?"),
        ("task: acoustic", "data.train names no manifest"),
        (None, "cannot be read"),
    ],
)
def test_what_cannot_be_trained(text, said, config, capsys):
    config.unlink() if text is None else config.write_text(text)
    assert main(["train", str(config)]) == 2
    told = capsys.readouterr().err
    assert said in told and told.count("\n") == 1
    assert not Path("exp").exists()


def test_align_says_how_many_and_which_not(monkeypatch, capsys):
    given: dict[str, Any] = {}

    def align(manifests: list[Path], folder: Path, **named: Any) -> tuple[int, list[str]]:
        given.update(named, manifests=manifests, folder=folder)
        return 8, ["a.wav: 3 frames are too few", "b.wav: noise"]

    monkeypatch.setattr("specgan.align.align_manifests", align)
    words = ["a.jsonl", "b.jsonl", "-o", "out", "--model", "run", "--textgrids", "mfa"]
    assert main(["align", *words]) == 0
    said = capsys.readouterr().out
    assert "8 recordings aligned" in said
    assert "left out: 2, the first: a.wav: 3 frames are too few; all reasons in out/left_out.txt" in said
    assert given.pop("progress")([1], 1) is not None
    manifests = [Path("a.jsonl"), Path("b.jsonl")]
    assert given == {"manifests": manifests, "folder": Path("out"), "model": Path("run"), "foreign": Path("mfa")}

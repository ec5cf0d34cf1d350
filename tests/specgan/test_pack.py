"""A run of a voice becomes a folder that speaks, and that a voice can be trained on from."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import specgan
from specgan import pack as packing
from specgan.cli import main
from specgan.trained import read_vocoder, read_voice, voice_checkpoint
from vocoder.engine.checkpoint import Checkpoints
from vocoder.errors import InputError
from vocoder.signal.spec import preset


@pytest.fixture(scope="module")
def packed(tiny_voice, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("packed") / "tiny"
    words = ["pack", str(tiny_voice.gan), "-o", str(out), "--vocoder", str(tiny_voice.vocoder), "--licence", "CC0 1.0"]
    assert main(words) == 0
    return out


def test_the_folder_speaks_as_the_run_does(packed, tiny_voice):
    made = specgan.load(packed).speak("Hello there.", seed=3)
    run = specgan.load(tiny_voice.gan, backend="torch").speak("Hello there.", seed=3)
    assert made.shape == run.shape and made.std() > 1e-4
    # the networks' weights are rounded to half precision in the folder
    assert np.abs(made - run).max() < 0.02 * np.abs(run).max()
    assert np.abs(made - specgan.load(packed, backend="torch").speak("Hello there.", seed=3)).max() < 1e-4


def test_the_card_and_the_facts(packed, tiny_voice):
    card = (packed / "README.md").read_text()
    for part in (
        "# tiny",
        "| speakers | kathleen |",
        "SpecUNet tiny",
        "fourier tiny, projections 0",
        "| 2 steps",
        "on kathleen |",
        "l1 0.",
        "| CC0 1.0 |",
        "--model tiny",
        "--from",
    ):
        assert part in card, part
    facts = json.loads((packed / "config.json").read_text())["facts"]
    saved = Checkpoints(tiny_voice.gan / "checkpoints").all()[-1]
    assert facts == {"step": 2, "validation": saved.figures, "data": ["kathleen"], "licence": "CC0 1.0"}


def test_what_was_packed_is_read_back(packed, tiny_voice):
    run, folder = read_voice(tiny_voice.gan), read_voice(packed)
    assert folder.acoustic.inventory == run.acoustic.inventory and folder.acoustic.pitch == run.acoustic.pitch
    for before, after in ((run.painter, folder.painter), (run.acoustic.acoustic, folder.acoustic.acoustic)):
        for name, tensor in before.state_dict().items():
            assert torch.allclose(after.state_dict()[name], tensor, rtol=1e-3, atol=1e-6), name
    assert run.critics is not None and folder.critics is not None
    assert all(torch.equal(folder.critics[name], tensor) for name, tensor in run.critics.items())
    before, after = (read_vocoder(place, preset("22k")) for place in (tiny_voice.vocoder, packed))
    assert all(torch.equal(after.generator.state_dict()[k], v) for k, v in before.generator.state_dict().items())
    assert after.critics is not None and torch.equal(after.critics["0.weight"].float(), torch.ones(3))


def test_averaged_weights_are_taken(tiny_voice):
    saved = Checkpoints(tiny_voice.gan / "checkpoints").all()[-1]
    painter = read_voice(tiny_voice.gan).painter.state_dict()
    average, last = saved.tensors("painter.ema"), saved.tensors("painter")
    assert all(torch.equal(painter[name], average[name]) for name in average)
    assert any(not torch.equal(last[name], average[name]) for name in average)


def test_the_newest_checkpoint_is_taken_not_the_one_with_the_best_l1(tiny_voice, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(tiny_voice.gan, run)
    newest = run / "checkpoints/step-00000002"
    older = run / "checkpoints/step-00000001"
    shutil.copytree(newest, older)
    state = json.loads((older / "state.json").read_text())
    state |= {"step": 1, "validation": {"l1": 1e-9}}
    (older / "state.json").write_text(json.dumps(state))
    (older / "painter.ema.safetensors").unlink()  # would not be readable
    read_voice(run)


def test_the_best_checkpoint_is_taken_by_the_figure_that_the_settings_named(tiny_voice, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(tiny_voice.gan, run)
    newest, older = (run / f"checkpoints/step-0000000{step}" for step in (2, 1))
    shutil.copytree(newest, older)
    watch = {"watch": {"name": "mos", "lowest": False, "chosen": True, "best": 4.0, "since": 1}}
    for folder, step, mos in ((older, 1, 4.0), (newest, 2, 3.0)):
        state = json.loads((folder / "state.json").read_text()) | watch
        (folder / "state.json").write_text(json.dumps(state | {"step": step, "validation": {"l1": 1.0, "mos": mos}}))
    assert voice_checkpoint(run).path == older


def test_without_weights_and_with_the_shipped_vocoder(tiny_voice, tmp_path, monkeypatch):
    given: dict[str, Any] = {}

    def export(*positional: Any, **named: Any) -> None:
        given.update(named, generator=positional[2], card=positional[4])

    monkeypatch.setattr(packing, "export_voice", export)
    said = packing.pack(tiny_voice.gan, tmp_path / "out", projections=3, weights=False)
    assert "fourier small, projections 3" in said and given["generator"].projections == 3
    assert given["weights"] is False and "no weights" in given["card"] and "--from" not in given["card"]
    assert len(given["discriminator"]) > 100


@pytest.mark.parametrize(
    ("run", "words", "said"),
    [
        (
            "acoustic",
            {},
            "a run of the task acoustic; runs of tts, enhancement, conversion, generation and of a vocoder",
        ),
        ("vocoder", {}, "is no run folder"),
        ("gan", {"vocoder": Path("nowhere")}, "nowhere/generator.safetensors: cannot be read"),
        ("empty", {}, "has no checkpoint yet"),
        ("of a vocoder", {"weights": False}, "are for runs of other tasks"),
    ],
)
def test_what_cannot_be_packed(run, words, said, tiny_voice, tmp_path):
    for name, config in (("empty", tiny_voice.gan / "config.yaml"), ("of a vocoder", None)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.yaml").write_text(config.read_text() if config else "spec: 22k\n")
    folder = tmp_path / run if run in ("empty", "of a vocoder") else tiny_voice.folder / run
    with pytest.raises(InputError, match=said):
        packing.pack(folder, tmp_path / "out", **words)
    assert not (tmp_path / "out").exists()


def test_a_run_without_a_vocoder_cannot_be_heard(tiny_voice, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(tiny_voice.gan, run)
    config = (run / "config.yaml").read_text().replace(f"vocoder: {tiny_voice.vocoder}", "vocoder: ''")
    (run / "config.yaml").write_text(config)
    with pytest.raises(InputError, match="no vocoder to be heard with"):
        specgan.load(run, backend="torch")

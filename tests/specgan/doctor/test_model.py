"""Model folders and runs, whole and broken."""

import json
import shutil
import struct

import numpy as np
import onnx
import pytest
import torch
from safetensors.numpy import save_file

from specgan.doctor.model import examine_model
from specgan.doctor.weights import broken_tensors, read_header
from specgan.export import export
from specgan.zoo import shipped
from tests.specgan import tiny_voice as by_hand
from vocoder.engine.checkpoint import load_tensors, save_tensors
from vocoder.errors import InputError
from vocoder.generators import FourierVocoder
from vocoder.signal.mel import mel_filters
from vocoder.signal.spec import preset


def names(checked, *, serious=True):
    return [found.check for found in checked.findings if found.serious == serious]


@pytest.mark.parametrize("name", sorted(shipped()))
def test_shipped_models_are_sound(name):
    checked = examine_model(name)
    assert not checked.serious, checked.text()
    assert names(checked, serious=False) == ["weights"]  # they are shipped without
    assert float(checked.facts["round trip"].split(" is ")[1].split()[0]) < 0.3
    assert "kathleen" in checked.facts["trained"]


def test_the_vocoder_that_a_converter_names_has_to_be_there_and_to_fit(tmp_path):
    converter = shutil.copytree(shipped()["convert-22k"], tmp_path / "converter")
    assert examine_model(converter).facts["vocoder"] == "vocoder-22k"
    config = json.loads((converter / "config.json").read_text())
    for wrong, said in ((config | {"vocoder": "no-such"}, "no-such"), (config | {"vocoder": "enhance-16k"}, "hop")):
        (converter / "config.json").write_text(json.dumps(wrong))
        checked = examine_model(converter)
        assert names(checked) == ["vocoder"] and said in checked.findings[0].what
        assert "round trip" not in checked.facts


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A vocoder that has learned nothing, with its weights and critics."""
    torch.manual_seed(0)
    generator = FourierVocoder(preset("22k"), "tiny", 0)
    folder = tmp_path_factory.mktemp("exported") / "packed"
    export(generator, generator.spec, folder, "# card", {"data": ["x"], "step": 1}, critics={"a": torch.ones(2)})
    return folder


@pytest.fixture
def packed(exported, tmp_path):
    return shutil.copytree(exported, tmp_path / "packed")


def test_weights_and_critics_for_fine_tuning(packed):
    checked = examine_model(packed)
    assert checked.facts["fine-tuning"].startswith("weights and critics")
    assert float(checked.facts["weights"].split(" is ")[1].split()[0]) < 0.01
    assert not {"weights", "critics"} & set(names(checked) + names(checked, serious=False))
    (packed / "discriminator.safetensors").unlink()
    assert "critics" in names(examine_model(packed), serious=False)


def test_weights_of_another_checkpoint(packed):
    path = packed / "generator.safetensors"
    tensors, facts = load_tensors(path)
    other = {name: tensor + 0.1 * torch.randn_like(tensor) for name, tensor in tensors.items()}
    save_tensors(path, other, facts)
    assert "weights" in names(examine_model(packed))


def test_weights_that_are_not_finite(packed):
    path = packed / "generator.safetensors"
    tensors, facts = load_tensors(path)
    first = next(iter(tensors))
    tensors[first].view(-1)[0] = float("nan")
    save_tensors(path, tensors, facts)
    found = next(item for item in examine_model(packed).findings if item.serious and item.check == "weights")
    assert first in found.what


def test_a_vocoder_of_another_mel(tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(shipped()["vocoder-22k"], folder)
    graph = onnx.load(folder / "mel.onnx")
    (filters,) = (tensor for tensor in graph.graph.initializer if list(tensor.dims) == [80, 513])
    other = mel_filters(preset("22k-8k")).astype(np.float32)
    filters.CopyFrom(onnx.numpy_helper.from_array(other, filters.name))
    onnx.save(graph, folder / "mel.onnx")
    assert names(examine_model(folder)) == ["round trip"]


def test_a_missing_and_a_damaged_function(tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(shipped()["vocoder-22k"], folder)
    (folder / "mel.onnx").unlink()
    (folder / "render.onnx").write_bytes(b"no graph")
    assert sorted(names(examine_model(folder))) == ["mel", "render"]


def test_a_function_that_gives_another_length(tmp_path):
    folder = by_hand.write(tmp_path / "voice")
    config = json.loads((folder / "config.json").read_text())
    config["functions"]["render"]["outputs"] = {"wave": [1, "T"]}
    (folder / "config.json").write_text(json.dumps(config))
    (found,) = (item for item in examine_model(folder).findings if item.check == "render")
    assert found.serious and "4096" in found.what


def test_a_run_is_examined(tiny_voice):
    checked = examine_model(tiny_voice.gan)
    assert not checked.serious, checked.text()
    assert checked.facts["task"] == "tts"
    assert checked.facts["steps"] == "2 of 2"
    assert checked.facts["fine-tuning"] == "critics are there"
    assert "22k" in checked.facts["mel"]


def test_a_run_that_met_nan_and_stopped(tiny_voice, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(tiny_voice.gan, run)
    newest = sorted((run / "checkpoints").iterdir())[-1]
    (newest / "critics.safetensors").unlink()
    path = newest / "painter.ema.safetensors"
    tensors, facts = load_tensors(path)
    next(iter(tensors.values())).view(-1)[-1] = float("inf")
    save_tensors(path, tensors, facts)
    state = json.loads((newest / "state.json").read_text())
    (newest / "state.json").write_text(json.dumps({**state, "steps": 50}))
    with (run / "log.txt").open("a") as log:
        log.write("2026-01-01 00:00:00 TrainingError: step 3: draw/l1 not finite in the batch of a\n")
    checked = examine_model(run)
    assert sorted(names(checked)) == ["not finite", "weights"]
    assert sorted(names(checked, serious=False)) == ["critics", "steps"]


def write_curve(run, figures):
    lines = [f"2026-01-01 00:00:00 step {100 * k} validation stft {value:.3f}" for k, value in enumerate(figures, 1)]
    (run / "log.txt").write_text("\n".join(lines) + "\n")


def test_curves_that_improve_and_curves_that_do_not(tmp_path):
    step = tmp_path / "run" / "checkpoints" / "step-00001000"
    step.mkdir(parents=True)
    (step / "state.json").write_text(
        json.dumps({"step": 1000, "steps": 1000, "facts": {"spec": preset("16k").to_dict()}})
    )
    save_file({"w": np.ones(3, np.float32)}, step / "generator.ema.safetensors")
    save_file({"w": np.ones(3, np.float32)}, step / "discriminator.safetensors")
    write_curve(tmp_path / "run", np.linspace(2, 1, 10))
    checked = examine_model(tmp_path / "run")
    assert checked.findings == []
    assert checked.facts["validation"] == "stft 2 → 1, best 1 at step 1000"
    write_curve(tmp_path / "run", [2, 1.5, 1, 1.1, 1.2, 1.3, 1.3, 1.4, 1.4, 1.5])
    (found,) = examine_model(tmp_path / "run").findings
    assert found.check == "figures" and "step 300" in found.what and "7 validations" in found.what


def test_a_run_without_checkpoints(tmp_path):
    (tmp_path / "config.yaml").write_text("task: tts\n")
    assert names(examine_model(tmp_path)) == ["checkpoints"]


def test_safetensors_are_read_without_torch(tmp_path):
    path = tmp_path / "a.safetensors"
    save_file({"good": np.ones((2, 3), np.float16), "bad": np.array([1, np.inf], np.float64), "n": np.arange(3)}, path)
    assert broken_tensors(path) == ["bad"]
    save_tensors(path, {"good": torch.ones(2, dtype=torch.bfloat16), "bad": torch.tensor([float("nan")]).bfloat16()})
    assert broken_tensors(path) == ["bad"]
    data = path.read_bytes()
    path.write_bytes(data[:-1])
    with pytest.raises(InputError, match="cut short"):
        read_header(path)
    path.write_bytes(struct.pack("<Q", 2**40) + b"{}")
    with pytest.raises(InputError, match="no safetensors"):
        read_header(path)

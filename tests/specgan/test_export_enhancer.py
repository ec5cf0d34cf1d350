"""An enhancement model as a folder: its ONNX functions are the torch modules, and the whole enhances."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch

from specgan import export_enhancer as export_enhancer_module
from specgan.export_enhancer import export_enhancer
from specgan.networks.gain import GainRenderer
from specgan.runtime import model as models
from specgan.runtime.enhancer import Enhancer
from specgan.tasks.enhancement import Denoiser
from specgan.torch_backend import load_enhancer
from specgan.trained import read_denoiser
from vocoder.errors import InputError
from vocoder.generators import FourierVocoder
from vocoder.signal.mel import LogMel
from vocoder.signal.spec import preset

SPEC = preset("16k")


@pytest.fixture(scope="module")
def networks():
    torch.manual_seed(0)
    networks = Denoiser(SPEC.bands), FourierVocoder(SPEC, "tiny", 1)
    with torch.no_grad():
        for network in networks:
            for weight in network.parameters():
                weight.add_(0.03 * torch.randn_like(weight))
            network.eval()
    return networks


@pytest.fixture(scope="module")
def before(networks):
    return [copy.deepcopy(network.state_dict()) for network in networks]


@pytest.fixture(scope="module")
def folder(networks, before, tmp_path_factory):
    out = tmp_path_factory.mktemp("enhancers") / "toy"
    critics = {"a": torch.full((3,), 0.1)}
    export_enhancer(networks[0], SPEC, out, "# Toy\n", {"licence": "CC0-1.0"}, generator=networks[1], critics=critics)
    return out


def run(folder, name, *inputs):
    return models.load(folder, threads=1).run(name, *inputs)[0]


@pytest.mark.parametrize("frames", [8, 52])
def test_functions_are_the_torch_modules(folder, networks, frames):
    random = np.random.default_rng(frames)
    wave = random.normal(0, 0.1, (1, frames * SPEC.hop)).astype(np.float32)
    mel = random.normal(-5, 2, (1, SPEC.bands, frames)).astype(np.float32)
    gain = random.uniform(0, 1, (1, SPEC.bands, frames)).astype(np.float32)
    with torch.no_grad():
        expected = {
            "mel": (LogMel(SPEC), (wave,), 1e-4),
            "enhance": (networks[0], (mel,), 2e-3),  # weights in half precision
            "gain": (GainRenderer(SPEC), (wave, gain), 1e-5),
            "render": (networks[1], (mel,), 1e-3),
        }
        for name, (module, inputs, within) in expected.items():
            torch_made = module(*map(torch.from_numpy, inputs)).numpy()
            np.testing.assert_allclose(run(folder, name, *inputs), torch_made, atol=within, err_msg=name)
            assert torch_made.std() > 0


def test_the_folder(folder, networks, before):
    model = models.load(folder)
    assert model.task == "enhancement" and model.spec == SPEC
    assert model.config["renderers"] == ["gain", "vocoder"]
    assert model.receptive_field == networks[0].unet.receptive_field and model.config["multiple"] == 4
    assert model.config["render_receptive_field"] == networks[1].receptive_field
    # the shipped kind, without a vocoder, stays under 8 MB
    sizes = {path.name: path.stat().st_size for path in folder.iterdir()}
    assert sum(sizes[name] for name in ("mel.onnx", "enhance.onnx", "gain.onnx", "denoiser.safetensors")) < 7e6
    for network, state in zip(networks, before, strict=True):
        assert all(torch.equal(state[name], tensor) for name, tensor in network.state_dict().items())


def test_weights_come_back(folder, networks):
    trained = read_denoiser(folder)
    assert trained.spec == SPEC and trained.denoiser.unet.size == "tiny"
    for name, tensor in networks[0].state_dict().items():
        torch.testing.assert_close(trained.denoiser.state_dict()[name], tensor, atol=1e-3, rtol=1e-3)
    assert trained.critics is not None and trained.critics["a"].tolist() == pytest.approx([0.1] * 3, rel=1e-3)


@pytest.mark.parametrize("renderer", ["gain", "vocoder"])
def test_both_backends_enhance_alike(folder, renderer):
    wave = np.random.default_rng(0).normal(0, 0.1, 9_000).astype(np.float32)
    made = [Enhancer(model, renderer).enhance(wave, 16_000) for model in (models.load(folder), load_enhancer(folder))]
    assert made[0].shape == wave.shape and made[0].std() > 1e-3
    np.testing.assert_allclose(made[0], made[1], atol=1e-4)


def test_without_vocoder_and_weights(networks, tmp_path, monkeypatch):
    monkeypatch.setattr(export_enhancer_module, "graph", lambda *given: b"")  # tracing takes seconds
    export_enhancer(networks[0], SPEC, tmp_path / "bare", "# Bare\n", weights=False)
    assert {path.name for path in (tmp_path / "bare").iterdir()} == {
        "README.md",
        "config.json",
        "mel.onnx",
        "enhance.onnx",
        "gain.onnx",
    }
    assert models.load(tmp_path / "bare").config["renderers"] == ["gain"]
    with pytest.raises(InputError, match="is there already"):
        export_enhancer(networks[0], SPEC, tmp_path / "bare", "# Bare\n")
    with pytest.raises(InputError, match="no such model with its weights"):
        read_denoiser(tmp_path / "bare")

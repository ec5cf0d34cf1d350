"""A voice as a model folder: its ONNX functions are the torch modules, in pieces too, and nothing else is changed."""

from __future__ import annotations

import copy
import json

import numpy as np
import pytest
import torch
from torch import nn

import specgan
from specgan import export_voice as exporting
from specgan import folder as folders_of_models
from specgan.export_voice import Draw, Encode, export_voice, voice_config
from specgan.networks.unet import SpecUNet
from specgan.runtime import model as models
from specgan.runtime.voice_config import VoiceConfig
from specgan.tasks.acoustic import TrainedAcoustic, read_acoustic
from specgan.tasks.tts import Painter
from specgan.text.acoustic import Acoustic, AcousticConfig, Inventory
from specgan.text.aligner import MEL_STD
from specgan.text.symbols import Symbols, tokenise
from specgan.trained import read_vocoder, read_voice
from tests.specgan.conftest import SPEC
from vocoder.errors import InputError
from vocoder.generators import FourierVocoder
from vocoder.signal.chunks import plan

CARD = "# Toy\n\nTrained on nothing, so it says nothing.\n"
TEXT = "həlˈoʊ wˈɜːld, həlˈoʊ."


def shaken(module: nn.Module) -> nn.Module:
    """Weights away from their trivial initial values."""
    with torch.no_grad():
        for weight in module.parameters():
            weight.add_(0.03 * torch.randn_like(weight))
    return module.eval()


@pytest.fixture(scope="module")
def networks():
    torch.manual_seed(0)
    symbols = Symbols.of([tokenise(TEXT)])
    inventory = Inventory(list(symbols.phones), list(symbols.stresses), ["anna", "ben"], ["en", "de"])
    size = AcousticConfig(width=32, encoder=1, predictor=1, decoder=1)
    acoustic = shaken(Acoustic(SPEC.bands, inventory, size))
    pitch = {"anna": [5.3, 0.2], "ben": [4.6, 0.25]}
    painter = shaken(Painter(SPEC.bands, 2))
    return TrainedAcoustic(acoustic, inventory, size, pitch, SPEC), painter, shaken(FourierVocoder(SPEC, "tiny", 1))


@pytest.fixture(scope="module")
def before(networks):
    """The networks as they were before anything was exported."""
    trained, painter, generator = networks
    return [copy.deepcopy(module.state_dict()) for module in (trained.acoustic, painter, generator)]


@pytest.fixture(scope="module")
def folder(networks, before, tmp_path_factory):
    out = tmp_path_factory.mktemp("voices") / "toy"
    export_voice(*networks, out, CARD, {"licence": "CC0-1.0"}, critics={"a": torch.ones(2)})
    return out


def agree(found, module, *inputs, within):
    """What a function gave is what torch makes of the same inputs."""
    with torch.no_grad():
        expected = module(*map(torch.from_numpy, inputs))
    for one, other in zip(found, expected if isinstance(expected, tuple) else (expected,), strict=True):
        assert one.shape == tuple(other.shape) and other.std() > 0
        np.testing.assert_allclose(one, other.numpy(), atol=within, rtol=1e-3)


@pytest.mark.parametrize("tokens", [3, 8, 57])
def test_encode_is_the_torch_module(folder, networks, tokens):
    random = np.random.default_rng(tokens)
    phones, stress = (random.integers(0, top, (1, tokens)) for top in (len(networks[0].inventory.phones), 3))
    for who in ([0], [1]):
        inputs = (phones, stress, np.array(who), np.array([1]))
        found = models.load(folder, threads=1).run("encode", *inputs)
        agree(found, Encode(networks[0].acoustic), *inputs, within=4e-3)  # of about ±4, in half precision


@pytest.mark.parametrize("frames", [8, 20, 132])
def test_draw_is_the_torch_modules(folder, networks, frames):
    random = np.random.default_rng(frames)
    text, pitch, energy, noise = (
        random.normal(size=shape).astype(np.float32)
        for shape in ((1, 32, frames), (1, frames), (1, frames), (1, SPEC.bands, frames))
    )
    inputs = (text, pitch, energy, np.array([1]), noise)
    found = models.load(folder, threads=1).run("draw", *inputs)
    agree(found, Draw(networks[0].acoustic, networks[1]), *inputs, within=1e-3 * 5 * MEL_STD)  # of the range of mels
    assert np.abs(found[0] - found[1]).mean() > 0.1  # the generator does draw


@pytest.mark.parametrize("frames", [2, 37])
def test_render_is_the_torch_module(folder, networks, frames):
    mel = np.random.default_rng(0).normal(-5, 1, (1, SPEC.bands, frames)).astype(np.float32)
    agree(models.load(folder, threads=1).run("render", mel), networks[2], mel, within=1e-3)


def test_a_mel_drawn_in_pieces_is_the_same_as_whole(folder):
    model = models.load(folder, threads=1)
    context, random = model.config["draw"]["receptive_field"], np.random.default_rng(0)
    frames, chunk = 2 * context + 120, 40
    planes = [
        random.normal(size=shape).astype(np.float32)
        for shape in ((1, 32, frames), (1, frames), (1, frames), (1, SPEC.bands, frames))
    ]

    def drawn(start, stop):
        text, pitch, energy, noise = (plane[..., start:stop] for plane in planes)
        return model.run("draw", text, pitch, energy, np.array([0]), noise)

    whole = drawn(0, frames)
    cut = [piece for piece in plan(frames, chunk, context) if piece.start > 0 and piece.stop < frames]
    assert len(cut) == 2  # pieces that miss something on both sides
    for first, last, start, stop in (*cut, next(plan(frames, chunk, context))):
        for found, wanted in zip(drawn(start, stop), whole, strict=True):
            np.testing.assert_allclose(
                found[..., first - start : last - start], wanted[..., first:last], rtol=0, atol=1e-3
            )
    less = drawn(cut[0].start + 80, cut[0].stop)[0][..., cut[0].first - cut[0].start - 80 :][..., :chunk]
    assert np.abs(less - whole[0][..., cut[0].first : cut[0].last]).max() > 1e-3  # it does need most of the context


def test_the_receptive_field_is_that_of_both_networks(networks):
    trained, painter, _ = networks
    field = Draw(trained.acoustic, painter).receptive_field
    assert field % SpecUNet.multiple == 0
    assert 0 <= field - (trained.acoustic.receptive_field + painter.unet.receptive_field) < SpecUNet.multiple


def test_the_folder_speaks(folder):
    voice = specgan.load(folder, threads=1)
    wave = voice.speak("Hello world.", seed=1)
    assert wave.dtype == np.float32 and len(wave) % SPEC.hop == 0 and wave.std() > 1e-5
    np.testing.assert_array_equal(voice.speak("Hello world.", seed=1), wave)
    for other in ({"seed": 2}, {"seed": 1, "speaker": "ben"}, {"seed": 1, "language": "de"}, {"seed": 1, "pitch": 2}):
        changed = voice.speak(TEXT.partition(",")[0], phonemes=True, **other)
        assert changed.shape != wave.shape or not np.allclose(changed, wave), other
    with pytest.raises(InputError, match="no speaker 'carl'; it has anna, ben"):
        voice.speak("Hello.", speaker="carl")
    by_torch = specgan.load(folder, backend="torch").speak("Hello world.", seed=1)
    np.testing.assert_allclose(by_torch, wave, atol=1e-4)


def test_what_the_folder_says_is_what_the_runtime_reads(folder, networks):
    trained, painter, generator = networks
    config = json.loads((folder / "config.json").read_text())
    assert config == voice_config(trained, Draw(trained.acoustic, painter), generator, {"licence": "CC0-1.0"})
    read = VoiceConfig.read(config, "toy")
    assert read.speakers == ("anna", "ben") and read.languages == ("en", "de")
    assert list(read.symbols.phones) == trained.inventory.phones
    assert list(read.symbols.stresses) == trained.inventory.stresses
    assert read.pitch["ben"] == (4.6, 0.25) and read.multiple == SpecUNet.multiple
    assert read.context == Draw(trained.acoustic, painter).receptive_field
    assert config["receptive_field"] == generator.receptive_field
    assert (folder / "README.md").read_text() == CARD


def test_the_weights_in_it_are_those_of_its_functions_and_can_be_read_back(folder, networks):
    trained, painter, generator = networks
    read = read_acoustic(folder)
    assert (read.inventory, read.model, read.pitch, read.spec) == (
        trained.inventory,
        trained.model,
        trained.pitch,
        trained.spec,
    )
    voice = read_voice(folder)
    assert voice.critics is not None and voice.critics["a"].tolist() == [1, 1]
    for module, weights in ((trained.acoustic, read.acoustic), (painter, voice.painter)):
        rounded = dict(weights.named_parameters())
        for name, weight in module.named_parameters():
            wanted = weight.half().float() if weight.numel() >= 1024 else weight
            assert torch.equal(rounded[name], wanted), name
    again = read_vocoder(folder, SPEC)
    assert again.critics is None
    assert all(torch.equal(again.generator.state_dict()[k], v) for k, v in generator.state_dict().items())


def test_what_was_given_stays_as_it_was(folder, networks, before):
    trained, painter, generator = networks
    for module, tensors in zip((trained.acoustic, painter, generator), before, strict=True):
        assert all(torch.equal(value, tensors[name]) for name, value in module.state_dict().items())


def test_without_weights_the_folder_speaks_and_has_none(networks, tmp_path, monkeypatch):
    monkeypatch.setattr(exporting, "graph", lambda *_: b"graph")
    export_voice(*networks, tmp_path / "bare", CARD, weights=False, critics={"a": torch.ones(2)})
    assert sorted(path.name for path in (tmp_path / "bare").iterdir()) == [
        "README.md",
        "config.json",
        "draw.onnx",
        "encode.onnx",
        "render.onnx",
    ]


def test_a_failure_leaves_nothing_and_a_folder_that_exists_stays(networks, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(exporting, "graph", lambda *_: b"graph")
    with monkeypatch.context() as patch:
        patch.setattr(folders_of_models, "save_tensors", full)
        with pytest.raises(InputError, match=r"toy: cannot be written: No space left on device"):
            export_voice(*networks, tmp_path / "toy", CARD)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "toy").mkdir()
    (tmp_path / "toy/precious").write_text("mine")
    with pytest.raises(InputError, match="is there already; name a new folder"):
        export_voice(*networks, tmp_path / "toy", CARD)
    assert [path.name for path in tmp_path.rglob("*")] == ["toy", "precious"]
    with pytest.raises(InputError, match="a Linear is no generator that can be exported"):
        export_voice(*networks[:2], nn.Linear(2, 2), tmp_path / "other", CARD)
    assert not (tmp_path / "other").exists()

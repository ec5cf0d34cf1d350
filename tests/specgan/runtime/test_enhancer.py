"""The enhancer: numpy's result, joints, rates, channels, and what bad input gets."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import specgan
from specgan.export_enhancer import enhancement_config
from specgan.networks.gain import GainRenderer
from specgan.runtime import model
from specgan.runtime.enhancer import Enhancer, Tape
from specgan.tasks.enhancement import Denoiser
from specgan.torch_backend import TorchModel
from tests.specgan.tiny_enhancer import CONFIG, SPEC, reference, write
from vocoder.engine.checkpoint import save_tensors
from vocoder.errors import InputError
from vocoder.generators import FourierVocoder
from vocoder.signal import audio
from vocoder.signal.mel import LogMel
from vocoder.signal.spec import preset

ROOT = Path(__file__).parents[3]
SPEECH = ROOT / "tests/fixtures/ljspeech/wavs/LJ001-0008.flac"
NARROW = 32  # frames at once: many joints


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("enhancers") / "tiny")


@pytest.fixture(scope="module")
def functions(folder):
    return model.load(folder, threads=1)


@pytest.fixture(scope="module")
def speech() -> np.ndarray:
    return audio.read_mono(SPEECH, SPEC.sample_rate)


class Constant:
    """Gains of bands that stay the same, on the real thing's spectrum."""

    def __init__(self, functions, *gains: float) -> None:
        self.name, self.spec, self.receptive_field, self.config = "constant", SPEC, 8, CONFIG
        self._functions, self._gains = functions, np.array(gains, np.float32)[None, :, None]

    def run(self, function, *inputs):
        if function == "enhance":
            return [np.broadcast_to(self._gains, inputs[0].shape).copy()]
        return self._functions.run(function, *inputs)


def tone(frequency: float, rate: int, seconds: float = 1.0) -> np.ndarray:
    return (0.3 * np.sin(2 * np.pi * frequency * np.arange(round(rate * seconds)) / rate)).astype(np.float32)


def rms(wave: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(wave, dtype=np.float64))))


# -- what comes out ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("renderer", ["gain", "vocoder"])
@pytest.mark.parametrize("length", [256, 257, 1_000, 12_000])
@pytest.mark.parametrize("picture", [NARROW, 10_000])
def test_it_is_what_numpy_makes_of_the_whole(functions, speech, renderer, length, picture):
    made = np.concatenate(list(Enhancer(functions, renderer, picture).stream([speech[:length]])))
    np.testing.assert_allclose(made, reference(speech[:length], renderer), atol=1e-5)
    assert made.dtype == np.float32


@settings(max_examples=25, deadline=None)
@given(cuts=st.lists(st.integers(0, 6_000), max_size=8), length=st.integers(256, 6_000))
def test_blocks_may_be_of_any_length(functions, speech, cuts, length):
    blocks = np.split(speech[:length], sorted(min(cut, length) for cut in cuts))
    made = np.concatenate(list(Enhancer(functions, picture=NARROW).stream(blocks)))
    np.testing.assert_allclose(made, reference(speech[:length]), atol=1e-5)


@pytest.mark.parametrize("renderer", ["gain", "vocoder"])
def test_a_real_network_joins_exactly(renderer):
    spec = preset("16k")
    torch.manual_seed(0)
    denoiser, generator = Denoiser(spec.bands), FourierVocoder(spec, "tiny", 1).eval()
    torch.nn.init.normal_(denoiser.unet.paint.weight, 0, 0.2)
    parts = {"mel": LogMel(spec), "enhance": denoiser, "gain": GainRenderer(spec), "render": generator}
    config = enhancement_config(denoiser, spec, generator)
    functions = TorchModel("random", "enhancement", spec, config["receptive_field"], parts, config)
    wave = audio.read_mono(SPEECH, 16_000)[: 2 * 16_000 - 5]
    wave += 0.02 * np.random.default_rng(0).standard_normal(len(wave)).astype(np.float32)
    whole, cut = (Enhancer(functions, renderer, picture).enhance(wave, 16_000) for picture in (10_000, 360))
    assert rms(whole) > 1e-3
    np.testing.assert_allclose(cut, whole, atol=1e-5)


def test_memory_does_not_grow_with_the_length(functions):
    enhancer, block = Enhancer(functions, picture=NARROW), tone(300, 22_050)

    def peak(seconds: int) -> int:
        tracemalloc.start()
        samples = sum(len(piece) for piece in enhancer.at_rate((block for _ in range(seconds)), 22_050))
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert samples == seconds * len(block)
        return most

    assert peak(24) < peak(6) + 18 * 22_050  # a byte of every sample


# -- rates and channels -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [7_999, 8_000, 11_025, 16_000, 44_100, 48_000])
@pytest.mark.parametrize("length", [3_001, 20_000])
def test_at_every_rate_a_gain_of_one_changes_nothing(functions, rate, length):
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, length).astype(np.float32)
    enhancer = Enhancer(Constant(functions, 1, 1, 1, 1), picture=NARROW)
    made = np.concatenate(list(enhancer.at_rate(np.array_split(noise, 7), rate)))
    assert len(made) == length
    np.testing.assert_allclose(made[:-2], noise[:-2], atol=1e-5)  # rates that do not divide: the last sample or two


def test_what_lies_above_the_model_gets_the_gain_of_its_highest_bands(functions):
    low, high = tone(300, 44_100), tone(9_000, 44_100)
    inner = slice(4_410, -4_410)
    # the top band weighs nothing where nothing is in it: some of both, so that its gain is heard
    hiss = 0.01 * np.random.default_rng(0).standard_normal(44_100).astype(np.float32)
    for gain in (0.0, 0.25, 1.0):
        enhancer = Enhancer(Constant(functions, 1, 1, 1, gain))
        made = enhancer.enhance(low + high + hiss, 44_100)[inner]
        for wave, wanted in ((low, 1.0), (high, gain)):
            found = 2 * np.dot(made, wave[inner]) / (0.09 * len(made))
            assert found == pytest.approx(wanted, abs=0.01)


def test_the_gain_above_follows_the_gain_below_from_frame_to_frame(functions):
    """A hiss that stops at 0.5 s: the band above stays while it is loud and goes with it."""
    random = np.random.default_rng(0)
    wave = (0.3 * random.standard_normal(16_000)).astype(np.float32)
    wave[8_000:] *= 1e-3
    made = Enhancer(functions, picture=NARROW).enhance(wave, 16_000)
    above = [np.fft.rfft(sound[part])[-1_400:] for sound in (wave, made) for part in (slice(7_000), slice(9_000, None))]
    loud_before, quiet_before, loud, quiet = (np.linalg.norm(part) for part in above)
    narrow = audio.resample(wave, 16_000, 8_000)
    kept = reference(narrow)
    assert loud / loud_before == pytest.approx(rms(kept[:3_400]) / rms(narrow[:3_400]), rel=0.2)
    assert quiet / quiet_before < 0.01 and rms(kept[4_600:]) / rms(narrow[4_600:]) < 0.01


def test_channels_are_worked_on_by_themselves_and_dc_is_taken_off(functions, speech):
    other = np.roll(speech, 777)
    enhancer = Enhancer(functions)
    made = enhancer.enhance(np.stack([speech - speech.mean(), other + 0.1]), 8_000)
    np.testing.assert_allclose(made[0], reference(speech - speech.mean()), atol=1e-5)
    np.testing.assert_allclose(made[1], reference(other - other.mean()), atol=1e-5)


def test_a_tape_is_read_forward():
    tape = Tape()
    for block in np.split(np.arange(14.0), [3, 3, 11]):
        tape.write(block)
    assert tape.read(0, 2).tolist() == [0, 1]
    assert tape.read(1, 5).tolist() == [1, 2, 3, 4]
    assert tape.read(12, 99).tolist() == [12, 13]
    tape.write(np.arange(14.0, 20.0))
    assert tape.read(13, 16).tolist() == [13, 14, 15] and tape.end == 20
    assert tape.read(50, 60).tolist() == []


# -- loading ----------------------------------------------------------------------------------------------------------


def test_load_gives_an_enhancer_and_brings_no_torch(folder, tmp_path):
    program = (
        "import numpy, sys, specgan\n"
        f"made = specgan.load({str(folder)!r}).enhance(numpy.ones((2, 3000), 'f'), 44100)\n"
        "heavy = {'torch', 'librosa', 'scipy', 'onnx', 'espeakng_loader'} & set(sys.modules)\n"
        "sys.exit(f'brings {heavy}' if heavy or made.shape != (2, 3000) else 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_torch_computes_what_the_weights_say(tmp_path):
    spec = preset("16k")
    torch.manual_seed(0)
    denoiser = Denoiser(spec.bands).eval()
    config = enhancement_config(denoiser, spec)
    packed = write(tmp_path / "packed", **config)
    save_tensors(packed / "denoiser.safetensors", denoiser.state_dict(), {"spec": config["spec"], "size": "tiny"})
    wave = audio.read_mono(SPEECH, 16_000)[:8_192]
    with torch.no_grad():
        mel = LogMel(spec)(torch.from_numpy(wave)[None])
        wanted = GainRenderer(spec)(torch.from_numpy(wave)[None], denoiser(mel))[0].numpy()
    enhancer = specgan.load(packed, backend="torch")
    assert isinstance(enhancer, Enhancer) and enhancer.model.config["renderers"] == ["gain"]
    np.testing.assert_allclose(np.concatenate(list(enhancer.stream([wave]))), wanted, atol=1e-5)


# -- bad input --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wave, said",
    [
        (np.zeros(0), "too short"),
        (np.zeros(255), "too short, 255 samples at 8000 Hz; must have at least one frame of 256 .32 ms"),
        (np.zeros((2, 100)), "too short, 100 samples"),
        (np.array([0.0] * 300 + [np.nan]), "NaN or infinite"),
        (np.array([0.0] * 300 + [np.inf]), "NaN or infinite"),
        (np.zeros((0, 300)), r"shape \(0, 300\)"),
        (np.zeros((1, 2, 300)), r"shape \(2, 300\)|shape \(1, 2, 300\)"),
    ],
)
def test_bad_waves_are_refused(functions, wave, said):
    with pytest.raises(InputError, match=said):
        Enhancer(functions).enhance(wave, 8_000)


@pytest.mark.parametrize(
    "change, renderer, said",
    [
        ({"task": "tts"}, None, "for the task tts; enhancing needs one for enhancement"),
        ({"multiple": 0}, None, "multiple is 0, must be a whole number from 1"),
        ({"renderers": []}, None, "renderers is"),
        ({"renderers": ["gain", "shout"]}, None, "renderers is"),
        ({"renderers": ["gain"]}, "vocoder", "no renderer 'vocoder'; it has gain"),
        ({"render_receptive_field": None}, "vocoder", "render_receptive_field is None"),
    ],
)
def test_bad_models_are_refused(tmp_path, change, renderer, said):
    with pytest.raises(InputError, match=said):
        Enhancer(model.load(write(tmp_path / "bad", **change)), renderer)

"""The models that ship with the package, as they are."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import specgan
from specgan.evaluate import speaker
from specgan.evaluate.metrics import multi_resolution_stft, pesq, si_sdr, stoi
from specgan.runtime.enhancer import Enhancer
from specgan.runtime.f0 import fundamental_frequency
from specgan.runtime.model import load
from specgan.runtime.pipeline import Vocoder
from specgan.zoo import DEFAULT_VOCODER, shipped
from vocoder.signal import audio
from vocoder.signal.mel import LogMel, griffin_lim
from vocoder.signal.spec import preset

FIXTURES = Path(__file__).parents[1] / "fixtures"
SPEECH = FIXTURES / "kathleen" / "wavs" / "arctic_a0001.flac"


@pytest.fixture(scope="module")
def wave():
    return audio.read_mono(SPEECH, 22_050)


@pytest.fixture(scope="module")
def vocoder():
    return Vocoder.load(threads=1)


def test_the_shipped_folders_are_small_and_have_a_card():
    assert DEFAULT_VOCODER in shipped()
    for folder in shipped().values():
        assert sum(path.stat().st_size for path in folder.iterdir()) < 15e6
        assert (folder / "README.md").read_text(encoding="utf-8").startswith(f"# {folder.name}\n")


def test_its_mel_is_the_one_log_mel(vocoder, wave):
    assert vocoder.spec == preset("22k")
    expected = LogMel(vocoder.spec)(torch.from_numpy(wave)[None])[0]
    np.testing.assert_allclose(vocoder.analyse(wave), expected, atol=2e-3)


def test_it_sounds_better_than_griffin_lim_from_the_same_mel(vocoder, wave):
    mel = torch.from_numpy(vocoder.analyse(wave))[None]
    bound = griffin_lim(mel, vocoder.spec, 60)[0, : len(wave)].numpy()
    ours = vocoder.resynthesise(wave)
    assert pesq(wave, ours, 22_050) > pesq(wave, bound, 22_050) + 0.3
    assert multi_resolution_stft(wave, ours, 22_050) < 0.95 * multi_resolution_stft(wave, bound, 22_050)


def test_in_chunks_it_gives_the_same_samples(vocoder, wave):
    mel = vocoder.analyse(wave)
    assert mel.shape[1] > 3 * 64
    whole, pieces = Vocoder(vocoder.model, chunk=10**6), Vocoder(vocoder.model, chunk=64)
    np.testing.assert_allclose(pieces.render(mel), whole.render(mel), atol=1e-5)
    np.testing.assert_allclose(pieces.analyse(wave), mel, atol=1e-5)


def test_memory_does_not_grow_with_length():
    program = """
import re, sys
import numpy as np
from specgan.runtime.pipeline import Vocoder
vocoder = Vocoder.load(threads=1)
mel = np.random.default_rng(0).uniform(-8, 0, (80, int(sys.argv[1]))).astype(np.float32)
assert sum(len(piece) for piece in vocoder.stream(mel)) == mel.shape[1] * vocoder.spec.hop
# not getrusage, whose maximum begins with that of the process that started this one
print(1024 * int(re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1]))
"""
    short, long = (
        int(subprocess.run([sys.executable, "-c", program, frames], check=True, capture_output=True, text=True).stdout)
        for frames in ("2000", "12000")
    )
    # 10 000 frames more: their mel takes 3 MB (10 while it is drawn), all their activations at once would take 500 MB
    assert long - short < 60e6
    assert long < 300e6


@pytest.fixture(scope="module")
def mixture():
    """Speech at 16 kHz, and the same in noise that swells and has a spectrum of its own, at 5 dB."""
    clean = audio.read_mono(SPEECH, 16_000)
    random = np.random.default_rng(0)
    noise = np.convolve(random.standard_normal(len(clean) + 7), [1, 0.8, 0.5, 0.3, 0.2, 0.1, 0.1, 0.05], "valid")
    noise *= 1 + 0.7 * np.sin(2 * np.pi * 0.7 * np.arange(len(clean)) / 16_000)
    noise *= np.sqrt(np.mean(clean**2) / np.mean(noise**2) / 10**0.5)
    return clean, (clean + noise).astype(np.float32)


@pytest.fixture(scope="module")
def enhancer():
    return specgan.load("enhance-16k", threads=1)


def test_noise_falls_and_speech_stays(enhancer, mixture):
    clean, noisy = mixture
    made = enhancer.enhance(noisy, 16_000)
    assert pesq(clean, made, 16_000) > pesq(clean, noisy, 16_000) + 0.6
    assert si_sdr(clean, made, 16_000) > si_sdr(clean, noisy, 16_000) + 6


def test_clean_speech_is_left_alone(enhancer, mixture):
    clean, _ = mixture
    assert pesq(clean, enhancer.enhance(clean, 16_000), 16_000) > 3.5


def test_the_second_renderer_says_the_same(mixture):
    clean, noisy = mixture
    made = Enhancer(load(shipped()["enhance-16k"], threads=1), "vocoder").enhance(noisy, 16_000)
    assert stoi(clean, made, 16_000) > 0.85


@pytest.fixture(scope="module")
def converter():
    return specgan.load("convert-22k", threads=1)


def test_a_converted_voice_is_that_of_the_target(converter, wave):
    target = audio.read_mono(FIXTURES / "ljspeech" / "wavs" / "LJ001-0008.flac", 22_050)
    made = converter.convert(wave, 22_050, to="ljspeech")
    found, source, wanted = (speaker.speech(sound, 22_050).embedding for sound in (made, wave, target))
    assert speaker.similarity(found, wanted) > speaker.similarity(found, source)
    assert speaker.similarity(found, wanted) > speaker.similarity(source, wanted) + 0.05


def test_melody_moves_to_the_target_and_timing_stays(converter, wave):
    made = converter.convert(wave, 22_050, to="ljspeech")
    assert made.shape == wave.shape
    frames = len(wave) // 256
    before, after = (fundamental_frequency(sound, 22_050, 256, frames)[0] for sound in (wave, made))
    both = (before > 0) & (after > 0)
    assert both.sum() > 0.8 * (before > 0).sum()
    wanted = converter.model.config["pitch"]["ljspeech"][0]
    middles = [np.median(np.log(line[both])) for line in (before, after)]
    assert abs(middles[0] - wanted) > 0.2
    assert abs(middles[1] - wanted) < 0.1
    loud = [np.log(np.exp(converter._mel(sound)[0]).mean(axis=0))[:frames] for sound in (wave, made)]
    assert np.corrcoef(loud)[0, 1] > 0.85

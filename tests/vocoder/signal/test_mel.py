import itertools
from dataclasses import replace
from pathlib import Path

import librosa
import numpy as np
import pytest
import soundfile
import torch

from vocoder.errors import InputError
from vocoder.signal.mel import LogMel, griffin_lim, mel_filters, mel_to_magnitude, pseudo_inverse
from vocoder.signal.spec import PRESETS, MelSpec, preset
from vocoder.signal.stft import STFT, magnitude

SPEECH = Path(__file__).parents[2] / "fixtures" / "kathleen" / "wavs" / "arctic_a0001.flac"


@pytest.fixture(scope="module")
def speech():
    return torch.from_numpy(soundfile.read(SPEECH, dtype="float32")[0])[None]


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("change", [{}, {"mel_scale": "htk"}, {"mel_norm": "none", "fmin": 55.0}])
def test_filters_are_librosas(name, change):
    spec = replace(preset(name), **change)
    expected = librosa.filters.mel(
        sr=spec.sample_rate, n_fft=spec.n_fft, n_mels=spec.bands, fmin=spec.fmin, fmax=spec.fmax,
        htk=spec.mel_scale == "htk", norm="slaney" if spec.mel_norm == "slaney" else None, dtype=np.float64,
    )  # fmt: skip
    np.testing.assert_allclose(mel_filters(spec), expected, atol=1e-9)


@pytest.mark.parametrize("name", PRESETS)
def test_log_mel_is_librosas(name, speech):
    spec = preset(name)
    wave = speech[:, : speech.shape[1] // spec.hop * spec.hop]
    padded = np.pad(wave[0].numpy(), spec.pad, mode="reflect")
    expected = librosa.feature.melspectrogram(
        y=padded, sr=spec.sample_rate, n_fft=spec.n_fft, hop_length=spec.hop, center=False, power=1.0,
        n_mels=spec.bands, fmin=spec.fmin, fmax=spec.fmax,
    )  # fmt: skip
    np.testing.assert_allclose(LogMel(spec)(wave)[0], np.log(np.maximum(expected, 1e-5)), atol=1e-4)


def test_log_mel_is_the_published_hifigan_mel(speech):
    # as described in the published repository: reflect (n_fft − hop)/2, no centring, sqrt(re² + im² + 1e-9)
    spec = preset("22k-8k")
    wave = speech[:, : speech.shape[1] // 256 * 256]
    padded = torch.nn.functional.pad(wave[:, None], (384, 384), mode="reflect")[:, 0]
    spectrum = torch.stft(padded, 1024, 256, 1024, torch.hann_window(1024), center=False, return_complex=True)
    basis = torch.from_numpy(librosa.filters.mel(sr=22_050, n_fft=1024, n_mels=80, fmin=0, fmax=8_000))
    published = basis @ (spectrum.real**2 + spectrum.imag**2 + 1e-9).sqrt()
    loud = published > 1e-3
    assert loud.float().mean() > 0.5
    difference = (LogMel(spec)(wave) - published.clamp_min(1e-5).log()).abs()
    assert difference[loud].max() < 1e-4


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("exportable", [False, True])
def test_whole_hops_have_exactly_that_many_frames_and_odd_lengths_are_padded_up(name, exportable):
    spec = preset(name)
    mel = LogMel(spec, exportable)
    for frames in (1, 2, 7):
        assert mel(torch.randn(1, frames * spec.hop)).shape == (1, spec.bands, frames)
    wave = torch.randn(2, 5 * spec.hop + 1)
    zeros = torch.zeros(2, spec.hop - 1)
    assert mel(wave).shape == (2, spec.bands, 6)
    torch.testing.assert_close(mel(wave), mel(torch.cat([wave, zeros], dim=1)))
    assert mel(wave[:, :1]).shape == (2, spec.bands, 1)


def test_both_forms_of_the_mel_agree(speech):
    spec = preset("22k")
    torch.testing.assert_close(LogMel(spec)(speech), LogMel(spec, exportable=True)(speech), atol=1e-3, rtol=0)


def test_silence_is_the_floor_and_has_a_finite_gradient():
    wave = torch.zeros(1, 2048, requires_grad=True)
    mel = LogMel(preset("22k"))(wave)
    assert torch.allclose(mel, torch.tensor(1e-5).log())
    mel.sum().backward()
    assert torch.isfinite(wave.grad).all()


def test_log_base_ten_and_floor():
    wave = 0.1 * torch.randn(1, 4096, generator=torch.Generator().manual_seed(0))
    natural = LogMel(MelSpec())(wave)
    torch.testing.assert_close(LogMel(MelSpec(log_base="10"))(wave), natural / np.log(10))
    torch.testing.assert_close(LogMel(MelSpec(floor=0.05))(wave), natural.clamp_min(float(np.log(0.05))))


def test_an_empty_wave_is_refused():
    with pytest.raises(InputError, match="no samples"):
        LogMel(preset("22k"))(torch.zeros(1, 0))


def test_pseudo_inverse_solves_the_filters():
    for spec in PRESETS.values():
        filters = torch.from_numpy(mel_filters(spec)).float()
        product = filters @ pseudo_inverse(spec) @ filters  # A·A⁺·A = A
        torch.testing.assert_close(product, filters, atol=1e-6, rtol=0)


def test_magnitudes_from_a_mel_have_nearly_that_mel(speech):
    spec = preset("22k")
    mel = LogMel(spec)(speech)
    again = (torch.from_numpy(mel_filters(spec)).float() @ mel_to_magnitude(mel, spec)).clamp_min(1e-5).log()
    assert (again - mel).abs().mean() < 0.05


def test_griffin_lim_comes_closer_with_iterations_and_is_repeatable(speech):
    spec = preset("22k")
    log_mel = LogMel(spec)
    mel = log_mel(speech[:, : 100 * 256])

    def distance(iterations, seed=0):
        return (log_mel(griffin_lim(mel, spec, iterations, seed=seed)) - mel).abs().mean().item()

    assert distance(32) < 0.75 * distance(4) < 0.75 * distance(0)
    assert torch.equal(griffin_lim(mel, spec, 4), griffin_lim(mel, spec, 4))
    assert not torch.equal(griffin_lim(mel, spec, 4), griffin_lim(mel, spec, 4, seed=1))
    assert griffin_lim(mel, spec, 1).shape == (1, 100 * 256)


def test_griffin_lim_without_momentum_never_gets_worse():
    # Griffin and Lim 1984, section III: the distance between the STFT and the wanted magnitude does not grow
    spec = MelSpec(sample_rate=16_000, n_fft=256, hop=64, bands=40, fmax=8_000.0, padding="constant")
    mel = LogMel(spec)(0.2 * torch.randn(1, 64 * 60, generator=torch.Generator().manual_seed(3)))
    target = mel_to_magnitude(mel, spec)
    stft = STFT(256, 64, "constant")
    errors = [(magnitude(*stft(griffin_lim(mel, spec, n, momentum=0.0))) - target).norm().item() for n in range(6)]
    assert all(later <= earlier * 1.001 for earlier, later in itertools.pairwise(errors))
    assert errors[5] < 0.9 * errors[0]

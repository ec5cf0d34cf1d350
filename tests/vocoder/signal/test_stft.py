import math

import numpy as np
import pytest
import torch

from vocoder.signal.spec import PRESETS
from vocoder.signal.stft import STFT, ExportableSTFT, magnitude, multi_resolution_magnitudes, overlap_add, pad_wave

SHAPES = sorted({(spec.n_fft, spec.hop) for spec in PRESETS.values()} | {(512, 64)})
FORMS = [STFT, ExportableSTFT]


def noise(length, seed=0, batch=2):
    return 0.3 * torch.randn(batch, length, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("form", FORMS)
def test_frames_equal_numpys_transform_of_windowed_samples(form):
    n_fft, hop = 512, 128
    wave = noise(7 * hop)
    real, imag = form(n_fft, hop)(wave)
    padded = np.pad(wave[1].double().numpy(), (n_fft - hop) // 2, mode="reflect")
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n_fft) / n_fft)
    for frame in (0, 3, 6):
        expected = np.fft.rfft(padded[frame * hop : frame * hop + n_fft] * window)
        np.testing.assert_allclose(real[1, :, frame], expected.real, atol=2e-5)
        np.testing.assert_allclose(imag[1, :, frame], expected.imag, atol=2e-5)


@pytest.mark.parametrize(("n_fft", "hop"), SHAPES)
@pytest.mark.parametrize("frames", [1, 2, 5, 12])
def test_both_forms_agree_and_give_back_the_wave(n_fft, hop, frames):
    wave = noise(frames * hop)
    fast, exportable = STFT(n_fft, hop), ExportableSTFT(n_fft, hop)
    for a, b in zip(fast(wave), exportable(wave), strict=True):
        assert a.shape == (2, n_fft // 2 + 1, frames)
        torch.testing.assert_close(a, b, atol=1e-4, rtol=0)
    for form in (fast, exportable):
        again = form.inverse(*form(wave))
        torch.testing.assert_close(again, wave, atol=1e-4, rtol=0)


@pytest.mark.parametrize(("n_fft", "hop"), SHAPES)
def test_inverse_of_spectra_of_no_wave_is_the_same_in_both_forms(n_fft, hop):
    real, imag = noise(8 * (n_fft // 2 + 1)).reshape(2, 2, -1, 4).unbind(1)
    torch.testing.assert_close(
        STFT(n_fft, hop).inverse(real, imag), ExportableSTFT(n_fft, hop).inverse(real, imag), atol=1e-4, rtol=0
    )


def test_inverse_is_the_least_squares_one():
    # Griffin and Lim 1984: no wave has an STFT nearer to the given spectrum, so the error is orthogonal to every STFT
    # (the inner part of the wave, since ends are reflected)
    n_fft, hop, frames = 64, 16, 40
    form = STFT(n_fft, hop, padding="constant")
    real, imag = (noise(33 * frames, seed).reshape(2, 33, frames) for seed in (1, 2))
    real[:, :, :4] = imag[:, :, :4] = real[:, :, -4:] = imag[:, :, -4:] = 0
    best = form.inverse(real, imag)

    def distance(wave):
        a, b = form(wave)
        weight = torch.full((33, 1), 2.0)
        weight[[0, -1]] = 1.0  # one-sided: the middle bins stand for two
        # a real signal has no imaginary part at the first and the last bin
        error = (a - real).square() + (b - imag).square() * (weight > 1)
        return (weight * error).sum().item()

    for seed in range(3):
        assert distance(best) < distance(best + 1e-2 * noise(frames * hop, seed + 10))


@pytest.mark.parametrize("form", FORMS)
def test_gradients_in_double_precision(form):
    layer = form(16, 4)
    if form is ExportableSTFT:
        layer = layer.double()
    wave = noise(24, batch=1).double().requires_grad_()
    torch.autograd.gradcheck(lambda x: sum(part.square().sum() for part in layer(x)), wave)
    real, imag = (noise(9 * 6, seed, 1).reshape(1, 9, 6).double().requires_grad_() for seed in (1, 2))
    torch.autograd.gradcheck(lambda a, b: layer.inverse(a, b), (real, imag))


def test_magnitude_has_a_finite_gradient_at_silence():
    wave = torch.zeros(1, 1024, requires_grad=True)
    magnitude(*STFT(256, 64)(wave)).sum().backward()
    assert torch.equal(wave.grad, torch.zeros_like(wave))


def test_overlap_add_by_hand():
    frames = torch.tensor([[[1.0, 10.0], [2.0, 20.0], [3.0, 30.0], [4.0, 40.0]]])
    assert overlap_add(frames, 2).tolist() == [[1, 2, 3 + 10, 4 + 20, 30, 40]]
    assert overlap_add(frames[:, :3], 2).tolist() == [[1, 2, 3 + 10, 20, 30]]  # a hop that does not divide the window


def test_padding_reflects_as_far_as_there_is_a_wave():
    assert pad_wave(torch.tensor([[1.0, 2.0, 3.0, 4.0]]), 6, 2).tolist() == [[3, 2, 1, 2, 3, 4, 3, 2]]
    assert pad_wave(torch.tensor([[1.0, 2.0]]), 6, 2).tolist() == [[0, 2, 1, 2, 1, 0]]  # of 0 1 2 0
    assert pad_wave(torch.tensor([[1.0, 2.0]]), 6, 2, "constant").tolist() == [[0, 0, 1, 2, 0, 0]]


def test_half_precision_training_computes_the_stft_in_float32():
    wave = noise(16 * 256)
    layer = STFT(1024, 256)
    expected = layer(wave)[0]
    with torch.autocast("cpu", torch.bfloat16):
        real, _ = layer(wave)
    assert real.dtype == torch.float32
    torch.testing.assert_close(real, expected)


def test_multi_resolution_magnitudes_of_a_sine():
    rate, frequency, amplitude = 16_000, 1_000.0, 0.5
    wave = amplitude * torch.sin(2 * math.pi * frequency * torch.arange(16_000) / rate)[None]
    for (n_fft, hop), found in zip(
        ((512, 128), (2048, 300)), multi_resolution_magnitudes(wave, ((512, 128), (2048, 300))), strict=True
    ):
        middle = found[0, :, found.shape[2] // 2]
        assert found.shape[1] == n_fft // 2 + 1 and found.shape[2] == -(-16_000 // hop)
        assert middle.argmax() == round(frequency * n_fft / rate)
        # a sine in the middle of a bin has magnitude amplitude · (sum of the window)/2 = amplitude · n_fft/4
        assert middle.max().item() == pytest.approx(amplitude * n_fft / 4, rel=1e-3)


def test_decoding_before_training_in_one_process_does_no_harm():
    layer = STFT(96, 24)  # a size that nothing else has cached
    with torch.inference_mode():
        layer(noise(240))
    wave = noise(240).requires_grad_()
    sum(part.square().sum() for part in layer(wave)).backward()
    assert torch.isfinite(wave.grad).all()

import itertools

import pytest
import torch

from vocoder.errors import InputError
from vocoder.generators import SIZES, FourierVocoder
from vocoder.signal.mel import LogMel, mel_to_magnitude
from vocoder.signal.spec import PRESETS, preset
from vocoder.signal.stft import magnitude

SPEC = preset("22k")


def build(size="tiny", projections=2, exportable=False, seed=0):
    torch.manual_seed(seed)
    model = FourierVocoder(SPEC, size, projections, exportable).eval()
    with torch.no_grad():
        model.momentum.fill_(0.7)
    return model


def buzz(frames):
    time = torch.arange(frames * SPEC.hop) / SPEC.sample_rate
    return 0.1 * sum(torch.sin(2 * torch.pi * 150 * k * time) / k for k in range(1, 30))[None]


@pytest.mark.parametrize("size", SIZES)
def test_sizes_by_hand(size):
    width, blocks = SIZES[size]
    embed = 80 * width * 7 + width
    block = (7 * width + width) + 2 * width + (3 * width * width + 3 * width) + (3 * width * width + width) + width
    head = width * 3 * 513 + 3 * 513
    model = FourierVocoder(SPEC, size)
    assert sum(p.numel() for p in model.parameters()) == embed + blocks * block + head + 2 * 2 * width + 1


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("frames", [1, 2, 9])
def test_every_frame_becomes_a_hop(name, frames):
    spec = preset(name)
    model = FourierVocoder(spec, "tiny")
    assert model(torch.randn(2, spec.bands, frames)).shape == (2, frames * spec.hop)


def test_the_magnitude_starts_as_the_pseudo_inverse_of_the_mel():
    mel = LogMel(SPEC)(buzz(40))
    predicted, (cosine, sine) = build().spectrum(mel)
    torch.testing.assert_close(predicted, mel_to_magnitude(mel, SPEC), rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(cosine.square() + sine.square(), torch.ones_like(sine), rtol=1e-4, atol=1e-4)


def test_each_projection_brings_the_spectrum_nearer_to_that_of_a_wave():
    mel = LogMel(SPEC)(buzz(60))
    errors = []
    for projections in (0, 1, 2, 4, 8):
        model = build(projections=projections)
        with torch.no_grad():
            target, phase = model.spectrum(mel)
            wave = model.synthesise(target, phase)
            errors.append(((magnitude(*model.stft(wave)) - target).norm() / target.norm()).item())
    assert all(later < earlier for earlier, later in itertools.pairwise(errors)), errors
    assert errors[-1] < 0.7 * errors[0]


def test_a_consistent_spectrum_is_left_alone():
    wave = buzz(30)
    model = build(projections=4)
    real, imag = model.stft(wave)
    target = magnitude(real, imag)
    again = model.synthesise(target, (real / target.clamp_min(1e-7), imag / target.clamp_min(1e-7)))
    torch.testing.assert_close(again, wave, atol=2e-3, rtol=0)  # the bound on the gain takes 0.05 % a projection


@pytest.mark.parametrize("projections", [0, 2])
def test_the_receptive_field_is_exactly_as_far_as_the_gradient_reaches(projections):
    model = build(projections=projections)
    frames, middle = 2 * model.receptive_field + 21, model.receptive_field + 10
    mel = (LogMel(SPEC)(buzz(frames)) + 0.1 * torch.randn(1, 80, frames)).requires_grad_()
    samples = model(mel)[:, middle * SPEC.hop : (middle + 1) * SPEC.hop]
    (gradient,) = torch.autograd.grad(samples.square().sum(), mel)
    reached = gradient[0].abs().sum(dim=0).nonzero()
    assert middle - reached.min() <= model.receptive_field and reached.max() - middle <= model.receptive_field
    assert middle - reached.min() >= model.receptive_field - 2  # and the figure does not waste context


def test_gradients_reach_every_weight_through_the_projections():
    model = build(projections=2)
    wave = model(LogMel(SPEC)(buzz(40)))
    wave.square().sum().backward()
    for name, weight in model.named_parameters():
        assert weight.grad is not None and torch.isfinite(weight.grad).all(), name
    assert model.momentum.grad != 0


def test_silence_and_loudness_stay_finite():
    model = build(projections=8)
    for level in (-11.6, 0.0, 30.0):
        wave = model(torch.full((1, 80, 20), level))
        assert torch.isfinite(wave).all()
    assert model(torch.full((1, 80, 20), -11.6)).abs().max() < 1e-2


def test_the_exportable_form_gives_the_same_wave():
    mel = LogMel(SPEC)(buzz(50))
    eager, exportable = build(projections=2), build(projections=2, exportable=True)
    exportable.load_state_dict(eager.state_dict())
    with torch.no_grad():
        torch.testing.assert_close(eager(mel), exportable(mel), atol=1e-4, rtol=0)


def test_unknown_sizes_and_negative_projections_are_refused():
    with pytest.raises(InputError, match="tiny, small, base"):
        FourierVocoder(SPEC, "large")
    with pytest.raises(InputError, match="projections is -1"):
        FourierVocoder(SPEC, "tiny", -1)

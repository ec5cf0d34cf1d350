import math

import pytest
import torch

from vocoder.losses import MelDistance, log_magnitude_distance, multi_resolution_stft, spectral_convergence
from vocoder.signal.spec import preset


def noise(seed, length=8192):
    return 0.2 * torch.randn(2, length, generator=torch.Generator().manual_seed(seed))


def test_log_magnitude_distance_by_hand():
    real = torch.tensor([1.0, math.e, 1e-9])
    fake = torch.tensor([math.e, math.e**3, 1e-7])  # differences 1, 2, and 0 below the floor
    assert log_magnitude_distance(fake, real).item() == pytest.approx(1.0)


def test_spectral_convergence_by_hand():
    assert spectral_convergence(torch.tensor([0.0, 4.0]), torch.tensor([3.0, 4.0])).item() == pytest.approx(3 / 5)


def test_multi_resolution_stft_of_a_wave_at_double_level():
    # convergence ‖2x − x‖/‖x‖ = 1, log distance ln 2
    assert multi_resolution_stft(2 * noise(0), noise(0)).item() == pytest.approx(1 + math.log(2), abs=1e-3)


@pytest.mark.parametrize("scales", [1, 7])
def test_mel_distance_of_a_wave_at_double_level_is_ln_2(scales):
    distance = MelDistance(preset("22k-8k"), scales)
    assert len(distance.mels) == scales
    assert distance(noise(0), noise(0)).item() == 0
    # empty filters (more bands than the short windows have bins) stay at the floor in both
    filled = torch.stack([(mel.filters.sum(dim=1) > 0).float().mean() for mel in distance.mels]).mean().item()
    assert distance(2 * noise(0), noise(0)).item() == pytest.approx(filled * math.log(2), abs=2e-3)


def test_the_loss_hears_what_the_models_mel_does_not():
    spec = preset("22k-8k")
    tone = 0.1 * torch.sin(2 * math.pi * 9_500 * torch.arange(8192) / spec.sample_rate)[None]
    assert MelDistance(spec, 1)(0.1 * noise(0)[:1] + tone, 0.1 * noise(0)[:1]) > 0.02

"""Distances of loudness: zero for equals, finite gradients at silence, and more the worse it sounds."""

from __future__ import annotations

import pytest
import torch

from specgan.perceptual import compressed_distance


@pytest.fixture(scope="module")
def speech():
    """A tone with harmonics that comes and goes, RMS about 0.1."""
    time = torch.arange(16_000) / 16_000
    wave = sum(torch.sin(2 * torch.pi * 200 * k * time) / k for k in range(1, 20))
    return 0.15 * (wave * (torch.sin(2 * torch.pi * 3 * time) > 0))[None]


def test_equal_waves_are_at_no_distance(speech):
    assert compressed_distance(speech, speech) == (0, 0)


def test_more_noise_is_further_away(speech):
    noise = torch.randn(speech.shape, generator=torch.Generator().manual_seed(0))
    rows = torch.tensor([compressed_distance(speech + level * noise, speech) for level in (0.003, 0.01, 0.03, 0.1)])
    assert (rows.diff(dim=0) > 0).all()


def test_phase_counts_for_the_complex_distance_alone(speech):
    magnitude, whole = compressed_distance(-speech, speech)
    assert magnitude < 1e-9 < 0.01 < whole


@pytest.mark.parametrize("real", ["speech", "silence"])
def test_gradients_are_finite_at_silence(speech, real):
    wanted = speech if real == "speech" else torch.zeros_like(speech)
    fake = torch.zeros_like(speech).requires_grad_()
    sum(compressed_distance(fake, wanted)).backward()
    assert fake.grad.isfinite().all()


def test_speech_that_is_lost_counts_more_than_noise_that_stays():
    # the second is the first with the roles changed: what fell short is too much by the same amount
    loud, soft = torch.full((1, 2048), 0.2), torch.full((1, 2048), 0.1)
    lost, stayed = compressed_distance(soft, loud, lost=3.0), compressed_distance(loud, soft, lost=3.0)
    assert lost[0] / stayed[0] == pytest.approx(3.0, rel=1e-4)
    assert lost[1] == pytest.approx(stayed[1].item())
    assert compressed_distance(soft, loud)[0] == pytest.approx(stayed[0].item())

"""Distances of loudness: zero for equals, finite gradients at silence, and more the worse it sounds."""

from __future__ import annotations

import pytest
import torch

from specgan.perceptual import LoudnessDistance, compressed_distance
from vocoder.signal.spec import preset

SPEC = preset("16k")


@pytest.fixture(scope="module")
def speech():
    """A tone with harmonics that comes and goes, RMS about 0.1."""
    time = torch.arange(16_000) / 16_000
    wave = sum(torch.sin(2 * torch.pi * 200 * k * time) / k for k in range(1, 20))
    return 0.15 * (wave * (torch.sin(2 * torch.pi * 3 * time) > 0))[None]


def distances(fake, real):
    return [*compressed_distance(fake, real), *LoudnessDistance(SPEC)(fake, real)]


def test_equal_waves_are_at_no_distance(speech):
    magnitude, whole, symmetric, asymmetric = distances(speech, speech)
    assert magnitude == whole == asymmetric == 0
    assert symmetric < 1e-3


def test_more_noise_is_further_away(speech):
    noise = torch.randn(speech.shape, generator=torch.Generator().manual_seed(0))
    rows = torch.tensor([distances(speech + level * noise, speech) for level in (0.003, 0.01, 0.03, 0.1)])
    assert (rows.diff(dim=0) > 0).all()


def test_what_is_added_is_worse_than_what_is_taken(speech):
    """A tone that should not be there, and the same where it is missing."""
    tone = 0.05 * torch.sin(2 * torch.pi * 3130 * torch.arange(16_000) / 16_000)[None]
    added, taken = (LoudnessDistance(SPEC)(*pair) for pair in ((speech + tone, speech), (speech, speech + tone)))
    assert added[1] > 5 * taken[1]
    assert added[0] == pytest.approx(taken[0].item(), rel=0.2)


def test_what_cannot_be_heard_does_not_count(speech):
    whisper = 1e-6 * torch.randn(speech.shape, generator=torch.Generator().manual_seed(1))
    symmetric, asymmetric = LoudnessDistance(SPEC)(speech + whisper, speech)
    assert symmetric < 0.02 and asymmetric < 0.02


def test_phase_counts_for_the_complex_distance_alone(speech):
    magnitude, whole = compressed_distance(-speech, speech)
    assert magnitude < 1e-9 < 0.01 < whole


@pytest.mark.parametrize("real", ["speech", "silence"])
def test_gradients_are_finite_at_silence(speech, real):
    wanted = speech if real == "speech" else torch.zeros_like(speech)
    fake = torch.zeros_like(speech).requires_grad_()
    sum(distances(fake, wanted)).backward()
    assert fake.grad.isfinite().all()

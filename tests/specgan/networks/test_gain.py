"""The gain renderer: gains of bands on bins of a wave."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from specgan.networks.gain import GainRenderer, band_to_bin
from vocoder.signal.mel import LogMel
from vocoder.signal.spec import PRESETS, preset

SPEC = preset("16k")


@pytest.mark.parametrize("name", PRESETS)
def test_constant_gains_stay_constant(name):
    bend = band_to_bin(preset(name))
    assert bend.shape == (preset(name).bins, preset(name).bands)
    assert (bend >= 0).all()
    np.testing.assert_allclose(bend.sum(axis=1), 1, atol=1e-12)
    # each band is the loudest voice somewhere, in the order of the bands
    assert (np.diff(bend.argmax(axis=0)) > 0).all()


@pytest.mark.parametrize("exportable", [False, True])
@pytest.mark.parametrize("gain", [1.0, 0.25])
def test_a_constant_gain_scales_the_wave(exportable, gain):
    wave = torch.randn(2, 40 * SPEC.hop, generator=torch.Generator().manual_seed(0))
    made = GainRenderer(SPEC, exportable)(wave, torch.full((2, SPEC.bands, 40), gain))
    torch.testing.assert_close(made, gain * wave, atol=2e-5, rtol=0)


def test_both_forms_agree():
    generator = torch.Generator().manual_seed(1)
    wave, gain = torch.randn(1, 24 * SPEC.hop, generator=generator), torch.rand(1, SPEC.bands, 24, generator=generator)
    torch.testing.assert_close(GainRenderer(SPEC)(wave, gain), GainRenderer(SPEC, True)(wave, gain), atol=1e-5, rtol=0)


def test_a_gain_acts_on_its_band_and_frames():
    """Two sines, one taken away by the gains of its bands in the second half."""
    time = torch.arange(64 * SPEC.hop) / SPEC.sample_rate
    low, high = (0.3 * torch.sin(2 * torch.pi * hertz * time)[None] for hertz in (500.0, 3000.0))
    gain = torch.ones(1, SPEC.bands, 64)
    gain[:, 45:, 32:] = 0
    made = GainRenderer(SPEC)(low + high, gain)
    first, second = slice(0, 28 * SPEC.hop), slice(36 * SPEC.hop, 60 * SPEC.hop)
    torch.testing.assert_close(made[:, first], (low + high)[:, first], atol=1e-4, rtol=0)
    torch.testing.assert_close(made[:, second], low[:, second], atol=2e-3, rtol=0)


def test_the_mel_follows_the_gain():
    """Where the gain is smooth, the mel of what is rendered is the mel times the gain."""
    wave = torch.randn(1, 100 * SPEC.hop, generator=torch.Generator().manual_seed(2))
    bands = torch.linspace(0.2, 1.0, SPEC.bands)[None, :, None].expand(1, -1, 100)
    mel = LogMel(SPEC)
    difference = mel(GainRenderer(SPEC)(wave, bands)) - (mel(wave) + bands.log())
    assert difference[..., 4:-4].abs().mean() < 0.02


def test_half_precision_inputs_are_widened():
    wave, gain = torch.randn(1, 16 * SPEC.hop), torch.ones(1, SPEC.bands, 16)
    made = GainRenderer(SPEC)(wave, gain.bfloat16())
    assert made.dtype == torch.float32

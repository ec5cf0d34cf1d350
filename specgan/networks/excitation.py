"""What a throat gives before a mouth shapes it, as a mel: the harmonics of a pitch."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from vocoder.signal.mel import mel_filters
from vocoder.signal.spec import MelSpec

LOBE = 2.0
"""Half the width of the main lobe of a Hann window, in bins of its spectrum."""
VALLEY = 0.02
"""Magnitude between two harmonics beside the mean."""


class Excitation(nn.Module):
    """F0 → log-mel of equally strong harmonics, so that no network has to learn where they lie.

    The spectrum of a harmonic under a Hann window is nearly a raised cosine of ±2 bins; the loudness of the whole is
    taken out: where bands are too wide to tell harmonics apart there is 0.

    Parameters
    ----------
    spec : MelSpec
    """

    def __init__(self, spec: MelSpec) -> None:
        super().__init__()
        self.spec = spec
        filters = torch.from_numpy(mel_filters(spec)).float()
        filters = filters / filters.sum(1, keepdim=True).clamp_min(1e-8)
        # rounded, so that a model folder stores half as much
        self.register_buffer("filters", filters.half().float(), persistent=False)
        self.register_buffer("bins", torch.arange(spec.bins).float()[None, :, None], persistent=False)
        self.filters: Tensor
        self.bins: Tensor

    def forward(self, log_frequency: Tensor, voiced: Tensor) -> Tensor:
        """ln Hz (B, T) of every frame, and 1 where it is voiced (B, T) → (B, M, T), 0 where unvoiced."""
        apart = log_frequency.float().exp()[:, None] * (self.spec.n_fft / self.spec.sample_rate)  # bins, (B, 1, T)
        away = self.bins - apart * (self.bins / apart).round().clamp_min(1.0)
        lobes = 0.5 + 0.5 * torch.cos(away.clamp(-LOBE, LOBE) * (math.pi / LOBE))
        heard = (self.filters @ lobes) * (apart / LOBE)
        return (heard + VALLEY).log() * voiced.float()[:, None]

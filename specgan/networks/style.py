"""Who speaks, as a few numbers: heard from a mel."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from specgan.text.acoustic import Stack
from specgan.text.aligner import MEL_MEAN, MEL_STD


class ReferenceEncoder(nn.Module):
    """Log-mel of any length → style: means over time, so that what is said matters little.

    Parameters
    ----------
    bands, style : int
    width, blocks : int
        Of the ConvNeXt blocks at the frame rate.
    """

    def __init__(self, bands: int, style: int, width: int = 96, blocks: int = 3) -> None:
        super().__init__()
        self.embed = nn.Conv1d(bands, width, 5, padding=2)
        self.stack = Stack(width, blocks, 5)
        self.style = nn.Linear(2 * width, style)

    def forward(self, mel: Tensor) -> Tensor:
        """(B, M, T) → (B, S)."""
        h = self.stack(self.embed((mel - MEL_MEAN) / MEL_STD), None)
        # the deviation of each channel too: a mean alone forgets what was there half of the time
        spread = (h - h.mean(2, keepdim=True)).square().mean(2).add(1e-5).sqrt()
        return self.style(torch.cat([h.mean(2), spread], dim=1)).float()

"""Random changes of pictures that a critic judges: of real and of drawn ones alike, so that few sounds are enough."""

from __future__ import annotations

import torch
from torch import Tensor

SHIFT = 0.125  # of the length, to either side
GAIN = 0.15  # to either side, in units of a picture of range [−1, 1]: some 8 dB
HOLE = 0.25  # of the length or of the bands


def augmented(picture: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Shifted in time, louder or softer, with a gap in time and one in frequency (Zhao 2020, arXiv:2006.10738, eq. 5).

    The critic never sees a picture as it is. What it sees of the drawn ones went through the same, differentiably,
    so that the network does not learn to draw the changes.

    Parameters
    ----------
    picture : (B, 1, M, T) tensor
        About zero mean, which fills what is empty.
    generator : torch.Generator, optional
        On the CPU.
    """
    batch, _, bands, frames = picture.shape
    shift, gain, band, frame = torch.rand(4, batch, generator=generator).to(picture.device)
    most = round(SHIFT * frames)
    source = torch.arange(frames, device=picture.device) - ((2 * shift - 1) * most).round().long()[:, None]  # (B, T)
    index = source.clamp(0, frames - 1)[:, None, None].expand(-1, 1, bands, -1)
    shown = (source >= 0) & (source < frames) & ~_hole(frame, frames)
    mask = shown[:, None, None] & ~_hole(band, bands)[:, None, :, None]
    return (picture.gather(3, index) + GAIN * (2 * gain - 1)[:, None, None, None]) * mask


def _hole(place: Tensor, size: int) -> Tensor:
    """(B,) in [0, 1] → (B, size), true in a gap of `HOLE` of the size whose middle may lie anywhere."""
    half = HOLE * size / 2
    return (torch.arange(size, device=place.device) + 0.5 - place[:, None] * size).abs() < half

"""Distances between mels, over the frames that a mask lets count.

Mels are (B, C, M, T), masks (B, 1, T) bool, or None when every frame counts.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from vocoder.engine.losses import feature_matching
from vocoder.precision import in_float32


def _mean(values: Tensor, mask: Tensor | None) -> Tensor:
    """Mean of (B, C, M, T) over the real frames of the batch."""
    if mask is None:
        return values.mean()
    counts = mask[:, :, None].to(values.dtype)
    return (values * counts).sum() / (counts.sum() * values.shape[1] * values.shape[2]).clamp_min(1)


@in_float32
def masked_l1(fake: Tensor, real: Tensor, mask: Tensor | None = None) -> Tensor:
    """Mean absolute difference of two mels over the real frames."""
    return _mean((fake - real).abs(), mask)


def _window(size: int, sigma: float) -> Tensor:
    position = torch.arange(size, dtype=torch.float32) - size // 2
    bell = torch.exp(-(position**2) / (2 * sigma**2))
    return bell / bell.sum()


@in_float32
def structural_dissimilarity(
    fake: Tensor, real: Tensor, mask: Tensor | None = None, low: float = -3.0, high: float = 3.0
) -> Tensor:
    """1 − SSIM (Wang 2004, doi:10.1109/TIP.2003.819861, eq. 13 with K1 = 0.01, K2 = 0.03).

    Means and variances are taken under a Gaussian of 11×11 bins, σ 1.5 bins. Only windows of real frames wholly
    inside the band and the utterance count; a batch in which no utterance is 11 frames long gives 0.

    Parameters
    ----------
    fake, real : Tensor
        (B, C, M, T).
    mask : Tensor, optional
        (B, 1, T) bool.
    low, high : float
        Range of the mels; L of the paper is high − low. The luminance term compares means as shares of each other, so
        it needs a zero where there is no sound: at `low`, not in the middle of normalised mels, which span about
        three deviations.
    """
    size = 11
    if fake.shape[-1] < size:
        return fake.sum() * 0
    fake, real, span = fake - low, real - low, high - low
    bell = _window(size, 1.5).to(fake)
    batch, channels = fake.shape[:2]
    maps = torch.stack([fake, real, fake * fake, real * real, fake * real]).flatten(0, 2)[:, None]
    # a Gaussian is separable
    blurred = F.conv2d(F.conv2d(maps, bell[None, None, :, None]), bell[None, None, None, :])
    mean_f, mean_r, ff, rr, fr = blurred.reshape(5, batch, channels, *blurred.shape[2:]).unbind(0)
    c1, c2 = (0.01 * span) ** 2, (0.03 * span) ** 2
    similarity = ((2 * mean_f * mean_r + c1) * (2 * (fr - mean_f * mean_r) + c2)) / (
        (mean_f**2 + mean_r**2 + c1) * (ff - mean_f**2 + rr - mean_r**2 + c2)
    )
    inside = None if mask is None else -F.max_pool1d(-mask.to(fake.dtype), size, 1) > 0.5
    return _mean(1 - similarity, inside)


@in_float32
def balanced_feature_matching(
    fake: list[list[Tensor]], real: list[list[Tensor]], l1: Tensor, weight: float = 1.0
) -> Tensor:
    """Feature matching, scaled down to `weight` · l1 wherever it would be more.

    Activations of a critic can grow without bound, and a distance between them with it; scaled so, its value (not only
    its gradient) never outweighs the distance that keeps the picture in place.

    Parameters
    ----------
    fake, real : list of list of Tensor
        Features of two Judgements; the reals are constants here.
    l1 : Tensor
        Scalar; a constant here.
    weight : float
        Largest value of the result, as a share of `l1`.
    """
    matching = feature_matching(fake, real)
    return matching * (weight * l1.detach() / matching.detach().clamp_min(1e-12)).clamp_max(1)

"""Parts of the picture networks. What a mask excludes is zero before each layer that mixes frames: none sees padding.

Pictures are (B, C, M, T): channels, bands, frames. A mask is (B, 1, 1, T), one where a frame is real, or None when
all are.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

NOWHERE = -1e4  # score of a forbidden position: its exponential is exactly zero, and it fits into half precision


def masked(x: Tensor, mask: Tensor | None) -> Tensor:
    """The picture with zeros where the mask is zero."""
    if mask is None:
        return x
    if not x.is_contiguous() and x.is_contiguous(memory_format=torch.channels_last):
        # spread over the channels, which lie innermost here: broadcasting over them takes six times as long
        mask = mask.to(x.dtype).expand(-1, x.shape[1], -1, -1).contiguous(memory_format=torch.channels_last)
    return x * mask.to(x.dtype)


def coarser(mask: Tensor | None, stride: int) -> Tensor | None:
    """The mask at a frame rate `stride` times lower: a long frame is real if any frame inside it is."""
    return mask if mask is None or stride == 1 else F.max_pool2d(mask, (1, stride))


def normalise(x: Tensor) -> Tensor:
    """Zero mean and unit variance over the channels of each bin (Ba 2016, arXiv:1607.06450); bins stay apart."""
    return F.layer_norm(x.permute(0, 2, 3, 1), (x.shape[1],), eps=1e-5).permute(0, 3, 1, 2)


class StyledNorm(nn.Module):
    """`normalise`, then scale and shift from the style (FiLM; Perez 2018, arXiv:1709.07871, eq. 2), both 0 at first.

    With `norm` false it is scale and shift alone.
    """

    def __init__(self, width: int, style: int, norm: bool = True) -> None:
        super().__init__()
        self.norm = norm
        self.film = nn.Linear(style, 2 * width)
        nn.init.zeros_(self.film.weight)
        nn.init.zeros_(self.film.bias)

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        """(B, width, M, T), (B, style) → (B, width, M, T)."""
        scale, shift = self.film(style)[:, :, None, None].to(x.dtype).chunk(2, dim=1)
        return torch.addcmul(shift, normalise(x) if self.norm else x, 1 + scale)


class Block(nn.Module):
    """Depthwise convolution, norm and style, gated widening, narrowing, and a residual with layer scale.

    The order is ConvNeXt's (Liu 2022, arXiv:2201.03545), the gate the product of two halves (NAFNet, Chen
    2022, arXiv:2204.04676, eq. 3), which needs no transcendental function. Without the norm (`norm` false; R3GAN, Huang
    2024, arXiv:2501.05441, has none) one half goes through a sigmoid, for the product would grow with the square.
    """

    reach = 1  # frames on each side, at the block's own frame rate

    def __init__(self, width: int, style: int, expansion: int = 2, scale: float = 0.2, norm: bool = True) -> None:
        super().__init__()
        # 3×3: on a CPU the backward pass of a 7×7 takes eight times as long, longer than all the rest of the block
        self.depthwise = nn.Conv2d(width, width, 3, padding=1, groups=width)
        self.norm = StyledNorm(width, style, norm)
        self.widen = nn.Conv2d(width, 2 * expansion * width, 1)
        self.narrow = nn.Conv2d(expansion * width, width, 1)
        self.scale = nn.Parameter(torch.full((width, 1, 1, 1), scale))

    def forward(self, x: Tensor, style: Tensor, mask: Tensor | None) -> Tensor:
        """(B, width, M, T) with zeros where masked → the same."""
        value, gate = self.widen(self.norm(self.depthwise(x), style)).chunk(2, dim=1)
        gate = gate if self.norm.norm else gate.sigmoid()
        # the layer scale multiplies the weights: the same, without another pass over the picture
        bias = self.narrow.bias * self.scale.flatten()  # type: ignore[operator]  # it has a bias
        h = F.conv2d(value * gate, self.narrow.weight * self.scale, bias)
        return x + masked(h, mask)


class WindowedAttention(nn.Module):
    """Each frame attends to those at most `window` away, as one vector of all its bands and channels.

    Bands are folded into channels: for as many operations as row by row there is one attention matrix instead of one
    a band, and every band sees every other.

    Parameters
    ----------
    width, bands : int
        Of the picture.
    style : int
        Length of the style vector.
    window : int
        Frames on each side, at this picture's frame rate.
    head : int
        Channels of one attention head.
    """

    def __init__(self, width: int, bands: int, style: int, window: int, head: int = 32, scale: float = 0.2) -> None:
        super().__init__()
        self.window, self.heads = window, width // head
        self.norm = StyledNorm(width, style)
        self.fold = nn.Conv2d(width, 3 * width, (bands, 1))
        self.unfold = nn.Conv1d(width, width * bands, 1)
        self.distance = nn.Parameter(torch.zeros(self.heads, 2 * window + 1))
        self.scale = nn.Parameter(torch.full((width, 1, 1), scale))

    def forward(self, x: Tensor, style: Tensor, mask: Tensor | None) -> Tensor:
        """(B, width, M, T) with zeros where masked → the same."""
        batch, width, bands, frames = x.shape
        folded = self.fold(self.norm(x, style)).reshape(batch, 3, self.heads, width // self.heads, frames)
        query, key, value = folded.unbind(1)
        scores = query.transpose(2, 3) @ key * (width // self.heads) ** -0.5 + self._bias(frames, x, mask)
        attended = value @ scores.softmax(dim=-1).to(value.dtype).transpose(2, 3)
        h = self.unfold(attended.reshape(batch, width, frames)).reshape(batch, width, bands, frames)
        return x + masked(h * self.scale.to(h.dtype), mask)

    def _bias(self, frames: int, x: Tensor, mask: Tensor | None) -> Tensor:
        """Learned score of each distance, and NOWHERE for frames too far away or masked: (B or 1, heads, T, T)."""
        position = torch.arange(frames, device=x.device)
        away = position[None, :] - position[:, None]
        learned = self.distance[:, (away.clamp(-self.window, self.window) + self.window)]
        far = (away.abs() > self.window).to(learned.dtype) * NOWHERE
        bias = (learned + far)[None]
        return bias if mask is None else bias + (1 - mask.to(bias.dtype)) * NOWHERE

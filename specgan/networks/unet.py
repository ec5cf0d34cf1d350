"""SpecUNet: the picture-to-picture generator of every task that has a source."""

from __future__ import annotations

import itertools
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from specgan.networks.layers import Block, StyledNorm, WindowedAttention, coarser, masked
from vocoder.errors import InputError

WIDTHS = {"tiny": (24, 48, 96, 128), "small": (48, 96, 192, 256)}
HEADS = ("residual", "direct", "gain")
BLOCKS = 2  # on each way at each level; twice as many at the bottom, with attention between
STRIDES = ((2, 2), (2, 1), (2, 2))  # bands and frames of each halving
ATTENTION = 64  # input frames on each side


class Level(NamedTuple):
    """One resolution of the network: channels, and how many input frames one of its frames spans."""

    width: int
    frames: int


class SpecUNet(nn.Module):
    """Planes and a style → a picture, in the shape of a U-Net (Ronneberger 2015, arXiv:1505.04597).

    Frequency is halved at each level, time at the first and the last only. Nothing depends on padding or on the
    length: padded (with a mask), cut into chunks with `receptive_field` frames around them, and whole, the frames
    are the same.

    Parameters
    ----------
    bands : int
        M, a multiple of 8.
    planes : int
        Input pictures, plane 0 the one that a `residual` corrects. All about zero mean and unit variance.
    style : int
        Length of the style vector.
    size : {"tiny", "small"}
    head : {"residual", "direct", "gain"}
        Plane 0 and a correction, zero at first; the picture itself; or a gain in (0, 1) for each source.
    sources : int
        Pictures that a `gain` gives; the other heads give one.

    Raises
    ------
    InputError
        If a name is unknown, the bands cannot be halved three times, or a head of one picture gets several sources.
    """

    multiple = 4  # T has to be one; and a chunk has to start at one

    def __init__(
        self, bands: int, planes: int, style: int, size: str = "tiny", head: str = "residual", sources: int = 1
    ) -> None:
        super().__init__()
        if size not in WIDTHS:
            raise InputError(f"there is no SpecUNet of size {size!r}; there are {', '.join(WIDTHS)}")
        if head not in HEADS:
            raise InputError(f"there is no head {head!r}; there are {', '.join(HEADS)}")
        if bands % 8:
            raise InputError(f"a SpecUNet halves the bands three times: {bands} must be a multiple of 8")
        if sources != 1 and head != "gain":
            raise InputError(f"the head {head!r} gives one picture, not {sources}; only 'gain' gives one a source")
        self.size, self.head = size, head
        widths = WIDTHS[size]
        spans = [1]
        for _, stride in STRIDES:
            spans.append(spans[-1] * stride)
        self.levels = [Level(width, span) for width, span in zip(widths, spans, strict=True)]
        bottom = self.levels[-1]

        def blocks(width: int) -> nn.ModuleList:
            return nn.ModuleList(Block(width, style) for _ in range(BLOCKS))

        self.stem = nn.Conv2d(planes, widths[0], 3, padding=1)
        # convolutions do not know where they are, and bands are not alike
        self.place = nn.Parameter(0.02 * torch.randn(1, widths[0], bands, 1))
        self.descent = nn.ModuleList(blocks(level.width) for level in self.levels[:-1])
        self.down = nn.ModuleList(
            nn.Conv2d(a, b, stride, stride) for a, b, stride in zip(widths[:-1], widths[1:], STRIDES, strict=True)
        )
        self.bottom = nn.ModuleList(
            [
                *blocks(bottom.width),
                WindowedAttention(bottom.width, bands // 8, style, ATTENTION // bottom.frames),
                *blocks(bottom.width),
            ]
        )
        self.up = nn.ModuleList(nn.Conv2d(b, a, 1) for a, b in itertools.pairwise(widths))
        self.ascent = nn.ModuleList(blocks(level.width) for level in self.levels[:-1])
        self.last_norm = StyledNorm(widths[0], style)
        self.paint = nn.Conv2d(widths[0], sources, 3, padding=1)
        if head == "residual":
            nn.init.zeros_(self.paint.weight)
            nn.init.zeros_(self.paint.bias)  # type: ignore[arg-type]  # it has a bias

    @property
    def receptive_field(self) -> int:
        """Frames on each side of a frame on which it depends, a multiple of `multiple`."""
        # the blocks of both ways, and as many at the bottom
        inside = sum(2 * BLOCKS * Block.reach * level.frames for level in self.levels)
        # stem and paint see one frame further, and a frame may lie at the edge of the coarsest one that holds it
        reach = 2 + inside + ATTENTION + self.levels[-1].frames - 1
        return -(-reach // self.multiple) * self.multiple

    def forward(self, planes: Tensor, style: Tensor, mask: Tensor | None = None) -> Tensor:
        """Draw.

        Parameters
        ----------
        planes : Tensor
            (B, P, M, T), T a multiple of `multiple`.
        style : Tensor
            (B, S).
        mask : Tensor, optional
            (B, 1, T) bool, true where a frame is real; without it all are.

        Returns
        -------
        Tensor
            (B, 1, M, T), or (B, sources, M, T); zero where masked.

        Raises
        ------
        InputError
            If T is not a multiple of `multiple`.
        """
        if not torch.compiler.is_exporting() and planes.shape[-1] % self.multiple:
            raise InputError(
                f"{planes.shape[-1]} frames: T must be a multiple of {self.multiple}; pad and mask the rest"
            )
        here = None if mask is None else mask[:, :, None].to(planes.dtype)
        masks = [here]
        for _, stride in STRIDES:
            masks.append(coarser(masks[-1], stride))
        x = masked(self.stem(masked(planes, here)) + self.place.to(planes.dtype), here)
        skips = []
        for level, down in enumerate(self.down):
            for block in self.descent[level]:  # type: ignore[attr-defined]  # a ModuleList
                x = block(x, style, masks[level])
            skips.append(x)
            x = masked(down(x), masks[level + 1])
        for block in self.bottom:
            x = block(x, style, masks[-1])
        for level in reversed(range(len(STRIDES))):
            taller, longer = STRIDES[level]
            x = F.interpolate(self.up[level](x), scale_factor=(float(taller), float(longer)), mode="nearest")
            x = masked(x + skips[level], masks[level])
            for block in self.ascent[level]:  # type: ignore[attr-defined]  # a ModuleList
                x = block(x, style, masks[level])
        drawn = self.paint(masked(self.last_norm(x, style), here))
        if self.head == "residual":
            drawn = planes[:, :1] + drawn
        elif self.head == "gain":
            drawn = drawn.sigmoid()
        return masked(drawn, here)

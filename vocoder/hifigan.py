"""The HiFi-GAN generator: configuration and network."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vocoder.errors import InputError
from vocoder.foreign import field, integer, integers

SLOPE = 0.1
"""Of every leaky ReLU but the last."""
LAST_SLOPE = 0.01
"""The published code leaves the last one at its framework's default, and the published weights expect that."""


@dataclass(frozen=True)
class HiFiGANConfig:
    """Sizes of a HiFi-GAN generator, under the names of the published `config.json`.

    Parameters
    ----------
    resblock : {"1", "2"}
        Residual blocks of dilated-plain pairs of convolutions, or of single dilated ones.
    upsample_rates : tuple of int
        Their product is the hop, in samples.
    upsample_kernel_sizes : tuple of int
        One a rate, at least the rate and differing from it by an even number.
    upsample_initial_channel : int
        Channels before the first upsampling, halved by each.
    resblock_kernel_sizes : tuple of int
        Odd; blocks of all these sizes stand side by side and are averaged.
    resblock_dilation_sizes : tuple of tuple of int
        The dilations of each block.
    bands : int
        Mel bands (`num_mels`).

    Raises
    ------
    InputError
        If the sizes do not fit together.
    """

    resblock: str
    upsample_rates: tuple[int, ...]
    upsample_kernel_sizes: tuple[int, ...]
    upsample_initial_channel: int
    resblock_kernel_sizes: tuple[int, ...]
    resblock_dilation_sizes: tuple[tuple[int, ...], ...]
    bands: int = 80

    def __post_init__(self) -> None:
        if self.resblock not in ("1", "2"):
            raise InputError(f'HiFi-GAN: resblock is {self.resblock!r}, must be "1" or "2"')
        for one, other in (
            ("upsample_rates", "upsample_kernel_sizes"),
            ("resblock_kernel_sizes", "resblock_dilation_sizes"),
        ):
            if len(getattr(self, one)) != len(getattr(self, other)):
                raise InputError(f"HiFi-GAN: {one} and {other} must be equally long")
        for rate, kernel in zip(self.upsample_rates, self.upsample_kernel_sizes, strict=True):
            if kernel < rate or (kernel - rate) % 2:
                raise InputError(
                    f"HiFi-GAN: an upsampling by {rate} has kernel size {kernel}, "
                    f"must be {rate}, {rate + 2}, {rate + 4} …: others do not give T·hop samples"
                )
        if any(kernel % 2 == 0 for kernel in self.resblock_kernel_sizes):
            raise InputError(f"HiFi-GAN: resblock_kernel_sizes are {self.resblock_kernel_sizes}, must be odd")
        if self.channels(len(self.upsample_rates)) < 1:
            raise InputError(
                f"HiFi-GAN: upsample_initial_channel is {self.upsample_initial_channel}, "
                f"cannot be halved {len(self.upsample_rates)} times"
            )

    def channels(self, stage: int) -> int:
        """Channels after that many upsamplings."""
        return self.upsample_initial_channel // 2**stage

    @classmethod
    def version(cls, name: str) -> HiFiGANConfig:
        """V1 (13.92 M parameters), V2 (0.92 M) or V3 (1.46 M) of the paper: "v1", "v2", "v3"."""
        if name not in VERSIONS:
            raise InputError(f"there is no HiFi-GAN version {name!r}; there are {', '.join(VERSIONS)}")
        return VERSIONS[name]

    @classmethod
    def from_published(cls, fields: dict[str, Any], where: str) -> HiFiGANConfig:
        """Read the generator's part of a published `config.json`.

        Parameters
        ----------
        fields : dict
            The parsed file; what it says about training is left alone.
        where : str
            Named in errors.

        Raises
        ------
        InputError
            If a field is missing, of the wrong type, or does not fit the others.
        """
        rates, kernels, block_kernels = (
            integers(field(fields, name, where), name, where)
            for name in ("upsample_rates", "upsample_kernel_sizes", "resblock_kernel_sizes")
        )
        channels, bands = (
            integer(field(fields, name, where), name, where) for name in ("upsample_initial_channel", "num_mels")
        )
        name = "resblock_dilation_sizes"
        rows = field(fields, name, where)
        if not isinstance(rows, list):
            raise InputError(f"{where}: {name} is {rows!r}, must be a list of lists of integers")
        dilations = tuple(integers(row, f"{name}[{index}]", where) for index, row in enumerate(rows))
        resblock = field(fields, "resblock", where)
        # the published code takes the first three or two of each row, and does not mind if there are more
        dilations = tuple(row[: 3 if resblock == "1" else 2] for row in dilations)
        try:
            return cls(resblock, rates, kernels, channels, block_kernels, dilations, bands)
        except InputError as error:
            raise InputError(f"{where}: {error}") from None


_V1 = HiFiGANConfig("1", (8, 8, 2, 2), (16, 16, 4, 4), 512, (3, 7, 11), ((1, 3, 5),) * 3)
_V2 = HiFiGANConfig("1", (8, 8, 2, 2), (16, 16, 4, 4), 128, (3, 7, 11), ((1, 3, 5),) * 3)
_V3 = HiFiGANConfig("2", (8, 8, 4), (16, 16, 8), 256, (3, 5, 7), ((1, 2), (2, 6), (3, 12)))
VERSIONS: dict[str, HiFiGANConfig] = {"v1": _V1, "v2": _V2, "v3": _V3}


class WeightNorm(nn.Module):
    """A 1-D convolution whose weight is g · v / ‖v‖ (Salimans 2016, arXiv:1602.07868, equation 2).

    The norm is taken over all but the first dimension, and the parameters are called `weight_g`
    and `weight_v`, as in published state dictionaries; torch's own parametrisation has other names.

    Parameters
    ----------
    conv : nn.Conv1d or nn.ConvTranspose1d
        Its sizes, and the values to begin with.
    """

    def __init__(self, conv: nn.Conv1d | nn.ConvTranspose1d) -> None:
        super().__init__()
        weight = conv.weight.detach()
        self.bias = conv.bias
        self.weight_g = nn.Parameter(_norm(weight))
        self.weight_v = nn.Parameter(weight)
        self.transposed = isinstance(conv, nn.ConvTranspose1d)
        self.stride, self.padding, self.dilation = conv.stride[0], int(conv.padding[0]), conv.dilation[0]

    @property
    def weight(self) -> Tensor:
        return self.weight_v * (self.weight_g / _norm(self.weight_v))

    def forward(self, x: Tensor) -> Tensor:
        if self.transposed:
            return F.conv_transpose1d(x, self.weight, self.bias, self.stride, self.padding, dilation=self.dilation)
        return F.conv1d(x, self.weight, self.bias, self.stride, self.padding, self.dilation)

    def folded(self) -> nn.Conv1d | nn.ConvTranspose1d:
        """The plain convolution with the same weight."""
        first, second, kernel = self.weight_v.shape
        sizes = (first, second) if self.transposed else (second, first)
        kind = nn.ConvTranspose1d if self.transposed else nn.Conv1d
        conv = kind(*sizes, kernel, self.stride, self.padding, dilation=self.dilation, device="meta")
        conv.weight, conv.bias = nn.Parameter(self.weight.detach()), self.bias
        return conv


def _norm(weight: Tensor) -> Tensor:
    return torch.linalg.vector_norm(weight, dim=(1, 2), keepdim=True)


def _same(channels: int, kernel: int, dilation: int) -> WeightNorm:
    """A convolution that keeps channels and length."""
    padding = dilation * (kernel - 1) // 2
    return WeightNorm(nn.Conv1d(channels, channels, kernel, padding=padding, dilation=dilation))


class ResBlock1(nn.Module):
    """Residual pairs: a dilated convolution, then a plain one (figure 1 of the paper)."""

    def __init__(self, channels: int, kernel: int, dilations: tuple[int, ...]) -> None:
        super().__init__()
        self.convs1 = nn.ModuleList(_same(channels, kernel, dilation) for dilation in dilations)
        self.convs2 = nn.ModuleList(_same(channels, kernel, 1) for _ in dilations)

    def forward(self, x: Tensor) -> Tensor:
        for dilated, plain in zip(self.convs1, self.convs2, strict=True):
            x = x + plain(F.leaky_relu(dilated(F.leaky_relu(x, SLOPE)), SLOPE))
        return x


class ResBlock2(nn.Module):
    """Residual dilated convolutions, for the smallest version."""

    def __init__(self, channels: int, kernel: int, dilations: tuple[int, ...]) -> None:
        super().__init__()
        self.convs = nn.ModuleList(_same(channels, kernel, dilation) for dilation in dilations)

    def forward(self, x: Tensor) -> Tensor:
        for dilated in self.convs:
            x = x + dilated(F.leaky_relu(x, SLOPE))
        return x


class HiFiGAN(nn.Module):
    """HiFi-GAN generator (Kong 2020, arXiv:2010.05646, section 2.2).

    Its state dictionary is the published one, weight normalisation included. So are the weights it starts from:
    the published code draws them from N(0, 0.01²) into a tensor that weight normalisation then overwrites, so that
    what it trains from is the framework's default.
    """

    def __init__(self, config: HiFiGANConfig) -> None:
        super().__init__()
        self.config = config
        block = ResBlock1 if config.resblock == "1" else ResBlock2
        self.conv_pre = WeightNorm(nn.Conv1d(config.bands, config.channels(0), 7, padding=3))
        self.ups = nn.ModuleList()
        self.resblocks = nn.ModuleList()
        for stage, (rate, kernel) in enumerate(zip(config.upsample_rates, config.upsample_kernel_sizes, strict=True)):
            before, after = config.channels(stage), config.channels(stage + 1)
            up = nn.ConvTranspose1d(before, after, kernel, rate, padding=(kernel - rate) // 2)
            self.ups.append(WeightNorm(up))
            for size, dilations in zip(config.resblock_kernel_sizes, config.resblock_dilation_sizes, strict=True):
                self.resblocks.append(block(after, size, dilations))
        self.conv_post = WeightNorm(nn.Conv1d(config.channels(len(self.ups)), 1, 7, padding=3))

    @property
    def hop(self) -> int:
        """Samples a frame."""
        return math.prod(self.config.upsample_rates)

    @property
    def receptive_field(self) -> int:
        """Frames on either side of a frame that its samples depend on."""
        config = self.config
        plain = 1 if config.resblock == "1" else 0
        blocks = zip(config.resblock_kernel_sizes, config.resblock_dilation_sizes, strict=True)
        reach = max(sum((dilation + plain) * (kernel - 1) // 2 for dilation in row) for kernel, row in blocks)
        # The last input that samples 0 … hop − 1 need, followed from the output to the mel; all is symmetric in time.
        last = self.hop - 1 + 3
        for rate, kernel in zip(reversed(config.upsample_rates), reversed(config.upsample_kernel_sizes), strict=True):
            # output = rate · input − padding + tap, where the tap is at least 0
            last = (last + reach + (kernel - rate) // 2) // rate
        return last + 3

    def forward(self, mel: Tensor) -> Tensor:
        """Turn a log-mel spectrogram into a wave.

        Parameters
        ----------
        mel : Tensor
            (B, M, T) natural logarithm of mel magnitudes.

        Returns
        -------
        Tensor
            (B, T·hop) in [−1, 1].
        """
        x = self.conv_pre(mel)
        parallel = len(self.config.resblock_kernel_sizes)
        for stage, up in enumerate(self.ups):
            x = up(F.leaky_relu(x, SLOPE))
            first, *others = self.resblocks[stage * parallel : (stage + 1) * parallel]
            total = first(x)
            for block in others:
                total = total + block(x)
            x = total / parallel
        return torch.tanh(self.conv_post(F.leaky_relu(x, LAST_SLOPE))).squeeze(1)

    def fold(self) -> HiFiGAN:
        """Replace every weight-normalised convolution by the plain one it amounts to, for inference and export.

        Returns
        -------
        HiFiGAN
            This network, changed in place; its state dictionary then has `weight` for `weight_g` and `weight_v`.
        """
        for parent in list(self.modules()):
            for name, child in list(parent.named_children()):
                if isinstance(child, WeightNorm):
                    setattr(parent, name, child.folded())
        return self

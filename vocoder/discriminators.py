"""Critics of waves. All return one type, so that losses know nothing of their insides."""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm, weight_norm

from vocoder.errors import InputError
from vocoder.precision import in_float32
from vocoder.signal.stft import STFT

SLOPE = 0.1  # of the leaky rectifiers


class Judgement(NamedTuple):
    """What a discriminator says of a batch.

    logits : list of Tensor
        One per sub-discriminator, any shape; larger is more real.
    features : list of list of Tensor
        Per sub-discriminator, the activations of each layer.
    """

    logits: list[Tensor]
    features: list[list[Tensor]]


class Stack(nn.Module):
    """Convolutions with leaky rectifiers, the last without; keeps the activations."""

    def __init__(self, layers: Sequence[nn.Module]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)

    def forward(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        features = []
        for layer in self.layers[:-1]:
            x = F.leaky_relu(layer(x), SLOPE)
            features.append(x)
        return self.layers[-1](x), features


class Ensemble(nn.Module, ABC):
    """Several stacks, each on a view of the wave of its own."""

    def __init__(self, stacks: Sequence[nn.Module]) -> None:
        super().__init__()
        self.stacks = nn.ModuleList(stacks)

    @abstractmethod
    def view(self, wave: Tensor, index: int) -> Tensor:
        """What the stack of that index looks at, from the wave (B, N)."""

    def forward(self, wave: Tensor) -> Judgement:
        """Wave (B, N) → Judgement."""
        logits, features = [], []
        for index, stack in enumerate(self.stacks):
            logit, activations = stack(self.view(wave, index))
            logits.append(logit)
            features.append(activations)
        return Judgement(logits, features)


class MultiPeriod(Ensemble):
    """Waves folded by prime periods into pictures (Kong 2020, arXiv:2010.05646, section 2.3).

    Parameters
    ----------
    width : int
        Channels of the widest layers; HiFi-GAN has 1024, a quarter of it costs a sixteenth.
    periods : tuple of int
        Samples.
    """

    def __init__(self, width: int = 256, periods: tuple[int, ...] = (2, 3, 5, 7, 11)) -> None:
        widths = [1, width // 32, width // 8, width // 2, width]

        def stack() -> Stack:
            down = [weight_norm(nn.Conv2d(a, b, (5, 1), (3, 1), padding=(2, 0))) for a, b in itertools.pairwise(widths)]
            flat = weight_norm(nn.Conv2d(width, width, (5, 1), padding=(2, 0)))
            return Stack([*down, flat, weight_norm(nn.Conv2d(width, 1, (3, 1), padding=(1, 0)))])

        super().__init__([stack() for _ in periods])
        self.periods = periods

    def view(self, wave: Tensor, index: int) -> Tensor:
        period = self.periods[index]
        padded = F.pad(wave[:, None], (0, -wave.shape[-1] % period), mode="reflect")
        return padded.reshape(wave.shape[0], 1, -1, period)


class MultiScale(Ensemble):
    """The wave and its averages at half and quarter rate (Kumar 2019, arXiv:1910.06711; widths of HiFi-GAN)."""

    def __init__(self) -> None:
        shapes = [  # channels in and out, kernel, stride, groups
            (1, 128, 15, 1, 1),
            (128, 128, 41, 2, 4),
            (128, 256, 41, 2, 16),
            (256, 512, 41, 4, 16),
            (512, 1024, 41, 4, 16),
            (1024, 1024, 41, 1, 16),
            (1024, 1024, 5, 1, 1),
            (1024, 1, 3, 1, 1),
        ]

        def stack(norm: type) -> Stack:
            return Stack([norm(nn.Conv1d(i, o, k, s, padding=k // 2, groups=g)) for i, o, k, s, g in shapes])

        super().__init__([stack(spectral_norm), stack(weight_norm), stack(weight_norm)])  # type: ignore[arg-type]  # functions

    def view(self, wave: Tensor, index: int) -> Tensor:
        x = wave[:, None]
        for _ in range(index):
            x = F.avg_pool1d(x, 4, 2, padding=2)
        return x


class MultiResolution(Ensemble):
    """Complex spectra at several resolutions (Zeghidour 2021 and Défossez 2022, arXiv:2210.13438, section 3.4).

    Parameters
    ----------
    width : int
        Channels.
    resolutions : tuple of int
        n_fft in samples; the hop is a quarter.
    """

    def __init__(self, width: int = 16, resolutions: tuple[int, ...] = (512, 1024, 2048)) -> None:
        def stack() -> Stack:
            return Stack(
                [
                    weight_norm(nn.Conv2d(2, width, (7, 3), (2, 1), padding=(3, 1))),
                    weight_norm(nn.Conv2d(width, width, (5, 3), (2, 1), padding=(2, 1))),
                    weight_norm(nn.Conv2d(width, width, (5, 3), (2, 1), padding=(2, 1))),
                    weight_norm(nn.Conv2d(width, width, (5, 3), (2, 1), padding=(2, 1))),
                    weight_norm(nn.Conv2d(width, width, (3, 3), padding=(1, 1))),
                    weight_norm(nn.Conv2d(width, 1, (3, 3), padding=(1, 1))),
                ]
            )

        super().__init__([stack() for _ in resolutions])
        self.resolutions = resolutions

    @in_float32
    def view(self, wave: Tensor, index: int) -> Tensor:
        n_fft = self.resolutions[index]
        hop = n_fft // 4
        real, imag = STFT(n_fft, hop)(F.pad(wave, (0, -wave.shape[-1] % hop)))
        # unit-variance noise has bins of size √(3/8 · n_fft): divide it out, so every resolution sees one scale
        return torch.stack([real, imag], dim=1) / (0.375 * n_fft) ** 0.5


class SubBandCQT(Ensemble):
    """Constant-Q spectra, octave by octave (Gu 2024, arXiv:2311.14957), on nnAudio's transform.

    Sees pitch finely and costs many times the other critics: for music.

    Parameters
    ----------
    sample_rate : int
        Hz; the bands reach from 32.7 Hz (C1) up over eight octaves, to 8.4 kHz.
    width : int
        Channels.
    bins_per_octave : tuple of int
        One sub-discriminator each.
    hop : int
        Samples.
    """

    octaves = 8

    def __init__(
        self, sample_rate: int, width: int = 16, bins_per_octave: tuple[int, ...] = (24, 36, 48), hop: int = 256
    ) -> None:
        from nnAudio.features import CQT2010v2  # slow to import, and few want it

        def stack() -> Stack:
            dilated = [
                weight_norm(nn.Conv2d(width, width, (3, 9), (1, 2), dilation=(d, 1), padding=(d, 4))) for d in (1, 2, 4)
            ]
            return Stack(
                [
                    weight_norm(nn.Conv2d(2, width, (3, 9), padding=(1, 4))),
                    *dilated,
                    weight_norm(nn.Conv2d(width, width, (3, 3), padding=(1, 1))),
                    weight_norm(nn.Conv2d(width, 1, (3, 3), padding=(1, 1))),
                ]
            )

        super().__init__([stack() for _ in bins_per_octave])
        self.bins_per_octave = bins_per_octave
        self.transforms = nn.ModuleList(
            CQT2010v2(
                sr=sample_rate,
                hop_length=hop,
                fmin=32.703,
                n_bins=self.octaves * bins,
                bins_per_octave=bins,
                output_format="Complex",
                verbose=False,
            )
            for bins in bins_per_octave
        )
        # octaves have unlike statistics (each is a transform at a rate of its own), so each is first
        # brought into line by a convolution of its own
        self.aligners = nn.ModuleList(
            nn.ModuleList(weight_norm(nn.Conv2d(2, 2, (3, 9), padding=(1, 4))) for _ in range(self.octaves))
            for _ in bins_per_octave
        )

    def view(self, wave: Tensor, index: int) -> Tensor:
        bins = self.bins_per_octave[index]
        spectrum = self._transform(wave, index)
        aligners = list(self.aligners[index].children())
        octaves = spectrum.split(bins, dim=3)
        return torch.cat([align(octave) for align, octave in zip(aligners, octaves, strict=True)], dim=3)

    @in_float32
    def _transform(self, wave: Tensor, index: int) -> Tensor:
        return self.transforms[index](wave).permute(0, 3, 2, 1)  # (B, 2, T, bins)


def build(name: str, sample_rate: int) -> Ensemble:
    """The critic of that name, with the shape in which the recipes train it."""
    critics = {
        "multi-period": lambda: MultiPeriod(256),
        "multi-period-full": lambda: MultiPeriod(1024),
        "multi-scale": MultiScale,
        "multi-resolution": MultiResolution,
        "sub-band-cqt": lambda: SubBandCQT(sample_rate),
    }
    if name not in critics:
        raise InputError(f"there is no discriminator {name!r}; there are {', '.join(critics)}")
    return critics[name]()

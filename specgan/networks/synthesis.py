"""Pictures out of nothing: the decoder half of the trunk behind a learned constant, and a critic of whole pictures."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from specgan.networks.layers import Block, StyledNorm
from vocoder.discriminators import SLOPE, Judgement
from vocoder.errors import InputError

WIDTHS = {"tiny": (128, 96, 64, 32), "small": (256, 192, 96, 48)}  # at a 16th of the size, an 8th, a quarter, a half
LAYERS = ("plain", "normalised", "dcgan")
BLOCKS = 2  # at each resolution
STYLE = 128  # numbers that latent and class become
SCALE = 16  # how much taller and longer than the constant the picture is


class Rise(nn.Module):
    """To twice the size: nearest neighbour and 1×1, noise, and blocks of the trunk.

    The noise, one value a bin with a strength for each channel, is what differs between two moments of the same rain
    (Karras 2019, arXiv:1812.04948, section 3.2).
    """

    def __init__(self, inputs: int, width: int, norm: bool, grow: bool = True) -> None:
        super().__init__()
        self.grow = grow
        self.change = nn.Conv2d(inputs, width, 1)
        self.strength = nn.Parameter(torch.full((width, 1, 1), 0.1))
        self.blocks = nn.ModuleList(Block(width, STYLE, norm=norm) for _ in range(BLOCKS))

    def forward(self, x: Tensor, style: Tensor, noise: Tensor) -> Tensor:
        """(B, C, H, W), (B, STYLE), (B, 1, 2H, 2W) → (B, width, 2H, 2W)."""
        x = self.change(x)
        if self.grow:
            x = F.interpolate(x, scale_factor=2.0, mode="nearest")
        x = x + noise.to(x.dtype) * self.strength.to(x.dtype)
        for block in self.blocks:
            x = block(x, style, None)
        return x


class TransposedRise(nn.Module):
    """The same step in layers of DCGAN: transposed convolution, batch norm, ReLU (Radford 2015, arXiv:1511.06434).

    Its guidelines are those of section 3; class and latent act as scale and shift behind the batch norm.
    """

    def __init__(self, inputs: int, width: int, grow: bool = True) -> None:
        super().__init__()
        self.change = nn.ConvTranspose2d(inputs, width, 4, 2, 1) if grow else nn.Conv2d(inputs, width, 3, padding=1)
        self.norm = nn.BatchNorm2d(width)
        self.film = StyledNorm(width, STYLE, norm=False)

    def forward(self, x: Tensor, style: Tensor, noise: Tensor) -> Tensor:
        """See `Rise`; the noise is not used."""
        return F.relu(self.film(self.norm(self.change(x)), style))


class SynthesisNet(nn.Module):
    """Latent and class → picture of a fixed size.

    A learned constant, weighted channel by channel by the style, grows to half the size; the last layer paints two
    by two bins at once.

    Parameters
    ----------
    bands, frames : int
        M and T, multiples of 16.
    latent : int
        Z, numbers of which one sound of a class is made.
    classes : int
    size : {"tiny", "small"}
    layers : {"plain", "normalised", "dcgan"}
        Blocks without norm, with the trunk's, or those of DCGAN.

    Raises
    ------
    InputError
        If a name is unknown, or bands or frames are no multiples of 16.
    """

    def __init__(
        self, bands: int, frames: int, latent: int, classes: int, size: str = "tiny", layers: str = "plain"
    ) -> None:
        super().__init__()
        if size not in WIDTHS:
            raise InputError(f"there is no synthesis network of size {size!r}; there are {', '.join(WIDTHS)}")
        if layers not in LAYERS:
            raise InputError(f"there are no layers {layers!r}; there are {', '.join(LAYERS)}")
        if bands % SCALE or frames % SCALE:
            raise InputError(f"a picture of {bands} bands and {frames} frames: both must be multiples of {SCALE}")
        self.bands, self.frames, self.latent, self.classes = bands, frames, latent, classes
        self.size, self.layers = size, layers
        widths = WIDTHS[size]
        self.kind = nn.Embedding(classes, STYLE)
        self.style = nn.Sequential(
            nn.Linear(latent + STYLE, STYLE), nn.LeakyReLU(SLOPE), nn.Linear(STYLE, STYLE), nn.LeakyReLU(SLOPE)
        )
        self.constant = nn.Parameter(torch.randn(widths[0], bands // SCALE, frames // SCALE))
        self.weigh = nn.Linear(STYLE, widths[0])
        self.rises = nn.ModuleList()
        for level, width in enumerate(widths):
            inputs = widths[max(level - 1, 0)]
            if layers == "dcgan":
                self.rises.append(TransposedRise(inputs, width, level > 0))
            else:
                self.rises.append(Rise(inputs, width, layers == "normalised", level > 0))
        self.paint = nn.Conv2d(widths[-1], 4, 3, padding=1)
        self.to(memory_format=torch.channels_last)

    def forward(self, latent: Tensor, label: Tensor, noise: Tensor) -> Tensor:
        """Draw.

        Parameters
        ----------
        latent : (B, Z) tensor
            Standard normal.
        label : (B,) int64 tensor
        noise : (B, 1, M, T) tensor
            Standard normal.

        Returns
        -------
        (B, 1, M, T) tensor
        """
        latent = latent * torch.rsqrt(latent.square().mean(dim=1, keepdim=True) + 1e-8)
        style = self.style(torch.cat([latent, self.kind(label)], dim=1))
        x = self.constant * (1 + self.weigh(style))[:, :, None, None]
        x = x.contiguous(memory_format=torch.channels_last)
        for level, rise in enumerate(self.rises):
            # every n-th value: as independent and as large as at full size
            step = SCALE >> level
            x = rise(x, style, noise[:, :, ::step, ::step])
        return F.pixel_shuffle(self.paint(x), 2).float()


class PictureCritic(nn.Module):
    """Judges a picture as a whole, and whether it is of its class.

    Parameters
    ----------
    bands, frames, classes : int
        As of the network that it judges.
    width : int
        Channels of the first layer, doubled at each further one.
    norm : {"none", "spectral", "batch"}
        None for penalties on its gradient; spectral normalisation (Miyato 2018, arXiv:1802.05957); or batch norm, which
        DCGAN has behind all layers but the first.
    """

    def __init__(self, bands: int, frames: int, classes: int, width: int = 24, norm: str = "none") -> None:
        super().__init__()

        def bound(layer: nn.Module) -> nn.Module:
            return spectral_norm(layer) if norm == "spectral" else layer

        widths = [width, 2 * width, 4 * width, 8 * width]
        self.trunk = nn.ModuleList(
            bound(nn.Conv2d(a, b, 4, 2, 1)) for a, b in zip([1, *widths[:-1]], widths, strict=True)
        )
        self.norms = nn.ModuleList(
            nn.BatchNorm2d(w) if norm == "batch" and level else nn.Identity() for level, w in enumerate(widths)
        )
        # one number a channel, from a pattern of its own over the whole picture
        self.look = bound(nn.Conv2d(widths[-1], widths[-1], (bands // SCALE, frames // SCALE), groups=widths[-1]))
        self.alone = bound(nn.Linear(widths[-1], 1))
        self.kind = bound(nn.Embedding(classes, widths[-1]))
        self.to(memory_format=torch.channels_last)

    def forward(self, mel: Tensor, label: Tensor) -> Judgement:
        """(B, 1, M, T), (B,) → one logit a picture, (B, 1), and all activations."""
        features = []
        x = mel.contiguous(memory_format=torch.channels_last)
        for layer, norm in zip(self.trunk, self.norms, strict=True):
            x = F.leaky_relu(norm(layer(x)), SLOPE)
            features.append(x)
        h = F.leaky_relu(self.look(x).flatten(1), SLOPE)
        features.append(h)
        # Miyato and Koyama 2018 (arXiv:1802.05637), eq. 3
        logits = self.alone(h) + (self.kind(label) * h).sum(dim=1, keepdim=True)
        return Judgement([logits], [features])

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


def _lively(network: nn.Module) -> None:
    """Weights with which signals neither fade nor grow from layer to layer (He 2015, arXiv:1502.01852, eq. 10).

    Style and latent have their full say from the first step: with the usual smaller weights all sounds of a class begin
    alike, and small networks stay so for long.
    """
    for name, layer in network.named_modules():
        if isinstance(layer, (nn.Conv2d, nn.Linear, nn.ConvTranspose2d)):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="linear")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
            if name.endswith("film"):
                with torch.no_grad():
                    layer.weight.mul_(0.5)


class Rise(nn.Module):
    """To twice the size: between the bins, and 1×1; noise, and blocks of the trunk.

    The noise, one value a bin with a strength for each channel, is what differs between two moments of the same rain
    (Karras 2019, arXiv:1812.04948, section 3.2).
    """

    def __init__(self, inputs: int, width: int, norm: bool, grow: bool = True) -> None:
        super().__init__()
        self.grow = grow
        self.change = nn.Conv2d(inputs, width, 1)
        self.strength = nn.Parameter(0.2 * torch.randn(width, 1, 1))
        self.blocks = nn.ModuleList(Block(width, STYLE, scale=0.5, norm=norm) for _ in range(BLOCKS))

    def forward(self, x: Tensor, style: Tensor, noise: Tensor) -> Tensor:
        """(B, C, H, W), (B, STYLE), (B, 1, 2H, 2W) → (B, width, 2H, 2W)."""
        x = self.change(x)
        if self.grow:
            x = _doubled(x)
        x = x + noise.to(x.dtype) * self.strength.to(x.dtype)
        for block in self.blocks:
            x = block(x, style, None)
        return x


def _doubled(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2.0, mode="bilinear")


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

    A learned constant, weighted channel by channel by the style, grows to half the size; the last step to the whole is
    a cheap one.

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
        self.strength = nn.Parameter(0.2 * torch.randn(widths[-1], 1, 1))
        self.paint = nn.Conv2d(widths[-1], 1, 3, padding=1)
        _lively(self)
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
        x = self.constant * self.weigh(style)[:, :, None, None]
        x = x.contiguous(memory_format=torch.channels_last)
        for level, rise in enumerate(self.rises):
            # every n-th value: as independent and as large as at full size
            step = SCALE >> level
            x = rise(x, style, noise[:, :, ::step, ::step])
        x = _doubled(x)
        if self.layers != "dcgan":
            x = x + noise.to(x.dtype) * self.strength.to(x.dtype)
        return self.paint(F.leaky_relu(x, SLOPE)).float()


class PictureCritic(nn.Module):
    """Judges a picture as a whole, and its patches, each also by whether it is of its class.

    Both heads share a trunk. The patches (Isola 2017, arXiv:1611.07004, section 3.2.2) teach texture from few sounds,
    the whole teaches how a sound goes on.

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
            _lively(layer)
            return spectral_norm(layer) if norm == "spectral" else layer

        widths = [width, 2 * width, 4 * width, 8 * width]
        self.trunk = nn.ModuleList(
            bound(nn.Conv2d(a, b, 4, 2, 1)) for a, b in zip([1, *widths[:-1]], widths, strict=True)
        )
        self.norms = nn.ModuleList(
            nn.BatchNorm2d(w) if norm == "batch" and level else nn.Identity() for level, w in enumerate(widths)
        )
        deep = widths[-2]
        self.patches = nn.ModuleList([bound(nn.Conv2d(deep, deep, 3, padding=1)), bound(nn.Conv2d(deep, 1, 1))])
        self.kind_of_patch = bound(nn.Embedding(classes, deep))
        # one number a channel, from a pattern of its own over the whole picture
        self.look = bound(nn.Conv2d(widths[-1], widths[-1], (bands // SCALE, frames // SCALE), groups=widths[-1]))
        self.alone = bound(nn.Linear(widths[-1], 1))
        self.kind = bound(nn.Embedding(classes, widths[-1]))
        self.to(memory_format=torch.channels_last)

    def forward(self, mel: Tensor, label: Tensor) -> Judgement:
        """(B, 1, M, T), (B,) → logits of the picture, (B, 1), and of its patches, (B, 1, M/8, T/8); all activations."""
        features = []
        x = mel.contiguous(memory_format=torch.channels_last)
        for layer, norm in zip(self.trunk, self.norms, strict=True):
            x = F.leaky_relu(norm(layer(x)), SLOPE)
            features.append(x)
        h = F.leaky_relu(self.look(x).flatten(1), SLOPE)
        p = F.leaky_relu(self.patches[0](features[-2]), SLOPE)
        features += [h, p]
        # Miyato and Koyama 2018 (arXiv:1802.05637), eq. 3, of the whole and patch by patch
        whole = self.alone(h) + (self.kind(label) * h).sum(dim=1, keepdim=True)
        wanted = self.kind_of_patch(label)[:, :, None, None]
        patches = self.patches[1](p) + (wanted * p).sum(dim=1, keepdim=True)
        return Judgement([whole, patches], [features])

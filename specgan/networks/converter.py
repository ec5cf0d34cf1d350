"""What is said, how high, how loud and by whom → mel: the generator of voice conversion."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from specgan.networks.excitation import Excitation
from specgan.networks.unet import SpecUNet
from specgan.runtime.prosody import PITCH
from specgan.text.acoustic import Stack
from specgan.text.aligner import MEL_MEAN, MEL_STD
from vocoder.signal.spec import MelSpec


@dataclass(frozen=True)
class ConverterConfig:
    """Sizes of the network.

    Parameters
    ----------
    width, blocks : int
        Channels and ConvNeXt blocks of the part that makes the coarse mel.
    size : {"tiny", "small"}
        Of the SpecUNet that draws the fine one.
    style : int
        Numbers that describe a speaker.
    """

    width: int = 192
    blocks: int = 5
    size: str = "tiny"
    style: int = 64


class Converter(nn.Module):
    """Content, melody, energy and style → log-mel.

    Parameters
    ----------
    spec : MelSpec
    phones, speakers : int
    config : ConverterConfig
    """

    def __init__(self, spec: MelSpec, phones: int, speakers: int, config: ConverterConfig) -> None:
        super().__init__()
        width = config.width
        self.excitation = Excitation(spec)
        self.read = nn.Conv1d(phones + 4, width, 3, padding=1)
        self.timbre = nn.Linear(config.style, width)
        self.stack = Stack(width, config.blocks, 9)
        self.envelope = nn.Linear(width, spec.bands)
        self.depth = nn.Linear(width, spec.bands)  # how far harmonics stand out of each band
        # channels last halves the time of a step on a processor
        self.unet = SpecUNet(spec.bands, 3, config.style, config.size).to(memory_format=torch.channels_last)
        self.table = nn.Embedding(speakers, config.style)

    @property
    def receptive_field(self) -> int:
        """Frames on each side of a frame on which it depends, a multiple of what the picture network needs."""
        reach = 1 + self.stack.reach + self.unet.receptive_field
        return -(-reach // SpecUNet.multiple) * SpecUNet.multiple

    def coarse(
        self,
        content: Tensor,
        pitch: Tensor,
        voiced: Tensor,
        energy: Tensor,
        style: Tensor,
        hidden: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Coarse mel, without what a regression smooths away, and the harmonics under it.

        Parameters
        ----------
        content : (B, D, T) tensor
            See `specgan.text.content`.
        pitch, voiced, energy : (B, T) tensors
            ln F0 as `prosody.seen`, of every frame; 1 where it is voiced; see `prosody.energy`.
        style : (B, S) tensor
        hidden : (B, T) tensor, optional
            1 where content and energy are withheld and have to be filled in.

        Returns
        -------
        (B, M, T), (B, M, T)
            Both normalised.
        """
        harmonics = self.excitation(pitch * PITCH[1] + PITCH[0], voiced)
        if hidden is None:
            hidden = torch.zeros_like(energy)
        else:
            content, energy = content * (1 - hidden[:, None]), energy * (1 - hidden)
        x = self.read(torch.cat([content, torch.stack([pitch * voiced, voiced, energy, hidden], dim=1)], dim=1))
        h = self.stack(x + self.timbre(style)[:, :, None], None).transpose(1, 2)
        envelope, depth = self.envelope(h).transpose(1, 2).float(), self.depth(h).transpose(1, 2).float()
        return envelope + depth.sigmoid() * harmonics, harmonics

    def paint(self, coarse: Tensor, harmonics: Tensor, noise: Tensor, style: Tensor) -> Tensor:
        """Coarse mel, harmonics and normal noise, all (B, M, T), T a multiple of 4 → mel (B, M, T), normalised."""
        planes = torch.stack([coarse, harmonics, noise], dim=1).contiguous(memory_format=torch.channels_last)
        return self.unet(planes, style)[:, 0].float()

    def forward(
        self, content: Tensor, pitch: Tensor, voiced: Tensor, energy: Tensor, style: Tensor, noise: Tensor
    ) -> Tensor:
        """Log-mel (B, M, T) of what `coarse` and `paint` say."""
        coarse, harmonics = self.coarse(content, pitch, voiced, energy, style)
        return self.paint(coarse, harmonics, noise, style) * MEL_STD + MEL_MEAN

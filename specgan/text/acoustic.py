"""From phonemes to a coarse mel: what a regression can know of speech.

    phones ─ embed ─ encoder ─┬─ predictor ── durations, pitch, energy of each phone
                              └─ expanded by durations, + pitch + energy + speaker ─ decoder ── coarse mel

A one-dimensional network of ConvNeXt blocks (as in the vocoder), with pitch and energy given to each phone as in
FastPitch (Łańcucki 2021, arXiv:2006.06873) and predicted when speaking.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from specgan.text.aligner import MEL_MEAN, MEL_STD
from vocoder.generators import Block


@dataclass(frozen=True)
class AcousticConfig:
    """Sizes of the network.

    Parameters
    ----------
    width : int
        Channels everywhere.
    encoder, predictor, decoder : int
        Blocks of each part; the decoder works at the frame rate and costs most.
    dropout : float
        Of the numbers of embeddings and encodings, in training; half an hour of speech is learned by heart without.
    prosody_dropout : float
        Of those in the predictor, which has a hundred times fewer examples than the decoder: tokens, not frames.
    """

    width: int = 192
    encoder: int = 4
    predictor: int = 2
    decoder: int = 5
    dropout: float = 0.1
    prosody_dropout: float = 0.5


@dataclass(frozen=True)
class Inventory:
    """What a voice knows, in the order of its ids.

    Parameters
    ----------
    phones, stresses, speakers, languages : list of str
    """

    phones: list[str] = field(default_factory=list)
    stresses: list[str] = field(default_factory=list)
    speakers: list[str] = field(default_factory=list)
    languages: list[str] = field(default_factory=list)


class Encoded(NamedTuple):
    """What the encoder makes of phones.

    text : (B, D, L); durations : (B, L) frames, above 0, not rounded; pitch : (B, L) ln F0, normalised for the speaker,
    0 for the mean and where unvoiced; energy : (B, L) mean log-mel, normalised.
    """

    text: Tensor
    durations: Tensor
    pitch: Tensor
    energy: Tensor


class Stack(nn.Module):
    """ConvNeXt blocks on (B, D, T) that see zeros behind the end of every row, as they do when it stands alone."""

    def __init__(self, width: int, blocks: int, kernel: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(Block(width, kernel, scale=1.0 / blocks) for _ in range(blocks))
        self.norm = nn.LayerNorm(width)
        self.reach = blocks * (kernel // 2)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """x (B, D, T) and mask (B, 1, T), or None where nothing is padded → (B, D, T)."""
        for block in self.blocks:
            x = block(x if mask is None else x * mask)
        return self.norm(x.transpose(1, 2)).transpose(1, 2)


class Acoustic(nn.Module):
    """Phonemes → durations, pitch, energy and a coarse log-mel.

    Parameters
    ----------
    bands : int
        Of the mel.
    inventory : Inventory
    config : AcousticConfig
    """

    def __init__(self, bands: int, inventory: Inventory, config: AcousticConfig) -> None:
        super().__init__()
        width = config.width
        self.phones = nn.Embedding(len(inventory.phones), width)
        self.stress = nn.Embedding(len(inventory.stresses), width)
        self.language = nn.Embedding(len(inventory.languages), width)
        self.speaker = nn.Embedding(len(inventory.speakers), width)  # for prosody
        self.timbre = nn.Embedding(len(inventory.speakers), width)  # for the sound
        self.encoder = Stack(width, config.encoder, 7)
        self.predictor = Stack(width, config.predictor, 7)
        self.predict = nn.Linear(width, 3)
        self.variance = nn.Conv1d(2, width, 3, padding=1)
        self.decoder = Stack(width, config.decoder, 9)
        self.coarse = nn.Linear(width, bands)
        self.dropout, self.prosody_dropout = nn.Dropout(config.dropout), nn.Dropout(config.prosody_dropout)
        for embedding in (self.phones, self.stress, self.language, self.speaker, self.timbre):
            nn.init.normal_(embedding.weight, std=0.1 if embedding is not self.phones else 0.5)

    @property
    def receptive_field(self) -> int:
        """Frames on each side of a frame that its coarse mel depends on."""
        return self.decoder.reach + 1

    def encode(
        self, phones: Tensor, stress: Tensor, speaker: Tensor, language: Tensor, spoken: Tensor | None = None
    ) -> Encoded:
        """Encodings and prosody of phones.

        Parameters
        ----------
        phones, stress : (B, L) int64 tensors
        speaker, language : (B,) int64 tensors
        spoken : (B, 1, L) bool tensor, optional
            True on tokens; None where nothing is padded.
        """
        x = self.phones(phones) + self.stress(stress) + self.language(language)[:, None]
        text = self.encoder(self.dropout(x).transpose(1, 2), spoken)
        # prosody must not shape the encodings: it has few examples, and learns them by heart
        h = self.predictor(self.prosody_dropout(text.detach()) + self.speaker(speaker)[:, :, None], spoken)
        log_durations, pitch, energy = self.predict(self.prosody_dropout(h).transpose(1, 2)).unbind(2)
        return Encoded(text, log_durations.float().clamp(-2, 6).exp(), pitch.float(), energy.float())

    def decode(
        self, text: Tensor, pitch: Tensor, energy: Tensor, speaker: Tensor, mask: Tensor | None = None
    ) -> Tensor:
        """Coarse log-mel (B, M, T).

        Parameters
        ----------
        text : (B, D, T) tensor
            Encodings, each repeated for the frames of its phone.
        pitch, energy : (B, T) tensors
            Likewise.
        speaker : (B,) int64 tensor
        mask : (B, 1, T) bool tensor, optional
            True on frames that have sound; None where nothing is padded.
        """
        variance = torch.stack([pitch, energy], dim=1)
        x = self.dropout(text) + self.variance(variance if mask is None else variance * mask)
        h = self.decoder(x + self.timbre(speaker)[:, :, None], mask)
        return self.coarse(h.transpose(1, 2)).transpose(1, 2).float() * MEL_STD + MEL_MEAN


def expand(values: Tensor, durations: Tensor, frames: int) -> Tensor:
    """Repeat each token for its frames.

    Parameters
    ----------
    values : (B, D, L) or (B, L) tensor
    durations : (B, L) int64 tensor
        Frames of each token, 0 behind the end.
    frames : int
        Of the result; what lies behind the last token is 0.
    """
    ends = durations.cumsum(1)
    where = torch.searchsorted(
        ends, torch.arange(frames, device=ends.device).expand(len(ends), -1).contiguous(), right=True
    )
    inside = where < durations.shape[1]
    where = where.clamp_max(durations.shape[1] - 1)
    if values.dim() == 2:
        return values.gather(1, where) * inside
    return values.gather(2, where[:, None].expand(-1, values.shape[1], -1)) * inside[:, None]


def token_means(values: Tensor, durations: Tensor, counted: Tensor) -> Tensor:
    """Mean over the counted frames of each token, 0 where there is none.

    Parameters
    ----------
    values : (B, T) tensor
    durations : (B, L) int64 tensor
    counted : (B, T) bool tensor
    """
    counted = counted.to(values.dtype)
    sums = F.pad((values * counted).double().cumsum(1), (1, 0))
    counts = F.pad(counted.double().cumsum(1), (1, 0))
    ends = durations.cumsum(1)
    starts = ends - durations
    total = sums.gather(1, ends) - sums.gather(1, starts)
    return (total / (counts.gather(1, ends) - counts.gather(1, starts)).clamp_min(1)).to(values.dtype)


def level(mel: Tensor) -> Tensor:
    """Energy of frames: mean log-mel (B, M, T) over the bands, normalised, (B, T)."""
    return (mel.mean(1) - MEL_MEAN) / MEL_STD

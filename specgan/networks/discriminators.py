"""Critics of mels: spectral-norm PatchGANs on the full band and on overlapping parts of it, on random windows."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from vocoder.discriminators import SLOPE, Judgement
from vocoder.errors import InputError

WINDOWS = (32, 64, 128)  # frames: of a syllable, a word, a phrase


def windows(
    tensors: Sequence[Tensor], frames: int, mask: Tensor | None = None, generator: torch.Generator | None = None
) -> list[Tensor]:
    """The same random window of each utterance, cut from every tensor.

    Parameters
    ----------
    tensors : sequence of Tensor
        (B, …, T): reals, fakes, sources.
    frames : int
        Length of the windows, at least 1; if the shortest utterance is shorter, its length is taken for all.
    mask : Tensor, optional
        (B, 1, T) bool, true from an utterance's first frame to its last; windows stay inside.
    generator : torch.Generator, optional
        Of the places, on the CPU.

    Returns
    -------
    list of Tensor
        (B, …, frames) each.
    """
    batch, total = tensors[0].shape[0], tensors[0].shape[-1]
    lengths = torch.full((batch,), total) if mask is None else mask.reshape(batch, -1).sum(dim=1).cpu()
    frames = min(frames, int(lengths.min()))
    starts = (torch.rand(batch, generator=generator) * (lengths - frames + 1)).long().tolist()
    return [
        # row by row: the gradient of a cut from the whole batch would be as large as the batch, once for each row
        torch.stack([row[..., start : start + frames] for row, start in zip(tensor.unbind(0), starts, strict=True)])
        for tensor in tensors
    ]


class PatchCritic(nn.Module):
    """Strided convolutions and up to three heads that score patches (Isola 2017, arXiv:1611.07004, section 3.2.2).

    The heads share a trunk that sees the mel alone: joint conditional and unconditional judgement (Zhang 2018,
    arXiv:1710.10916, section 3.2). Their logits are listed apart, so that none can make up for another, and every
    objective averages over them.
    """

    def __init__(self, width: int, source_planes: int, classes: int, spectral: bool) -> None:
        super().__init__()

        def conv(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Module:
            layer = nn.Conv2d(inputs, outputs, kernel, stride, padding=(kernel - 1) // 2)
            return spectral_norm(layer) if spectral else layer

        self.trunk = nn.ModuleList(
            [conv(1, width, 4, 2), conv(width, 2 * width, 4, 2), conv(2 * width, 4 * width, 4, 2)]
        )
        self.alone = nn.ModuleList([conv(4 * width, 4 * width, 3), conv(4 * width, 1, 1)])
        if source_planes:
            # the source on the trunk's grid, then both together
            self.source = nn.ModuleList(
                [conv(source_planes, width, 4, 2), conv(width, width, 4, 2), conv(width, 2 * width, 4, 2)]
            )
            self.joint = nn.ModuleList([conv(6 * width, 4 * width, 3), conv(4 * width, 1, 1)])
        if classes:
            self.classed = nn.ModuleList([conv(4 * width, 4 * width, 3), conv(4 * width, 1, 1)])
            embedding = nn.Embedding(classes, 4 * width)
            self.embedding = spectral_norm(embedding) if spectral else embedding

    def forward(self, mel: Tensor, source: Tensor | None, label: Tensor | None) -> tuple[list[Tensor], list[Tensor]]:
        """(B, 1, M, T), (B, P, M, T), (B,) → logits of the heads, and all activations."""
        features = []
        x = mel
        for layer in self.trunk:
            x = F.leaky_relu(layer(x), SLOPE)
            features.append(x)
        h = F.leaky_relu(self.alone[0](x), SLOPE)
        features.append(h)
        logits = [self.alone[1](h)]
        if source is not None:
            for layer in self.source:
                source = F.leaky_relu(layer(source), SLOPE)
            h = F.leaky_relu(self.joint[0](torch.cat([x, source], dim=1)), SLOPE)
            features.append(h)
            logits.append(self.joint[1](h))
        if label is not None:
            h = F.leaky_relu(self.classed[0](x), SLOPE)
            features.append(h)
            # Miyato and Koyama 2018 (arXiv:1802.05637), eq. 3, patch by patch
            wanted = self.embedding(label)[:, :, None, None]
            logits.append(self.classed[1](h) + (wanted * h).sum(dim=1, keepdim=True))
        return logits, features


class MelCritics(nn.Module):
    """One critic of the full band, and narrower ones of parts that overlap by half.

    Parameters
    ----------
    bands : int
        M.
    source_planes : int
        Planes of the source that a head of each critic sees beside the mel; 0 for no such head.
    classes : int
        Classes or speakers of the projection head; 0 for none.
    width : int
        Channels of the first layer on the full band, half of it on the parts.
    parts : int
        Parts of the band; each spans 2/(parts + 1) of it.
    spectral : bool
        Spectral normalisation (Miyato 2018, arXiv:1802.05957); without it the critics have no norm at all, as
        R1 and R2 want it (Huang 2024, arXiv:2501.05441).
    """

    def __init__(
        self,
        bands: int,
        source_planes: int,
        classes: int,
        width: int = 32,
        parts: int = 3,
        spectral_norm: bool = True,
    ) -> None:
        super().__init__()
        if bands < 8 * (parts + 1):
            raise InputError(f"{bands} bands are too few for {parts} parts; {8 * (parts + 1)} or more would do")
        self.source_planes, self.classes = source_planes, classes
        step = bands // (parts + 1)
        self.ranges = [(0, bands)] + [(k * step, bands if k == parts - 1 else (k + 2) * step) for k in range(parts)]
        self.critics = nn.ModuleList(
            PatchCritic(width if k == 0 else width // 2, source_planes, classes, spectral_norm)
            for k in range(parts + 1)
        )

    def forward(self, mel: Tensor, source: Tensor | None = None, label: Tensor | None = None) -> Judgement:
        """Judge windows.

        Parameters
        ----------
        mel : Tensor
            (B, 1, M, T), T at least 8; normalised as the generator's planes.
        source : Tensor, optional
            (B, P, M, T); without it the source-conditional heads are silent.
        label : Tensor, optional
            (B,) int64; without it the projection heads are silent.

        Raises
        ------
        InputError
            If there is a source or a label that no head was made for.
        """
        if source is not None and not self.source_planes:
            raise InputError("these critics were made without a head for sources (source_planes is 0)")
        if label is not None and not self.classes:
            raise InputError("these critics were made without a head for labels (classes is 0)")
        logits, features = [], []
        for critic, (low, high) in zip(self.critics, self.ranges, strict=True):
            part = None if source is None else source[:, :, low:high]
            scores, activations = critic(mel[:, :, low:high], part, label)
            logits += scores
            features += [activations]
        return Judgement(logits, features)

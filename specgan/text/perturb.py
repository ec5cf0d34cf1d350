"""The same speech by another throat and through another microphone: what a recogniser has to be indifferent to."""

from __future__ import annotations

import functools

import numpy as np
import torch
from torch import Tensor

from vocoder.signal.mel import mel_centres
from vocoder.signal.spec import MelSpec

TILT = 0.5
"""Of ln magnitude, the standard deviation of what a band at the edge gains or loses."""


@functools.lru_cache(maxsize=8)
def _centres(spec: MelSpec) -> np.ndarray:
    return mel_centres(spec)


def warped(mel: Tensor, factors: Tensor, spec: MelSpec) -> Tensor:
    """Log-mel with the frequencies of all formants multiplied (VTLP; Jaitly and Hinton 2013, ICML workshop WDLASL).

    Between bands values are interpolated; what would come from above the highest or below the lowest is theirs.

    Parameters
    ----------
    mel : (B, M, T) tensor
    factors : (B,) tensor
        Above 1 for a shorter vocal tract.
    spec : MelSpec
    """
    centres = _centres(spec)
    wanted = centres[None] / factors.cpu().double().numpy()[:, None]  # Hz, where each band takes its value from
    places = torch.from_numpy(np.interp(wanted, centres, np.arange(spec.bands))).to(mel)
    below = places.floor().long().clamp_max(spec.bands - 2)
    share = (places - below).unsqueeze(2)
    low, high = (mel.gather(1, index[:, :, None].expand(-1, -1, mel.shape[2])) for index in (below, below + 1))
    return torch.lerp(low, high, share)


def perturbed(mel: Tensor, spread: float, spec: MelSpec) -> Tensor:
    """Log-mels (B, M, T), each warped by a random factor and tilted by a random channel, the same for all its frames.

    What is said stays; who says it becomes uncertain (Choi 2021, NANSY, arXiv:2110.14513, section 2.2).

    Parameters
    ----------
    mel : (B, M, T) tensor
    spread : float
        Factors are 1 − spread to 1 + spread.
    spec : MelSpec
    """
    random = torch.rand(len(mel)) * 2 - 1
    line = torch.linspace(-1, 1, spec.bands).to(mel)[None, :, None]
    tilt, bow = (TILT * torch.randn(2, len(mel), 1, 1)).to(mel)
    return warped(mel, 1 + spread * random, spec) + tilt * line + bow * (line.square() - 1 / 3)

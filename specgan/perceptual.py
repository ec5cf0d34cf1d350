"""How far apart two waves sound: distances of compressed spectra, for training."""

from __future__ import annotations

import torch
from torch import Tensor

from vocoder.precision import in_float32
from vocoder.signal.stft import STFT

RESOLUTIONS = ((256, 64), (512, 128), (1024, 256))  # n_fft, hop
POWER = 0.3  # of a magnitude: about how loudness grows


def _compressed(wave: Tensor, n_fft: int, hop: int) -> tuple[Tensor, Tensor, Tensor]:
    """Compressed magnitude, and the parts of the spectrum with it."""
    padded = torch.nn.functional.pad(wave, (0, -wave.shape[-1] % hop))
    real, imag = STFT(n_fft, hop)(padded)
    power = real.square() + imag.square() + 1e-6  # with waves of RMS 0.1 a floor at −60 dB: the gradient stays finite
    return power.pow(POWER / 2), real * power.pow((POWER - 1) / 2), imag * power.pow((POWER - 1) / 2)


@in_float32
def compressed_distance(fake: Tensor, real: Tensor, lost: float = 1.0) -> tuple[Tensor, Tensor]:
    """Mean squares of differences of magnitudes, and of complex spectra, raised to the power 0.3.

    Ephrat 2018 (arXiv:1804.03619, section 4.2); both terms as Braun and Tashev 2021 (arXiv:2009.12286, eq. 6), at
    three resolutions.

    Parameters
    ----------
    fake, real : (B, N) tensors
        RMS of about 0.1.
    lost : float
        How many times as much a magnitude counts that falls short (Wang 2020, VoiceFilter-Lite, arXiv:2009.04323,
        eq. 2, which weights the difference where this weights its square).

    Returns
    -------
    magnitude, whole : scalar tensors
    """
    magnitudes, wholes = [], []
    for n_fft, hop in RESOLUTIONS:
        (f, fr, fi), (r, rr, ri) = _compressed(fake, n_fft, hop), _compressed(real, n_fft, hop)
        magnitudes.append(((f - r).square() * torch.where(f < r, lost, 1.0)).mean())
        wholes.append(((fr - rr).square() + (fi - ri).square()).mean())
    return torch.stack(magnitudes).mean(), torch.stack(wholes).mean()

"""How far apart two waves sound: distances of magnitudes as loudness, for training."""

from __future__ import annotations

import dataclasses

import numpy as np
import torch
from torch import Tensor, nn

from vocoder.precision import in_float32
from vocoder.signal.mel import mel_filters
from vocoder.signal.spec import MelSpec
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
def compressed_distance(fake: Tensor, real: Tensor) -> tuple[Tensor, Tensor]:
    """Mean squares of differences of magnitudes, and of complex spectra, raised to the power 0.3.

    Ephrat 2018 (arXiv:1804.03619, section 4.2); both terms as Braun and Tashev 2021 (arXiv:2009.12286, eq. 6), at
    three resolutions.

    Parameters
    ----------
    fake, real : (B, N) tensors
        RMS of about 0.1.

    Returns
    -------
    magnitude, whole : scalar tensors
    """
    magnitudes, wholes = [], []
    for n_fft, hop in RESOLUTIONS:
        (f, fr, fi), (r, rr, ri) = _compressed(fake, n_fft, hop), _compressed(real, n_fft, hop)
        magnitudes.append((f - r).square().mean())
        wholes.append(((fr - rr).square() + (fi - ri).square()).mean())
    return torch.stack(magnitudes).mean(), torch.stack(wholes).mean()


class LoudnessDistance(nn.Module):
    """Disturbance of the loudness pattern, symmetric and asymmetric, as PESQ weighs it, on mel bands.

    After ITU-T P.862 (section 10.2) and its differentiable forms (Martín-Doñas 2018, doi:10.1109/LSP.2018.2871419):
    Zwicker's law turns power in bands into loudness, differences that the louder of the two masks do not count, and
    what was added counts for more than what was taken away. Without alignment in time and level: there is nothing to
    align.

    Parameters
    ----------
    spec : MelSpec
        Whose rate the waves have.
    bands : int
    """

    def __init__(self, spec: MelSpec, bands: int = 48) -> None:
        super().__init__()
        half = spec.sample_rate // 62  # 32 ms, half overlapping; an even number
        n_fft = 1 << (half - 1).bit_length() + 1
        own = dataclasses.replace(
            spec, n_fft=n_fft, hop=n_fft // 2, bands=bands, fmin=0.0, fmax=spec.sample_rate / 2, mel_norm="none"
        )
        self.stft = STFT(own.n_fft, own.hop)
        filters = mel_filters(own)
        centres = filters @ np.linspace(0, spec.sample_rate / 2000, own.bins) / filters.sum(axis=1)  # kHz
        centres = centres.clip(0.03)
        # Terhardt 1979, eq. 3: threshold of hearing, dB
        quiet = 3.64 * centres**-0.8 - 6.5 * np.exp(-0.6 * (centres - 3.3) ** 2) + 1e-3 * centres**4
        threshold = 10 ** (quiet.clip(max=60.0) / 10)
        self.register_buffer("filters", torch.from_numpy(filters).float(), persistent=False)
        self.register_buffer("threshold", torch.from_numpy(threshold).float()[:, None], persistent=False)
        self.filters: Tensor
        self.threshold: Tensor
        # speech of RMS 0.1 has 79 dB: the power of a white wave of mean square 1, summed over the bins, is 3/16 n_fft²
        self.scale = 10**7.9 / (0.01 * 3 / 16 * own.n_fft**2)

    def _power(self, wave: Tensor) -> Tensor:
        padded = torch.nn.functional.pad(wave, (0, -wave.shape[-1] % self.stft.hop))
        real, imag = self.stft(padded)
        return self.filters @ (real.square() + imag.square()) * self.scale

    def _loudness(self, power: Tensor) -> Tensor:
        """Zwicker's law with P.862's exponent."""
        return (self.threshold / 0.5) ** 0.23 * ((0.5 + 0.5 * power / self.threshold) ** 0.23 - 1)

    @in_float32
    def forward(self, fake: Tensor, real: Tensor) -> tuple[Tensor, Tensor]:
        """Compare.

        Parameters
        ----------
        fake, real : (B, N) tensors
            RMS of about 0.1.

        Returns
        -------
        symmetric, asymmetric : scalar tensors
            Means over frames.
        """
        given, wanted = self._power(fake), self._power(real)
        loud, louder = self._loudness(given), self._loudness(wanted)
        difference = loud - louder
        masked = 0.25 * torch.minimum(loud, louder).clamp_min(0)
        disturbance = torch.sign(difference) * (difference.abs() - masked).clamp_min(0)
        factor = ((given + 50) / (wanted + 50)) ** 1.2
        factor = torch.where(factor < 3, 0, factor.clamp_max(12)).detach()
        # P.862 gives disturbances in quiet frames more weight
        energy = ((wanted.sum(1) + 1e5) / 1e7) ** 0.04
        symmetric = (disturbance.square().mean(1) + 1e-8).sqrt() / energy
        asymmetric = (disturbance.abs() * factor).mean(1) / energy
        return symmetric.clamp_max(45).mean(), asymmetric.clamp_max(45).mean()

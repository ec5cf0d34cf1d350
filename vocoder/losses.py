"""Reconstruction losses between waves and between spectra."""

from __future__ import annotations

import dataclasses

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vocoder.precision import in_float32
from vocoder.signal.mel import LogMel
from vocoder.signal.spec import MelSpec
from vocoder.signal.stft import multi_resolution_magnitudes

# window and bands of each scale, the hop is a quarter of the window (Kumar 2023, arXiv:2306.06546, section 3.3)
SEVEN_SCALES = ((32, 5), (64, 10), (128, 20), (256, 40), (512, 80), (1024, 160), (2048, 320))
# n_fft and hop (after Yamamoto 2020, arXiv:1910.11480, table 1; a quarter of the window as hop costs half as much)
RESOLUTIONS = ((512, 128), (1024, 256), (2048, 512))


class MelDistance(nn.Module):
    """Mean absolute difference of log-mels, averaged over scales; full band whatever the model's fmax.

    Parameters
    ----------
    spec : MelSpec
    scales : {1, 7}
        1 is the model's own mel up to the Nyquist frequency, as HiFi-GAN; 7 are windows of 32 to 2048 samples.
    """

    def __init__(self, spec: MelSpec, scales: int = 7) -> None:
        super().__init__()
        full = dataclasses.replace(spec, fmin=0.0, fmax=spec.sample_rate / 2)
        specs = [full]
        if scales == 7:
            specs = [dataclasses.replace(full, n_fft=n, hop=n // 4, bands=bands) for n, bands in SEVEN_SCALES]
        self.mels = nn.ModuleList(LogMel(s) for s in specs)

    @in_float32
    def forward(self, fake: Tensor, real: Tensor) -> Tensor:
        """Two waves (B, N) → scalar."""
        return torch.stack([F.l1_loss(mel(fake), mel(real)) for mel in self.mels]).mean()


@in_float32
def log_magnitude_distance(fake: Tensor, real: Tensor, floor: float = 1e-5) -> Tensor:
    """Mean absolute difference of log-magnitudes (Arik 2019, arXiv:1808.06719, eq. 4, with a floor)."""
    return F.l1_loss(fake.clamp_min(floor).log(), real.clamp_min(floor).log())


@in_float32
def spectral_convergence(fake: Tensor, real: Tensor) -> Tensor:
    """‖real − fake‖ / ‖real‖ in the Frobenius norm over the batch (Arik 2019, eq. 3)."""
    return (real - fake).norm() / real.norm().clamp_min(1e-8)


@in_float32
def multi_resolution_stft(fake: Tensor, real: Tensor) -> Tensor:
    """Spectral convergence plus log-magnitude distance of two waves (B, N), averaged over three resolutions.

    Yamamoto 2020 (arXiv:1910.11480), eq. 6.
    """
    pairs = zip(
        multi_resolution_magnitudes(fake, RESOLUTIONS), multi_resolution_magnitudes(real, RESOLUTIONS), strict=True
    )
    return torch.stack([spectral_convergence(f, r) + log_magnitude_distance(f, r) for f, r in pairs]).mean()

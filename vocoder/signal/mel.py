"""Log-mel spectrograms, their inverse, and Griffin-Lim."""

from __future__ import annotations

import functools
import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vocoder.errors import InputError
from vocoder.precision import in_float32
from vocoder.signal.spec import MelSpec
from vocoder.signal.stft import STFT, ExportableSTFT, magnitude


def _to_mel(hz: np.ndarray, scale: str) -> np.ndarray:
    """Hz → mel. Slaney: linear up to 1 kHz, logarithmic above; HTK: 2595 log10(1 + f/700)."""
    if scale == "htk":
        return 2595.0 * np.log10(1.0 + hz / 700.0)
    return np.where(
        hz < 1000.0, 3.0 * hz / 200.0, 15.0 + 27.0 * np.log(np.maximum(hz, 1000.0) / 1000.0) / math.log(6.4)
    )


def _to_hz(mel: np.ndarray, scale: str) -> np.ndarray:
    if scale == "htk":
        return 700.0 * (10.0 ** (mel / 2595.0) - 1.0)
    return np.where(mel < 15.0, 200.0 * mel / 3.0, 1000.0 * np.exp(math.log(6.4) * (mel - 15.0) / 27.0))


def _corners(spec: MelSpec) -> np.ndarray:
    low, high = _to_mel(np.array([spec.fmin, spec.fmax]), spec.mel_scale)
    return _to_hz(np.linspace(low, high, spec.bands + 2), spec.mel_scale)


def mel_centres(spec: MelSpec) -> np.ndarray:
    """Frequencies (bands,) in Hz at which the bands' filters have their peaks, rising."""
    return _corners(spec)[1:-1]


@functools.lru_cache(maxsize=64)
def mel_filters(spec: MelSpec) -> np.ndarray:
    """Triangular filters (bands, bins) whose corners are evenly spaced in mel (Slaney 1998, Auditory Toolbox).

    Computed in float64; a filter so narrow that no bin falls into it is all zeros.
    """
    corners = _corners(spec)  # (bands + 2,)
    frequencies = np.arange(spec.bins) * spec.sample_rate / spec.n_fft  # Hz, (bins,)
    rising = (frequencies - corners[:-2, None]) / np.diff(corners)[:-1, None]
    falling = (corners[2:, None] - frequencies) / np.diff(corners)[1:, None]
    filters = np.maximum(0.0, np.minimum(rising, falling))
    if spec.mel_norm == "slaney":
        filters *= (2.0 / (corners[2:] - corners[:-2]))[:, None]
    return filters


class LogMel(nn.Module):
    """The one log-mel of the project: features, losses, vocoder and validation all call it.

    Parameters
    ----------
    spec : MelSpec
    exportable : bool
        Use the STFT in real arithmetic, for ONNX.
    """

    def __init__(self, spec: MelSpec, exportable: bool = False) -> None:
        super().__init__()
        self.spec = spec
        self.stft = (ExportableSTFT if exportable else STFT)(spec.n_fft, spec.hop, spec.padding)
        self.register_buffer("filters", torch.from_numpy(mel_filters(spec)).float(), persistent=False)
        self.filters: Tensor

    @in_float32
    def forward(self, wave: Tensor) -> Tensor:
        """Wave (B, N) in [−1, 1] → log-mel (B, bands, T), T = N/hop rounded up (zeros are appended).

        Raises
        ------
        InputError
            If the wave has no samples.
        """
        if not torch.compiler.is_exporting():
            if wave.shape[-1] == 0:
                raise InputError("the wave has no samples; a mel needs at least one")
            wave = F.pad(wave, (0, -wave.shape[-1] % self.spec.hop))
        mel = self.filters @ magnitude(*self.stft(wave))
        return self.compress(mel)

    def compress(self, mel: Tensor) -> Tensor:
        """Magnitude per band → its floored logarithm."""
        log = torch.log if self.spec.log_base == "e" else torch.log10
        return log(mel.clamp_min(self.spec.floor))


@functools.lru_cache(maxsize=64)  # of an array: a tensor made while a graph is traced would outlive the tracing
def _pseudo_inverse(spec: MelSpec) -> np.ndarray:
    return np.linalg.pinv(mel_filters(spec)).astype(np.float32)


def pseudo_inverse(spec: MelSpec) -> Tensor:
    """Moore-Penrose inverse of the filters, (bins, bands): the magnitudes nearest to a mel."""
    return torch.from_numpy(_pseudo_inverse(spec))


def mel_to_magnitude(mel: Tensor, spec: MelSpec) -> Tensor:
    """Log-mel (B, bands, T) → magnitudes (B, bins, T), at least the floor of the spec."""
    linear = torch.exp(mel if spec.log_base == "e" else mel * math.log(10.0))
    return (pseudo_inverse(spec).to(mel) @ linear).clamp_min(spec.floor)


@torch.no_grad()
def griffin_lim(mel: Tensor, spec: MelSpec, iterations: int = 60, momentum: float = 0.99, seed: int = 0) -> Tensor:
    """A wave whose mel is close to `mel`, without any learned model.

    Fast Griffin-Lim (Perraudin 2013, eq. 10): project on consistent spectrograms, extrapolate by
    `momentum`, restore the magnitude.

    Parameters
    ----------
    mel : Tensor
        Log-mel (B, bands, T).
    spec : MelSpec
    iterations : int
    momentum : float
        0 is the algorithm of Griffin and Lim (1984).
    seed : int
        Of the random phases it starts from.

    Returns
    -------
    Tensor
        Wave (B, T·hop).
    """
    target = mel_to_magnitude(mel, spec)
    generator = torch.Generator().manual_seed(seed)
    phase = (2 * math.pi * torch.rand(target.shape, generator=generator)).to(target)
    stft = STFT(spec.n_fft, spec.hop, spec.padding)
    real, imag = target * phase.cos(), target * phase.sin()
    last_real, last_imag = torch.zeros_like(real), torch.zeros_like(imag)
    for _ in range(iterations):
        next_real, next_imag = stft(stft.inverse(real, imag))
        ahead_real = next_real + momentum * (next_real - last_real)
        ahead_imag = next_imag + momentum * (next_imag - last_imag)
        scale = target / magnitude(ahead_real, ahead_imag)
        real, imag = ahead_real * scale, ahead_imag * scale
        last_real, last_imag = next_real, next_imag
    return stft.inverse(real, imag)

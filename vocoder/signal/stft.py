"""Short-time Fourier transform layers, forward and inverse, in two forms with one interface.

Frames are not centred: with (n_fft − hop)/2 samples of padding at both ends a wave of T·hop samples
has exactly T frames, and T frames give back exactly T·hop samples.

    wave     |--hop--|--hop--|--hop--|          T = 3 hops
    frame 0  pad<======n_fft======>             first frame begins `pad` samples before the wave
    frame 1          <======n_fft======>
    frame 2                  <======n_fft======>pad
"""

from __future__ import annotations

import functools
import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vocoder.precision import in_float32

Spectrum = tuple[Tensor, Tensor]  # real and imaginary part, each (B, n_fft/2 + 1, T)


def pad_wave(wave: Tensor, n_fft: int, hop: int, padding: str = "reflect") -> Tensor:
    """Extend a wave (B, N), N a multiple of `hop`, by (n_fft − hop)/2 samples at both ends.

    Reflection needs more samples than it reflects, so a wave shorter than that is first followed by
    zeros, which are cut off again.
    """
    pad = (n_fft - hop) // 2
    length = wave.shape[-1]
    if padding == "constant":
        return F.pad(wave, (pad, pad))
    # the length is symbolic while exporting, where waves are never that short
    if not torch.compiler.is_exporting() and length <= pad:
        longer = F.pad(wave, (0, pad + 1 - length))
        return F.pad(longer[:, None], (pad, pad), mode="reflect")[:, 0, : length + 2 * pad]
    return F.pad(wave[:, None], (pad, pad), mode="reflect")[:, 0]


@functools.lru_cache(maxsize=64)
def _window(n_fft: int, device: torch.device) -> Tensor:
    return torch.hann_window(n_fft, periodic=True, device=device)


def overlap_add(frames: Tensor, hop: int) -> Tensor:
    """Sum frames (B, n_fft, T), each `hop` samples after the last, into (B, n_fft + (T − 1)·hop)."""
    batch, n_fft, count = frames.shape
    length = n_fft + (count - 1) * hop
    if n_fft % hop:
        return F.fold(frames, (1, length), (1, n_fft), stride=(1, hop))[:, 0, 0]
    # frame t adds its m-th hop to the (t + m)-th hop of the wave: n_fft/hop shifted sums,
    # several times faster than F.fold on a CPU
    pieces = frames.transpose(1, 2).reshape(batch, count, n_fft // hop, hop)
    wave = frames.new_zeros(batch, count + n_fft // hop - 1, hop)
    for m in range(n_fft // hop):
        wave[:, m : m + count] += pieces[:, :, m]
    return wave.reshape(batch, length)


class STFT(nn.Module):
    """Forward and inverse transform on torch.fft.

    Parameters
    ----------
    n_fft : int
        Length of transform and periodic Hann window, samples.
    hop : int
        Samples between frames; n_fft − hop even.
    padding : {"reflect", "constant"}
    """

    def __init__(self, n_fft: int, hop: int, padding: str = "reflect") -> None:
        super().__init__()
        self.n_fft, self.hop, self.padding = n_fft, hop, padding

    @in_float32
    def forward(self, wave: Tensor) -> Spectrum:
        """Wave (B, T·hop) → real and imaginary parts, each (B, n_fft/2 + 1, T)."""
        padded = pad_wave(wave, self.n_fft, self.hop, self.padding)
        spectrum = torch.stft(
            padded, self.n_fft, self.hop, window=_window(self.n_fft, wave.device), center=False, return_complex=True
        )
        return spectrum.real, spectrum.imag

    @in_float32
    def inverse(self, real: Tensor, imag: Tensor) -> Tensor:
        """Real and imaginary parts (B, n_fft/2 + 1, T) → wave (B, T·hop), the least-squares inverse.

        Griffin and Lim (1984), eq. 6: windowed overlap-add over the summed squared windows.
        """
        window = _window(self.n_fft, real.device)
        frames = torch.fft.irfft(torch.complex(real, imag), n=self.n_fft, dim=1) * window[:, None]
        envelope = overlap_add(window.square()[None, :, None].expand(1, -1, real.shape[-1]), self.hop)
        pad = (self.n_fft - self.hop) // 2
        inner = slice(pad, pad + real.shape[-1] * self.hop)
        return overlap_add(frames, self.hop)[:, inner] / envelope[:, inner]


class ExportableSTFT(nn.Module):
    """The same transform in real arithmetic: convolutions with constant kernels, no complex number.

    Complex tensors do not pass into ONNX, which keeps other inverse-STFT vocoders from being exported
    (gemelo-ai/vocos#38). Framing is a convolution with stride `hop`, overlap-add its transpose.

    The kernels are folded by symmetry: a real frame x splits into x[n] + x[N−n], of which cosines see
    everything, and x[n] − x[N−n], of which sines do, so each sum runs over half the samples.
    """

    def __init__(self, n_fft: int, hop: int, padding: str = "reflect") -> None:
        super().__init__()
        self.n_fft, self.hop, self.padding = n_fft, hop, padding
        n = np.arange(n_fft)
        window = 0.5 - 0.5 * np.cos(2 * math.pi * n / n_fft)
        angle = 2 * math.pi * ((n[None, :] * np.arange(n_fft // 2 + 1)[:, None]) % n_fft) / n_fft  # (bins, n_fft)
        forward = np.concatenate([np.cos(angle), -np.sin(angle)]) * window
        # a one-sided spectrum holds every frequency but the first and the last twice
        weight = np.full((n_fft // 2 + 1, 1), 2.0 / n_fft)
        weight[[0, -1]] = 1.0 / n_fft
        inverse = np.concatenate([weight * np.cos(angle), -weight * np.sin(angle)]) * window
        self.register_buffer("analysis", torch.from_numpy(forward).float()[:, None], persistent=False)
        self.register_buffer("synthesis", torch.from_numpy(inverse).float()[:, None], persistent=False)
        self.register_buffer("squared", torch.from_numpy(window**2).float()[None, None], persistent=False)
        self.analysis: Tensor
        self.synthesis: Tensor
        self.squared: Tensor

    def forward(self, wave: Tensor) -> Spectrum:
        """See STFT.forward."""
        padded = pad_wave(wave, self.n_fft, self.hop, self.padding)
        both = F.conv1d(padded[:, None], self.analysis, stride=self.hop)
        real, imag = both.split(self.n_fft // 2 + 1, dim=1)
        return real, imag

    def inverse(self, real: Tensor, imag: Tensor) -> Tensor:
        """See STFT.inverse."""
        pad = (self.n_fft - self.hop) // 2
        wave = F.conv_transpose1d(torch.cat([real, imag], dim=1), self.synthesis, stride=self.hop)
        envelope = F.conv_transpose1d(torch.ones_like(real[:1, :1]), self.squared, stride=self.hop)
        return wave[:, 0, pad:-pad] / envelope[:, 0, pad:-pad]


def magnitude(real: Tensor, imag: Tensor) -> Tensor:
    """sqrt(real² + imag²) with a finite gradient (zero) at silence."""
    return (real.square() + imag.square()).clamp_min(1e-14).sqrt()


@in_float32
def multi_resolution_magnitudes(wave: Tensor, resolutions: tuple[tuple[int, int], ...]) -> list[Tensor]:
    """Magnitudes of a wave (B, N) at several resolutions (n_fft, hop), each (B, n_fft/2 + 1, frames).

    The wave is followed by zeros up to a whole number of hops of each resolution.
    """
    results = []
    for n_fft, hop in resolutions:
        padded = F.pad(wave, (0, -wave.shape[-1] % hop))
        results.append(magnitude(*STFT(n_fft, hop)(padded)))
    return results

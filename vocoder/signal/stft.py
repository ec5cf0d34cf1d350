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

from vocoder.errors import InputError
from vocoder.precision import in_float32

Spectrum = tuple[Tensor, Tensor]  # real and imaginary part, each (B, n_fft/2 + 1, T)


def pad_wave(wave: Tensor, n_fft: int, hop: int, padding: str = "reflect") -> Tensor:
    """Extend a wave (B, N), N a multiple of `hop`, by (n_fft − hop)/2 samples at both ends.

    A wave too short to be reflected so far counts as preceded and followed by zeros.
    """
    pad = (n_fft - hop) // 2
    padded = F.pad(wave, (pad, pad))
    if padding == "constant" or not pad:
        return padded
    first = padded[:, pad + 1 : 2 * pad + 1].flip(-1)
    last = padded[:, -2 * pad - 1 : -pad - 1].flip(-1)
    return torch.cat([first, wave, last], dim=-1)


@functools.lru_cache(maxsize=64)
def _window(n_fft: int, device: torch.device) -> Tensor:
    with torch.inference_mode(False):  # what is cached while decoding must serve in training too
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

    # A transform may keep bins and samples in an order of its own while going back and forth; this one has none.

    def pack(self, bins: Tensor) -> Tensor:
        """Bins (B, n_fft/2 + 1, T) in the order of `synthesise` and `project`: as they are."""
        return bins

    def join(self, wave: Tensor) -> Tensor:
        """What `synthesise` and `project` return → wave (B, T·hop): as it is."""
        return wave

    def synthesise(self, real: Tensor, imag: Tensor) -> Tensor:
        """`inverse` in packed order."""
        return self.inverse(real, imag)

    @in_float32
    def project(self, wave: Tensor, target: Tensor) -> Tensor:
        """The wave whose STFT comes near to the magnitude `target` under the phase of `wave`.

        Griffin and Lim (1984): two projections, on the spectra of that magnitude and on those of waves.
        """
        real, imag = self(wave)
        gain = restoring_gain(target, real.square() + imag.square())
        return self.inverse(real * gain, imag * gain)


class ExportableSTFT(nn.Module):
    """The same transform in real arithmetic: a convolution, a small matrix, and their transposes.

    Complex tensors do not pass into ONNX, which keeps other inverse-STFT vocoders from being exported
    (gemelo-ai/vocos#38). This is a Fourier transform in four steps (Bailey 1990, doi:10.1007/BF00162341, section 2):
    with n_fft = P·Q, sample n = Q·a + b and bin k = k2 + P·k1,

        X[k] = Σ_b exp(−2πi b k1 / Q) · Σ_a exp(−2πi k2 (Q·a + b) / n_fft) · window[n] · x[n]

    The inner sum, window and all, is a convolution over the hops of a wave in Q groups, one for each b, which does
    the framing too. The outer sum is one matrix for all k2. A real wave needs k2 up to P/2 only; what then lies above
    n_fft/2 mirrors the bins below. The inverse is the transpose of everything, weighted. Time is the last axis
    throughout, so nothing is ever moved around between the steps: whoever goes back and forth stays in the order in
    which they work, between `pack` and `join`:

        packed  (B, F, T)            bins: row rows·k1 + k2, with rows = P/2 + 1 and F = Q·rows, is bin k2 + P·k1
        blocks  (B, hop, T + r − 1)  wave, padded: channel (hop/Q)·b + a of column j is sample
                                     hop·j + Q·a + b; r is n_fft/hop, rounded up

    One second of sound (22 050 Hz, 1024/256) takes ONNX Runtime 0.3 ms forward and 0.3 ms inverse on one core. Dense
    kernels, n_fft × (n_fft + 2), took 2.1 and 2.9 ms; ONNX's DFT operator 1.6 and 1.9 ms, without framing; torch.fft
    takes 0.45 ms each.

    Parameters
    ----------
    n_fft, hop, padding
        See STFT.

    Raises
    ------
    InputError
        If n_fft and hop have no even divisor Q for which P is even, too.
    """

    def __init__(self, n_fft: int, hop: int, padding: str = "reflect") -> None:
        super().__init__()
        divisors = [q for q in range(2, hop + 1, 2) if hop % q == 0 and n_fft % (2 * q) == 0]
        if not divisors:
            raise InputError(f"n_fft {n_fft} with hop {hop} cannot be exported: a hop that is a power of two can")
        self.n_fft, self.hop, self.padding = n_fft, hop, padding
        self.overlap = -(-n_fft // hop)  # r
        self.pad = (n_fft - hop) // 2
        self.pads = (self.pad, self.overlap * hop - hop - self.pad)  # up to whole hops
        self.inner = min(divisors, key=lambda q: (n_fft // q + 2 * q, -q))  # Q; the least multiplications
        outer = n_fft // self.inner  # P
        self.rows = outer // 2 + 1
        k1, k2 = np.arange(self.inner)[:, None], np.arange(self.rows)
        a, b = np.arange(outer), np.arange(self.inner)

        n = self.inner * a + b[:, None]  # (Q, P)
        window = 0.5 - 0.5 * np.cos(2 * math.pi * n / n_fft)
        turns = k2[:, None] * n[:, None] % n_fft / n_fft  # (Q, rows, P)
        kernel = np.concatenate([np.cos(2 * math.pi * turns), -np.sin(2 * math.pi * turns)], axis=1) * window[:, None]
        # a one-sided spectrum counts every bin twice; the rows k2 = 0 and k2 = P/2 hold their mirror images as well
        weight = np.tile(np.where(k2 % (outer // 2), 2.0, 1.0) / n_fft, 2)[:, None]  # (2·rows, 1)

        cosine, sine = np.cos(2 * math.pi * k1 * b / self.inner), np.sin(2 * math.pi * k1 * b / self.inner)
        matrix = np.array([[cosine, sine], [-sine, cosine]])  # to and from (real, imaginary), k1, b
        matrix[1, :, self.inner // 2 :] *= -1  # above n_fft/2: the conjugates of the bins below

        def hops(taps: np.ndarray) -> np.ndarray:  # (Q, C, P) → (Q·C, hop/Q, r), a convolution's weight
            whole = np.pad(taps, [(0, 0), (0, 0), (0, self.overlap * hop // self.inner - outer)])
            return whole.reshape(-1, self.overlap, hop // self.inner).swapaxes(1, 2)

        k = (k2 + outer * k1).ravel()
        order = np.minimum(k, n_fft - k)
        # Whence the hops that are not all wave are filled, counted within the first and within the last r hops; what
        # lies outside the wave itself counts as zero.
        whole = self.overlap * hop
        i = np.arange(whole)
        begin, end = self.pads[0], whole - 1 - self.pads[1]  # first and last sample of the wave
        before, after = (2 * begin - i, (2 * end - i).clip(0)) if padding == "reflect" else (0, whole - 1)
        constants = {
            "analysis": hops(kernel),
            "synthesis": hops(kernel * weight),
            "matrix": matrix.transpose(0, 2, 3, 1).reshape(2 * self.inner, 2 * self.inner),
            "squared": hops((window**2)[:, None]).reshape(1, hop, self.overlap),
            "order": order,
            "natural": np.unique(order, return_index=True)[1],
            "first": np.where(i < begin, before, i)[: -(-self.pads[0] // hop) * hop],
            "last": np.where(i > end, after, i)[whole + -self.pads[1] // hop * hop :],
        }
        for name, value in constants.items():
            constant = torch.from_numpy(np.ascontiguousarray(value))
            self.register_buffer(name, constant.float() if value.dtype.kind == "f" else constant, persistent=False)
        self.analysis: Tensor
        self.synthesis: Tensor
        self.matrix: Tensor
        self.squared: Tensor
        self.order: Tensor
        self.natural: Tensor
        self.first: Tensor
        self.last: Tensor

    def forward(self, wave: Tensor) -> Spectrum:
        """See STFT.forward."""
        spectrum = self._analyse(self._blocks(F.pad(wave, self.pads)))[:, :, self.natural]
        return spectrum[:, 0], spectrum[:, 1]

    def inverse(self, real: Tensor, imag: Tensor) -> Tensor:
        """See STFT.inverse."""
        return self.join(self.synthesise(self.pack(real), self.pack(imag)))

    def pack(self, bins: Tensor) -> Tensor:
        """(B, n_fft/2 + 1, T) → packed (B, F, T)."""
        return bins[:, self.order]

    def join(self, blocks: Tensor) -> Tensor:
        """Blocks → wave (B, T·hop)."""
        samples = self._samples(blocks)
        return samples[:, self.pads[0] : samples.shape[1] - self.pads[1]]

    def synthesise(self, real: Tensor, imag: Tensor) -> Tensor:
        """Packed real and imaginary parts (B, F, T) → blocks."""
        return self._synthesise(torch.stack([real, imag], dim=1))

    def project(self, blocks: Tensor, target: Tensor) -> Tensor:
        """Blocks and packed magnitudes (B, F, T) → blocks. See STFT.project."""
        spectrum = self._analyse(blocks)
        squares = spectrum.square()
        return self._synthesise(spectrum * restoring_gain(target[:, None], squares[:, :1] + squares[:, 1:]))

    def _analyse(self, blocks: Tensor) -> Tensor:  # → (B, 2, F, T)
        inner = F.conv1d(self._fill(blocks), self.analysis, groups=self.inner)  # (B, Q·2·rows, T)
        batch, _, frames = inner.shape
        outer = self.matrix @ inner.reshape(batch, 2 * self.inner, self.rows * frames)
        return outer.reshape(batch, 2, self.inner * self.rows, frames)

    def _synthesise(self, spectrum: Tensor) -> Tensor:  # (B, 2, F, T) → blocks
        batch, _, _, frames = spectrum.shape
        outer = self.matrix.T @ spectrum.reshape(batch, 2 * self.inner, self.rows * frames)
        inner = outer.reshape(batch, 2 * self.inner * self.rows, frames)
        blocks = F.conv_transpose1d(inner, self.synthesis, groups=self.inner)
        envelope = F.conv_transpose1d(spectrum.new_ones(1, 1, frames), self.squared)
        return blocks * envelope.clamp_min(1e-8).reciprocal()

    def _fill(self, blocks: Tensor) -> Tensor:
        """Put what `pad_wave` does outside the wave in place of what overlap-add has left there."""
        if not self.pad:
            return blocks
        length = (blocks.shape[-1] - self.overlap + 1) * self.hop
        begin, end = self.pads[0], self.overlap * self.hop - self.pads[1]
        first = self._samples(blocks[:, :, : self.overlap])[:, self.first]
        first = self._blocks(first * ((self.first >= begin) & (self.first < begin + length)))
        last = self._samples(blocks[:, :, -self.overlap :])[:, self.last]
        last = self._blocks(last * ((self.last >= end - length) & (self.last < end)))
        return torch.cat([first, blocks[:, :, first.shape[-1] : blocks.shape[-1] - last.shape[-1]], last], dim=2)

    def _blocks(self, samples: Tensor) -> Tensor:
        """(B, J·hop) → (B, hop, J) in the order of blocks."""
        # in two simple steps, for which ONNX Runtime takes a quarter of the time of a general permutation
        batch, runs = samples.shape[0], self.hop // self.inner
        split = samples.reshape(batch, -1, self.hop).transpose(1, 2).reshape(batch, runs, self.inner, -1)
        return split.transpose(1, 2).reshape(batch, self.hop, -1)

    def _samples(self, blocks: Tensor) -> Tensor:
        batch, runs = blocks.shape[0], self.hop // self.inner
        split = blocks.reshape(batch, self.inner, runs, -1).transpose(1, 2).reshape(batch, self.hop, -1)
        return split.transpose(1, 2).reshape(batch, -1)


def restoring_gain(target: Tensor, power: Tensor) -> Tensor:
    """Gain that gives bins of that power the magnitude `target`.

    Where almost nothing is there, the phase is rounding noise: the gain is bounded (by 33), so that equal
    inputs in chunks of other lengths keep giving equal outputs.
    """
    return target / (power + (9e-4 * target.square() + 1e-14)).sqrt()


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

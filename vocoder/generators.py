"""The Fourier vocoder: a network at the frame rate, an inverse STFT, and consistency projections."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vocoder.errors import InputError
from vocoder.precision import in_float32
from vocoder.signal.mel import mel_to_magnitude
from vocoder.signal.spec import MelSpec
from vocoder.signal.stft import STFT, ExportableSTFT, Spectrum, magnitude

SIZES: dict[str, tuple[int, int]] = {"tiny": (128, 6), "small": (256, 5), "base": (512, 8)}  # width, blocks

# No magnitude of a wave in [−1, 1] exceeds the sum of the window, n_fft/2 (1024 for the longest preset).
MAX_MAGNITUDE = 1024.0


class Block(nn.Module):
    """ConvNeXt block in one dimension (Liu 2022, arXiv:2201.03545; as in Vocos, Siuzdak 2023, arXiv:2306.00814)."""

    def __init__(self, width: int, kernel: int = 7, expansion: int = 3, scale: float = 0.125) -> None:
        super().__init__()
        self.depthwise = nn.Conv1d(width, width, kernel, padding=kernel // 2, groups=width)
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.widen = nn.Linear(width, expansion * width)
        self.narrow = nn.Linear(expansion * width, width)
        self.scale = nn.Parameter(torch.full((width,), scale))

    def forward(self, x: Tensor) -> Tensor:
        """(B, width, T) → (B, width, T)."""
        h = self.norm(self.depthwise(x).transpose(1, 2))
        h = self.narrow(nn.functional.gelu(self.widen(h))) * self.scale
        return x + h.transpose(1, 2)


class FourierVocoder(nn.Module):
    """Log-mel → magnitude and phase of every bin → wave.

    The magnitude is a residual on the pseudo-inverse of the mel (as in FreeV, Lv 2024,
    arXiv:2406.08196), so it starts almost right. A predicted magnitude and phase are not yet the STFT
    of any wave; each consistency projection makes the wave, takes its STFT, and restores the predicted
    magnitude under the phase found there (Griffin and Lim 1984, with the momentum of Perraudin 2013,
    here learned). The network is trained through the projections.

    Parameters
    ----------
    spec : MelSpec
    size : {"tiny", "small", "base"}
    projections : int
        Consistency projections, 0 or more; may be changed on a trained model.
    exportable : bool
        Use the STFT in real arithmetic, for ONNX.
    """

    def __init__(self, spec: MelSpec, size: str = "small", projections: int = 6, exportable: bool = False) -> None:
        super().__init__()
        if size not in SIZES:
            raise InputError(f"there is no Fourier vocoder of size {size!r}; there are {', '.join(SIZES)}")
        if projections < 0:
            raise InputError(f"projections is {projections}, must be 0 or more")
        width, blocks = SIZES[size]
        self.spec, self.size, self.projections = spec, size, projections
        self.embed = nn.Conv1d(spec.bands, width, 7, padding=3)
        self.first_norm = nn.LayerNorm(width, eps=1e-6)
        self.blocks = nn.ModuleList(Block(width, scale=1.0 / blocks) for _ in range(blocks))
        self.last_norm = nn.LayerNorm(width, eps=1e-6)
        self.head = nn.Linear(width, 3 * spec.bins)  # log-magnitude residual, cosine and sine of the phase
        self.momentum = nn.Parameter(torch.tensor(0.0))
        self.stft = (ExportableSTFT if exportable else STFT)(spec.n_fft, spec.hop, spec.padding)
        for module in self.modules():
            if isinstance(module, (nn.Conv1d, nn.Linear)):
                nn.init.trunc_normal_(module.weight, std=0.02)
                nn.init.zeros_(module.bias)  # type: ignore[arg-type]  # every layer here has a bias
        with torch.no_grad():
            self.head.weight[: spec.bins].zero_()  # the magnitude starts as the pseudo-inverse

    @property
    def hop(self) -> int:
        return self.spec.hop

    @property
    def receptive_field(self) -> int:
        """Frames on each side of a frame on which its samples depend."""
        overlap = -(-(self.spec.n_fft - self.hop) // self.hop)  # frames that a frame shares samples with, each side
        return 3 + 3 * len(self.blocks) + overlap * (self.projections + 1)

    def forward(self, mel: Tensor) -> Tensor:
        """Log-mel (B, bands, T) → wave (B, T·hop)."""
        return self.synthesise(*self.spectrum(mel))

    def spectrum(self, mel: Tensor) -> tuple[Tensor, Spectrum]:
        """Log-mel (B, bands, T) → magnitude (B, bins, T) and unit phasors (cos, sin) of the same shape."""
        x = self.first_norm(self.embed(mel).transpose(1, 2)).transpose(1, 2)
        for block in self.blocks:
            x = block(x)
        x = self.last_norm(x.transpose(1, 2)).transpose(1, 2)
        # as a convolution, so that time comes last without turning three spectra around
        bins = nn.functional.conv1d(x, self.head.weight[:, :, None], self.head.bias)
        residual, cosine, sine = bins.chunk(3, dim=1)
        return self._polar(mel, residual, cosine, sine)

    @in_float32
    def _polar(self, mel: Tensor, residual: Tensor, cosine: Tensor, sine: Tensor) -> tuple[Tensor, Spectrum]:
        target = (mel_to_magnitude(mel, self.spec) * residual.exp()).clamp_max(MAX_MAGNITUDE)
        norm = magnitude(cosine, sine)
        return target, (cosine / norm, sine / norm)

    @in_float32
    def synthesise(self, target: Tensor, phase: Spectrum) -> Tensor:
        """Magnitude (B, bins, T) and unit phasors → wave (B, T·hop), through the projections."""
        target, cosine, sine = (self.stft.pack(bins) for bins in (target, *phase))
        wave = self.stft.synthesise(target * cosine, target * sine)
        last = wave
        for _ in range(self.projections):
            # momentum on waves is momentum on their spectra, of which there are four times as many numbers
            last, wave = wave, self.stft.project(wave + self.momentum * (wave - last), target)
        return self.stft.join(wave)

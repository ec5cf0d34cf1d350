"""The gain renderer: a gain for each mel band, bent to linear bins, on the wave's own STFT. The phase stays."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from vocoder.precision import in_float32
from vocoder.signal.mel import mel_filters
from vocoder.signal.spec import MelSpec
from vocoder.signal.stft import STFT, ExportableSTFT


def band_to_bin(spec: MelSpec) -> np.ndarray:
    """Matrix (bins, bands) that interpolates gains of bands at the frequencies of the bins.

    Linear between the centres of neighbouring bands, constant beyond the first and the last; rows sum to one, so a
    constant gain stays what it is.
    """
    centres = mel_filters(spec) @ np.arange(spec.bins) / mel_filters(spec).sum(axis=1)  # in bins
    rows = [np.interp(np.arange(spec.bins), centres, one) for one in np.eye(spec.bands)]
    return np.stack(rows, axis=1)


class GainRenderer(nn.Module):
    """Wave and gains → wave.

    Parameters
    ----------
    spec : MelSpec
        With no empty band.
    exportable : bool
        Use the STFT in real arithmetic, for ONNX.
    """

    def __init__(self, spec: MelSpec, exportable: bool = False) -> None:
        super().__init__()
        self.spec = spec
        self.stft = (ExportableSTFT if exportable else STFT)(spec.n_fft, spec.hop, spec.padding)
        self.register_buffer("bend", torch.from_numpy(band_to_bin(spec)).float(), persistent=False)
        self.bend: Tensor

    @in_float32
    def forward(self, wave: Tensor, gain: Tensor) -> Tensor:
        """Render.

        Parameters
        ----------
        wave : (B, T·hop) tensor
        gain : (B, M, T) tensor
            Factors on magnitudes.

        Returns
        -------
        (B, T·hop) tensor
        """
        real, imag = self.stft(wave)
        factor = self.bend @ gain
        return self.stft.inverse(real * factor, imag * factor)

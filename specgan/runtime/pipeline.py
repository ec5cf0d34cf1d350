"""Wave → mel → wave on numpy arrays, in pieces of bounded memory. No torch."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import numpy as np

from specgan.runtime import model as onnx_model
from specgan.zoo import DEFAULT_VOCODER
from vocoder.errors import InputError
from vocoder.signal.chunks import render_pieces
from vocoder.signal.spec import MelSpec

CHUNK = 256  # frames, 3 s at 22 kHz: longer ones are not faster, and 30 MB are enough


class Functions(Protocol):
    """A model: named functions from arrays to arrays (ONNX Runtime's or torch's)."""

    name: str
    spec: MelSpec
    receptive_field: int

    def run(self, function: str, *inputs: np.ndarray) -> list[np.ndarray]: ...


class Vocoder:
    """Mel ↔ wave by a model that has the functions `mel` and `render`.

    Parameters
    ----------
    model : Functions
    chunk : int
        Frames computed at once.
    """

    def __init__(self, model: Functions, chunk: int = CHUNK) -> None:
        self.model, self.chunk = model, chunk

    @classmethod
    def load(cls, name_or_folder: str | Path = DEFAULT_VOCODER, threads: int | None = None) -> Vocoder:
        """Load a model folder, or a shipped model by its name, on ONNX Runtime.

        Parameters
        ----------
        name_or_folder : str or Path
        threads : int, optional
            Of ONNX Runtime; one a core if None.

        Raises
        ------
        InputError
            If there is no such model, or it is damaged, of a newer format, or no vocoder.
        """
        return cls(onnx_model.load(name_or_folder, threads))

    @property
    def name(self) -> str:
        """Name of the model, for messages."""
        return self.model.name

    @property
    def spec(self) -> MelSpec:
        """The mel that the model renders."""
        return self.model.spec

    def analyse(self, wave: np.ndarray) -> np.ndarray:
        """Wave (N,) at `spec.sample_rate` in [−1, 1] → log-mel (bands, T) float32, T = N/hop rounded up.

        Raises
        ------
        InputError
            If the wave is empty or has samples that are NaN or infinite.
        """
        raise NotImplementedError

    def stream(self, mel: np.ndarray) -> Iterator[np.ndarray]:
        """Log-mel (bands, T) → successive pieces (n,) of the wave, float32; together T·hop samples.

        Memory does not grow with T. The pieces together equal the wave of the whole mel within 1e-5.

        Raises
        ------
        InputError
            If the mel has another number of bands, no frames, or values that are NaN or infinite.
        """
        raise NotImplementedError

    def render(self, mel: np.ndarray) -> np.ndarray:
        """Log-mel (bands, T) → wave (T·hop,) float32; see `stream`."""
        return np.concatenate(list(self.stream(mel)))

    def resynthesise(self, wave: np.ndarray) -> np.ndarray:
        """Wave (N,) → the wave (N,) that the model makes of its mel."""
        return self.render(self.analyse(wave))[: len(wave)]

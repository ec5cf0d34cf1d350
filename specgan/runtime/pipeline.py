"""Wave → mel → wave on numpy arrays, in pieces of bounded memory. No torch."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import numpy as np

from specgan.runtime import model as onnx
from specgan.zoo import DEFAULT_VOCODER
from vocoder.errors import InputError
from vocoder.signal.chunks import CHUNK, analysed, rendered
from vocoder.signal.spec import MelSpec


class Functions(Protocol):
    """A model: named functions from arrays to arrays, run by ONNX Runtime or by torch."""

    name: str
    spec: MelSpec
    receptive_field: int

    def run(self, function: str, *inputs: np.ndarray) -> list[np.ndarray]:
        """Apply the function of that name."""


class Vocoder:
    """Mel ↔ wave by a model that has the functions `mel` and `render`.

    Parameters
    ----------
    model : Functions
        See `specgan.runtime.model` and `specgan.torch_backend`.
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
        model = onnx.load(name_or_folder, threads)
        if model.task != "vocoder":
            raise InputError(f"the model {model.name} is for the task {model.task}; a vocoder is needed here")
        return cls(model)

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

        The wave may be memory-mapped: no more than a piece of it is in use at a time.

        Raises
        ------
        InputError
            If the wave is empty or has samples that are NaN or infinite.
        """
        if wave.ndim != 1 or not wave.size:
            raise InputError(f"the wave has shape {wave.shape}, must have one axis and at least one sample")
        context = -(-self.spec.pad // self.spec.hop)
        pieces = analysed(self._analyse_piece, wave, self.spec.hop, context, self.chunk)
        return np.concatenate(list(pieces), axis=-1)

    def _analyse_piece(self, wave: np.ndarray) -> np.ndarray:
        if not np.isfinite(wave).all():
            raise InputError("the wave has samples that are NaN or infinite")
        whole = np.pad(wave.astype(np.float32), (0, -wave.size % self.spec.hop))
        return self.model.run("mel", whole[None])[0][0]

    def stream(self, mel: np.ndarray) -> Iterator[np.ndarray]:
        """Log-mel (bands, T) → successive pieces (n,) of the wave, float32; together T·hop samples.

        Memory does not grow with T. The pieces together equal the wave of the whole mel within 1e-5.

        Raises
        ------
        InputError
            If the mel has another number of bands, no frames, or values that are NaN or infinite.
        """
        if mel.ndim != 2 or mel.shape[0] != self.spec.bands or not mel.shape[1]:
            raise InputError(
                f"the mel has shape {mel.shape}, must be ({self.spec.bands}, frames) with at least one frame"
            )
        return rendered(self._render_piece, mel, self.spec.hop, self.model.receptive_field, self.chunk)

    def _render_piece(self, mel: np.ndarray) -> np.ndarray:
        if not np.isfinite(mel).all():
            raise InputError("the mel has values that are NaN or infinite")
        return self.model.run("render", mel.astype(np.float32)[None])[0][0]

    def render(self, mel: np.ndarray) -> np.ndarray:
        """Log-mel (bands, T) → wave (T·hop,) float32; see `stream`."""
        return np.concatenate(list(self.stream(mel)))

    def resynthesise(self, wave: np.ndarray) -> np.ndarray:
        """Wave (N,) → the wave (N,) that the model makes of its mel."""
        return self.render(self.analyse(wave))[: wave.size]

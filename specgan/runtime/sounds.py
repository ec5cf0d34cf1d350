"""Class and seed → a new sound. No torch.

seed ── latent, noise ──┐
label ──────────────────┴── draw ── mel ── render ── wave
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import numpy as np

from specgan.runtime import model as onnx
from specgan.runtime.pipeline import Functions, Vocoder
from vocoder.errors import InputError

FADE = 0.005
"""Seconds by which both ends are faded, so that nothing clicks."""


class SoundFunctions(Functions, Protocol):
    """A model with the functions `draw` and `render`."""

    config: dict[str, Any]


class Sounds:
    """A model that makes sounds of some classes.

    Parameters
    ----------
    model : SoundFunctions
        See `specgan.runtime.model` and `specgan.torch_backend`.

    Attributes
    ----------
    labels : tuple of str
        The classes.

    Raises
    ------
    InputError
        If the model is for another task, or its config.json is damaged.
    """

    def __init__(self, model: SoundFunctions) -> None:
        task, config = model.config.get("task"), model.config
        if task != "generation":
            raise InputError(f"the model {model.name} is for the task {task}; making sounds needs one for generation")
        labels = config.get("classes")
        if not isinstance(labels, list) or not labels or not all(isinstance(label, str) for label in labels):
            raise InputError(f"config.json of {model.name}: classes must be a list of texts; export the model again")
        for field in ("latent", "frames"):
            if type(config.get(field)) is not int or config[field] < 1:
                raise InputError(
                    f"config.json of {model.name}: {field} is {config.get(field)!r}, must be a whole number above 0; "
                    "export the model again"
                )
        self.model, self.labels = model, tuple(labels)
        self._vocoder = Vocoder(model)

    @classmethod
    def load(cls, name_or_folder: str | Path, threads: int | None = None) -> Sounds:
        """Load a model folder, or a shipped model by its name, on ONNX Runtime.

        Raises
        ------
        InputError
            If there is no such model, or it is damaged, of a newer format, or for another task.
        """
        return cls(onnx.load(name_or_folder, threads))

    @property
    def name(self) -> str:
        """Name of the model."""
        return self.model.name

    @property
    def sample_rate(self) -> int:
        """Hz."""
        return self.model.spec.sample_rate

    @property
    def seconds(self) -> float:
        """Length of every sound."""
        return self.model.config["frames"] / self.model.spec.frame_rate

    def choose(self, label: str | None) -> int:
        """Number of a class; with one class only, None is that one.

        Raises
        ------
        InputError
            If the model has no such class, or it has several and none is named; the message lists them.
        """
        if label is None and len(self.labels) == 1:
            return 0
        if label not in self.labels:
            wrong = "which sound? give --label" if label is None else f"the model {self.name} has no sound {label!r}"
            raise InputError(f"{wrong}; it has {', '.join(self.labels)}")
        return self.labels.index(label)

    def draw(self, label: str | None = None, seed: int = 0) -> np.ndarray:
        """The log-mel (bands, T) of a sound; see `make`."""
        number = self.choose(label)
        if seed < 0:
            raise InputError(f"the seed is {seed}, must be at least 0")
        spec, config = self.model.spec, self.model.config
        random = np.random.default_rng(seed)
        latent = random.standard_normal((1, config["latent"]), np.float32)
        noise = random.standard_normal((1, spec.bands, config["frames"]), np.float32)
        return self.model.run("draw", latent, np.array([number]), noise)[0][0]

    def render(self, mel: np.ndarray) -> np.ndarray:
        """Log-mel (bands, T) → wave (T·hop,) float32 in [−1, 1]: faded at both ends, softer if it were louder."""
        wave = self._vocoder.render(mel)
        wave = wave / max(1.0, float(np.abs(wave).max()))
        fade = np.linspace(0, 1, round(FADE * self.sample_rate), dtype=np.float32)
        wave[: len(fade)] *= fade
        wave[len(wave) - len(fade) :] *= fade[::-1]
        return wave

    def make(self, label: str | None = None, seed: int = 0) -> np.ndarray:
        """Make a sound.

        Parameters
        ----------
        label : str, optional
            Its class; may be left out where there is only one.
        seed : int
            At least 0: which of the sounds of the class. The same seed gives the same samples.

        Returns
        -------
        (N,) float32 in [−1, 1]

        Raises
        ------
        InputError
            If the model has no such class (the message lists those it has), or the seed is below 0.
        """
        return self.render(self.draw(label, seed))

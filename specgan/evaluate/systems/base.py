"""Prompts, and what answers them with a sound: models, their bounds, other programs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from vocoder.errors import InputError
from vocoder.signal import audio
from vocoder.signal.manifest import Recording
from vocoder.signal.mel import LogMel, griffin_lim
from vocoder.signal.spec import MelSpec

ITERATIONS = 60  # of Griffin-Lim
RECORDING, GRIFFIN_LIM = "the recording", "Griffin-Lim"


@dataclass(frozen=True)
class Prompt:
    """What a system is given, and what there is to compare its answer with.

    Attributes
    ----------
    id : str
    text : str or None
        As a user types it.
    accepted : str or None
        What may be heard, with alternatives in braces; see `words.accepted`.
    speaker, language, label : str or None
        As in a manifest.
    recording : (N,) float32 in [-1, 1] or None
        What is wanted, at the rate of the bench.
    source : (N,) float32 in [-1, 1] or None
        What a model is to change, such as the noisy recording, at the same rate.
    """

    id: str
    text: str | None = None
    accepted: str | None = None
    speaker: str | None = None
    language: str | None = None
    label: str | None = None
    recording: np.ndarray | None = None
    source: np.ndarray | None = None

    @property
    def wanted(self) -> np.ndarray:
        """The recording.

        Raises
        ------
        InputError
            If there is none.
        """
        if self.recording is None:
            raise InputError(f"{self.id}: has no recording, which this needs")
        return self.recording


@dataclass(frozen=True)
class System:
    """A row of the tables.

    Attributes
    ----------
    name : str
        In the tables, and of its folder of sounds.
    kind : {"bound", "model", "beside"}
    make : callable
        Prompt → wave (N,) float in [-1, 1] and its rate in Hz.
    aligned : bool
        Whether what it makes runs side by side with the recording.
    timed : bool
        Whether the seconds of `make` are its own: not of a recording, nor of what does more than it would need.
    seconds : mapping of str to float, optional
        By id, where they were measured elsewhere.
    command : callable, optional
        (prompt, sound file of its source or recording, file to write) → the command that a user would run for it, whose
        memory is measured.
    """

    name: str
    kind: str
    make: Callable[[Prompt], tuple[np.ndarray, int]]
    aligned: bool = True
    timed: bool = True
    seconds: Mapping[str, float] | None = None
    command: Callable[[Prompt, Path, Path], list[str]] | None = None


@dataclass(frozen=True)
class Bench:
    """What a model is evaluated by.

    Attributes
    ----------
    task, name : str
    rate : int
        Hz, of the recordings that systems get and of all comparisons.
    systems : list of System
        Bounds first, the recording itself as the first of them.
    measures : tuple of str
        Of `measures.MEASURES`, in the order of the tables.
    section : callable, optional
        (rows of the manifest, folder of alignments or None, folder of the card) → more Markdown for the card, or None.
    """

    task: str
    name: str
    rate: int
    systems: list[System]
    measures: tuple[str, ...]
    section: Callable[[Sequence[Recording], Path | None, Path], str | None] | None = None


def recording(rate: int) -> System:
    """The upper bound."""
    return System(RECORDING, "bound", lambda prompt: (prompt.wanted, rate), timed=False)


def by_griffin_lim(spec: MelSpec) -> System:
    """The bound without any learned model: Griffin-Lim on the recording's mel."""
    log_mel = LogMel(spec)

    def make(prompt: Prompt) -> tuple[np.ndarray, int]:
        mel = log_mel(torch.from_numpy(prompt.wanted)[None])
        wave = griffin_lim(mel, spec, ITERATIONS)[0, : len(prompt.wanted)].numpy()
        return np.clip(wave, -1.0, 1.0), spec.sample_rate

    return System(GRIFFIN_LIM, "bound", make)


def from_folder(name: str, folder: Path, aligned: bool, seconds: Mapping[str, float] | None) -> System:
    """Another program's sounds, each under the id of its prompt."""

    def make(prompt: Prompt) -> tuple[np.ndarray, int]:
        for suffix in audio.FORMATS:
            path = folder / f"{prompt.id}{suffix}"
            if path.is_file():
                wave, rate = audio.read(path)
                return wave.mean(axis=0), rate
        raise InputError(
            f"{folder}: has no sound {prompt.id} ({', '.join(audio.FORMATS)}); it needs one for every prompt"
        )

    return System(name, "beside", make, aligned, seconds is not None, seconds)

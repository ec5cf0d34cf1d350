"""Sounds of some classes as training data: all classes equally often, all sounds brought to one length."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from vocoder.errors import InputError
from vocoder.signal.dataset import Recordings
from vocoder.signal.manifest import Recording
from vocoder.signal.mel import LogMel
from vocoder.signal.spec import MelSpec

ANY = "sound"
"""The class of all sounds when the manifest names none."""
LONGEST = 6.0
"""Seconds that sounds are cut to when no length is asked for."""
MULTIPLE = 16
"""Of which the number of frames is one, and at least two: the network halves it so often."""
FILLS = ("silence", "loop")


@dataclass
class SoundBatch:
    """Log-mels (B, M, T) of sounds and their classes (B,) int64."""

    mel: Tensor
    label: Tensor
    ids: list[str]
    seconds: float


class SoundSet:
    """Recordings with classes.

    Parameters
    ----------
    rows : sequence of Recording
    spec : MelSpec
    seconds : float or None
        Length of all sounds, rounded up to 16 frames; None for as long as three quarters of them, at most 6 s.
    fill : {"silence", "loop"}
        What follows a sound that is shorter; of a longer one, a random part is taken.
    classes : sequence of str, optional
        Those of the training set; the classes of the rows if None.
    memory_limit : float
        See `Recordings`.

    Attributes
    ----------
    classes : list of str
    labels : (R,) int64 array
    frames : int
        T.

    Raises
    ------
    InputError
        If some recordings have a class and some have none, a class is unknown or (without `classes`) has fewer than two
        recordings, or a value is outside its range.
    """

    def __init__(
        self,
        rows: Sequence[Recording],
        spec: MelSpec,
        seconds: float | None = None,
        fill: str = "silence",
        classes: Sequence[str] | None = None,
        memory_limit: float = 4e9,
    ) -> None:
        if fill not in FILLS:
            raise InputError(f"there is no filling {fill!r} for short sounds; there are {', '.join(FILLS)}")
        if seconds is not None and not seconds > 0:
            raise InputError(f"sounds of {seconds:g} s: must be above 0")
        self.spec, self.fill = spec, fill
        names = _classes(rows)
        self.classes = sorted(set(names)) if classes is None else list(classes)
        for name in self.classes if classes is None else ():
            if names.count(name) < 2:
                raise InputError(f"the class {name!r} has one recording, must have 2 or more; add some or leave it out")
        for row, name in zip(rows, names, strict=True):
            if name not in self.classes:
                raise InputError(f"{row.id}: the class {name!r} is not among those trained: {', '.join(self.classes)}")
        self.labels = np.array([self.classes.index(name) for name in names], dtype=np.int64)
        self.recordings = Recordings(rows, spec.sample_rate, memory_limit=memory_limit)
        if seconds is None:
            seconds = min(LONGEST, float(np.quantile(self.recordings.lengths, 0.75)) / spec.sample_rate)
        wanted = spec.frames(round(seconds * spec.sample_rate))
        self.frames = max(2, -(-wanted // MULTIPLE)) * MULTIPLE
        self._log_mel = LogMel(spec)

    def __len__(self) -> int:
        return len(self.recordings)

    def wave(self, index: int, place: float = 0.0) -> np.ndarray:
        """Samples of one sound, (T·hop,) float32; of a longer one the part at `place` in [0, 1] of what is left."""
        length, wanted = int(self.recordings.lengths[index]), self.frames * self.spec.hop
        if length >= wanted:
            return self.recordings.read(index, int(place * (length - wanted)), wanted)
        wave = self.recordings.read(index)
        return np.resize(wave, wanted) if self.fill == "loop" else np.pad(wave, (0, wanted - length))

    def mels(self, indices: Sequence[int], places: Sequence[float] | None = None) -> Tensor:
        """Log-mels (B, M, T)."""
        where = itertools.repeat(0.0) if places is None else places
        waves = np.stack([self.wave(index, place) for index, place in zip(indices, where)])  # noqa: B905  # endless
        return self._log_mel(torch.from_numpy(waves))

    def of_class(self, label: int) -> list[int]:
        """Recordings of a class."""
        return np.flatnonzero(self.labels == label).tolist()


class SoundBatches:
    """Endless batches; where they stand is one number. See `vocoder.engine.phases.Batches`.

    Parameters
    ----------
    sounds : SoundSet
    batch_size : int
        Sounds a step, on all processes together.
    seed : int
    rank, world : int
        This process gets sounds rank, rank + world, … of every batch.
    device : torch.device or str

    Raises
    ------
    InputError
        If the processes cannot share a batch equally.
    """

    def __init__(
        self,
        sounds: SoundSet,
        batch_size: int,
        seed: int,
        rank: int = 0,
        world: int = 1,
        device: torch.device | str = "cpu",
    ) -> None:
        if batch_size < 2 or batch_size % world:
            raise InputError(f"a batch of {batch_size}: must be at least 2, and a multiple of {world} processes")
        self.sounds, self.batch_size, self.seed, self.device = sounds, batch_size, seed, device
        self.rank, self.world, self.position = rank, world, 0
        self._members = [sounds.of_class(label) for label in range(len(sounds.classes))]

    def __iter__(self) -> Iterator[SoundBatch]:
        return self

    def __next__(self) -> SoundBatch:
        random = np.random.default_rng([self.seed, self.position])
        classes, first = len(self._members), self.position * self.batch_size
        # all classes in turn, in an order that changes
        labels = (random.permutation(self.batch_size) + first) % classes
        indices = [self._members[label][random.integers(len(self._members[label]))] for label in labels]
        places = random.random(self.batch_size)
        self.position += 1
        indices, places = indices[self.rank :: self.world], places[self.rank :: self.world].tolist()
        mel = self.sounds.mels(indices, places).to(self.device)
        label = torch.from_numpy(self.sounds.labels[indices]).to(self.device)
        ids = [self.sounds.recordings.ids[index] for index in indices]
        return SoundBatch(mel, label, ids, len(ids) * self.sounds.frames / self.sounds.spec.frame_rate)

    def state_dict(self) -> dict[str, int]:
        """Batches already given out, and how many recordings there are."""
        return {"position": self.position, "items": len(self.sounds)}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Go on where `state_dict` was taken; other recordings are an error."""
        if state["items"] != len(self.sounds):
            raise InputError(
                f"there are {len(self.sounds)} recordings, the run was started with {state['items']}; "
                "go on with the same, or start a new run"
            )
        self.position = state["position"]


def _classes(rows: Sequence[Recording]) -> list[str]:
    without = [row.id for row in rows if row.label is None]
    if without and len(without) < len(rows):
        raise InputError(f"{without[0]}: has no class (label), others have; all must have one, or none")
    return [row.label or ANY for row in rows]

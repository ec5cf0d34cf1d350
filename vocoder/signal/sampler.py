"""Which crops of which recordings make up the batches of a run, so that it can resume anywhere. No torch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from vocoder.errors import InputError


class CropSampler:
    """Endless shuffled crops; where it stands is two numbers, so that a run resumes in the middle of an epoch.

    In each epoch a recording appears ⌈length / crop⌉ times, each time from a start drawn uniformly. An epoch is a pure
    function of the seed and its number. The last, incomplete batch of an epoch is filled from the next one.

    Parameters
    ----------
    lengths : (R,) ints
        Samples of each recording.
    crop : int
        Samples of a crop.
    batch_size : int
        Crops in a step, on all processes together.
    seed : int
    rank, world : int
        This process gets items rank, rank + world, rank + 2·world, … of every batch.
    hop : int
        Samples; crops start at multiples of it, so that they hold whole frames. A recording's last frame may be
        incomplete: it counts, so the last crop may reach behind the end by less than a hop.

    Raises
    ------
    InputError
        If an epoch has fewer crops than a batch, the processes cannot share a batch equally, or a crop is not a whole
        number of hops.
    """

    def __init__(
        self,
        lengths: Sequence[int] | np.ndarray,
        crop: int,
        batch_size: int,
        seed: int,
        rank: int = 0,
        world: int = 1,
        hop: int = 1,
    ) -> None:
        self.lengths = np.asarray(lengths, dtype=np.int64)
        self.crop, self.batch_size, self.seed, self.rank, self.world, self.hop = (
            crop,
            batch_size,
            seed,
            rank,
            world,
            hop,
        )
        if crop < 1 or batch_size < 1:
            raise InputError(f"crops of {crop} samples in batches of {batch_size}: both must be at least 1")
        if crop % hop:
            raise InputError(f"a crop of {crop} samples does not hold whole frames, must be a multiple of {hop}")
        if batch_size % world:
            raise InputError(
                f"a batch of {batch_size} cannot be shared by {world} processes, must be a multiple of {world}"
            )
        self._counts = -(-self.lengths // crop)
        self.items = int(self._counts.sum())
        if self.items < batch_size:
            raise InputError(
                f"{len(self.lengths)} recordings give {self.items} crops of {crop} samples, fewer than the batch of "
                f"{batch_size}; take a batch of at most {self.items} or more recordings"
            )
        self.epoch = 0
        self.position = 0
        self._drawn: tuple[int, np.ndarray] | None = None

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        return self

    def __next__(self) -> list[tuple[int, int]]:
        """(recording, start sample) of the next batch_size / world crops of this process."""
        batch = self._epoch(self.epoch)[self.position : self.position + self.batch_size]
        self.position += self.batch_size
        if self.position >= self.items:
            self.epoch += 1
            self.position -= self.items
            batch = np.concatenate([batch, self._epoch(self.epoch)[: self.position]])
        return [(int(index), int(start)) for index, start in batch[self.rank :: self.world]]

    def _epoch(self, epoch: int) -> np.ndarray:
        """All items of an epoch in their order, (items, 2)."""
        if self._drawn is None or self._drawn[0] != epoch:
            random = np.random.default_rng([self.seed, epoch])
            index = random.permutation(np.repeat(np.arange(len(self.lengths)), self._counts))
            hops = -(-self.lengths[index] // self.hop)
            start = random.integers(0, np.maximum(hops - self.crop // self.hop, 0), endpoint=True)
            self._drawn = epoch, np.stack([index, start * self.hop], axis=1)
        return self._drawn[1]

    def state_dict(self) -> dict[str, int]:
        """Where the sampler stands: epoch, items already given out in it, items in an epoch."""
        return {"epoch": self.epoch, "position": self.position, "items": self.items}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Go on where `state_dict` was taken; other recordings or another crop are an error."""
        if state["items"] != self.items:
            raise InputError(
                f"the data give {self.items} crops an epoch, the run was started with {state['items']}; "
                "go on with the same recordings and crop, or start a new run"
            )
        self.epoch, self.position = state["epoch"], state["position"]

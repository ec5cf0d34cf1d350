"""Mixtures as batches of a training."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from specgan.mixing.mixtures import Mixer
from vocoder.errors import InputError


@dataclass
class MixtureBatch:
    """Noisy speech and what should become of it.

    Parameters
    ----------
    noisy, clean : (B, N) float32 tensors in [−1, 1]
    ids : list of str
        What was mixed.
    seconds : float
    """

    noisy: Tensor
    clean: Tensor
    ids: list[str]
    seconds: float


class Mixtures:
    """Endless batches; where they stand is one number. See `vocoder.engine.phases.Batches`.

    Parameters
    ----------
    mixer : Mixer
    batch_size : int
        Mixtures a step, on all processes together.
    rank, world : int
        This process gets mixtures rank, rank + world, … of every batch.
    device : torch.device or str

    Raises
    ------
    InputError
        If the processes cannot share a batch equally.
    """

    def __init__(
        self, mixer: Mixer, batch_size: int, rank: int = 0, world: int = 1, device: torch.device | str = "cpu"
    ) -> None:
        if batch_size < 1 or batch_size % world:
            raise InputError(f"a batch of {batch_size} cannot be shared by {world} processes, must be a multiple of it")
        self.mixer, self.batch_size, self.rank, self.world, self.device = mixer, batch_size, rank, world, device
        self.position = 0

    def __iter__(self) -> Iterator[MixtureBatch]:
        return self

    def __next__(self) -> MixtureBatch:
        first = self.position * self.batch_size
        made = [self.mixer(first + number) for number in range(self.rank, self.batch_size, self.world)]
        self.position += 1
        noisy, clean = (
            torch.from_numpy(np.stack(waves)).to(self.device) for waves in list(zip(*made, strict=True))[:2]
        )
        return MixtureBatch(noisy, clean, [mixture.name for mixture in made], noisy.numel() / self.mixer.rate)

    def state_dict(self) -> dict[str, int]:
        """Batches already given out, and how many recordings there are."""
        return {"position": self.position, "items": self._items}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Go on where `state_dict` was taken; other recordings are an error."""
        if state["items"] != self._items:
            raise InputError(
                f"there are {self._items} recordings of speech and noise, the run was started with {state['items']}; "
                "go on with the same, or start a new run"
            )
        self.position = state["position"]

    @property
    def _items(self) -> int:
        noise = self.mixer.noise
        return len(self.mixer.speech.rows) + (0 if noise is None else len(noise.rows))

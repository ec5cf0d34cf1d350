"""Recordings as training data: decoded once, cropped on the device, sampled so that a run can resume anywhere."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vocoder.errors import InputError
from vocoder.signal import audio
from vocoder.signal.manifest import Recording
from vocoder.signal.spec import MelSpec


@dataclass
class Batch:
    """Sound of several recordings.

    Parameters
    ----------
    wave : (B, N) float32 tensor
        Zero behind the end of a recording that is shorter than N.
    ids : list of str
        The recordings.
    seconds : float
        Seconds of sound in it, padding not counted.
    mask : (B, 1, T) bool tensor or None
        For whole utterances: true on the frames that have sound.
    """

    wave: Tensor
    ids: list[str]
    seconds: float
    mask: Tensor | None = None


class Recordings:
    """Mono recordings at one rate: decoded once into one long tensor if that fits, else read by seeking.

    Both ways give the same samples.

    Parameters
    ----------
    rows : sequence of Recording
    sample_rate : int
        Hz.
    memory_limit : float
        Bytes that the decoded sound (4 a sample) may take.

    Attributes
    ----------
    ids : list of str
    lengths, offsets : (R,) int64 arrays
        Samples of each recording and where it begins in `wave`.
    wave : (sum of lengths,) float32 tensor or None
        None if the recordings are read by seeking.

    Raises
    ------
    InputError
        If there is no row, a file cannot be read, a segment is not inside its file, or files that are
        not wav or flac at `sample_rate` would have to be read by seeking.
    """

    def __init__(self, rows: Sequence[Recording], sample_rate: int, *, memory_limit: float = 4e9) -> None:
        if not rows:
            raise InputError("there are no recordings, must be at least one")
        self.rows = list(rows)
        self.sample_rate = sample_rate
        self.ids = [row.id for row in rows]
        paths = sorted({row.audio for row in rows})
        with ThreadPoolExecutor(_threads()) as pool:
            found = dict(zip(paths, pool.map(audio.info, paths), strict=True))
        spans = [audio.span(row.audio, found[row.audio], row.start, row.duration) for row in rows]
        self.lengths = np.array(
            [
                audio.resampled_length(count, found[row.audio].rate, sample_rate)
                for row, (_, count) in zip(rows, spans, strict=True)
            ],
            dtype=np.int64,
        )
        for row, length in zip(rows, self.lengths, strict=True):
            if not length:
                raise InputError(f"{row.audio}: recording {row.id!r} is shorter than one sample at {sample_rate} Hz")
        self.offsets = np.concatenate([[0], np.cumsum(self.lengths)[:-1]])
        self._firsts = [first for first, _ in spans]
        size = 4 * int(self.lengths.sum())
        self.wave = self._decode() if size <= memory_limit else None
        if self.wave is None:
            self._require_seekable(found, size, memory_limit)

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def seconds(self) -> float:
        """Seconds of sound in all of them."""
        return int(self.lengths.sum()) / self.sample_rate

    def read(self, index: int, start: int = 0, count: int | None = None) -> np.ndarray:
        """Samples start to start + count (up to the end if None) of one recording, (count,) float32."""
        count = int(self.lengths[index]) - start if count is None else count
        if self.wave is not None:
            first = int(self.offsets[index]) + start
            return self.wave[first : first + count].numpy()
        first = self._firsts[index] + start
        return audio.read_mono(
            self.rows[index].audio,
            self.sample_rate,
            offset=first / self.sample_rate,
            duration=count / self.sample_rate,
        )

    def _decode(self) -> Tensor:
        wave = torch.empty(int(self.lengths.sum()), dtype=torch.float32)
        target = wave.numpy()

        def fill(index: int) -> None:
            row, first = self.rows[index], self.offsets[index]
            target[first : first + self.lengths[index]] = audio.read_mono(
                row.audio, self.sample_rate, offset=row.start, duration=row.duration
            )

        with ThreadPoolExecutor(_threads()) as pool:
            jobs = [pool.submit(fill, index) for index in range(len(self.rows))]
            try:
                for job in jobs:
                    job.result()
            finally:
                pool.shutdown(cancel_futures=True)
        return wave

    def _require_seekable(self, found: dict[Any, audio.Info], size: int, limit: float) -> None:
        """A segment of a resampled file is not that part of the whole; in ogg and mp3 no seek is exact."""
        for path, info in found.items():
            problem = f"has {info.rate} Hz" if info.rate != self.sample_rate else ""
            if path.suffix.lower() not in (".wav", ".flac"):
                problem = f"is {path.suffix}"
            if problem:
                raise InputError(
                    f"{path}: {problem}, but {size / 1e9:.3g} GB of sound are more than the memory limit of "
                    f"{limit / 1e9:.3g} GB, so it must be wav or flac at {self.sample_rate} Hz; run `specgan prepare`"
                )


def _threads() -> int:
    return min(8, os.cpu_count() or 1)


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

    Raises
    ------
    InputError
        If an epoch has fewer crops than a batch, or the processes cannot share a batch equally.
    """

    def __init__(
        self, lengths: Sequence[int] | np.ndarray, crop: int, batch_size: int, seed: int, rank: int = 0, world: int = 1
    ) -> None:
        self.lengths = np.asarray(lengths, dtype=np.int64)
        self.crop, self.batch_size, self.seed, self.rank, self.world = crop, batch_size, seed, rank, world
        if crop < 1 or batch_size < 1:
            raise InputError(f"crops of {crop} samples in batches of {batch_size}: both must be at least 1")
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
            start = random.integers(0, np.maximum(self.lengths[index] - self.crop, 0), endpoint=True)
            self._drawn = epoch, np.stack([index, start], axis=1)
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


class Crops:
    """Endless batches of crops, cut on the device.

    Parameters
    ----------
    recordings : Recordings
    sampler : CropSampler
        Its state is the state of these batches.
    device : torch device
    """

    def __init__(self, recordings: Recordings, sampler: CropSampler, device: torch.device | str = "cpu") -> None:
        self.recordings, self.sampler, self.device = recordings, sampler, torch.device(device)
        self._wave = None if recordings.wave is None else recordings.wave.to(self.device)
        self._ramp = torch.arange(sampler.crop, device=self.device)

    def __iter__(self) -> Iterator[Batch]:
        return self

    def __next__(self) -> Batch:
        items = np.array(next(self.sampler), dtype=np.int64).reshape(-1, 2)
        index, start = items[:, 0], items[:, 1]
        sound = np.minimum(self.recordings.lengths[index], self.sampler.crop)
        wave = self._read(index, start, sound) if self._wave is None else self._gather(self._wave, index, start, sound)
        return Batch(wave, [self.recordings.ids[i] for i in index], float(sound.sum()) / self.recordings.sample_rate)

    def state_dict(self) -> dict[str, int]:
        """Where the sampler stands."""
        return self.sampler.state_dict()

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Go on where `state_dict` was taken."""
        self.sampler.load_state_dict(state)

    def _gather(self, wave: Tensor, index: np.ndarray, start: np.ndarray, sound: np.ndarray) -> Tensor:
        where = torch.from_numpy(np.stack([self.recordings.offsets[index] + start, sound])).to(self.device)
        first, length = where[0, :, None], where[1, :, None]
        inside = (first + self._ramp).clamp_(max=len(wave) - 1)
        crops = wave.index_select(0, inside.view(-1)).view(inside.shape)  # three times faster than wave[inside]
        if (sound < self.sampler.crop).any():
            crops.masked_fill_(self._ramp >= length, 0.0)  # there lies the next recording
        return crops

    def _read(self, index: np.ndarray, start: np.ndarray, sound: np.ndarray) -> Tensor:
        crops = np.zeros((len(index), self.sampler.crop), np.float32)
        for target, i, first, count in zip(crops, index, start, sound, strict=True):
            target[:count] = self.recordings.read(int(i), int(first), int(count))
        return torch.from_numpy(crops).to(self.device)


def utterances(recordings: Recordings, spec: MelSpec, batch_size: int) -> Iterator[Batch]:
    """Whole recordings in the order of the manifest, the last batch as small as it comes.

    Yields
    ------
    Batch
        wave (B, T·hop) padded with zeros to the longest of the batch in whole hops, mask (B, 1, T).

    Raises
    ------
    InputError
        If the recordings have another sample rate than `spec`, or `batch_size` is below 1.
    """
    if recordings.sample_rate != spec.sample_rate:
        raise InputError(f"recordings at {recordings.sample_rate} Hz do not fit a mel at {spec.sample_rate} Hz")
    if batch_size < 1:
        raise InputError(f"batch_size is {batch_size}, must be at least 1")
    return _utterances(recordings, spec, batch_size)


def _utterances(recordings: Recordings, spec: MelSpec, batch_size: int) -> Iterator[Batch]:
    for first in range(0, len(recordings), batch_size):
        indices = range(first, min(first + batch_size, len(recordings)))
        lengths = [int(recordings.lengths[i]) for i in indices]
        frames = torch.tensor([spec.frames(length) for length in lengths])
        longest = int(frames.max())
        wave = torch.zeros(len(lengths), longest * spec.hop)
        for target, index, length in zip(wave, indices, lengths, strict=True):
            target[:length] = torch.from_numpy(recordings.read(index))
        mask = torch.arange(longest) < frames[:, None]
        yield Batch(wave, [recordings.ids[i] for i in indices], sum(lengths) / spec.sample_rate, mask[:, None])

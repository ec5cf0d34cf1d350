"""Recordings as training data: decoded once, cut into crops on the device, or given as whole utterances."""

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
from vocoder.signal.mels import Mels
from vocoder.signal.sampler import CropSampler
from vocoder.signal.spec import MelSpec

__all__ = ["Batch", "CropSampler", "Crops", "Recordings", "utterances"]


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
    mel : (B, bands, T) float32 tensor or None
        For given mels: frame k belongs to samples k·hop to (k + 1)·hop − 1 of `wave`; silence behind the end.
    """

    wave: Tensor
    ids: list[str]
    seconds: float
    mask: Tensor | None = None
    mel: Tensor | None = None


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


class Crops:
    """Endless batches of crops, cut on the device.

    Parameters
    ----------
    recordings : Recordings
    sampler : CropSampler
        Its state is the state of these batches.
    device : torch device
    mels : Mels, optional
        Given mels of the same recordings; the sampler must have their hop.
    """

    def __init__(
        self,
        recordings: Recordings,
        sampler: CropSampler,
        device: torch.device | str = "cpu",
        mels: Mels | None = None,
    ) -> None:
        if mels is not None and sampler.hop != mels.spec.hop:
            raise InputError(
                f"crops start at multiples of {sampler.hop}, the mels have a hop of {mels.spec.hop} samples"
            )
        self.recordings, self.sampler, self.mels, self.device = recordings, sampler, mels, torch.device(device)
        self._wave = None if recordings.wave is None else recordings.wave.to(self.device)
        self._frames = None if mels is None else mels.values.to(self.device)

    def __iter__(self) -> Iterator[Batch]:
        return self

    def __next__(self) -> Batch:
        items = np.array(next(self.sampler), dtype=np.int64).reshape(-1, 2)
        index, start = items[:, 0], items[:, 1]
        sound = np.minimum(self.recordings.lengths[index] - start, self.sampler.crop)
        if self._wave is None:
            wave = self._read(index, start, sound)
        else:
            wave = _gather(self._wave, self.recordings.offsets[index] + start, sound, self.sampler.crop, 0.0)
        ids = [self.recordings.ids[i] for i in index]
        return Batch(wave, ids, float(sound.sum()) / self.recordings.sample_rate, mel=self._mel(index, start))

    def state_dict(self) -> dict[str, int]:
        """Where the sampler stands."""
        return self.sampler.state_dict()

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Go on where `state_dict` was taken."""
        self.sampler.load_state_dict(state)

    def _mel(self, index: np.ndarray, start: np.ndarray) -> Tensor | None:
        if self.mels is None or self._frames is None:
            return None
        first, crop = start // self.sampler.hop, self.sampler.crop // self.sampler.hop
        sound = np.minimum(self.mels.frames[index] - first, crop)
        frames = _gather(self._frames, self.mels.offsets[index] + first, sound, crop, self.mels.silence)
        return frames.mT.contiguous()

    def _read(self, index: np.ndarray, start: np.ndarray, sound: np.ndarray) -> Tensor:
        crops = np.zeros((len(index), self.sampler.crop), np.float32)
        for target, i, first, count in zip(crops, index, start, sound, strict=True):
            target[:count] = self.recordings.read(int(i), int(first), int(count))
        return torch.from_numpy(crops).to(self.device)


def _gather(values: Tensor, first: np.ndarray, length: np.ndarray, size: int, fill: float) -> Tensor:
    """Rows first to first + size − 1 of `values` (N, …) for each of B crops, `fill` from `length` on: (B, size, …)."""
    where = torch.from_numpy(np.stack([first, length])).to(values.device)
    ramp = torch.arange(size, device=values.device)
    inside = (where[0, :, None] + ramp).clamp_(max=len(values) - 1)
    crops = values.index_select(0, inside.view(-1)).view(*inside.shape, *values.shape[1:])  # 3 × faster than [inside]
    if (length < size).any():
        crops[ramp >= where[1, :, None]] = fill  # there lies the next recording
    return crops


def utterances(recordings: Recordings, spec: MelSpec, batch_size: int, mels: Mels | None = None) -> Iterator[Batch]:
    """Whole recordings in the order of the manifest, the last batch as small as it comes.

    Yields
    ------
    Batch
        wave (B, T·hop) padded with zeros to the longest of the batch in whole hops, mask (B, 1, T), and
        mel (B, bands, T) if `mels` of these recordings are given.

    Raises
    ------
    InputError
        If the recordings have another sample rate than `spec`, or `batch_size` is below 1.
    """
    if recordings.sample_rate != spec.sample_rate:
        raise InputError(f"recordings at {recordings.sample_rate} Hz do not fit a mel at {spec.sample_rate} Hz")
    if batch_size < 1:
        raise InputError(f"batch_size is {batch_size}, must be at least 1")
    return _utterances(recordings, spec, batch_size, mels)


def _utterances(recordings: Recordings, spec: MelSpec, batch_size: int, mels: Mels | None) -> Iterator[Batch]:
    for first in range(0, len(recordings), batch_size):
        indices = np.arange(first, min(first + batch_size, len(recordings)))
        lengths = [int(recordings.lengths[i]) for i in indices]
        frames = torch.tensor([spec.frames(length) for length in lengths])
        longest = int(frames.max())
        wave = torch.zeros(len(lengths), longest * spec.hop)
        for target, index, length in zip(wave, indices, lengths, strict=True):
            target[:length] = torch.from_numpy(recordings.read(int(index)))
        mask = torch.arange(longest) < frames[:, None]
        batch = Batch(wave, [recordings.ids[i] for i in indices], sum(lengths) / spec.sample_rate, mask[:, None])
        if mels is not None:
            given = _gather(mels.values, mels.offsets[indices], mels.frames[indices], longest, mels.silence)
            batch.mel = given.mT.contiguous()
        yield batch

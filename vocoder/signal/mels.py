"""Mels that belong to recordings, frame by frame: what a generator drew, for a vocoder that learns to render it."""

from __future__ import annotations

import json
import math
import os
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch

from vocoder.errors import InputError
from vocoder.signal.spec import MelSpec

SPEC = "mels.json"
"""The file in a folder of mels that has the fields of their MelSpec."""


class Mels:
    """Log-mels of recordings, one `<id>.npy` each in a folder, one after another in memory.

    Frame k of a mel belongs to samples k·hop to (k + 1)·hop − 1 of its recording, so a mel has exactly
    `spec.frames(samples)` frames; one more or less means that it was drawn for another sound, and is refused rather
    than cut to fit. They are kept in float32: that is a third of what their waves take, and half precision would be
    off by up to 0.4 % of a magnitude.

    Parameters
    ----------
    folder : Path
        `<id>.npy`, float32 (bands, T), for every recording, and mels.json with the fields of their MelSpec.
    ids : sequence of str
        The recordings.
    lengths : (R,) ints
        Their samples, at the rate of `spec`.
    spec : MelSpec
        Of the vocoder.

    Attributes
    ----------
    frames, offsets : (R,) int64 arrays
        Frames of each recording and where it begins in `values`.
    values : (sum of frames, bands) float32 tensor
    silence : float
        The log-mel of silence, which is the logarithm of the floor.

    Raises
    ------
    InputError
        If a file is missing or damaged, holds anything but float32 (bands, T) of finite numbers with as many frames as
        its recording, the MelSpec is not `spec`, or two recordings share an id.
    """

    def __init__(self, folder: Path, ids: Sequence[str], lengths: Sequence[int] | np.ndarray, spec: MelSpec) -> None:
        self.spec = spec
        self.silence = math.log(spec.floor) if spec.log_base == "e" else math.log10(spec.floor)
        id, count = Counter(ids).most_common(1)[0]
        if count > 1:
            raise InputError(f"{folder}: {count} recordings have the id {id!r}, by which their mels are found; rename")
        read_spec(folder / SPEC).require(spec, str(folder), "the vocoder")
        self.frames = np.array([spec.frames(int(length)) for length in lengths], dtype=np.int64)
        self.offsets = np.concatenate([[0], np.cumsum(self.frames)[:-1]])
        self.values = torch.empty(int(self.frames.sum()), spec.bands)
        target = self.values.numpy()

        def read(index: int) -> np.ndarray:
            return read_mel(folder / f"{ids[index]}.npy", ids[index], int(lengths[index]), spec)

        with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
            for first, count, mel in zip(self.offsets, self.frames, pool.map(read, range(len(ids))), strict=True):
                target[first : first + count] = mel.T


def read_mel(path: Path, id: str, samples: int, spec: MelSpec) -> np.ndarray:
    """The mel (bands, T) of a recording of so many samples; errors as of `Mels`."""
    try:
        with path.open("rb") as file:
            mel = np.lib.format.read_array(file, allow_pickle=False)
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror or error}); every recording needs its mel, {id!r} as well"
        ) from error
    except (ValueError, EOFError, MemoryError) as error:
        raise InputError(f"{path}: cut short or not an array of numbers; write it with numpy.save again") from error
    if mel.dtype != np.float32 or mel.ndim != 2 or mel.shape[0] != spec.bands:
        raise InputError(f"{path}: holds {mel.dtype} {mel.shape}, must be float32 ({spec.bands}, frames)")
    frames = spec.frames(samples)
    if mel.shape[1] != frames:
        raise InputError(
            f"{path}: has {mel.shape[1]} frames, must have {frames}: recording {id!r} has {samples} samples, frame k "
            f"belongs to samples k·{spec.hop} to (k + 1)·{spec.hop} − 1; draw it with durations that add up to {frames}"
        )
    if not np.isfinite(mel).all():
        raise InputError(f"{path}: has values that are NaN or infinite; draw it again")
    return mel


def read_spec(path: Path) -> MelSpec:
    """The MelSpec in a file of its fields.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror or error}); the fields of the mels' MelSpec must stand there"
        ) from error
    except ValueError as error:
        raise InputError(f"{path}: not JSON ({error}), must have the fields of a MelSpec") from error
    if not isinstance(fields, dict):
        raise InputError(f"{path}: must be a JSON object with the fields of a MelSpec")
    return MelSpec.from_dict(fields, str(path))

"""What `specgan infer --audio` does: recordings in, the same recordings changed out. No torch, unless it is asked for.

Length, rate and channels stay; each channel is worked on by itself, twice read and never held as a whole.
"""

from __future__ import annotations

import functools
import glob
import itertools
import math
import os
import shutil
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

import specgan
from specgan.prepare import make_folder
from vocoder.errors import InputError
from vocoder.signal import audio

PIPE = "-"
OFFSET = 0.01
"""A mean of more of full scale than that, −40 dB, is warned of."""

_FULL = 1 - 2.0**-15  # the highest number that 16 bits have
_FLAT = 3  # samples in a row there are clipped: one or two are the top of a wave that fills the scale


class Changer(Protocol):
    """What changes recordings, such as `specgan.runtime.enhancer.Enhancer`."""

    @property
    def name(self) -> str:
        """Name of the model."""

    @property
    def shortest(self) -> float:
        """Seconds that a recording must have at least."""

    def at_rate(self, blocks: Iterable[np.ndarray], rate: int) -> Iterator[np.ndarray]:
        """Blocks (n,) of a wave at `rate` Hz → blocks of the changed wave, as many samples in all."""


class Job(NamedTuple):
    """A recording, and the file to write."""

    source: Path
    out: Path


class Done(NamedTuple):
    """Files written, and seconds of sound in them."""

    files: int
    seconds: float


def infer_audio(
    changer: Changer,
    verb: str,
    given: Sequence[str],
    out: str,
    progress: Callable[[Iterable[Any], int], Iterable[Any]] = lambda items, count: items,
) -> Done:
    """Change recordings.

    Parameters
    ----------
    changer : Changer
    verb : str
        What is done to them, for the metadata: "enhanced".
    given : sequence of str
        Recordings, folders and patterns, as `find_jobs` takes them; or "-" alone, the standard input.
    out : str
        File or folder; "-" is a wav on the standard output.
    progress : callable
        (items, how many) → the items, for a progress bar; an item is a second of sound.

    Returns
    -------
    Done

    Raises
    ------
    InputError
        If a recording cannot be used, which is looked for in all of them first, or something cannot be written. What
        was written before stays, whole.

    Warns
    -----
    UserWarning
        Of silence, of clipping, and of a constant offset (DC), which is taken off.
    """
    if PIPE not in given and out != PIPE:
        return _change(changer, verb, find_jobs(given, Path(out)), progress)
    if len(given) > 1 or Path(given[0]).is_dir():
        raise InputError("a pipe carries one recording; give a single one with --audio, or -o FOLDER")
    if out == PIPE and sys.stdout.isatty():
        raise InputError("-o - writes sound, and the standard output is a terminal; send it to a program or a file")
    # through files: a recording is read twice, and the header of a wav says its length
    with tempfile.TemporaryDirectory() as folder:
        received, made = Path(folder) / "received", Path(folder) / "made.wav"
        with _naming({str(received): "the standard input", str(made): "the standard output"}):
            if given[0] == PIPE:
                _receive(received)
            source = str(received) if given[0] == PIPE else given[0]
            done = _change(changer, verb, find_jobs([source], made if out == PIPE else Path(out)), progress)
        if out == PIPE:
            with made.open("rb") as file:
                shutil.copyfileobj(file, sys.stdout.buffer)
            sys.stdout.buffer.flush()
        return done


def _receive(path: Path) -> None:
    if sys.stdin.isatty():
        raise InputError("--audio - reads sound, and the standard input is a terminal; send a sound file to it")
    with path.open("wb") as file:
        shutil.copyfileobj(sys.stdin.buffer, file)


@contextmanager
def _naming(names: dict[str, str]) -> Iterator[None]:
    """Say other names in errors and warnings than those of the files that stand for them."""

    def said(message: object) -> str:
        return functools.reduce(lambda text, name: text.replace(name, names[name]), names, str(message))

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        try:
            yield
            failed = None
        except InputError as error:
            failed = error
    for warning in caught:
        if warning.category is UserWarning:
            warnings.warn(said(warning.message), stacklevel=1)
    if failed is not None:
        raise InputError(said(failed)) from failed


# -- which files ------------------------------------------------------------------------------------------------------


def find_jobs(given: Sequence[str], out: Path) -> list[Job]:
    """What is to be made of what.

    Parameters
    ----------
    given : sequence of str
        Files; folders, of which all sounds below are taken; patterns with *, ? or **.
    out : Path
        For one recording a file, whose suffix chooses the format, or a folder that is there. For several a folder: it
        gets files of the same names, below the same subfolders.

    Raises
    ------
    InputError
        If nothing is found, several would have to go into one file, or a recording would be written over.
    """
    found: dict[Path, Path] = {}  # recording → its name below the output folder
    for word in given:
        found |= _sounds(word, out)
    is_file = out.suffix.lower() in audio.FORMATS and not out.is_dir()
    plain = len(given) == 1 and list(found) == [Path(given[0])] and not out.is_dir()  # neither pattern nor folder
    if is_file and len(found) > 1:
        raise InputError(f"{out}: names one file for {len(found)} recordings; name a folder")
    if (is_file or plain) and not out.parent.is_dir():
        raise InputError(f"{out}: cannot be written, {out.parent} is not a folder; make it first")
    jobs = [Job(path, out if is_file or plain else out / name) for path, name in found.items()]
    sources = {path.resolve(): path for path in found}
    made: dict[Path, Path] = {}
    for source, path in jobs:
        if path.suffix.lower() not in audio.FORMATS:
            raise InputError(f"{path}: the name of a sound file must end in one of {', '.join(audio.FORMATS)}")
        place = path.resolve()
        if place in sources:
            raise InputError(f"{path}: would be written over the recording {sources[place]}; name another place")
        if place in made:
            raise InputError(f"{source}: would be written to {path}, where {made[place]} goes; name another folder")
        made[place] = source
    return jobs


def _sounds(word: str, out: Path) -> dict[Path, Path]:
    """Recordings that an argument names → their names below the output folder."""
    path, place = Path(word), out.resolve()
    if path.is_dir():
        made_before = place if path.resolve() in place.parents else None
        inside = {
            file: file.relative_to(path)
            for file in sorted(path.rglob("*"))
            if file.suffix.lower() in audio.FORMATS
            and file.is_file()
            and not file.name.startswith(".")
            and not (made_before and file.resolve().is_relative_to(made_before))
        }
        if not inside:
            raise InputError(f"{path}: holds no sound; name a folder with {', '.join(audio.FORMATS)} files")
        return inside
    if path.exists() or not glob.has_magic(word):
        return {path: Path(path.name)}
    matching = [Path(name) for name in sorted(glob.glob(word, recursive=True)) if os.path.isfile(name)]
    if not matching:
        raise InputError(f"{word}: no file is called like that; give the name or the pattern of recordings")
    fixed = Path(*itertools.takewhile(lambda part: not glob.has_magic(part), path.parts[:-1]))
    return {file: file.relative_to(fixed) for file in matching}


# -- what is done to them ---------------------------------------------------------------------------------------------


def _change(
    changer: Changer, verb: str, jobs: Sequence[Job], progress: Callable[[Iterable[Any], int], Iterable[Any]]
) -> Done:
    headers = [audio.info(job.source) for job in jobs]
    for job, found in zip(jobs, headers, strict=True):
        if found.samples < changer.shortest * found.rate:
            raise InputError(
                f"{job.source}: too short, {found.samples} samples ({1000 * found.samples / found.rate:.3g} ms); "
                f"must have at least {1000 * changer.shortest:.0f} ms"
            )
    work = (second for job, found in zip(jobs, headers, strict=True) for second in _made(changer, verb, job, found))
    for _ in progress(work, sum(math.ceil(found.samples / found.rate) for found in headers)):
        continue
    return Done(len(jobs), sum(found.samples / found.rate for found in headers))


def _made(changer: Changer, verb: str, job: Job, found: audio.Info) -> Iterator[int]:
    """Write a file, and count seconds while it comes about."""
    offsets = examine(job.source, found.channels)
    channels = [
        changer.at_rate(_without(offset, audio.blocks(job.source, channel)), found.rate)
        for channel, offset in enumerate(offsets)
    ]
    make_folder(job.out.parent)
    subtype = audio.sample_type(job.source, job.out)
    comment = f"{verb} by specgan {specgan.__version__} with the model {changer.name}"
    samples = second = 0
    with audio.writing(job.out, found.rate, channels=found.channels, subtype=subtype, comment=comment) as put:
        for pieces in zip(*channels, strict=True):
            put(np.stack(pieces))
            samples += len(pieces[0])
            yield from range(second, second := samples // found.rate)
    if samples % found.rate:
        yield second


def _without(offset: float, blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    return (block - np.float32(offset) for block in blocks)


def examine(path: Path, channels: int) -> list[float]:
    """Read a recording through and say what a user should know of it.

    Returns
    -------
    list of float
        The mean of each channel.

    Raises
    ------
    InputError
        If it has samples that are NaN or infinite, or cannot be decoded to its end.

    Warns
    -----
    UserWarning
        If it is silent or clipped, or has a constant offset.
    """
    offsets, peak, places = [], 0.0, 0
    for channel in range(channels):
        total, count, high = 0.0, 0, np.zeros(_FLAT, bool)
        for block in audio.blocks(path, channel):
            if not np.isfinite(block).all():
                raise InputError(f"{path}: has samples that are NaN or infinite; export it again")
            total, count = total + float(block.sum(dtype=np.float64)), count + len(block)
            loud = np.abs(block)
            peak = max(peak, float(loud.max()))
            # floats beyond 1 are not cut off, yet
            high = np.concatenate([high[-_FLAT:], (loud >= _FULL) & (loud <= 1)])
            flat = np.lib.stride_tricks.sliding_window_view(high, _FLAT).min(axis=1)
            places += int((flat[1:] & ~flat[:-1]).sum())
        offsets.append(total / count)
    worst = max(offsets, key=abs)
    if peak <= audio.SILENCE:
        warnings.warn(f"{path}: silent recording, no sample is above {audio.SILENCE:.1g} of full scale", stacklevel=2)
    if places:
        warnings.warn(f"{path}: clipped in {places} places; what was cut off there stays lost", stacklevel=2)
    if abs(worst) > OFFSET:
        warnings.warn(f"{path}: has a constant offset (DC) of {worst:+.2g} of full scale; taken off", stacklevel=2)
    return offsets

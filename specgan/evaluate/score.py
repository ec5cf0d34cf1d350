"""Score what systems made, an utterance at a time, on all processor cores."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

from specgan.evaluate.errors import NotMeasurable
from specgan.evaluate.measures import MEASURES
from specgan.evaluate.report import Row
from specgan.evaluate.sound import Sound
from specgan.evaluate.speaker import Speech, speech
from specgan.evaluate.take import Take

FEW = 8  # utterances: below, starting processes costs more than they save


class File(NamedTuple):
    """A sound file of a system; see `Take`."""

    path: Path
    aligned: bool
    seconds: float | None


@dataclass(frozen=True)
class Job:
    """One utterance: what systems made of it, by name.

    `reference` is the file of the recording, `measures` are names of `MEASURES`, `embedded` says whether speakers are
    compared; the rest as in `Take`.
    """

    id: str
    files: Mapping[str, File]
    reference: Path | None
    rate: int
    measures: tuple[str, ...]
    embedded: bool
    accepted: str | None
    language: str
    recogniser: Path | None
    speaker: str | None = None


class Outcome(NamedTuple):
    """By system: the row of the utterance, and its speech where there is any."""

    rows: dict[str, Row]
    speech: dict[str, Speech]


def score(job: Job) -> Outcome:
    """Compute the measures of one utterance."""
    reference = None if job.reference is None else Sound.read(job.reference, job.rate)
    found = Outcome({}, {})
    for system, file in job.files.items():
        sound = Sound.read(file.path, job.rate)
        take = Take(sound, reference, file.aligned, job.accepted, job.language, job.recogniser, file.seconds)
        found.rows[system] = row_of(job.id, take, job.measures)
        if job.embedded:
            try:
                found.speech[system] = speech(sound.wave, sound.rate)
            except NotMeasurable:  # it counts as none
                continue
    return found


def row_of(id: str, take: Take, measures: Iterable[str]) -> Row:
    """The measures of one take that can be computed from it alone."""
    row = Row(id, {})
    for name in measures:
        measure = MEASURES[name]
        apart = measure.aligned and not take.aligned  # waves that do not run side by side
        if measure.compute is None or apart or (measure.against and take.reference is None):
            row.values[name] = None
            continue
        try:
            value = measure.compute(take)
        except NotMeasurable as reason:
            row.values[name] = None
            if str(reason) != "not timed":
                row.left_out[name] = str(reason)
            continue
        row.values[name], weight = value if isinstance(value, tuple) else (value, 1.0)
        if isinstance(value, tuple):
            row.weights[name] = weight
        if measure.text:
            row.details["heard"] = take.heard
    return row


def score_all(
    jobs: Sequence[Job],
    progress: Callable[[Iterable[Any], int], Iterable[Any]] = lambda items, count: items,
) -> list[Outcome]:
    """Score all utterances, a process a core where there are enough of them.

    Raises
    ------
    InputError
        If a package is missing, or a sound cannot be read.
    """
    processes = min(
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1, len(jobs)
    )
    if len(jobs) < FEW or processes < 2:
        return list(progress(map(score, jobs), len(jobs)))
    # not by forking, which copies locks that other threads may hold
    with _one_thread(), ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        try:
            return list(progress(pool.map(score, jobs), len(jobs)))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


@contextmanager
def _one_thread() -> Iterator[None]:
    """What a child's libraries read when they start: each process has a core to itself."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value

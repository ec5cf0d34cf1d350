"""Recordings that stand there twice, in one set or in two: by id, by file and by sound. No torch."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import combinations

import numpy as np

from specgan.doctor.finding import Case, Finding, finding, percent
from specgan.doctor.measure import Measured

ALIKE = 0.97
"""Product of two fingerprints. The same recording at another level or rate, as mp3 or cut by some milliseconds has 0.98
and more; different recordings of speech in five corpora at most 0.78, of steady noises 0.95."""
LONGER = 0.02  # of the duration, by which the same recording may differ from itself
BLOCK = 2048  # recordings compared with all at once


def check_duplicates(measured: Sequence[Measured]) -> list[Finding]:
    """What is in a set twice, and what two sets share.

    Rows of two sets that share a file and a segment, or the sound, are the same recording; rows that share no more than
    their id are told apart from these.
    """
    pairs = same_sound(measured)
    within = [(i, j, how) for i, j, how in pairs if measured[i].set == measured[j].set]
    across = {(i, j): how for i, j, how in pairs if measured[i].set != measured[j].set}
    for i, j in _overlapping(measured):
        across[i, j] = "the same part of the same file"
    ids = _by(measured, lambda one: one.row.id)
    doubled = [_case(measured, j, i, how) for i, j, how in within]
    shared = [_case(measured, *pair, how) for (i, j), how in across.items() for pair in ((i, j), (j, i))]
    other = "another recording of the same id"
    renamed = [_case(measured, j, i, other) for i, j in ids if (i, j) not in across]
    return [
        *finding(
            "shared",
            f"{percent(len({(c.set, c.name) for c in shared}), len(measured))} stand in two sets",
            "Take them out of the training set: figures of a test on what was learned are worth nothing.",
            _unique(shared),
            serious=True,
        ),
        *finding(
            "shared ids",
            f"{len(renamed)} ids stand in two sets for different recordings",
            "Rename them: mels and alignments are found by id.",
            _unique(renamed),
            serious=True,
        ),
        *finding(
            "duplicates",
            f"{percent(len({(c.set, c.name) for c in doubled}), len(measured))} repeat another recording of their set",
            "Leave one of each pair out; the others weigh double.",
            _unique(doubled),
            serious=False,
            unusable=True,
        ),
    ]


def same_sound(measured: Sequence[Measured]) -> list[tuple[int, int, str]]:
    """Pairs of recordings, i < j, that have the same samples, or nearly the same sound."""
    exact = set(_by(measured, lambda one: one.digest or None))
    pairs = [(i, j, "the same samples") for i, j in sorted(exact)]
    known = [i for i, one in enumerate(measured) if one.spectrum is not None]
    if not known:
        return pairs
    prints = np.stack([one.spectrum.fingerprint for one in measured if one.spectrum is not None])
    seconds = np.array([measured[i].seconds for i in known])
    for first in range(0, len(known), BLOCK):
        alike = prints[first : first + BLOCK] @ prints.T
        for a, b in np.argwhere(alike >= ALIKE):
            i, j = first + int(a), int(b)
            if i < j and abs(seconds[i] - seconds[j]) <= LONGER * max(seconds[i], seconds[j]):
                pair = known[i], known[j]
                if pair not in exact:
                    pairs.append((*pair, f"nearly the same sound ({alike[a, b]:.3f})"))
    return pairs


def _by(measured: Sequence[Measured], key: Callable[[Measured], str | None]) -> list[tuple[int, int]]:
    """Pairs that share a key; of a group of n, each with the first."""
    found: dict[str, list[int]] = defaultdict(list)
    for index, one in enumerate(measured):
        value = key(one)
        if value is not None:
            found[value].append(index)
    return [(group[0], other) for group in found.values() for other in group[1:]]


def _overlapping(measured: Sequence[Measured]) -> Iterable[tuple[int, int]]:
    """Pairs of different sets whose segments of one file overlap."""
    files: dict[str, list[int]] = defaultdict(list)
    for index, one in enumerate(measured):
        files[os.path.realpath(one.row.audio)].append(index)
    for group in files.values():
        for i, j in combinations(group, 2):
            a, b = measured[i], measured[j]
            start = max(a.row.start, b.row.start)
            end = min(a.row.start + a.seconds, b.row.start + b.seconds)
            if a.set != b.set and (start < end or a.error or b.error):
                yield i, j


def _case(measured: Sequence[Measured], of: int, other: int, how: str) -> Case:
    one = measured[of]
    where = "" if measured[other].set == one.set else f" in {measured[other].set}"
    return Case(one.row.id, f"{how} as {measured[other].row.id}{where}", 0.0, one.set)


def _unique(cases: Iterable[Case]) -> list[Case]:
    """One case for each recording."""
    return list({(case.set, case.name): case for case in cases}.values())

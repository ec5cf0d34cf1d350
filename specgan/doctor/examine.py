"""All checks of manifests, one after another. No torch unless mels or an aligner are given."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from specgan.doctor.duplicates import check_duplicates
from specgan.doctor.finding import Finding
from specgan.doctor.measure import Measured, measure
from specgan.doctor.sound_checks import check_sound
from specgan.doctor.tempo import check_tempo, explained
from specgan.doctor.transcripts import check_fit, check_lengths, spoken
from vocoder.errors import InputError
from vocoder.signal.manifest import Recording, read_manifest

SETS = ("train", "validation", "test")
Progress = Callable[[Iterable[Any], int], Iterable[Any]]


@dataclass(frozen=True)
class Examined:
    """What was found in some manifests.

    Attributes
    ----------
    measured : list of Measured
    findings : list of Finding
        The serious ones first.
    """

    measured: list[Measured]
    findings: list[Finding]

    @property
    def unusable(self) -> set[tuple[str, str]]:
        """(set, id) of the recordings that had better be left out."""
        return {(case.set, case.name) for found in self.findings if found.unusable for case in found.cases}

    @property
    def serious(self) -> bool:
        """Whether anything serious was found."""
        return any(found.serious for found in self.findings)


def manifests_in(paths: Sequence[Path]) -> list[Path]:
    """Manifests as they are, and of folders their train, validation and test.jsonl.

    Raises
    ------
    InputError
        If a folder has none of these, or a manifest is named twice.
    """
    found: list[Path] = []
    for path in paths:
        inside = [path / f"{name}.jsonl" for name in SETS if (path / f"{name}.jsonl").is_file()]
        if path.is_dir() and not inside:
            raise InputError(
                f"{path}: has no {' or '.join(f'{name}.jsonl' for name in SETS)}; make one with `specgan prepare`"
            )
        found += inside or [path]
    for path in found:
        if found.count(path) > 1:
            raise InputError(f"{path}: is named twice")
    return found


def examine(
    paths: Sequence[Path],
    *,
    mels: Path | None = None,
    aligner: Path | None = None,
    progress: Progress = lambda items, count: items,
) -> Examined:
    """Check the recordings of some manifests, each by itself and beside each other.

    Parameters
    ----------
    paths : sequence of Path
        Manifests, or folders with train, validation and test.jsonl.
    mels : Path, optional
        Folder of given mels, as `specgan draw` writes it.
    aligner : Path, optional
        Run of an aligner, which judges transcripts instead of models that learn from the set.
    progress : callable
        (items, how many) → the items, for a progress bar.

    Raises
    ------
    InputError
        If a manifest, `mels` or `aligner` cannot be read.
    """
    rows = [(str(path), row) for path in manifests_in(paths) for row in read_manifest(path)]
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        results = pool.map(lambda item: _measure(item[0], item[1], aligner is None), rows)
        try:
            measured = list(progress(results, len(rows)))
        finally:
            pool.shutdown(cancel_futures=True)
    findings = check_sound(measured) + check_duplicates(measured)
    said, more = spoken(measured)
    tempo = check_tempo(said)
    rest = explained(said, tempo)
    findings += more + tempo + check_lengths(rest)
    if aligner is None:
        findings += check_fit(rest)
    else:
        from specgan.doctor.aligned import check_aligned

        findings += check_aligned(rest, aligner, progress)
    if mels is not None:
        from specgan.doctor.mels import check_mels

        findings += check_mels(measured, mels, progress)
    measured = [_without_arrays(one) for one in measured]
    return Examined(measured, sorted(findings, key=lambda found: not found.serious))


def _measure(set: str, row: Recording, cepstra: bool) -> Measured:
    return measure(set, row, cepstra=cepstra and bool(row.text and row.language))


def _without_arrays(one: Measured) -> Measured:
    if one.spectrum is None:
        return one
    nothing = np.zeros(0, np.float32)
    return dataclasses.replace(one, spectrum=dataclasses.replace(one.spectrum, fingerprint=nothing, cepstra=nothing))

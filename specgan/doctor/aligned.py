"""Transcripts judged by a trained aligner."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from specgan.doctor.finding import Case, Finding, finding, percent
from specgan.doctor.transcripts import Spoken
from specgan.text.alignments import FITS, align, read_aligner
from specgan.text.corpus import Corpus


def check_aligned(
    rows: Sequence[Spoken], run: Path, progress: Callable[[Iterable[Any], int], Iterable[Any]]
) -> list[Finding]:
    """What an aligner cannot align, or aligns no better than the same phones in another order (`FITS`).

    Raises
    ------
    InputError
        If `run` is no run of an aligner.
    """
    aligner, symbols, spec = read_aligner(run)
    if not rows:
        return []
    # by number, as two sets may have the same ids
    recordings = [dataclasses.replace(one.measured.row, id=str(number)) for number, one in enumerate(rows)]
    corpus = Corpus(recordings, spec, symbols)
    with tempfile.TemporaryDirectory() as folder:
        results = list(progress(align(corpus, aligner, Path(folder)), len(rows)))
    margins = [result for result in results if not isinstance(result, str)]
    if not margins or median(margins) < FITS:
        what = "the aligner cannot tell whether transcripts fit: of most it says that they do not"
        return [Finding("alignment", what, "Give one that was trained longer, or on this language and voice.", False)]
    cases = [_case(one, result) for one, result in zip(rows, results, strict=True) if _wrong(result)]
    what = f"{percent(len(cases), len(rows))} have a transcript that does not fit the sound, or cannot be aligned"
    advice = "Listen; correct the text or leave them out. `specgan align` leaves them out by itself."
    return finding("alignment", what, advice, cases, serious=True, unusable=True)


def _wrong(result: float | str) -> bool:
    return isinstance(result, str) or result < FITS


def _case(one: Spoken, result: float | str) -> Case:
    if isinstance(result, str):
        return one.case(result, float("inf"))
    text = (one.measured.row.text or "")[:50]
    return one.case(f"better than its phones in another order by {result:.1f}, must be {FITS}: {text!r}", -result)

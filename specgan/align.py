"""What `specgan align` does: train an aligner where none is given, align recordings, track their pitch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from specgan.prepare import make_folder
from specgan.tasks.alignment import AlignmentConfig, SpeechData
from specgan.text.alignments import FITS, LEFT_OUT, align, read_aligner, read_left_out, write_pitch
from specgan.text.corpus import Corpus
from specgan.train import rows_of, train_aligner
from vocoder.errors import InputError
from vocoder.signal.files import replacing
from vocoder.signal.manifest import Recording, write_manifest

Progress = Callable[[Iterable[Any], int], Iterable[Any]]

HELD_OUT = 20
"""One recording in so many is held out from an aligner that is trained here, to choose its checkpoint by."""


def align_manifests(
    manifests: Sequence[Path],
    folder: Path,
    *,
    model: Path | None = None,
    foreign: Path | None = None,
    progress: Progress = lambda items, count: items,
) -> tuple[int, list[str]]:
    """Write a TextGrid for each recording of some manifests, `pitch.safetensors` and `left_out.txt` (id, tab, reason).

    Left out is what cannot be aligned, and what has a transcript that does not fit. What the folder has of recordings
    in other manifests stays.

    Parameters
    ----------
    manifests : sequence of Path
        With texts and languages.
    folder : Path
        Of alignments; see `specgan.text.alignments`.
    model : Path, optional
        Run of an aligner. Without, one is trained on these recordings in `folder/aligner`.
    foreign : Path, optional
        TextGrids of another aligner, whose words set the limits.
    progress : callable
        (items, how many) → the items, for a progress bar.

    Returns
    -------
    int, list of str
        How many recordings were aligned, and why others were not.

    Raises
    ------
    InputError
        If a manifest cannot be read, or there is no recording that could be aligned.
    """
    rows = rows_of([str(path) for path in manifests], "the manifests")
    make_folder(folder)
    if model is None:
        model = folder / "aligner"
        if not _train(rows, model):
            raise InputError(f"{model}: stopped before it was trained; the same command goes on")
    aligner, symbols, spec = read_aligner(model)
    corpus = Corpus(rows, spec, symbols)
    results = list(progress(align(corpus, aligner, folder, foreign), len(corpus)))
    left_out = _left_out(rows, results)
    aligned = [index for index, row in enumerate(rows) if row.id not in left_out]
    if not aligned:
        raise InputError(f"{folder}: none of {len(rows)} recordings could be aligned; the first: {results[0]}")
    write_pitch(corpus, folder, progress(aligned, len(aligned)))
    ids = {row.id for row in rows}
    before = {id: why for id, why in read_left_out(folder).items() if id not in ids}
    with replacing(folder / LEFT_OUT) as temporary:
        lines = (f"{id}\t{why}\n" for id, why in (before | left_out).items())
        temporary.write_text("".join(lines), encoding="utf-8")
    return len(aligned), list(left_out.values())


def _left_out(rows: Sequence[Recording], results: Sequence[float | str]) -> dict[str, str]:
    """Which recordings `align` gave no alignment, or have a transcript that does not fit, and why.

    If most transcripts seem not to fit, the aligner has not learned enough to tell.
    """
    margins = [result for result in results if not isinstance(result, str)]
    tells = bool(margins) and median(margins) >= FITS
    reasons: dict[str, str] = {}
    for row, result in zip(rows, results, strict=True):
        if isinstance(result, str):
            reasons[row.id] = result
        elif tells and result < FITS:
            text = (row.text or "")[:40]
            beside = f"(better than its phones in another order by {result:.1f}, must be {FITS})"
            reasons[row.id] = f"{row.audio}: the transcript {text!r} does not fit the sound {beside}"
    return reasons


def _train(rows: Sequence[Recording], run: Path) -> bool:
    if len(rows) < 2:
        raise InputError(f"{len(rows)} recording: an aligner learns from many; give a trained one with --model")
    make_folder(run)
    held_out = rows[::HELD_OUT][: max(1, len(rows) // HELD_OUT)]
    kept = [row for row in rows if row not in held_out]
    write_manifest(run / "train.jsonl", kept)
    write_manifest(run / "validation.jsonl", held_out)
    data = SpeechData([str(run / "train.jsonl")], [str(run / "validation.jsonl")], min(16, len(kept)))
    return train_aligner(AlignmentConfig(data=data), run)

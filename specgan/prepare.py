"""A corpus, or any folder of sounds → manifests of training, validation and test. No torch."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import warnings
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from specgan.corpora.found import LeftOut, natural
from specgan.corpora.layouts import find
from vocoder.errors import InputError
from vocoder.signal import audio
from vocoder.signal.files import replacing
from vocoder.signal.manifest import Recording, write_manifest

SETS = ("train", "validation", "test")
SHORTEST = 0.1  # seconds; a shorter recording is a click rather than a sound to learn from
OVERSHOOT = 0.5  # seconds by which a segment may end after its file, as Kaldi's extract-segments allows
SHARE, MOST = 0.05, 100  # of the recordings that a set drawn at random gets, and how many at most
LARGE = 4  # recordings of a class that gives one to each drawn set


@dataclass
class Prepared:
    """What was made: recordings by set, their seconds, what was left out, and what was done to the sound."""

    sets: dict[str, list[Recording]]
    seconds: dict[str, float]
    left_out: list[LeftOut]
    converted: int = 0
    clipped: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Examined:
    row: Recording
    seconds: float = 0.0
    converted: bool = False
    clipped: bool = False


def prepare(
    folder: Path,
    out: Path,
    *,
    rate: int | None = None,
    validation: str | None = None,
    test: str | None = None,
    seed: int = 0,
    speaker: str | None = None,
    language: str | None = None,
    labels: bool = False,
    progress: Callable[[Iterable[object], int], Iterable[object]] = lambda items, count: items,
) -> Prepared:
    """Write `train.jsonl`, `validation.jsonl`, `test.jsonl` and `left_out.txt` (kind, tab, reason) into `out`.

    Every recording is decoded once, so what a manifest names can be read to its end.

    Parameters
    ----------
    folder : Path
        A corpus in a layout that `specgan.corpora.layouts.find` knows (LJSpeech, VCTK, Kaldi, Lhotse, a table, sounds
        with transcripts beside them), or any folder of wav, flac, ogg and mp3 files, nested as it likes; then a
        recording's id is its path without the suffix. In a corpus with transcripts, what has none is left out.
    out : Path
    rate : int, optional
        Hz. Recordings that are not wav or flac at this rate already are written to `out/sounds` as mono 16-bit flac.
    validation, test : str, optional
        Ids or ranges A..B in natural order (9 before 10), with commas between, or @FILE with one of these a line.
        A set without is drawn at random: one recording in twenty, at least 1, at most 100.
    seed : int
        Of that draw. It depends on nothing but the ids, and new recordings hardly change it.
    speaker, language : str, optional
        Written to every row, whatever the corpus says.
    labels : bool
        The subfolder that a recording lies in, the first below `folder`, is its class. A set that is drawn then gets
        one recording in twenty of every class, at least 1 of a class of 4 or more and 2 of one of 8 or more.
    progress : callable
        (items, how many) → the items, for a progress bar.

    Raises
    ------
    InputError
        If there are fewer than three usable recordings, a selection fits none, both selections share
        one, a recording lies in no subfolder that could be its class, or `out` cannot be written.
    """
    found = find(folder, out)
    rows, left_out = found.rows, found.left_out
    if not rows:
        why = f" that can be used ({count(left_out)} left out, the first: {left_out[0].reason})" if left_out else ""
        raise InputError(f"{folder}: holds no sound{why}; name a folder with {', '.join(audio.FORMATS)} files")
    rows = [dataclasses.replace(row, speaker=speaker or row.speaker, language=language or row.language) for row in rows]
    rows = [_labelled(row, folder) for row in rows] if labels else rows
    make_folder(out)
    examined: list[_Examined] = []
    with warnings.catch_warnings(), ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        warnings.simplefilter("ignore")  # silent recordings are counted below
        results = pool.map(lambda row: _examine(row, out, rate), rows)
        try:
            for result in progress(results, len(rows)):
                if isinstance(result, LeftOut):
                    left_out.append(result)
                elif isinstance(result, _Examined):
                    examined.append(result)
        finally:
            pool.shutdown(cancel_futures=True)
    kept = {result.row.id: result for result in examined}
    if len(kept) < len(SETS):
        why = f" ({count(left_out)} left out, the first: {left_out[0].reason})" if left_out else ""
        raise InputError(f"{folder}: {len(kept)} usable recordings{why}; three sets need at least 3")
    sets = _split([result.row for result in examined], validation, test, seed)
    for name in SETS:
        write_manifest(out / f"{name}.jsonl", sets[name])
    with replacing(out / "left_out.txt") as temporary:
        temporary.write_text("".join(f"{item.kind}\t{item.reason}\n" for item in left_out), encoding="utf-8")
    return Prepared(
        sets,
        {name: sum(kept[row.id].seconds for row in rows) for name, rows in sets.items()},
        left_out,
        sum(result.converted for result in examined),
        [result.row.id for result in examined if result.clipped],
    )


def _labelled(row: Recording, folder: Path) -> Recording:
    label, slash, _ = row.id.partition("/")
    if not slash:
        raise InputError(f"{row.audio}: lies in no subfolder of {folder}, which would be its class; move it into one")
    return dataclasses.replace(row, label=label)


def make_folder(path: Path) -> None:
    """Make an output folder and its parents.

    Raises
    ------
    InputError
        If it cannot be made or written.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{path}: cannot be made: {error.strerror}; name a folder that can be written") from error
    if not os.access(path, os.W_OK):
        raise InputError(f"{path}: cannot be written; name a folder that can be")


def count(left_out: Sequence[LeftOut]) -> str:
    """ "3 silent, 1 unreadable": how many of each kind, most first."""
    kinds = [item.kind for item in left_out]
    return ", ".join(f"{kinds.count(kind)} {kind}" for kind in sorted(set(kinds), key=lambda k: (-kinds.count(k), k)))


# -- what can be used -------------------------------------------------------------------------------------------------


def _examine(row: Recording, out: Path, rate: int | None) -> _Examined | LeftOut:
    """Decode a recording; write it at the rate if it has another or cannot be read by seeking."""
    try:
        found = audio.info(row.audio)
        over = 0.0 if row.duration is None else row.start + row.duration - found.samples / found.rate
        if 0 < over <= OVERSHOOT:
            row = dataclasses.replace(row, duration=None)
        wave = audio.read_mono(row.audio, found.rate, offset=row.start, duration=row.duration)
    except InputError as error:
        return LeftOut(row.id, "unreadable", str(error))
    seconds = len(wave) / found.rate
    name = str(row.audio) if not row.start else f"{row.audio} from {row.start:g} s"
    if np.abs(wave).max() <= audio.SILENCE:
        return LeftOut(row.id, "silent", f"{name}: silent")
    if seconds < SHORTEST:
        return LeftOut(row.id, "too short", f"{name}: has {seconds:.3g} s, fewer than {SHORTEST}")
    if rate is None or (found.rate == rate and row.audio.suffix.lower() in (".wav", ".flac")):
        return _Examined(row, seconds)
    wave = audio.resample(wave, found.rate, rate)
    clipped = bool(np.abs(wave).max() > 1)
    path = out / "sounds" / f"{row.id}.flac"
    make_folder(path.parent)
    audio.write(path, np.clip(wave, -1, 1), rate)
    return _Examined(dataclasses.replace(row, audio=path, start=0.0, duration=None), seconds, True, clipped)


# -- which set each belongs to ----------------------------------------------------------------------------------------


def _split(rows: list[Recording], validation: str | None, test: str | None, seed: int) -> dict[str, list[Recording]]:
    ids = [row.id for row in rows]
    chosen = {
        name: select(ids, words, f"--{name}")
        for name, words in (("validation", validation), ("test", test))
        if words is not None
    }
    if len(chosen) == 2 and (both := sorted(chosen["validation"] & chosen["test"], key=natural)):
        raise InputError(f"--validation and --test share {len(both)} recordings, {both[0]} among them")
    for name in ("validation", "test"):
        if name not in chosen:
            chosen[name] = _draw([row for row in rows if all(row.id not in taken for taken in chosen.values())], seed)
    sets = {name: [row for row in rows if row.id in chosen[name]] for name in ("validation", "test")}
    train = [row for row in rows if row.id not in chosen["validation"] | chosen["test"]]
    if not train:
        raise InputError("--validation and --test take all recordings; leave some for training")
    return {"train": train, **sets}


def _draw(rows: Sequence[Recording], seed: int) -> set[str]:
    """The ids with the lowest hashes: where one is added or removed, the others stay what they were."""

    def lowest(ids: Sequence[str], least: int) -> list[str]:
        many = min(MOST, max(least, round(SHARE * len(ids))))
        return sorted(ids, key=lambda id: hashlib.sha256(f"{seed}:{id}".encode()).hexdigest())[:many]

    by_class: dict[str | None, list[str]] = {}
    for row in rows:
        by_class.setdefault(row.label, []).append(row.id)
    large = [ids for ids in by_class.values() if len(ids) >= LARGE]  # of a few, training needs all
    # two of a class where it can spare them: how alike recordings are is the measure of what is to be like them
    least = 1 if None in by_class else 2
    return {
        id for ids in large or [[row.id for row in rows]] for id in lowest(ids, least if len(ids) >= 2 * LARGE else 1)
    }


def select(ids: Iterable[str], words: str, option: str) -> set[str]:
    """The ids that a selection names.

    Parameters
    ----------
    ids : iterable of str
    words : str
        See `prepare`.
    option : str
        What gave the selection, for messages.

    Raises
    ------
    InputError
        If a part of the selection fits no id.
    """
    if words.startswith("@"):
        try:
            parts = Path(words[1:]).read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{option}: {words[1:]} cannot be read as a list of ids, one a line") from error
    else:
        parts = words.split(",")
    known = list(ids)
    chosen: set[str] = set()
    for part in filter(None, map(str.strip, parts)):
        first, dots, last = part.partition("..")
        fitting = {id for id in known if natural(first) <= natural(id) <= natural(last)} if dots else {part} & {*known}
        if not fitting:
            raise InputError(f"{option}: no usable recording fits {part!r}; ids look like {known[0]!r}")
        chosen |= fitting
    if not chosen:
        raise InputError(f"{option}: names no recording; give ids or ranges A..B with commas between")
    return chosen

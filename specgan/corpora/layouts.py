"""Which layout a corpus has, by what lies in its folder. No torch."""

from __future__ import annotations

from pathlib import Path, PurePath

from specgan.corpora.folder import beside, vctk
from specgan.corpora.found import Found, LeftOut
from specgan.corpora.kaldi import kaldi
from specgan.corpora.lhotse import NAMES, lhotse
from specgan.corpora.tables import TABLES, ljspeech, tabbed
from vocoder.errors import InputError
from vocoder.signal.manifest import Recording


def find(folder: Path, out: Path) -> Found:
    """The recordings of a corpus.

    Parameters
    ----------
    folder : Path
        With `metadata.csv`: LJSpeech. With `wav48…/` and `txt/`: VCTK. With `wav.scp`: Kaldi. With `cuts.jsonl` or
        `cuts.jsonl.gz`: Lhotse. With `transcripts.tsv` or `metadata.tsv`: path, text and speaker. Otherwise all
        sounds in it and below, with the transcripts beside them.
    out : Path
        Sounds in `out/sounds` were made by an earlier run and are passed over.

    Raises
    ------
    InputError
        If it is no folder, or its tables are malformed.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: is not a folder; name one that holds sounds")
    found = _read(folder, out)
    rows: list[Recording] = []
    for row in found.rows:  # a converted recording is written to a file of this name
        if PurePath(row.id).is_absolute() or ".." in PurePath(row.id).parts:
            reason = f"{row.audio}: id {row.id!r} leads out of the folder; give it another"
            found.left_out.append(LeftOut(row.id, "with an id that leads elsewhere", reason))
        else:
            rows.append(row)
    return Found(rows, found.left_out)


def _read(folder: Path, out: Path) -> Found:
    if (folder / "metadata.csv").is_file():
        return ljspeech(folder)
    if (folder / "txt").is_dir() and any((folder / name).is_dir() for name in ("wav48_silence_trimmed", "wav48")):
        return vctk(folder)
    if (folder / "wav.scp").is_file():
        return kaldi(folder)
    for name in NAMES:
        if (folder / name).is_file():
            return lhotse(folder / name)
    for name in TABLES:
        if (folder / name).is_file():
            return tabbed(folder / name, out)
    return beside(folder, out)

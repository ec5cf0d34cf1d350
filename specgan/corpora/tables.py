"""Tables of transcripts: LJSpeech's metadata.csv, and path, text and speaker between tabs. No torch."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path

from specgan.corpora.found import Found, Transcript, joined, read_text, sound_files, with_speakers
from vocoder.errors import InputError
from vocoder.signal import audio
from vocoder.signal.manifest import Recording

TABLES = ("transcripts.tsv", "metadata.tsv")
HEADERS = (["path", "text"], ["path", "text", "speaker"])


def ljspeech(folder: Path) -> Found:
    """`metadata.csv` with `id|text|normalised text`, sounds in `wavs/`."""
    table = folder / "metadata.csv"
    files = sorted(path for path in (folder / "wavs").glob("*") if path.suffix.lower() in audio.FORMATS)
    texts: dict[str, Transcript] = {}
    for where, (id, *columns) in _rows(table, "|", "rows of id|text|normalised text are"):
        if not id or not columns:
            raise InputError(f"{where}: must be id|text or id|text|normalised text")
        if id in texts:
            raise InputError(f"{where}: id {id!r} stands in an earlier line already, must be unique")
        texts[id] = Transcript(columns[-1] or columns[0], where)
    if not texts:
        raise InputError(f"{table}: is empty; rows of id|text|normalised text are expected")
    sounds = {path.stem: Recording(path.stem, path) for path in files}
    return joined(sounds, texts, "not in metadata.csv", f" in {folder / 'wavs'}")


def tabbed(table: Path, out: Path) -> Found:
    """Lines of path, tab, text and, if there is one, tab, speaker; paths are relative to the table's folder.

    A first line of these names is a header. Without a speaker, the subfolder is one.
    """
    folder = table.parent
    found = sound_files(folder, out)
    sounds = {row.id: row for row in found.rows}
    known = {os.path.abspath(row.audio): row.id for row in found.rows}
    speakers: dict[str, str] = {}
    texts: dict[str, Transcript] = {}
    for where, cells in _rows(table, "\t", "lines of path, tab, text are"):
        if not texts and [cell.lower() for cell in cells] in HEADERS:
            continue
        if len(cells) not in (2, 3) or not cells[0]:
            raise InputError(f"{where}: must be path, tab, text or path, tab, text, tab, speaker")
        path = folder / cells[0]
        id = known.get(os.path.abspath(path), path.with_suffix("").name)
        if id in texts:
            raise InputError(f"{where}: {cells[0]} (id {id!r}) stands in an earlier line already, must be unique")
        if id not in sounds and path.is_file():  # outside the folder
            sounds[id] = Recording(id, path)
        texts[id] = Transcript(cells[1], where)
        if cells[2:] and cells[2]:
            speakers[id] = cells[2]
    if not texts:
        raise InputError(f"{table}: is empty; lines of path, tab, text are expected")
    result = joined(sounds, texts)
    rows = [dataclasses.replace(row, speaker=speakers.get(row.id)) for row in result.rows]
    return Found(with_speakers(rows), [*found.left_out, *result.left_out])


def _rows(table: Path, separator: str, expected: str) -> Iterator[tuple[str, list[str]]]:
    """file:line and the cells of each line that is not blank."""
    for number, line in enumerate(read_text(table, expected).splitlines(), 1):
        if line.strip():
            yield f"{table}:{number}", [cell.strip() for cell in line.split(separator)]

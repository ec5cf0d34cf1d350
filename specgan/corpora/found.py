"""What a reader of a corpus finds: recordings, and what it leaves out with the reason. No torch."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from vocoder.errors import InputError
from vocoder.signal import audio
from vocoder.signal.manifest import Recording

NO_SOUND, NO_TEXT, EMPTY = "without a sound file", "without a transcript", "with an empty transcript"


@dataclass(frozen=True)
class LeftOut:
    """A recording that stands in no manifest: `kind` to count by, `reason` in words with the file."""

    id: str
    kind: str
    reason: str


@dataclass
class Found:
    """The recordings of a corpus, and what was left out."""

    rows: list[Recording] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)


class Transcript(NamedTuple):
    """What is said, and where that stands: a file, or file:line."""

    words: str
    where: str


def joined(
    sounds: Mapping[str, Recording], transcripts: Mapping[str, Transcript], without: str = NO_TEXT, place: str = ""
) -> Found:
    """Recordings with their transcripts, both by id, in the order of the transcripts; all sounds if there are none.

    Parameters
    ----------
    sounds, transcripts : dict
    without : str
        The kind of a recording without a transcript.
    place : str
        Where sound files were looked for, for messages.
    """
    if not transcripts:
        return Found(list(sounds.values()))
    found = Found()
    for id, (words, where) in transcripts.items():
        text = " ".join(words.split())
        if id not in sounds:
            found.left_out.append(LeftOut(id, NO_SOUND, f"{where}: {id!r} has no sound file{place}"))
        elif not text:
            found.left_out.append(LeftOut(id, EMPTY, f"{where}: {id!r} has an empty transcript"))
        else:
            found.rows.append(dataclasses.replace(sounds[id], text=text))
    for id, row in sounds.items():
        if id not in transcripts:
            found.left_out.append(LeftOut(id, without, f"{row.audio}: {id!r} is {without}"))
    return found


def read_text(path: Path, expected: str) -> str:
    """A text file in UTF-8.

    Raises
    ------
    InputError
        If it cannot be read or is not UTF-8; the message says what was `expected`.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError:
        raise InputError(f"{path}: is not text in UTF-8; {expected} expected") from None


def sound_files(folder: Path, out: Path) -> Found:
    """All sound files below a folder, except hidden ones and those in `out/sounds`; id is the path without suffix."""
    made = (out / "sounds").absolute()
    rows: dict[str, Recording] = {}
    found = Found()
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        hidden = any(part.startswith(".") for part in inside.parts)
        if path.suffix.lower() not in audio.FORMATS or hidden or not path.is_file():
            continue
        if path.absolute().is_relative_to(made):
            continue
        id = inside.with_suffix("").as_posix()
        if id in rows:
            reason = f"{path}: has the name of {rows[id].audio.name} but for the suffix; rename one"
            found.left_out.append(LeftOut(id, "of a name already taken", reason))
        else:
            rows[id] = Recording(id, path)
    found.rows = [rows[id] for id in sorted(rows, key=natural)]
    return found


def with_speakers(rows: list[Recording]) -> list[Recording]:
    """Rows without a speaker get the name of the first subfolder in which they differ.

    In LibriTTS, speaker/chapter/speaker_chapter_…, below whatever folders, it is the first part of the name.
    """
    folders = [row.id.split("/")[:-1] for row in rows]
    common = 0
    while folders and all(len(parts) > common and parts[common] == folders[0][common] for parts in folders):
        common += 1
    result = []
    for row, parts in zip(rows, folders, strict=True):
        libri = len(parts) >= 2 and Path(row.id).name.startswith(f"{parts[-2]}_{parts[-1]}_")
        speaker = parts[-2] if libri else parts[common] if len(parts) > common else None
        result.append(row if row.speaker or not speaker else dataclasses.replace(row, speaker=speaker))
    return result


def natural(id: str) -> list[tuple[int, int, str]]:
    """A key that puts 9 before 10: digits compare as numbers, and before letters."""
    parts = re.split(r"([0-9]+)", id)  # every second one is a number
    return [(0, int(part), "") if index % 2 else (1, 0, part) for index, part in enumerate(parts) if part]

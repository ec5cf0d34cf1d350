"""Lhotse cut sets, `cuts.jsonl` or `cuts.jsonl.gz` (lhotse.readthedocs.io/en/latest/cuts.html). No torch, no lhotse."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from specgan.corpora.found import NO_SOUND, Found, LeftOut, Transcript, joined
from specgan.corpora.kaldi import located
from vocoder.errors import InputError
from vocoder.signal.manifest import Recording

NAMES = ("cuts.jsonl", "cuts.jsonl.gz")
SLACK = 0.1  # seconds by which a supervision may reach out of its cut
LANGUAGES = {  # many of Lhotse's recipes write a name
    "english": "en",
    "german": "de",
    "dutch": "nl",
    "russian": "ru",
    "chinese": "zh",
    "mandarin": "zh",
    "french": "fr",
    "spanish": "es",
    "italian": "it",
    "portuguese": "pt",
    "polish": "pl",
    "japanese": "ja",
}


def lhotse(path: Path) -> Found:
    """A recording for each supervision of a cut, and for each cut without one.

    Files are relative to the working directory, as in Lhotse, or to the folder of the set. Left out: cuts without a
    recording, mixed or padded, of one channel among several, or of a recording that is changed while it is read; and
    supervisions that reach out of their cut.

    Raises
    ------
    InputError
        If a line is not a cut, or its sound is not a file (a command is never run, nor an address fetched).
    """
    found = Found()
    sounds: dict[str, Recording] = {}
    texts: dict[str, Transcript] = {}
    for where, cut in _lines(path):
        try:
            _cut(cut, where, path.parent, found, sounds, texts)
        except InputError as error:
            raise InputError(f"{where}: {error}") from None
        except (KeyError, TypeError, AttributeError, ValueError, IndexError) as error:
            raise InputError(f"{where}: is not a cut of Lhotse ({type(error).__name__}: {error})") from None
    result = joined(sounds, texts)
    return Found(result.rows, [*found.left_out, *result.left_out])


def _cut(
    cut: dict[str, Any],
    where: str,
    folder: Path,
    found: Found,
    sounds: dict[str, Recording],
    texts: dict[str, Transcript],
) -> None:
    id = str(cut["id"])
    recording = cut.get("recording") or {}
    kind = ""
    if cut.get("type", "MonoCut") not in ("MonoCut", "MultiCut", "Cut"):
        kind = f"of type {cut['type']}"
    elif not recording:
        kind = NO_SOUND
    elif any(change.get("name") != "Resample" for change in recording.get("transforms") or []):
        kind = "changed while read"
    elif len(recording["sources"]) > 1 or _count(recording["sources"][0]["channels"]) > _count(cut.get("channel", 0)):
        kind = "in one channel of several"
    if kind:
        found.left_out.append(LeftOut(id, kind, f"{where}: cut {id!r} is {kind}"))
        return
    source = recording["sources"][0]
    if source["type"] != "file":
        raise InputError(f"the sound is of type {source['type']!r}, must be 'file': export the set with its sounds")
    sound = located(source["source"], folder)
    start, duration = float(cut["start"]), float(cut["duration"])
    supervisions = cut.get("supervisions") or [{}]
    for number, said in enumerate(supervisions):
        name = id if len(supervisions) == 1 else f"{id}-{number}"
        if name in sounds or name in texts:
            raise InputError(f"id {name!r} stands in an earlier line already, must be unique")
        begin = float(said.get("start", 0.0))
        end = begin + float(said.get("duration", duration))
        if begin < -SLACK or end > duration + SLACK:  # its text would be longer than its sound
            found.left_out.append(LeftOut(name, "cut through", f"{where}: {name!r} reaches out of its cut"))
            continue
        begin, end = max(begin, 0.0), min(end, duration)
        language = said.get("language")
        if said.get("text") is not None:
            texts[name] = Transcript(said["text"], where)
        if sound.is_file():
            sounds[name] = Recording(
                name,
                sound,
                round(start + begin, 6),
                round(end - begin, 6),
                speaker=said.get("speaker"),
                language=LANGUAGES.get(language.lower(), language) if language else None,
            )
        elif name not in texts:  # otherwise the transcript is listed
            found.left_out.append(LeftOut(name, NO_SOUND, f"{where}: no sound file {sound}"))


def _count(channels: int | list[int]) -> int:
    return len(channels) if isinstance(channels, list) else 1


def _lines(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    try:
        packed = path.read_bytes()
        lines = (gzip.decompress(packed) if path.suffix == ".gz" else packed).decode("utf-8").split("\n")
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise InputError(f"{path}: the cut set cannot be read: {error}") from error
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                cut = json.loads(line)
            except json.JSONDecodeError as error:
                raise InputError(f"{path}:{number}: is not JSON ({error.msg} at column {error.colno})") from None
            yield f"{path}:{number}", cut

"""Manifests: one JSON line a recording, validated on reading with the line in every error. No torch."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from vocoder.errors import InputError
from vocoder.signal.files import replacing


@dataclass(frozen=True)
class Recording:
    """One recording, or a segment of one.

    Parameters
    ----------
    id : str
        Unique in its manifest.
    audio : Path
        The sound file.
    start : float
        Seconds from the beginning of the file.
    duration : float or None
        Seconds; None is up to the end of the file.
    text, speaker, language, label : str or None
        What is said, who says it, in which language (ISO 639-1), or which class of sound it is.
    source : Path or None
        The sound that a model is to make this one of, such as the same speech in noise; a file of the same length.

    Raises
    ------
    InputError
        If `id` is empty, `start` negative or `duration` not above 0.
    """

    id: str
    audio: Path
    start: float = 0.0
    duration: float | None = None
    text: str | None = None
    speaker: str | None = None
    language: str | None = None
    label: str | None = None
    source: Path | None = None

    def __post_init__(self) -> None:
        if not self.id:
            raise InputError("id is empty, must be a unique name")
        if not (math.isfinite(self.start) and self.start >= 0):
            raise InputError(f"start is {self.start:g} s, must be 0 or more")
        if self.duration is not None and not (math.isfinite(self.duration) and self.duration > 0):
            raise InputError(f"duration is {self.duration:g} s, must be above 0")


_KEYS = tuple(field.name for field in fields(Recording))


def read_manifest(path: str | Path) -> list[Recording]:
    """Read and validate a manifest: a JSON object a line, the fields of `Recording` as keys.

    A relative `audio` or `source` is taken from the manifest's own folder. Blank lines are passed over.

    Raises
    ------
    InputError
        Beginning with `path:line:`, for invalid JSON, an unknown key, a missing id or audio, a value of the wrong
        type, a negative time, a duration that is not above 0, a duplicate id (with both lines) or a missing
        sound file; also if there is no row at all.
    """
    path = Path(path)
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise InputError(f"{path}: the manifest cannot be read: {error.strerror or error}") from error
    rows: list[Recording] = []
    seen: dict[str, int] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = _parse(line, path.parent)
            if row.id in seen:
                raise InputError(f"id {row.id!r} stands in line {seen[row.id]} already, must be unique")
        except InputError as error:
            raise InputError(f"{path}:{number}: {error}") from None
        seen[row.id] = number
        rows.append(row)
    if not rows:
        raise InputError(f"{path}:1: the manifest is empty, must have a row for each recording")
    return rows


def _parse(line: bytes, folder: Path) -> Recording:
    try:
        row = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError:
        raise InputError("not UTF-8 text") from None
    except json.JSONDecodeError as error:
        raise InputError(f"not JSON ({error.msg} at column {error.colno}), must be one object a line") from None
    if not isinstance(row, dict):
        raise InputError(f'a JSON {type(row).__name__}, must be an object like {{"id": …, "audio": …}}')
    if unknown := sorted(row.keys() - set(_KEYS)):
        raise InputError(f"unknown key {', '.join(map(repr, unknown))}, must be one of {', '.join(_KEYS)}")
    for key in ("id", "audio"):
        if key not in row:
            raise InputError(f"no {key!r}, every row must have one")
    values: dict[str, Any] = {}
    for key, value in row.items():
        if value is None and key not in ("id", "audio", "start"):
            continue
        if key in ("start", "duration"):
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                raise InputError(f"{key} is {json.dumps(value)}, must be a number of seconds")
            values[key] = float(value)
        elif not isinstance(value, str):
            raise InputError(f"{key} is {json.dumps(value)}, must be a text in quotation marks")
        else:
            values[key] = value
    for key in ("audio", "source"):
        if key in values:
            values[key] = folder / values[key]
            if not values[key].is_file():
                raise InputError(f"no sound file {values[key]}")
    return Recording(**values)


def write_manifest(path: str | Path, rows: Iterable[Recording]) -> None:
    """Write a manifest, whole or not at all; sound files inside its folder are named relative to it.

    Raises
    ------
    InputError
        If there is no row, an id appears twice, or the file cannot be written.
    """
    path = Path(path)
    folder = os.path.abspath(path.parent)
    lines: list[str] = []
    seen: dict[str, int] = {}
    for number, row in enumerate(rows, 1):
        if row.id in seen:
            raise InputError(f"{path}:{number}: id {row.id!r} stands in line {seen[row.id]} already, must be unique")
        seen[row.id] = number
        values = {key: getattr(row, key) for key in _KEYS}
        for key in ("audio", "source"):
            if values[key] is not None:
                sound = Path(os.path.abspath(values[key]))
                values[key] = (sound.relative_to(folder) if sound.is_relative_to(folder) else sound).as_posix()
        kept = {key: value for key, value in values.items() if value is not None and (key, value) != ("start", 0.0)}
        lines.append(json.dumps(kept, ensure_ascii=False) + "\n")
    if not lines:
        raise InputError(f"{path}:1: the manifest would be empty, must have a row for each recording")
    with replacing(path) as temporary:
        temporary.write_text("".join(lines), encoding="utf-8")

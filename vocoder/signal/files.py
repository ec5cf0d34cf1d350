"""Nothing half-written: a file appears under its name only when it is whole. No torch."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vocoder.errors import InputError


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary name beside `path`; on success it is flushed to the disk and takes the place of `path`.

    Whatever goes wrong, what stood at `path` before stays whole and the temporary file is removed.

    Raises
    ------
    InputError
        If `path` cannot be written: no such folder, no permission, no space.
    """
    if not path.parent.is_dir():
        raise InputError(f"{path}: cannot be written, {path.parent} is not a folder; make it first")
    if path.is_dir():
        raise InputError(f"{path}: cannot be written, it is a folder; give the name of a file")
    temporary = path.parent / f".{uuid.uuid4().hex}.tmp"
    try:
        yield temporary
        with open(temporary, "rb+") as written:
            os.fsync(written.fileno())
        temporary.replace(path)
    except OSError as error:
        raise InputError(
            f"{path}: cannot be written: {error.strerror or error}; free or choose another place"
        ) from error
    finally:
        temporary.unlink(missing_ok=True)

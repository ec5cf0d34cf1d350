"""Safetensors files without torch: their facts, and whether their numbers are finite."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from vocoder.errors import InputError

TYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2"}  # whole numbers are always finite
BF16 = "BF16"


def read_header(path: Path) -> tuple[dict[str, Any], int]:
    """Name → {dtype, shape, data_offsets} of a safetensors file, with `__metadata__`, and where its data begins.

    Raises
    ------
    InputError
        If it cannot be read or is cut short.
    """
    try:
        with path.open("rb") as file:
            start = file.read(8)
            size = int.from_bytes(start, "little")
            text = file.read(size) if len(start) == 8 and size <= path.stat().st_size else b""
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    try:
        header = json.loads(text)
        ends = [entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: is no safetensors file, or damaged; copy or save it again") from error
    if 8 + size + max(ends, default=0) > path.stat().st_size:
        raise InputError(f"{path}: is cut short; copy or save it again")
    return header, 8 + size


def broken_tensors(path: Path) -> list[str]:
    """Names of the tensors with values that are NaN or infinite.

    Raises
    ------
    InputError
        As `read_header`.
    """
    header, start = read_header(path)
    found = []
    for name, entry in header.items():
        if name == "__metadata__" or entry.get("dtype") not in (*TYPES, BF16) or not math.prod(entry["shape"]):
            continue
        kind = TYPES.get(entry["dtype"], "<u2")
        values = np.memmap(path, kind, "r", start + entry["data_offsets"][0], (math.prod(entry["shape"]),))
        # in bfloat16, as in float32, an exponent of ones is infinite or no number
        finite = (values & 0x7F80) != 0x7F80 if entry["dtype"] == BF16 else np.isfinite(values)
        if not finite.all():
            found.append(name)
    return found

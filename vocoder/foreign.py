"""Reading what strangers published: checkpoints and JSON, without running anything that is in them."""

from __future__ import annotations

import json
import pickle
import re
import warnings
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch

from vocoder.errors import InputError

LARGEST = 2**16
"""No size in a published configuration comes near it; beyond it a typing error would ask for terabytes."""


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint of torch (zipped or of before 1.6) or of safetensors onto the CPU.

    Only tensors, numbers, strings and containers of these are read. A pickle that refers to
    anything else is refused before any of it runs.

    Parameters
    ----------
    path : Path
        What it is, is recognised by its content: published files often have no suffix.

    Returns
    -------
    dict
        As it was saved.

    Raises
    ------
    InputError
        If the file cannot be opened, is empty, cut short, no checkpoint, or could run code.
    """
    try:
        with path.open("rb") as file:
            head = file.read(9)
            if not head:
                raise InputError(f"{path}: the file is empty; a checkpoint was expected")
            file.seek(0)
            # safetensors: eight bytes of header length, then JSON
            content = _read_safetensors(path) if head[8:] == b"{" else _read_torch(file, path)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from None
    if not isinstance(content, dict):
        raise InputError(f"{path}: holds a {type(content).__name__}; a checkpoint is a dictionary of tensors")
    return content


def _read_safetensors(path: Path) -> dict[str, torch.Tensor]:
    try:
        return safetensors.torch.load_file(path)
    except safetensors.SafetensorError as error:
        raise InputError(f"{path}: not a whole safetensors file: {_one_line(error)}") from None


def _read_torch(file: Any, path: Path) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # on pickle protocols and TorchScript; the error says what matters
            return torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file makes torch raise nearly anything, KeyError and OSError included
        refused = re.search(r"GLOBAL (\S+)", str(error)) if isinstance(error, pickle.UnpicklingError) else None
        if refused:
            raise InputError(
                f"{path}: refused unread, because its pickle calls for {refused[1]}, which could run code; "
                "save only tensors in it, or use safetensors"
            ) from None
        if "TorchScript" in str(error):
            raise InputError(
                f"{path}: a TorchScript program, refused unread; a checkpoint of tensors was expected"
            ) from None
        raise InputError(
            f"{path}: cut short, or not a checkpoint of torch or safetensors; fetch it again or name another file"
        ) from None


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises
    ------
    InputError
        If the file cannot be opened, is not valid JSON, or is not an object.
    """
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not valid JSON: {_one_line(error)}") from None
    if not isinstance(fields, dict):
        raise InputError(
            f"{path}: holds a JSON {type(fields).__name__}; an object with the model's fields was expected"
        )
    return fields


def field(fields: dict[str, Any], name: str, where: str) -> Any:
    """The value of that name; a missing one is an error."""
    if name not in fields:
        raise InputError(f"{where}: lacks {name}")
    return fields[name]


def integer(value: Any, name: str, where: str) -> int:
    """`value` if it is an integer from 1 to 65 536, and neither a boolean nor a float."""
    if type(value) is not int or not 1 <= value <= LARGEST:
        raise InputError(f"{where}: {name} is {value!r}, must be an integer from 1 to {LARGEST}")
    return value


def integers(value: Any, name: str, where: str) -> tuple[int, ...]:
    """`value` as a tuple if it is a list, not empty, of such integers."""
    if not isinstance(value, list) or not value:
        raise InputError(f"{where}: {name} is {value!r}, must be a list of integers")
    return tuple(integer(item, f"{name}[{index}]", where) for index, item in enumerate(value))


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200]

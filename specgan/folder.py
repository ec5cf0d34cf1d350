"""A model folder on disk: config.json, the card, ONNX files, weights for fine-tuning; as a whole or not at all."""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor

from vocoder.engine.checkpoint import save_tensors, write_file
from vocoder.engine.files import sync_folder
from vocoder.errors import InputError


class Weights(NamedTuple):
    """A state dictionary, and what the file says of it."""

    tensors: Mapping[str, Tensor]
    facts: Mapping[str, Any] | None = None


def refuse_existing(out: Path) -> None:
    """Raise InputError if there is something at `out`: before long work, and nothing is ever written over."""
    if out.exists():
        raise InputError(f"{out}: is there already; name a new folder")


def write_folder(
    out: Path,
    config: Mapping[str, Any],
    graphs: Mapping[str, bytes],
    card: str,
    weights: Mapping[str, Weights] | None = None,
) -> None:
    """Write a model folder.

    Parameters
    ----------
    out : Path
        Must not exist.
    config : mapping
        config.json; see `specgan.runtime.model`.
    graphs : mapping of str to bytes
        Function → the content of its ONNX file.
    card : str
        README.md: what the model is, what it was trained on, under which licence, how good it is.
    weights : mapping of str to Weights, optional
        Name of each safetensors file → what it holds.

    Raises
    ------
    InputError
        If `out` exists or cannot be written.
    """
    refuse_existing(out)
    temporary = out.parent / f".{uuid.uuid4().hex}.tmp"
    try:
        temporary.mkdir(parents=True)
        for name, content in graphs.items():
            write_file(temporary / f"{name}.onnx", content)
        for name, (tensors, facts) in (weights or {}).items():
            save_tensors(temporary / f"{name}.safetensors", tensors, facts)
        write_file(temporary / "README.md", card.encode())
        write_file(temporary / "config.json", (json.dumps(config, indent=1, ensure_ascii=False) + "\n").encode())
        sync_folder(temporary)
        os.rename(temporary, out)
        sync_folder(out.parent)
    except OSError as error:
        raise InputError(f"{out}: cannot be written: {error.strerror or error}") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)

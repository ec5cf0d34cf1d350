"""What the scripts share that let other systems do the work of a model, for `specgan evaluate --beside`."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np

from specgan.prepare import make_folder
from vocoder.signal import audio
from vocoder.signal.files import replacing

Item = TypeVar("Item")


def written(items: dict[str, Item], make: Callable[[Item], tuple[np.ndarray, int]], folder: Path) -> Path:
    """Write what a system makes of each item, and seconds.json with what each took, warm.

    Parameters
    ----------
    items : dict
        By id, which is the name of the file.
    make : function
        Item → wave (N,) and its rate in Hz.
    folder : Path

    Returns
    -------
    Path
        The folder.
    """
    seconds = {}
    make(next(iter(items.values())))  # what is loaded at first use is loaded then
    for name, item in items.items():
        began = time.perf_counter()
        wave, rate = make(item)
        seconds[name] = time.perf_counter() - began
        path = folder / f"{name}.wav"
        make_folder(path.parent)
        audio.write(path, wave, rate)
    with replacing(folder / "seconds.json") as temporary:
        temporary.write_text(json.dumps(seconds, indent=1) + "\n", encoding="utf-8")
    return folder

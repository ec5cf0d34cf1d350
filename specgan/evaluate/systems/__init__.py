"""What stands in a table, task by task: the model and its bounds. One file a task, and its line in `TASKS`.

A file of this package has a function `open_model(folder: Path) -> Bench`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path

from specgan.evaluate.systems.base import Bench
from specgan.runtime.model import read_config
from specgan.zoo import find
from vocoder.errors import InputError

TASKS = {
    "vocoder": "specgan.evaluate.systems.vocoder",
    "tts": "specgan.evaluate.systems.tts",
    "generation": "specgan.evaluate.systems.generation",
    "enhancement": "specgan.evaluate.systems.enhancement",
    "conversion": "specgan.evaluate.systems.conversion",
}
"""By the task that a model's config.json names."""


def is_model(folder: Path) -> bool:
    """Whether a folder is a packed model or a run, not a folder of sounds."""
    return (folder / "config.json").is_file() or (folder / "checkpoints").is_dir()


def task_of_model(folder: Path) -> str:
    """The task of a model folder, or of a run, whose config names none where it is of a vocoder.

    Raises
    ------
    InputError
        If it is neither.
    """
    if not (folder / "checkpoints").is_dir():
        return str(read_config(folder)["task"])
    from specgan.train import task_of

    return task_of(folder / "config.yaml") or "vocoder"


def open_bench(model: str | Path) -> Bench:
    """The systems of a model: a shipped one by its name, a model folder, or a run.

    Raises
    ------
    InputError
        If there is no such model, or models of its task are not evaluated.
    """
    folder = find(model)
    task = task_of_model(folder)
    if task not in TASKS:
        raise InputError(f"{folder}: is for the task {task}; what can be evaluated is {', '.join(TASKS)}")
    open_model: Callable[[Path], Bench] = importlib.import_module(TASKS[task]).open_model
    return open_model(folder)

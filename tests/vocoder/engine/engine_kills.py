"""Kill runs by SIGKILL at many points, go on with them, and print whether they end where an unharmed run ends.

    python engine_kills.py FOLDER

A process of its own, because its children are forks: they spare the import of torch for each of the runs.
"""

from __future__ import annotations

import dataclasses
import os
import random
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import torch
import torch.utils.tensorboard  # loaded once here instead of in every child
from engine_toy import CONFIG, ToyTask, digest, train

from vocoder.engine import checkpoint


def die(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def at_step(step: int) -> Callable[[], None]:
    """Die in the middle of a step."""

    def arm() -> None:
        count = iter(range(1_000_000))
        original = ToyTask.generator_losses

        def losses(self: ToyTask, batch: object) -> object:
            return die() if next(count) == step else original(self, batch)  # call 0 is the dry run

        ToyTask.generator_losses = losses

    return arm


def at_write(number: int) -> Callable[[], None]:
    """Die with half of the given file of a save on the disk."""

    def arm() -> None:
        count = iter(range(1_000_000))
        original = checkpoint.write_file

        def write(path: Path, data: bytes) -> None:
            if next(count) == number:
                path.write_bytes(data[: len(data) // 2])
                die()
            original(path, data)

        checkpoint.write_file = write

    return arm


def at_rename(number: int, *, after: bool) -> Callable[[], None]:
    """Die just before or after a folder gets its name: saved checkpoints and, when pruning, doomed ones."""

    def arm() -> None:
        count = iter(range(1_000_000))
        original = os.replace

        def replace(source: Path, target: Path) -> None:
            hit = next(count) == number
            if hit and not after:
                die()
            original(source, target)
            if hit:
                die()

        os.replace = replace

    return arm


def child(folder: Path, precision: str, arm: Callable[[], None] | None) -> int:
    """Run the training in a fork; its exit status."""
    pid = os.fork()
    if pid == 0:
        if arm is not None:
            arm()
        train(folder, dataclasses.replace(CONFIG, precision=precision))
        os._exit(0)
    return os.waitpid(pid, 0)[1]


def main(root: Path) -> None:
    torch.set_num_threads(1)
    torch.optim.AdamW([torch.zeros(1)])  # likewise: imports a great deal
    rng = random.Random(11)
    kills = {
        "float32": [at_step(rng.randrange(1, CONFIG.steps)), at_write(3)],
        "bf16": [
            at_step(rng.randrange(1, CONFIG.steps)),
            *(at_write(number) for number in (0, 6, 13)),  # first and last file of a save, one of the next save
            *(at_rename(number, after=after) for number in (0, 3) for after in (False, True)),
        ],
    }
    for precision, points in kills.items():
        assert child(root / precision, precision, None) == 0
        unharmed = digest(root / precision / "checkpoints" / f"step-{CONFIG.steps:08d}")
        for index, kill in enumerate(points):
            folder = root / f"{precision}-{index}"
            first = child(folder, precision, kill)
            second = child(folder, precision, at_write(4))  # and once more while it goes on
            last = child(folder, precision, None)
            same = digest(folder / "checkpoints" / f"step-{CONFIG.steps:08d}") == unharmed
            left = sorted(path.name for path in (folder / "checkpoints").iterdir())
            print(precision, index, os.WTERMSIG(first), os.WTERMSIG(second), last, same, *left, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

"""Loading: crops a second, and how many a training step takes.

Our loader (sound decoded once into memory, or read by seeking) beside one that reads the whole file for each crop, as
HiFi-GAN's does; and beside them what a training step of the recipe `small` consumes on the same machine, in the same
run: during its first phase, when it is fastest, and with its critics.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from timing import Spread, count, interleaved, parser, print_machine, print_table
from training_step import PHASES, SPEC, EngineStep, recipe, sound

from vocoder.errors import InputError
from vocoder.signal import audio
from vocoder.signal.dataset import Crops, CropSampler, Recordings
from vocoder.signal.manifest import Recording
from vocoder.task import DataConfig

WHOLE, FIRST = "whole file for each crop", "training step consumes, first phase"
Variants = dict[str, Callable[[], float]]
FIXTURES = Path(__file__).parents[1] / "tests" / "fixtures"


class WholeFiles:
    """Batches of crops from files that are read from beginning to end for each crop."""

    def __init__(self, rows: Sequence[Recording], sampler: CropSampler) -> None:
        self.rows, self.sampler = rows, sampler

    def __iter__(self) -> WholeFiles:
        return self

    def __next__(self) -> torch.Tensor:
        items = next(self.sampler)
        crops = np.zeros((len(items), self.sampler.crop), np.float32)
        for target, (index, start) in zip(crops, items, strict=True):
            crop = audio.read_mono(self.rows[index].audio, SPEC.sample_rate)[start : start + len(target)]
            target[: len(crop)] = crop
        return torch.from_numpy(crops)


def recordings(folder: Path) -> list[Recording]:
    """Every wav and flac file below a folder."""
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in (".wav", ".flac"))
    return [Recording(path.relative_to(folder).as_posix(), path) for path in paths]


def loading(batches: Iterator[object], crops: int, lasting: float) -> float:
    """Crops a second, measured over at least so many seconds."""
    loaded, began = 0, time.perf_counter()
    while (taken := time.perf_counter() - began) < lasting or not loaded:
        next(batches)
        loaded += crops
    return loaded / taken


def consuming(step: EngineStep, phases: Sequence[str], crops: int) -> float:
    """Crops a second that a training step takes when it need not wait for them."""
    return crops / sum(cost.wall for cost in step(phases).values())


def variants(rows: list[Recording], step: EngineStep, data: DataConfig, lasting: float) -> Variants:
    """Loaders and training steps, each of which measures its crops a second once."""

    def sampler(recordings: Recordings) -> CropSampler:
        return CropSampler(recordings.lengths, data.crop, data.batch, seed=0)

    in_memory = Recordings(rows, SPEC.sample_rate, memory_limit=math.inf)
    by_seeking = Recordings(rows, SPEC.sample_rate, memory_limit=0)
    loaders: dict[str, Iterator[object]] = {
        "our loader, in memory": Crops(in_memory, sampler(in_memory)),
        "our loader, by seeking": Crops(by_seeking, sampler(by_seeking)),
        WHOLE: WholeFiles(rows, sampler(in_memory)),
    }
    found: Variants = {name: partial(loading, batches, data.batch, lasting) for name, batches in loaders.items()}
    found[FIRST] = partial(consuming, step, PHASES[:1], data.batch)
    found["training step consumes, with critics"] = partial(consuming, step, PHASES[1:], data.batch)
    return found


def main() -> None:
    """One table for each number of threads."""
    line = parser(__doc__, threads=(1,), repeats=7, seconds=1.0, of="seconds that each loader is measured in a round")
    line.add_argument("--data", type=Path, default=FIXTURES, help="folder of wav or flac files at the rate of the mel")
    arguments = line.parse_args()
    mini, rows, config = arguments.mini, recordings(arguments.data), recipe("small")
    data = replace(config.data, crop=4096, batch=1) if mini else config.data
    print_machine(torch=torch.__version__)
    for threads in (1,) if mini else arguments.threads:
        torch.set_num_threads(threads)
        step = EngineStep(config, sound(data.batch, data.crop))
        found = variants(rows, step, data, 0.05 if mini else arguments.seconds)
        measured = interleaved(found, 1 if mini else arguments.repeats)
        rates = {name: Spread.of(figures) for name, figures in measured.items()}
        print_table(
            [
                f"{count(threads)}, crops of {data.crop} samples, {len(rows)} files",
                "crops/s: median (least to greatest)",
                "/ whole file",
                "/ what training consumes",
            ],
            (
                [name, rate.text(1), *(f"{rate.median / rates[other].median:.2f}" for other in (WHOLE, FIRST))]
                for name, rate in rates.items()
            ),
        )


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        sys.exit(f"error: {error}")

"""Compare the adversarial objectives after the same processor time, from the same seed, on some classes.

Writes into OUT: <objective>/ (the run), objectives.md (the table) and objectives.png (what each drew, below
recordings). What is there already is not trained again. DCGAN's layers stand beside the others, with the objective that
they came with.

Example: python recipes/generation/esc10/local/objectives.py exp/generation/esc10/tiny/data/sounds
    --classes rain rooster --seconds 900 --out exp/generation/esc10/objectives
"""

from __future__ import annotations

import argparse
import json
import math
import shlex
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from specgan.evaluate.resemblance import Measure, described
from specgan.runtime.picture import coloured
from specgan.soundset import SoundBatch, SoundBatches, SoundSet
from specgan.tasks.generation import GAMES, GenerationRun, GenerationTask
from specgan.trained import read_sounds
from vocoder.engine.config import load_config
from vocoder.engine.trainer import Trainer, connect
from vocoder.errors import InputError
from vocoder.signal.files import replacing
from vocoder.signal.manifest import read_manifest
from vocoder.signal.spec import preset

DCGAN = "non-saturating-dcgan"
GAMES_AND_LAYERS = [*GAMES, DCGAN]
DRAWN, SHOWN = 64, 4  # sounds of a class: measured, in the picture
NOTES = """Each was trained for the same processor time from the same seed; steps differ because WGAN and WGAN-GP
update their critic five times a step and penalties cost a second backward pass. Figures are means over the classes,
{drawn} sounds of each against {held_out} held-out recordings: score (energy score as a share of what the training
recordings score against each other), diversity (mean distance of two sounds over that of two training recordings),
novelty (distance from the nearest training recording over that of a held-out recording; near 0 they are copies). See
`specgan.evaluate.resemblance`.
"""


class Timed:
    """Batches that ask the trainer to stop, as SIGTERM does, when the processor time since `began` is used up."""

    def __init__(self, batches: SoundBatches, seconds: float) -> None:
        self.batches, self.seconds, self.began = batches, seconds, math.inf

    def __next__(self) -> SoundBatch:
        if time.process_time() - self.began > self.seconds:
            signal.raise_signal(signal.SIGTERM)
        return next(self.batches)

    def state_dict(self) -> dict[str, Any]:
        return self.batches.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.batches.load_state_dict(state)


def sets(config: GenerationRun, data: Path, classes: list[str]) -> tuple[SoundSet, SoundSet]:
    """Training and test recordings of the classes."""
    spec = preset(config.spec)
    train, test = (
        [row for row in read_manifest(data / f"{name}.jsonl") if row.label in classes] for name in ("train", "test")
    )
    sounds = SoundSet(train, spec, config.data.seconds, config.data.fill)
    return sounds, SoundSet(test, spec, sounds.frames / spec.frame_rate, config.data.fill, sounds.classes)


def train(name: str, config: GenerationRun, sounds: SoundSet, test: SoundSet, seconds: float, folder: Path) -> None:
    """Train one of them; leaves its checkpoint and done.json."""
    objective = "non-saturating" if name == DCGAN else name
    config = replace(
        config,
        critic=replace(config.critic, objective=objective),
        layers="dcgan" if name == DCGAN else config.layers,
        # the rate stays constant, since nobody knows how many steps there will be; no pauses for validation
        train=replace(config.train, steps=10**7, decay=0.0, validate_every=10**7, save_every=10**7),
    )
    world = connect()
    torch.manual_seed(config.train.seed)
    task = GenerationTask(config, sounds, test)
    batches = Timed(SoundBatches(sounds, config.data.batch, config.train.seed), seconds)
    trainer = Trainer(task, batches, config.train, folder, world)
    batches.began = time.process_time()
    trainer.run()
    done = {"steps": trainer.step, "seconds": time.process_time() - batches.began}
    with replacing(folder / "done.json") as temporary:
        temporary.write_text(json.dumps(done), encoding="utf-8")


def drawn(folder: Path, label: int) -> np.ndarray:
    """(DRAWN, M, T) log-mels of a class."""
    painter = read_sounds(folder).painter
    with torch.inference_mode():
        parts = [painter.draw(torch.full((16,), label), seed) for seed in range(DRAWN // 16)]
    return torch.cat(parts).numpy()


def report(names: list[str], sounds: SoundSet, test: SoundSet, out: Path, command: str) -> None:
    """The table and the picture."""
    known, held_out = (
        [s.mels(s.of_class(label)).numpy() for label in range(len(sounds.classes))] for s in (sounds, test)
    )

    def of(mels: np.ndarray) -> np.ndarray:
        return np.stack([described(mel) for mel in mels])

    measure = Measure([of(mels) for mels in known])
    rows = [("the training recordings: real against real", "–", "–")]
    judged = [[measure.bound(label, of(mels)) for label, mels in enumerate(held_out)]]
    shown = [("recordings", known)]
    for name in names:
        done = json.loads((out / name / "done.json").read_text(encoding="utf-8"))
        made = [drawn(out / name, label) for label in range(len(sounds.classes))]
        rows.append((name, str(done["steps"]), f"{done['seconds'] / 60:.1f}"))
        judged.append([measure.compare(label, of(made[label]), of(mels)) for label, mels in enumerate(held_out)])
        shown.append((name, made))
    lines = ["| objective | steps | processor minutes | score | diversity | novelty |", "|---|---|---|---|---|---|"]
    for row, figures in zip(rows, judged, strict=True):
        lines.append(f"| {' | '.join(row)} | {' | '.join(f'{x:.2f}' for x in np.mean(figures, axis=0))} |")
    notes = NOTES.format(drawn=DRAWN, held_out=" and ".join(str(len(mels)) for mels in held_out))
    top = max(float(mels.max()) for mels in known)
    strips = [
        np.concatenate([coloured(mel, top) for mels in of_all for mel in mels[:SHOWN]], axis=1) for _, of_all in shown
    ]
    gap = np.full((4, strips[0].shape[1], 3), 255, np.uint8)
    with replacing(out / "objectives.png") as temporary:
        picture = np.concatenate([part for strip in strips for part in (strip, gap)][:-1])
        Image.fromarray(picture).quantize(256).save(temporary, format="PNG")
    caption = f"From above: {', '.join(name for name, _ in shown)}. {SHOWN} of each: {', '.join(sounds.classes)}."
    text = ["# Objectives compared", "", f"```\n{command}\n```", "", *lines, "", notes]
    text += [f"![{caption}](objectives.png)", "", caption, ""]
    with replacing(out / "objectives.md") as temporary:
        temporary.write_text("\n".join(text), encoding="utf-8")
    print("\n".join(lines))


def main() -> None:
    """See the module."""
    here = Path(__file__).parent
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder with train.jsonl and test.jsonl, as the recipe prepared it")
    parser.add_argument("--classes", nargs="+", required=True)
    parser.add_argument("--seconds", type=float, required=True, help="processor time of each")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--conf", type=Path, default=here / "../../folder/conf/tiny.yaml")
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", help="changes a setting")
    parser.add_argument("--processes", type=int, default=1, help="so many are trained at once, on one thread each")
    parser.add_argument("--one", choices=GAMES_AND_LAYERS, help="train this one only, and write no table")
    given = parser.parse_args()
    config = load_config(GenerationRun, given.conf, given.set)
    sounds, test = sets(config, given.data, given.classes)
    if given.one is not None:
        torch.set_num_threads(1)
        train(given.one, config, sounds, test, given.seconds, given.out / given.one)
        return
    missing = [name for name in GAMES_AND_LAYERS if not (given.out / name / "done.json").is_file()]
    with ThreadPoolExecutor(given.processes) as pool:
        commands = [[sys.executable, *sys.argv, "--one", name] for name in missing]
        ended = pool.map(lambda words: subprocess.run(words, check=False), commands)
        for name, done in zip(missing, ended, strict=True):
            if done.returncode:
                raise InputError(f"{name}: broke off with exit code {done.returncode}; what it said stands above")
    report(GAMES_AND_LAYERS, sounds, test, given.out, shlex.join(["python", *sys.argv]))


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        print(f"objectives.py: {error}", file=sys.stderr)
        sys.exit(2)

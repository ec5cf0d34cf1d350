"""Two classes of made-up sounds that differ in all that can be measured: a hiss, and a falling tone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from specgan.tasks.generation import GenerationRun, SoundCritic, SoundData
from specgan.torch_backend import describe
from specgan.train import train_generation
from vocoder.engine.checkpoint import save_tensors
from vocoder.engine.schedule import OptimizerConfig, TrainConfig
from vocoder.generators import FourierVocoder
from vocoder.signal import audio
from vocoder.signal.manifest import Recording, write_manifest
from vocoder.signal.spec import preset

RATE, SAMPLES = 22_050, 32 * 256  # two cells of the constant


def sound(label: str, random: np.random.Generator) -> np.ndarray:
    """(SAMPLES,) float32; each of its own pitch or colour, level and speed."""
    seconds = np.arange(SAMPLES) / RATE
    level, decay = np.exp(random.uniform(-3.5, -0.7)), np.exp(-random.uniform(0, 10) * seconds)
    if label == "hiss":
        noise = random.uniform(-1, 1, SAMPLES + 1)
        return (level * decay * (noise[1:] + random.uniform(-1, 1) * noise[:-1]) / 2).astype(np.float32)
    frequency = np.exp(random.uniform(5, 8) - random.uniform(0, 2) * seconds)
    return (level * decay * np.sin(2 * np.pi * np.cumsum(frequency) / RATE)).astype(np.float32)


def write_sounds(folder: Path, each: int = 10) -> None:
    """<label>/<number>.wav."""
    random = np.random.default_rng(0)
    for label in ("fall", "hiss"):
        (folder / label).mkdir(parents=True)
        for number in range(each):
            audio.write(folder / label / f"{number}.wav", sound(label, random), RATE)


def write_sets(folder: Path, each: int = 10, held_out: int = 3) -> tuple[Path, Path]:
    """Manifests of a training and a validation set."""
    write_sounds(folder / "sounds", each)
    rows = [
        Recording(f"{label}/{number}", folder / "sounds" / label / f"{number}.wav", label=label)
        for label in ("fall", "hiss")
        for number in range(each)
    ]
    sets = (folder / "train.jsonl", folder / "validation.jsonl")
    write_manifest(sets[0], [row for row in rows if int(row.id.split("/")[1]) >= held_out])
    write_manifest(sets[1], [row for row in rows if int(row.id.split("/")[1]) < held_out])
    return sets


@dataclass(frozen=True)
class TinySounds:
    """A run that has learned both classes a little, its manifests, and a vocoder that has learned nothing."""

    folder: Path
    config: GenerationRun

    @property
    def run(self) -> Path:
        return self.folder / "run"

    @property
    def vocoder(self) -> Path:
        return self.folder / "vocoder"


def generation_config(folder: Path, objective: str = "relativistic", **fields: Any) -> GenerationRun:
    """A small run on the sets of `write_sets`."""
    optimizer = OptimizerConfig(lr=1e-3, betas=(0.0, 0.99))
    data = SoundData([str(folder / "train.jsonl")], [str(folder / "validation.jsonl")], batch=6)
    critic = SoundCritic(objective, width=8, optimizer=optimizer)
    return GenerationRun(data=data, latent=8, critic=critic, optimizer=optimizer, **fields)


def train_sounds(folder: Path) -> TinySounds:
    """Train it."""
    write_sets(folder)
    torch.manual_seed(0)
    generator = FourierVocoder(preset("22k"), "tiny", 0)
    (folder / "vocoder").mkdir()
    save_tensors(folder / "vocoder/generator.safetensors", generator.state_dict(), {"generator": describe(generator)})
    train = TrainConfig(steps=60, warmup=5, ema=0.9, validate_every=60, save_every=60, log_every=20)
    made = TinySounds(folder, generation_config(folder, vocoder=str(folder / "vocoder"), train=train))
    assert train_generation(made.config, made.run)
    return made

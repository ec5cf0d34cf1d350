"""A vocoder run from a config: data, task, trainer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import torch

from vocoder.engine.checkpoint import load_weights
from vocoder.engine.config import save_config
from vocoder.engine.trainer import Trainer, connect
from vocoder.errors import InputError
from vocoder.signal.dataset import Batch, Crops, CropSampler, Recordings, utterances
from vocoder.signal.manifest import Recording, read_manifest
from vocoder.signal.mels import Mels
from vocoder.signal.spec import MelSpec, preset
from vocoder.task import Judge, VocoderConfig, VocoderTask


class Whole:
    """Whole utterances of a set, afresh each time they are gone through."""

    def __init__(self, recordings: Recordings, spec: MelSpec, mels: Mels | None) -> None:
        self.recordings, self.spec, self.mels = recordings, spec, mels

    def __iter__(self) -> Iterator[Batch]:
        return utterances(self.recordings, self.spec, batch_size=1, mels=self.mels)


def _rows(manifests: Sequence[str], key: str) -> list[Recording]:
    if not manifests:
        raise InputError(f"{key} names no manifest; give at least one (`specgan prepare` writes them)")
    return [row for path in manifests for row in read_manifest(Path(path))]


def _mels(folder: str | None, recordings: Recordings, spec: MelSpec) -> Mels | None:
    return None if folder is None else Mels(Path(folder), recordings.ids, recordings.lengths, spec)


def train(config: VocoderConfig, folder: Path, judge: Judge | None = None) -> bool:
    """Train, or go on training, in a run folder; a judge adds its figures to the validation.

    Returns
    -------
    bool
        Whether the run is complete; False if a signal ended it early, with a checkpoint saved.

    Raises
    ------
    InputError, vocoder.engine.trainer.TrainingError
    """
    spec = preset(config.spec)
    world = connect()
    data = config.data
    train_set = Recordings(_rows(data.train, "data.train"), spec.sample_rate, memory_limit=data.memory_limit)
    held_out = Recordings(_rows(data.validation, "data.validation"), spec.sample_rate, memory_limit=data.memory_limit)
    mels = _mels(data.mels, train_set, spec)
    hop = 1 if mels is None else spec.hop
    sampler = CropSampler(train_set.lengths, data.crop, data.batch, config.train.seed, world.rank, world.size, hop)
    torch.manual_seed(config.train.seed)
    validation = Whole(held_out, spec, _mels(data.mels, held_out, spec))
    task = VocoderTask(config, validation, judge).to(world.device)
    if config.initial is not None:
        for name, module in task.modules.items():
            load_weights(Path(config.initial) / f"{name}.safetensors", module, f"{name} of this config")
    crops = Crops(train_set, sampler, world.device, mels)
    trainer = Trainer(task, crops, config.train, folder, world, asdict(config))
    if world.main:  # after all that could be refused
        save_config(config, folder / "config.yaml")
    return trainer.run()

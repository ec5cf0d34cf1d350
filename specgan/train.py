"""Runs of specgan's tasks from a config: data, task, trainer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from specgan.tasks.acoustic import AcousticRun, AcousticTask, AlignedCorpus, read_acoustic
from specgan.tasks.alignment import AlignmentConfig, AlignmentTask, SpeechData
from specgan.tasks.tts import SpeechRun, SpeechTask
from specgan.text.acoustic import Inventory
from specgan.text.corpus import Corpus, Utterances, UtteranceSampler
from specgan.text.symbols import Symbols
from vocoder.engine.checkpoint import load_weights
from vocoder.engine.config import save_config
from vocoder.engine.trainer import Trainer, connect
from vocoder.errors import InputError
from vocoder.signal.manifest import Recording, read_manifest
from vocoder.signal.spec import MelSpec, preset
from vocoder.task import GeneratorConfig, build_generator


def rows_of(manifests: Sequence[str], key: str) -> list[Recording]:
    """All rows of several manifests.

    Raises
    ------
    InputError
        If there is none.
    """
    if not manifests:
        raise InputError(f"{key} names no manifest; give at least one (`specgan prepare` writes them)")
    return [row for path in manifests for row in read_manifest(Path(path))]


def corpora(data: SpeechData, spec: MelSpec, known: Inventory | None = None) -> tuple[Corpus, Corpus]:
    """Training and validation corpus; both with the inventory of the first, or of a trained model.

    Raises
    ------
    InputError
        See `Corpus`.
    """
    train = Corpus(
        rows_of(data.train, "data.train"),
        spec,
        Symbols(tuple(known.phones), tuple(known.stresses)) if known else None,
        known.speakers if known else None,
        known.languages if known else None,
        data.memory_limit,
    )
    rows = rows_of(data.validation, "data.validation")
    return train, Corpus(rows, spec, train.symbols, train.speakers, train.languages, data.memory_limit)


def train_aligner(config: AlignmentConfig, folder: Path) -> bool:
    """Train an aligner, or go on training, in a run folder.

    Returns
    -------
    bool
        Whether the run is complete; False if a signal ended it early, with a checkpoint saved.

    Raises
    ------
    InputError, vocoder.engine.trainer.TrainingError
    """
    corpus, held_out = corpora(config.data, preset(config.spec))
    return _run(config, lambda: AlignmentTask(config, corpus, held_out), corpus, config.data, folder)


def train_acoustic(config: AcousticRun, folder: Path) -> bool:
    """Train the regression of a voice; otherwise as `train_aligner`."""
    corpus, held_out = corpora(config.data, preset(config.spec))
    aligned = AlignedCorpus(corpus, Path(config.alignments))
    validation = AlignedCorpus(held_out, Path(config.alignments), aligned.pitch)
    return _run(config, lambda: AcousticTask(config, aligned, validation), aligned, config.data, folder)


def train_speech(config: SpeechRun, folder: Path) -> bool:
    """Train the GAN of a voice on a trained regression; otherwise as `train_aligner`."""
    trained = read_acoustic(Path(config.acoustic))
    preset(config.spec).require(trained.spec, "this config", config.acoustic)
    corpus, held_out = corpora(config.data, trained.spec, trained.inventory)
    aligned, validation = (AlignedCorpus(c, Path(config.alignments), trained.pitch) for c in (corpus, held_out))

    def build() -> SpeechTask:
        vocoder = None
        if config.vocoder:
            vocoder = build_generator(GeneratorConfig(), trained.spec)
            load_weights(Path(config.vocoder) / "generator.safetensors", vocoder, "the vocoder of this config")
        task = SpeechTask(config, trained, validation, vocoder)
        if config.initial is not None:
            for name in ("painter", "critics"):
                load_weights(Path(config.initial) / f"{name}.safetensors", task.modules[name], f"{name} of this config")
        return task

    return _run(config, build, aligned, config.data, folder)


def _run(config: Any, build: Callable[[], Any], corpus: Any, data: SpeechData, folder: Path) -> bool:
    world = connect()
    sampler = UtteranceSampler(corpus.frames, data.batch, config.train.seed, world.rank, world.size)
    torch.manual_seed(config.train.seed)
    task = build()
    if hasattr(task, "to"):
        task.to(world.device)
    trainer = Trainer(task, Utterances(corpus, sampler, world.device), config.train, folder, world, asdict(config))
    if world.main:  # after all that could be refused
        save_config(config, folder / "config.yaml")
    return trainer.run()

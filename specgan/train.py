"""Runs of specgan's tasks from a config: data, task, trainer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from specgan.tasks.acoustic import AcousticRun, AcousticTask, AlignedCorpus, calibrate, inventory_of, read_acoustic
from specgan.tasks.alignment import AlignmentConfig, AlignmentTask, SpeechData
from specgan.tasks.tts import SpeechRun, SpeechTask
from specgan.text.acoustic import Inventory
from specgan.text.alignments import aligned_rows
from specgan.text.corpus import Corpus, Utterances, UtteranceSampler, tokens_of
from specgan.text.symbols import Symbols
from specgan.trained import read_vocoder, read_voice
from specgan.transfer import start_acoustic, start_speech, widened
from vocoder.engine.config import load_config, save_config
from vocoder.engine.trainer import Trainer, connect
from vocoder.errors import InputError
from vocoder.signal.manifest import Recording, read_manifest
from vocoder.signal.spec import MelSpec, preset


def train(config: Path, settings: Sequence[str], folder: Path) -> bool:
    """Train what a config file's `task` says, or go on training, in a run folder.

    Parameters
    ----------
    config : Path
        YAML.
    settings : sequence of str
        key=value.
    folder : Path

    Returns
    -------
    bool
        Whether the run is complete; False if a signal ended it early, with a checkpoint saved.

    Raises
    ------
    InputError, vocoder.engine.trainer.TrainingError
    """
    task = task_of(config)
    if task not in RUNS:
        raise InputError(f"{config}: the task is {task!r}; there are {', '.join(RUNS)} (and `specgan vocoder train`)")
    kind, run = RUNS[task]
    return run(load_config(kind, config, settings), folder)


def task_of(config: Path) -> Any:
    """What stands under `task` in a config file, None if nothing does.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    import yaml

    try:
        fields = yaml.safe_load(config.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{config}: cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError):
        raise InputError(f"{config}: is not YAML") from None
    return fields.get("task") if isinstance(fields, dict) else None


def rows_of(manifests: Sequence[str], key: str) -> list[Recording]:
    """All rows of several manifests.

    Raises
    ------
    InputError
        If there is none, or two recordings have one id.
    """
    if not manifests:
        raise InputError(f"{key} names no manifest; give at least one (`specgan prepare` writes them)")
    rows = [row for path in manifests for row in read_manifest(Path(path))]
    for name, count in Counter(row.id for row in rows).items():
        if count > 1:
            raise InputError(f"{key}: {count} recordings have the id {name!r}; ids must be unique in a run")
    return rows


def corpora(
    data: SpeechData, spec: MelSpec, known: Inventory | None = None, alignments: str | None = None
) -> tuple[Corpus, Corpus]:
    """Training and validation corpus; both with the inventory of the first, or of a trained model.

    Recordings that `specgan align` could not align are left out.

    Raises
    ------
    InputError
        See `Corpus`.
    """
    rows, held_out = rows_of(data.train, "data.train"), rows_of(data.validation, "data.validation")
    if alignments is not None:
        rows, held_out = aligned_rows(rows, Path(alignments)), aligned_rows(held_out, Path(alignments))
    train = Corpus(
        rows,
        spec,
        Symbols(tuple(known.phones), tuple(known.stresses)) if known else None,
        known.speakers if known else None,
        known.languages if known else None,
        data.memory_limit,
    )
    return train, Corpus(held_out, spec, train.symbols, train.speakers, train.languages, data.memory_limit)


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
    spec, data = preset(config.spec), config.data
    rows, held_out = rows_of(data.train, "data.train"), rows_of(data.validation, "data.validation")
    # held-out recordings will be aligned too, and a phone that only they have must have a place on their paths
    symbols = Symbols.of([tokens_of(row) for row in (*rows, *held_out)])
    corpus, validation = (Corpus(part, spec, symbols, memory_limit=data.memory_limit) for part in (rows, held_out))
    return _run(config, lambda: AlignmentTask(config, corpus, validation), corpus, data, folder)


def train_acoustic(config: AcousticRun, folder: Path) -> bool:
    """Train the regression of a voice; otherwise as `train_aligner`."""
    spec, known, trained = preset(config.spec), None, None
    if config.initial is not None:
        trained = read_acoustic(Path(config.initial))
        spec.require(trained.spec, "this config", config.initial)
        rows = aligned_rows(rows_of(config.data.train, "data.train"), Path(config.alignments))
        languages = sorted({row.language or "" for row in rows})
        known = widened(trained.inventory, Symbols.of([tokens_of(row) for row in rows]), languages)
        config = replace(config, model=trained.model)
    corpus, held_out = corpora(config.data, spec, known, config.alignments)
    aligned = AlignedCorpus(corpus, Path(config.alignments))
    validation = AlignedCorpus(held_out, Path(config.alignments), aligned.pitch)

    def build() -> AcousticTask:
        task = AcousticTask(config, aligned, validation)
        if trained is not None:
            start_acoustic(task.acoustic, inventory_of(corpus), trained)
        return task

    return _run(config, build, aligned, config.data, folder)


def train_speech(config: SpeechRun, folder: Path) -> bool:
    """Train the GAN of a voice on a trained regression; otherwise as `train_aligner`."""
    trained = read_acoustic(Path(config.acoustic))
    preset(config.spec).require(trained.spec, "this config", config.acoustic)
    corpus, held_out = corpora(config.data, trained.spec, trained.inventory, config.alignments)
    aligned, validation = (AlignedCorpus(c, Path(config.alignments), trained.pitch) for c in (corpus, held_out))
    calibrate(trained.acoustic, aligned)
    voice = read_voice(Path(config.initial)) if config.initial is not None else None
    if voice is not None:
        config = replace(config, size=voice.painter.unet.size)
    vocoder = read_vocoder(Path(config.vocoder), trained.spec).generator if config.vocoder else None

    def build() -> SpeechTask:
        task = SpeechTask(config, trained, validation, vocoder)
        if voice is not None:
            start_speech(task.modules, trained.inventory.speakers, voice)
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


RUNS: dict[str, tuple[type, Callable[[Any, Path], bool]]] = {
    "alignment": (AlignmentConfig, train_aligner),
    "acoustic": (AcousticRun, train_acoustic),
    "tts": (SpeechRun, train_speech),
}

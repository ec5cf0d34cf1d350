"""Runs of specgan's tasks from a config: data, task, trainer."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from specgan.mixing.batches import Mixtures
from specgan.mixing.mixtures import Mixer, Mixture, fixed
from specgan.mixing.noises import Synthesised
from specgan.soundset import SoundBatches, SoundSet
from specgan.tasks.acoustic import AcousticRun, AcousticTask, AlignedCorpus, calibrate, inventory_of, read_acoustic
from specgan.tasks.alignment import AlignmentConfig, AlignmentTask, SpeechData
from specgan.tasks.conversion import ConversionTask
from specgan.tasks.conversion_config import ConversionRun
from specgan.tasks.conversion_data import BalancedCrops, ConversionCorpus, tracked
from specgan.tasks.enhancement import EnhancementRun, EnhancementTask, MixtureData
from specgan.tasks.generation import GenerationRun, GenerationTask
from specgan.tasks.tts import SpeechRun, SpeechTask
from specgan.text.acoustic import Inventory
from specgan.text.alignments import aligned_rows
from specgan.text.content import read_recogniser
from specgan.text.corpus import Corpus, Utterances, UtteranceSampler, tokens_of
from specgan.text.symbols import Symbols
from specgan.trained import read_denoiser, read_vocoder, read_voice
from specgan.trained_conversion import read_conversion, start_conversion
from specgan.transfer import start_acoustic, start_speech, widened
from vocoder.engine.checkpoint import put_weights
from vocoder.engine.config import load_config, save_config
from vocoder.engine.phases import Batches
from vocoder.engine.trainer import Trainer, World, connect
from vocoder.errors import InputError
from vocoder.signal.dataset import Recordings
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


def train_enhancement(config: EnhancementRun, folder: Path) -> bool:
    """Train a network that takes noise away; otherwise as `train_aligner`."""
    data, rate = config.data, preset(config.spec).sample_rate
    trained = read_denoiser(Path(config.initial)) if config.initial is not None else None
    if trained is not None:
        preset(config.spec).require(trained.spec, "this config", str(config.initial))
        config = replace(config, size=trained.denoiser.unet.size)

    def sounds(manifests: Sequence[str], key: str) -> Recordings:
        return Recordings(rows_of(manifests, key), rate, memory_limit=data.memory_limit)

    speech, held_out = sounds(data.train, "data.train"), sounds(data.validation, "data.validation")
    noise = sounds(data.noise, "data.noise") if data.noise else None
    other = sounds(data.noise_validation, "data.noise_validation") if data.noise_validation else Synthesised(rate)
    mixtures = list(held_out_mixtures(held_out, other, data))
    mixer = Mixer(speech, noise, data.mix, data.crop, config.train.seed)
    world = connect()
    batches = Mixtures(mixer, data.batch, world.rank, world.size, world.device)

    def build() -> EnhancementTask:
        task = EnhancementTask(config, mixtures)
        if trained is not None:
            task.denoiser.load_state_dict(trained.denoiser.state_dict())
            if trained.critics is not None:
                put_weights(trained.critics, task.critics, str(config.initial), "critics of this config", {})
        return task

    return _train(config, build, batches, folder, world)


def train_generation(config: GenerationRun, folder: Path) -> bool:
    """Train a network that makes sounds of some classes; otherwise as `train_aligner`."""
    spec, data = preset(config.spec), config.data
    rows, held_out = rows_of(data.train, "data.train"), rows_of(data.validation, "data.validation")
    sounds = SoundSet(rows, spec, data.seconds, data.fill, memory_limit=data.memory_limit)
    length = sounds.frames / spec.frame_rate
    validation = SoundSet(held_out, spec, length, data.fill, sounds.classes, data.memory_limit)
    vocoder = read_vocoder(Path(config.vocoder), spec).generator if config.vocoder else None
    world = connect()
    batches = SoundBatches(sounds, data.batch, config.train.seed, world.rank, world.size, world.device)
    return _train(config, lambda: GenerationTask(config, sounds, validation, vocoder), batches, folder, world)


def train_conversion(config: ConversionRun, folder: Path) -> bool:
    """Train a network that changes who speaks; otherwise as `train_aligner`."""
    data, known = config.data, read_conversion(Path(config.initial)) if config.initial is not None else None
    if known is not None:
        config = replace(config, model=known.model)
    if not config.recogniser and not config.initial:
        raise InputError("recogniser names nothing; give the run of an aligner, or initial=MODEL whose own is taken")
    recogniser = read_recogniser(Path(config.recogniser or str(config.initial)))
    spec = preset(config.spec)
    spec.require(recogniser.spec, "this config", config.recogniser or str(config.initial))
    sounds = [
        Recordings(rows_of(manifests, key), spec.sample_rate, memory_limit=data.memory_limit)
        for manifests, key in ((data.train, "data.train"), (data.validation, "data.validation"))
    ]
    world = connect()
    for recordings in sounds:
        world.on_main(functools.partial(tracked, recordings, spec, folder))
    corpus = ConversionCorpus(sounds[0], spec, tracked(sounds[0], spec, folder))
    validation = ConversionCorpus(sounds[1], spec, tracked(sounds[1], spec, folder), corpus.speakers)
    vocoder = read_vocoder(Path(config.vocoder), spec).generator if config.vocoder else None
    seed = config.train.seed
    crops = BalancedCrops(corpus, config.window, data.batch, seed, world.rank, world.size, world.device)

    def build() -> ConversionTask:
        task = ConversionTask(config, recogniser, corpus, validation, vocoder)
        if known is not None:
            start_conversion(task.modules, corpus.speakers, known)
        return task

    return _train(config, build, crops, folder, world)


def held_out_mixtures(
    speech: Recordings, noise: Recordings | Synthesised, data: MixtureData
) -> Iterator[tuple[str, Mixture]]:
    """(id, mixture) of held-out recordings, each at one of the SNRs, in turn."""
    for index, snr, mixture in fixed(speech, noise, data.snrs, seed=0):
        if index == data.held_out:
            return
        if snr == data.snrs[index % len(data.snrs)]:
            yield f"{speech.ids[index]} {snr:g} dB", mixture


def _run(config: Any, build: Callable[[], Any], corpus: Any, data: SpeechData, folder: Path) -> bool:
    world = connect()
    sampler = UtteranceSampler(corpus.frames, data.batch, config.train.seed, world.rank, world.size)
    return _train(config, build, Utterances(corpus, sampler, world.device), folder, world)


def _train(config: Any, build: Callable[[], Any], batches: Batches, folder: Path, world: World) -> bool:
    torch.manual_seed(config.train.seed)
    task = build()
    if hasattr(task, "to"):
        task.to(world.device)
    trainer = Trainer(task, batches, config.train, folder, world, asdict(config))
    if world.main:  # after all that could be refused
        save_config(config, folder / "config.yaml")
    return trainer.run()


RUNS: dict[str, tuple[type, Callable[[Any, Path], bool]]] = {
    "alignment": (AlignmentConfig, train_aligner),
    "acoustic": (AcousticRun, train_acoustic),
    "tts": (SpeechRun, train_speech),
    "conversion": (ConversionRun, train_conversion),
    "enhancement": (EnhancementRun, train_enhancement),
    "generation": (GenerationRun, train_generation),
}

"""Trained networks, read back from a run or from a packed folder: those of a voice, and the vocoder behind it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor, nn

from specgan.tasks.acoustic import TrainedAcoustic, read_acoustic
from specgan.tasks.enhancement import Denoiser
from specgan.tasks.generation import GenerationRun, GenerationTask, SoundPainter, build_painter
from specgan.tasks.tts import Painter, SpeechRun
from specgan.torch_backend import build
from vocoder.decode import read_run
from vocoder.engine.checkpoint import Checkpoints, Saved, load_tensors, load_weights
from vocoder.engine.config import load_config
from vocoder.engine.monitor import Monitor, best_of
from vocoder.errors import InputError
from vocoder.signal.spec import MelSpec

UNSAID = {"painter": "tts", "denoiser": "enhancement"}
"""Task of weights that do not say theirs."""


class TrainedVoice(NamedTuple):
    """The networks of a voice, in evaluation mode; state dictionary of its critics, None if there are none."""

    acoustic: TrainedAcoustic
    painter: Painter
    critics: dict[str, Tensor] | None


class TrainedVocoder(NamedTuple):
    """A generator in evaluation mode; state dictionary of its critics, None if there are none."""

    generator: nn.Module
    critics: dict[str, Tensor] | None


class TrainedDenoiser(NamedTuple):
    """A network that takes noise away, in evaluation mode, and the mel it reads; state dictionary of its critics."""

    denoiser: Denoiser
    spec: MelSpec
    critics: dict[str, Tensor] | None


class TrainedSounds(NamedTuple):
    """A generator of sounds, in evaluation mode, the mel it draws, its classes; state dictionary of its critic."""

    painter: SoundPainter
    spec: MelSpec
    classes: list[str]
    critic: dict[str, Tensor] | None


def voice_checkpoint(run: Path) -> Saved:
    """The best checkpoint of a run of the GAN by the figure that its settings named; the newest if they named none.

    Not the one with the lowest L1, by which a run is judged otherwise: that is one from before the critics began, whose
    mel is as smooth as the regression's. No other figure stands in for it unasked: a mel can be as rough as it should
    be and wrong, and predicted MOS needs a package and a vocoder that not every run has.

    Raises
    ------
    InputError
        If the folder is no such run, or has no checkpoint yet.
    """
    return _checkpoint(run, "tts")


def denoiser_checkpoint(run: Path) -> Saved:
    """The checkpoint of a run of the task enhancement that `voice_checkpoint` would take, for the same reasons.

    Raises
    ------
    InputError
        If the folder is no such run, or has no checkpoint yet.
    """
    return _checkpoint(run, "enhancement")


def sounds_checkpoint(run: Path) -> Saved:
    """The checkpoint of a run of the task generation whose sounds came nearest to held-out recordings.

    Raises
    ------
    InputError
        If the folder is no such run, or has no checkpoint yet.
    """
    return _checkpoint(run, "generation", GenerationTask.monitor)


def _checkpoint(run: Path, task: str, monitor: Monitor | None = None) -> Saved:
    found = best_of(Checkpoints(run / "checkpoints"), monitor)
    if found is None:
        raise InputError(f"{run}: has no checkpoint yet; `specgan train` makes one")
    if (other := found.state["facts"].get("task")) != task:
        raise InputError(f"{run}: is a run of the task {other}, must be one of {task}")
    return found


def vocoder_of(run: Path, kind: type[SpeechRun] | type[GenerationRun] = SpeechRun) -> Path:
    """Where the vocoder is that the config of a run of the GAN, or of another kind of run, names.

    Raises
    ------
    InputError
        If there is none.
    """
    config = load_config(kind, run / "config.yaml")
    if not config.vocoder:
        raise InputError(f"{run}: the run has no vocoder to be heard with; set vocoder= to a folder with weights")
    return Path(config.vocoder)


def read_voice(folder: Path) -> TrainedVoice:
    """The networks of a voice.

    Parameters
    ----------
    folder : Path
        Run of the GAN, whose averaged weights are taken; or a packed voice with its weights.

    Raises
    ------
    InputError
        If the folder is neither, or something in it is damaged.
    """
    found = _found(folder, "tts", "painter", "critics")
    acoustic = read_acoustic(folder)
    painter = Painter(acoustic.spec.bands, len(acoustic.inventory.speakers), str(found.facts.get("size")))
    load_weights(found.weights, painter, f"the generator of {folder}")
    return TrainedVoice(acoustic, painter.eval(), found.critics)


def read_denoiser(folder: Path) -> TrainedDenoiser:
    """The network of an enhancement model; see `read_voice`."""
    found = _found(folder, "enhancement", "denoiser", "critics")
    spec = MelSpec.from_dict(found.facts["spec"], str(found.weights))
    denoiser = Denoiser(spec.bands, str(found.facts.get("size")))
    load_weights(found.weights, denoiser, f"the network of {folder}")
    return TrainedDenoiser(denoiser.eval(), spec, found.critics)


def read_sounds(folder: Path) -> TrainedSounds:
    """The network of a generator of sounds; see `read_voice`."""
    found = _found(folder, "generation", "painter", "critic", GenerationTask.monitor)
    spec = MelSpec.from_dict(found.facts["spec"], str(found.weights))
    painter = build_painter(found.facts, spec)
    load_weights(found.weights, painter, f"the network of {folder}")
    return TrainedSounds(painter.eval(), spec, list(found.facts["classes"]), found.critics)


class _Found(NamedTuple):
    """Where the weights of a network lie, what is known of it, and the state dictionary of its critics, if any."""

    weights: Path
    facts: Mapping[str, Any]
    critics: dict[str, Tensor] | None


def _found(folder: Path, task: str, network: str, critics: str, monitor: Monitor | None = None) -> _Found:
    """What a run or a packed folder of a task has of a network."""
    if (folder / "checkpoints").is_dir():
        saved = _checkpoint(folder, task, monitor)
        facts, path, judge = saved.state["facts"], saved.path / f"{network}.ema.safetensors", saved.path
    else:
        path, judge = folder / f"{network}.safetensors", folder
        facts = load_tensors(path)[1] if path.is_file() else {}
        if facts.get("task", UNSAID.get(network)) != task or not path.is_file():
            raise InputError(
                f"{folder}: is no run of the task {task}, and no such model with its weights ({path.name})"
            )
    judge /= f"{critics}.safetensors"
    return _Found(path, facts, load_tensors(judge)[0] if judge.is_file() else None)


def read_vocoder(folder: Path, spec: MelSpec) -> TrainedVocoder:
    """The vocoder for mels of this kind.

    Parameters
    ----------
    folder : Path
        Run of a vocoder; or a folder with generator.safetensors, perhaps discriminator.safetensors beside it: a packed
        vocoder, a packed voice with its weights.
    spec : MelSpec
        The mels it has to render.

    Raises
    ------
    InputError
        If the folder is neither, or its vocoder renders other mels.
    """
    if (folder / "checkpoints").is_dir():
        trained = read_run(folder)
        trained.spec.require(spec, str(folder), "the voice")
        generator, critics = trained.generator, trained.checkpoint / "discriminator.safetensors"
    else:
        path, critics = folder / "generator.safetensors", folder / "discriminator.safetensors"
        generator = build(load_tensors(path)[1].get("generator"), spec, path)
        load_weights(path, generator, f"the generator of {folder}")
    return TrainedVocoder(generator.eval(), load_tensors(critics)[0] if critics.is_file() else None)

"""Trained networks, read back from a run or from a packed folder: those of a voice, and the vocoder behind it."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from torch import Tensor, nn

from specgan.tasks.acoustic import TrainedAcoustic, read_acoustic
from specgan.tasks.tts import Painter, SpeechRun
from specgan.torch_backend import build
from vocoder.decode import read_run
from vocoder.engine.checkpoint import Checkpoints, Saved, load_tensors, load_weights
from vocoder.engine.config import load_config
from vocoder.errors import InputError
from vocoder.signal.spec import MelSpec


class TrainedVoice(NamedTuple):
    """The networks of a voice, in evaluation mode; state dictionary of its critics, None if there are none."""

    acoustic: TrainedAcoustic
    painter: Painter
    critics: dict[str, Tensor] | None


class TrainedVocoder(NamedTuple):
    """A generator in evaluation mode; state dictionary of its critics, None if there are none."""

    generator: nn.Module
    critics: dict[str, Tensor] | None


def voice_checkpoint(run: Path) -> Saved:
    """The newest checkpoint of a run of the GAN.

    Not the one with the best validation figure: that is L1, which is lowest before the critics begin, when the mel is
    still as smooth as the regression's.

    Raises
    ------
    InputError
        If the folder is no such run, or has no checkpoint yet.
    """
    found = Checkpoints(run / "checkpoints").all()
    if not found:
        raise InputError(f"{run}: has no checkpoint yet; `specgan train` makes one")
    task = found[-1].state["facts"].get("task")
    if task != "tts":
        raise InputError(f"{run}: is a run of the task {task}, must be one of tts")
    return found[-1]


def vocoder_of(run: Path) -> Path:
    """Where the vocoder is that the config of a run of the GAN names.

    Raises
    ------
    InputError
        If there is none.
    """
    config = load_config(SpeechRun, run / "config.yaml")
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
    if (folder / "checkpoints").is_dir():
        saved = voice_checkpoint(folder)
        size, path = saved.state["facts"]["size"], saved.path / "painter.ema.safetensors"
        critics = saved.path / "critics.safetensors"
    else:
        path, critics = folder / "painter.safetensors", folder / "critics.safetensors"
        if not path.is_file():
            raise InputError(
                f"{folder}: is no run of the task tts, and no voice with its weights (painter.safetensors)"
            )
        size = load_tensors(path)[1].get("size")
    acoustic = read_acoustic(folder)
    painter = Painter(acoustic.spec.bands, len(acoustic.inventory.speakers), str(size))
    load_weights(path, painter, f"the generator of {folder}")
    return TrainedVoice(acoustic, painter.eval(), load_tensors(critics)[0] if critics.is_file() else None)


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

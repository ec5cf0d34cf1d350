"""From a run to a model folder that needs no torch: what `specgan pack` does."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from specgan.card import write_card, write_voice_card
from specgan.export import export
from specgan.export_voice import export_voice
from specgan.tasks.tts import SpeechRun
from specgan.torch_backend import describe
from specgan.train import task_of
from specgan.trained import read_vocoder, read_voice, voice_checkpoint
from vocoder.decode import read_run
from vocoder.engine.checkpoint import load_tensors
from vocoder.engine.config import load_config
from vocoder.errors import InputError
from vocoder.generators import FourierVocoder

PRETRAINED = Path(__file__).parents[1] / "recipes" / "vocoder" / "kathleen" / "pretrained"
"""Weights of the shipped vocoder, in a checkout of the project."""


def pack(
    run: Path,
    out: Path,
    *,
    licence: str = "not stated",
    projections: int | None = None,
    vocoder: Path | None = None,
    weights: bool = True,
) -> str:
    """Turn a run into a model folder.

    Parameters
    ----------
    run : Path
        Of a vocoder, whose best checkpoint is taken, or of the task tts, whose newest is; averaged weights.
    out : Path
        The folder; must not exist.
    licence : str
        Of the weights, for the card.
    projections : int, optional
        Consistency projections of the vocoder when it decodes; as trained if None.
    vocoder : Path, optional
        For a voice: the run or the folder with weights that renders it; that of the shipped vocoder if None.
    weights : bool
        For a voice: whether the weights go along as safetensors, for fine-tuning and for torch.

    Returns
    -------
    str
        What was packed, in words.

    Raises
    ------
    InputError
        If the run is of another task, has no checkpoint, or is damaged; or `out` exists or cannot be written.
    """
    if not (run / "config.yaml").is_file():
        raise InputError(f"{run}: is no run folder, it has no config.yaml")
    task = task_of(run / "config.yaml")
    if task == "tts":
        return pack_voice(run, out, licence, projections, vocoder or PRETRAINED, weights)
    if task is not None:
        raise InputError(f"{run}: is a run of the task {task}; runs of tts and of a vocoder can be packed")
    if vocoder is not None or not weights:
        raise InputError(f"{run}: is a run of a vocoder; --vocoder and --no-weights are for a run of a voice")
    return pack_vocoder(run, out, licence, projections)


def pack_vocoder(run: Path, out: Path, licence: str, projections: int | None) -> str:
    """The best checkpoint of a vocoder's run; see `pack`."""
    trained = read_run(run)
    network = _network(trained.generator, projections, trained.config.generator.name)
    facts = {
        "step": trained.step,
        "validation": trained.figures,
        "data": [Path(path).parent.name for path in trained.config.data.train],
        "licence": licence,
    }
    critics = trained.checkpoint / "discriminator.safetensors"
    export(
        trained.generator,
        trained.spec,
        out,
        write_card(out.name, trained.spec, network, facts),
        facts,
        critics=load_tensors(critics)[0] if critics.exists() else None,
    )
    return f"{network}, step {trained.step}"


def pack_voice(run: Path, out: Path, licence: str, projections: int | None, vocoder: Path, weights: bool) -> str:
    """The newest checkpoint of a GAN's run, with a vocoder; see `pack`."""
    saved, config = voice_checkpoint(run), load_config(SpeechRun, run / "config.yaml")
    trained, painter, critics = read_voice(run)
    if vocoder == PRETRAINED and not PRETRAINED.is_dir():
        raise InputError(
            f"{PRETRAINED}: the weights of the shipped vocoder are not here; name a vocoder with --vocoder"
        )
    generator, discriminator = read_vocoder(vocoder, trained.spec)
    network = _network(generator, projections, describe(generator)["name"])
    facts = {
        "step": saved.step,
        "validation": saved.figures,
        "data": [Path(path).parent.name for path in config.data.train],
        "licence": licence,
    }
    card = write_voice_card(
        out.name,
        trained.spec,
        {"generator": f"SpecUNet {config.size}", "vocoder": network},
        vars(trained.inventory),
        facts,
        weights=weights,
    )
    export_voice(
        trained, painter, generator, out, card, facts, critics=critics, discriminator=discriminator, weights=weights
    )
    return f"SpecUNet {config.size}, step {saved.step}; {network}"


def _network(generator: nn.Module, projections: int | None, name: str) -> str:
    """A generator in words, its projections set."""
    if isinstance(generator, FourierVocoder):
        if projections is not None:
            generator.projections = projections
        return f"fourier {generator.size}, projections {generator.projections}"
    if projections is not None:
        raise InputError(f"--projections is for a Fourier vocoder, this is {name}")
    return name

"""From a run to a model folder that needs no torch: what `specgan pack` does."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from specgan.card import write_card, write_converter_card, write_enhancer_card, write_sounds_card, write_voice_card
from specgan.export import export
from specgan.export_converter import export_converter
from specgan.export_enhancer import export_enhancer
from specgan.export_sounds import export_sounds
from specgan.export_voice import export_voice
from specgan.tasks.conversion_config import ConversionRun
from specgan.tasks.enhancement import EnhancementRun
from specgan.tasks.generation import GenerationRun
from specgan.tasks.tts import SpeechRun
from specgan.torch_backend import describe
from specgan.train import task_of
from specgan.trained import (
    denoiser_checkpoint,
    read_denoiser,
    read_sounds,
    read_vocoder,
    read_voice,
    sounds_checkpoint,
    voice_checkpoint,
)
from specgan.trained_conversion import conversion_checkpoint, read_conversion
from specgan.zoo import DEFAULT_VOCODER
from vocoder.decode import read_run
from vocoder.engine.checkpoint import load_tensors
from vocoder.engine.config import load_config
from vocoder.errors import InputError
from vocoder.generators import FourierVocoder
from vocoder.signal.spec import MelSpec, preset

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
        Of a vocoder or of the task generation, whose best checkpoint is taken, or of the task tts, enhancement or
        conversion, whose newest is; averaged weights.
    out : Path
        The folder; must not exist.
    licence : str
        Of the weights, for the card.
    projections : int, optional
        Consistency projections of the vocoder when it decodes; as trained if None.
    vocoder : Path, optional
        For a voice and for sounds: the run or the folder with weights that renders them; that of the shipped vocoder if
        None. For conversion: likewise, but the shipped one is only named. For enhancement: one for the same mel, for
        the second renderer; none if None.
    weights : bool
        For all but a vocoder: whether the weights go along as safetensors, for fine-tuning and for torch.

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
    if task == "enhancement":
        return pack_enhancer(run, out, licence, projections, vocoder, weights)
    if task == "conversion":
        return pack_converter(run, out, licence, projections, vocoder, weights)
    if task == "generation":
        return pack_sounds(run, out, licence, projections, vocoder, weights)
    if task is not None:
        raise InputError(
            f"{run}: is a run of the task {task}; runs of tts, enhancement, conversion, generation and of a vocoder "
            "can be packed"
        )
    if vocoder is not None or not weights:
        raise InputError(f"{run}: is a run of a vocoder; --vocoder and --no-weights are for runs of other tasks")
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


def pack_enhancer(
    run: Path, out: Path, licence: str, projections: int | None, vocoder: Path | None, weights: bool
) -> str:
    """The newest checkpoint of a run of the task enhancement, perhaps with a vocoder; see `pack`."""
    if projections is not None and vocoder is None:
        raise InputError(f"{run}: is a run of the task enhancement; --projections is for a vocoder, see --vocoder")
    saved, config = denoiser_checkpoint(run), load_config(EnhancementRun, run / "config.yaml")
    denoiser, spec, critics = read_denoiser(run)
    generator, network = None, ""
    if vocoder is not None:
        generator = read_vocoder(vocoder, spec).generator
        network = _network(generator, projections, describe(generator)["name"])
    facts = {
        "step": saved.step,
        "validation": saved.figures,
        "data": [Path(path).parent.name for path in (*config.data.train, *config.data.noise)],
        "licence": licence,
    }
    card = write_enhancer_card(out.name, spec, f"SpecUNet {denoiser.unet.size}", network, facts, weights=weights)
    export_enhancer(denoiser, spec, out, card, facts, generator=generator, critics=critics, weights=weights)
    return f"SpecUNet {denoiser.unet.size}, step {saved.step}" + (f"; {network}" if network else "")


def pack_converter(
    run: Path, out: Path, licence: str, projections: int | None, vocoder: Path | None, weights: bool
) -> str:
    """The newest checkpoint of a run of the task conversion, with a vocoder or naming the shipped one; see `pack`."""
    if projections is not None and vocoder is None:
        raise InputError(f"{run}: is a run of the task conversion; --projections is for a vocoder, see --vocoder")
    saved, config = conversion_checkpoint(run), load_config(ConversionRun, run / "config.yaml")
    trained = read_conversion(run)
    spec, generator, network = trained.recogniser.spec, None, f"that of the model {DEFAULT_VOCODER}"
    if vocoder is not None:
        generator = read_vocoder(vocoder, spec).generator
        network = _network(generator, projections, describe(generator)["name"])
    else:
        preset("22k").require(spec, "the shipped vocoder", "this run, which needs a vocoder of its own (--vocoder)")
    facts = {
        "step": saved.step,
        "validation": saved.figures,
        "data": [Path(path).parent.name for path in config.data.train],
        "licence": licence,
    }
    drawn = f"ConvNeXt {trained.model.width}×{trained.model.blocks}, SpecUNet {trained.model.size}"
    networks = {"generator": drawn, "vocoder": network}
    card = write_converter_card(out.name, spec, networks, trained.speakers, facts, weights=weights)
    export_converter(trained, out, card, facts, generator=generator, vocoder=DEFAULT_VOCODER, weights=weights)
    return f"{drawn}, {len(trained.speakers)} speakers, step {saved.step}; vocoder: {network}"


def pack_sounds(
    run: Path, out: Path, licence: str, projections: int | None, vocoder: Path | None, weights: bool
) -> str:
    """The checkpoint of a run of the task generation that came nearest to recordings, with a vocoder; see `pack`."""
    saved, config = sounds_checkpoint(run), load_config(GenerationRun, run / "config.yaml")
    painter, spec, classes, critic = read_sounds(run)
    generator = read_vocoder(vocoder or _shipped(spec), spec).generator
    network = _network(generator, projections, describe(generator)["name"])
    facts = {
        "step": saved.step,
        "validation": saved.figures,
        "data": [Path(path).parent.name for path in config.data.train],
        "licence": licence,
    }
    drawn = f"synthesis network {config.size}, layers {config.layers}, objective {config.critic.objective}"
    card = write_sounds_card(out.name, spec, {"generator": drawn, "vocoder": network}, classes, facts)
    export_sounds(painter, spec, classes, generator, out, card, facts, critic=critic, weights=weights)
    return f"{drawn}, {len(classes)} classes, step {saved.step}; {network}"


def _shipped(spec: MelSpec) -> Path:
    """Weights of the shipped vocoder, if it renders mels of this kind."""
    if not PRETRAINED.is_dir():
        raise InputError(
            f"{PRETRAINED}: the weights of the shipped vocoder are not here; name a vocoder with --vocoder"
        )
    preset("22k").require(spec, "the shipped vocoder", "this run, which needs a vocoder of its own (--vocoder)")
    return PRETRAINED


def _network(generator: nn.Module, projections: int | None, name: str) -> str:
    """A generator in words, its projections set."""
    if isinstance(generator, FourierVocoder):
        if projections is not None:
            generator.projections = projections
        return f"fourier {generator.size}, projections {generator.projections}"
    if projections is not None:
        raise InputError(f"--projections is for a Fourier vocoder, this is {name}")
    return name

"""Trained networks of voice conversion, read back from a run or a packed folder, and taken over by a new run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from torch import Tensor, nn

from specgan.networks.converter import Converter, ConverterConfig
from specgan.networks.style import ReferenceEncoder
from specgan.runtime.prosody import Range
from specgan.text.content import Content, Recogniser, read_recogniser
from specgan.transfer import rows_by_name
from vocoder.engine.checkpoint import Checkpoints, Saved, load_tensors, load_weights, put_weights
from vocoder.engine.monitor import best_of
from vocoder.errors import InputError


class TrainedConversion(NamedTuple):
    """The networks of a conversion, in evaluation mode; state dictionary of its critics, None if there are none."""

    recogniser: Recogniser
    converter: Converter
    reference: ReferenceEncoder
    model: ConverterConfig
    speakers: list[str]
    ranges: dict[str, Range]
    critics: dict[str, Tensor] | None


def conversion_checkpoint(run: Path) -> Saved:
    """The checkpoint of a run to take: the newest, unless its settings named a figure to choose by.

    Raises
    ------
    InputError
        If the folder is no run of a conversion, or has no checkpoint yet.
    """
    saved = best_of(Checkpoints(run / "checkpoints"), None)
    if saved is None:
        raise InputError(f"{run}: has no checkpoint yet; `specgan train` makes one")
    if (task := saved.state["facts"].get("task")) != "conversion":
        raise InputError(f"{run}: is a run of the task {task}, must be one of conversion")
    return saved


def read_conversion(folder: Path) -> TrainedConversion:
    """The networks of a run (averaged weights), or of a packed model with its weights.

    Raises
    ------
    InputError
        If the folder is neither, or something in it is damaged.
    """
    if (folder / "checkpoints").is_dir():
        saved = conversion_checkpoint(folder)
        facts, place, suffix = saved.state["facts"], saved.path, ".ema.safetensors"
    else:
        place, suffix = folder, ".safetensors"
        if not (folder / "converter.safetensors").is_file():
            raise InputError(f"{folder}: is no run of the task conversion, and no model with its weights")
        facts = load_tensors(folder / "converter.safetensors")[1]
    recogniser, model = read_recogniser(folder), ConverterConfig(**facts["model"])
    speakers = list(facts["speakers"])
    converter = Converter(recogniser.spec, Content(recogniser.aligner).phones, len(speakers), model)
    load_weights(place / f"converter{suffix}", converter, f"the converter of {folder}")
    reference = ReferenceEncoder(recogniser.spec.bands, model.style)
    load_weights(place / f"reference{suffix}", reference, f"the reference encoder of {folder}")
    critics = place / "critics.safetensors"
    return TrainedConversion(
        recogniser,
        converter.eval(),
        reference.eval(),
        model,
        speakers,
        {name: Range(*values) for name, values in facts["pitch"].items()},
        load_tensors(critics)[0] if critics.is_file() else None,
    )


def start_conversion(modules: Mapping[str, nn.Module], speakers: Sequence[str], known: TrainedConversion) -> None:
    """Load a trained conversion into the modules of a task: speakers by name, new ones as the mean of all.

    The critics begin anew unless they know the same speakers.

    Raises
    ------
    InputError
        If the networks differ in more than their speakers.
    """
    tensors = dict(known.converter.state_dict())
    tensors["table.weight"] = rows_by_name(tensors["table.weight"], known.speakers, speakers)
    put_weights(tensors, modules["converter"], "the trained model", "the converter of this config", {})
    reference = dict(known.reference.state_dict())
    put_weights(reference, modules["reference"], "the trained model", "the reference encoder of this config", {})
    if known.critics is not None and list(speakers) == known.speakers:
        put_weights(known.critics, modules["critics"], "the trained model", "critics of this config", {})

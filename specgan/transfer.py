"""What a voice takes over from a trained one when it begins: everything, and by name what belongs to a name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from specgan.tasks.acoustic import TrainedAcoustic
from specgan.text.acoustic import Acoustic, Inventory
from specgan.text.symbols import Symbols
from specgan.trained import TrainedVoice
from vocoder.engine.checkpoint import put_weights


def widened(known: Inventory, found: Symbols, languages: Sequence[str]) -> Inventory:
    """The inventory of a trained voice and of new recordings together, without speakers; its ids stay as they are.

    What the recordings lack stays too: ten minutes do not have every phone of their language.

    Parameters
    ----------
    known : Inventory
    found : Symbols
        Of the recordings.
    languages : sequence of str
        Of the recordings; they come first, where the default is.
    """
    return Inventory(
        [*known.phones, *(phone for phone in found.phones if phone not in known.phones)],
        [*known.stresses, *(stress for stress in found.stresses if stress not in known.stresses)],
        [],
        [*languages, *(language for language in known.languages if language not in languages)],
    )


def start_acoustic(acoustic: Acoustic, inventory: Inventory, trained: TrainedAcoustic) -> None:
    """Load a trained acoustic network into one of the same size with another inventory.

    Raises
    ------
    InputError
        If the networks differ in more than their inventories.
    """
    old = trained.inventory
    tensors = dict(trained.acoustic.state_dict())
    for name, before, after in (
        ("phones", old.phones, inventory.phones),
        ("stress", old.stresses, inventory.stresses),
        ("language", old.languages, inventory.languages),
        ("speaker", old.speakers, inventory.speakers),
        ("timbre", old.speakers, inventory.speakers),
    ):
        tensors[f"{name}.weight"] = rows_by_name(tensors[f"{name}.weight"], before, after)
    put_weights(tensors, acoustic, "the trained voice", "the acoustic network of this config", {})


def start_speech(modules: Mapping[str, nn.Module], speakers: Sequence[str], trained: TrainedVoice) -> None:
    """Load the generator of a trained voice, and its critics if it has any, into a task with other speakers.

    Parameters
    ----------
    modules : mapping
        "painter" and "critics" of the task.
    speakers : sequence of str
        Of the task.
    trained : TrainedVoice

    Raises
    ------
    InputError
        If the networks differ in more than their speakers.
    """
    old = trained.acoustic.inventory.speakers
    tensors = dict(trained.painter.state_dict())
    tensors["style.weight"] = rows_by_name(tensors["style.weight"], old, speakers)
    put_weights(tensors, modules["painter"], "the trained voice", "the generator of this config", {})
    if trained.critics is None:
        return
    tensors = dict(trained.critics)
    if list(old) != list(speakers):  # the heads that judge whether it is this speaker begin anew
        tensors = {name: tensor for name, tensor in tensors.items() if not _of_speakers(name)}
        tensors |= {name: tensor for name, tensor in modules["critics"].state_dict().items() if _of_speakers(name)}
    put_weights(tensors, modules["critics"], "the trained voice", "critics of this config", {})


def _of_speakers(name: str) -> bool:
    return bool({"classed", "embedding"} & set(name.split(".")))


def rows_by_name(rows: Tensor, before: Sequence[str], after: Sequence[str]) -> Tensor:
    """Rows of an embedding in another order: those of known names as they are, new ones as the mean of all.

    Parameters
    ----------
    rows : (K, D) tensor
    before : sequence of K str
    after : sequence of N str

    Returns
    -------
    (N, D) tensor
    """
    mean = rows.mean(0)
    return torch.stack([rows[before.index(name)] if name in before else mean for name in after])

"""What is said, frame by frame, whoever says it: the aligner as a recogniser of phones."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor, nn

from specgan.text.aligner import Aligner
from specgan.text.alignments import read_aligner
from specgan.text.symbols import Symbols
from vocoder.engine.checkpoint import Checkpoints, load_tensors, load_weights
from vocoder.errors import InputError
from vocoder.signal.spec import MelSpec

UNHEARD = -6.0
"""ln of the probability below which it no longer matters how improbable a phone is: who speaks shows down there."""


class Content(nn.Module):
    """Log-mel → how likely each phone is at each frame (posteriorgrams; Sun 2016, doi:10.1109/ICME.2016.7552917).

    Parameters
    ----------
    aligner : Aligner
    """

    reach = 8
    """Frames on each side of a frame on which it depends: the first layer's 2 and 2 of each of three blocks."""

    def __init__(self, aligner: Aligner) -> None:
        super().__init__()
        self.aligner = aligner

    @property
    def phones(self) -> int:
        """Planes of the content."""
        return self.aligner.recognise.out_features

    def log_posteriors(self, mel: Tensor) -> Tensor:
        """(B, M, T) → log-probabilities (B, T, phones)."""
        return F.log_softmax(self.aligner(mel), dim=2)

    def forward(self, mel: Tensor) -> Tensor:
        """(B, M, T) → (B, phones, T), in −1 to 1; see `scaled`."""
        return scaled(self.log_posteriors(mel))


def scaled(log_posteriors: Tensor) -> Tensor:
    """Log-probabilities (B, T, phones) as content (B, phones, T): 1 for certain, −1 for unheard."""
    return (log_posteriors.clamp_min(UNHEARD) * (-2 / UNHEARD) + 1).transpose(1, 2)


class Recogniser(NamedTuple):
    """An aligner in evaluation mode, and what belongs to it."""

    aligner: Aligner
    symbols: Symbols
    spec: MelSpec

    @property
    def facts(self) -> dict[str, object]:
        """What a file of its weights says of it."""
        width = self.aligner.recognise.in_features
        return {"phones": list(self.symbols.phones), "stresses": list(self.symbols.stresses), "width": width}


def read_recogniser(folder: Path) -> Recogniser:
    """The aligner of a run of the task alignment or conversion, or of a packed model with its weights.

    Raises
    ------
    InputError
        If the folder is none of these.
    """
    path = folder / "aligner.safetensors"
    if path.is_file():
        facts = load_tensors(path)[1]
    else:
        saved = next(iter(Checkpoints(folder / "checkpoints").all()[::-1]), None)
        facts = dict(saved.state["facts"]) if saved else {}
        if saved is None or facts.get("task") == "alignment":
            return Recogniser(*read_aligner(folder))
        if facts.get("task") != "conversion":
            raise InputError(f"{folder}: is a run of the task {facts.get('task')}, which has no recogniser of phones")
        path = saved.path / "aligner.safetensors"
        facts = {**facts["recogniser"], "spec": facts["spec"]}
    spec = MelSpec.from_dict(facts["spec"], str(path))
    symbols = Symbols(tuple(facts["phones"]), tuple(facts["stresses"]))
    aligner = Aligner(spec.bands, symbols, facts["width"])
    load_weights(path, aligner, f"the aligner of {folder}")
    return Recogniser(aligner.eval(), symbols, spec)

"""From the runs of a voice to a model folder that speaks without torch."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from specgan.export import inference_form, round_to_half
from specgan.folder import Weights, refuse_existing, write_folder
from specgan.graphs import TRACED, graph
from specgan.networks.unet import SpecUNet
from specgan.runtime.model import FORMAT_VERSION
from specgan.tasks.acoustic import TrainedAcoustic
from specgan.tasks.tts import Painter
from specgan.text.acoustic import Acoustic
from specgan.text.aligner import MEL_MEAN, MEL_STD
from specgan.torch_backend import describe


class Encode(nn.Module):
    """The function `encode` of a voice: ids → text, durations, pitch, energy."""

    def __init__(self, acoustic: Acoustic) -> None:
        super().__init__()
        self.acoustic = acoustic

    def forward(self, phones: Tensor, stress: Tensor, speaker: Tensor, language: Tensor) -> tuple[Tensor, ...]:
        """(1, L), (1, L), (1,), (1,) int64 → (1, D, L), (1, L), (1, L), (1, L)."""
        return tuple(self.acoustic.encode(phones, stress, speaker, language))


class Draw(nn.Module):
    """The function `draw` of a voice: text, pitch and energy of every frame → mel, and the coarse one under it."""

    def __init__(self, acoustic: Acoustic, painter: Painter) -> None:
        super().__init__()
        self.acoustic, self.painter = acoustic, painter

    @property
    def receptive_field(self) -> int:
        """Frames on each side of a frame on which it depends, a multiple of what the generator needs."""
        reach = self.acoustic.receptive_field + self.painter.unet.receptive_field
        return -(-reach // SpecUNet.multiple) * SpecUNet.multiple

    def forward(
        self, text: Tensor, pitch: Tensor, energy: Tensor, speaker: Tensor, noise: Tensor
    ) -> tuple[Tensor, Tensor]:
        """(1, D, T), (1, T), (1, T), (1,), (1, M, T) → (1, M, T) twice."""
        coarse = self.acoustic.decode(text, pitch, energy, speaker)
        return self.painter(coarse, noise, speaker), coarse


def voice_config(trained: TrainedAcoustic, draw: Draw, generator: Any, facts: Mapping[str, Any]) -> dict[str, Any]:
    """What config.json of a voice says; see `specgan.runtime.voice_config`."""
    bands, width = trained.spec.bands, trained.model.width
    return {
        "format_version": FORMAT_VERSION,
        "task": "tts",
        "functions": {
            "encode": {
                "inputs": {"phones": [1, "tokens"], "stress": [1, "tokens"], "speaker": [1], "language": [1]},
                "outputs": {
                    "text": [1, width, "tokens"],
                    "durations": [1, "tokens"],
                    "pitch": [1, "tokens"],
                    "energy": [1, "tokens"],
                },
            },
            "draw": {
                "inputs": {
                    "text": [1, width, "frames"],
                    "pitch": [1, "frames"],
                    "energy": [1, "frames"],
                    "speaker": [1],
                    "noise": [1, bands, "frames"],
                },
                "outputs": {"mel": [1, bands, "frames"], "coarse": [1, bands, "frames"]},
            },
            "render": {"inputs": {"mel": [1, bands, "frames"]}, "outputs": {"wave": [1, "samples"]}},
        },
        "spec": trained.spec.to_dict(),
        "receptive_field": generator.receptive_field,
        "draw": {"receptive_field": draw.receptive_field, "multiple": SpecUNet.multiple},
        **vars(trained.inventory),
        "pitch": trained.pitch,
        "energy": [MEL_MEAN, MEL_STD],
        "acoustic": vars(trained.model),
        "painter": {"size": draw.painter.unet.size},
        "generator": describe(generator),
        "facts": dict(facts),
    }


def export_voice(
    trained: TrainedAcoustic,
    painter: Painter,
    generator: nn.Module,
    out: Path,
    card: str,
    facts: Mapping[str, Any] | None = None,
    *,
    critics: Mapping[str, Tensor] | None = None,
    discriminator: Mapping[str, Tensor] | None = None,
    weights: bool = True,
) -> None:
    """Write the model folder of a voice, as a whole or not at all.

    Parameters
    ----------
    trained : TrainedAcoustic
    painter : Painter
    generator : nn.Module
        Its vocoder. All three are left as they are.
    out : Path
        The folder; must not exist.
    card : str
        README.md.
    facts : mapping, optional
        What of the card a program may want to know; JSON.
    critics : mapping of str to Tensor, optional
        State dictionary of the critics; goes along for fine-tuning.
    discriminator : mapping of str to Tensor, optional
        Likewise of the vocoder's critics, in half precision.
    weights : bool
        Add the weights as safetensors, for fine-tuning and for torch.

    Raises
    ------
    InputError
        If `out` exists or cannot be written, or a network cannot be exported.
    """
    refuse_existing(out)
    # copies, so that what was given stays as it is
    draw = Draw(copy.deepcopy(trained.acoustic), copy.deepcopy(painter)).cpu().eval()
    render = inference_form(generator, trained.spec)
    config = voice_config(trained, draw, generator, facts or {})
    for network in (draw, render):
        round_to_half(network)
    files: dict[str, Weights] = {}
    if weights:
        acoustic = {"task": "acoustic", "spec": config["spec"], "model": config["acoustic"], "pitch": trained.pitch}
        acoustic["inventory"] = vars(trained.inventory)
        files = {
            "acoustic": Weights(draw.acoustic.state_dict(), acoustic),
            "painter": Weights(draw.painter.state_dict(), config["painter"]),
            "generator": Weights(generator.state_dict(), {"generator": config["generator"]}),
        }
        if critics is not None:
            files["critics"] = Weights(critics)
        if discriminator is not None:
            files["discriminator"] = Weights({name: tensor.half() for name, tensor in discriminator.items()})
    write_folder(out, config, _graphs(draw, render, config), card, files)


def _graphs(draw: Draw, render: nn.Module, config: Mapping[str, Any]) -> dict[str, bytes]:
    width, bands = config["acoustic"]["width"], config["spec"]["bands"]
    tokens, quarter = torch.export.Dim("tokens", min=3), torch.export.Dim("quarter", min=2)
    frames = SpecUNet.multiple * quarter
    ids, one = torch.ones(1, 20, dtype=torch.int64), torch.zeros(1, dtype=torch.int64)
    text, line, mel = torch.zeros(1, width, TRACED), torch.zeros(1, TRACED), torch.zeros(1, bands, TRACED)
    # clones, because a tensor that is given twice would be taken for one input
    examples: dict[str, tuple[nn.Module, tuple[Tensor, ...], tuple[dict[int, Any], ...]]] = {
        "encode": (Encode(draw.acoustic), (ids, ids.clone(), one, one.clone()), ({1: tokens}, {1: tokens}, {}, {})),
        "draw": (draw, (text, line, line.clone(), one, mel), ({2: frames}, {1: frames}, {1: frames}, {}, {2: frames})),
        "render": (render, (mel,), ({2: torch.export.Dim("frames", min=2)},)),
    }
    return {
        name: graph(module, inputs, shapes, list(function["inputs"]), list(function["outputs"]))
        for name, (module, inputs, shapes) in examples.items()
        for function in [config["functions"][name]]
    }

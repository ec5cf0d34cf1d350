"""From a trained generator of sounds to a model folder that makes them without torch."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from specgan.export import inference_form, round_to_half
from specgan.folder import Weights, refuse_existing, write_folder
from specgan.graphs import LARGE, TRACED, graph
from specgan.runtime.model import FORMAT_VERSION
from specgan.tasks.generation import SoundPainter
from specgan.torch_backend import describe
from vocoder.signal.spec import MelSpec


def sounds_config(
    painter: SoundPainter,
    spec: MelSpec,
    classes: list[str],
    generator: Any,
    facts: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """What config.json of a model of sounds says; see `specgan.runtime.sounds`."""
    net = painter.net
    picture = [1, spec.bands, net.frames]
    return {
        "format_version": FORMAT_VERSION,
        "task": "generation",
        "functions": {
            "draw": {
                "inputs": {"latent": [1, net.latent], "label": [1], "noise": picture},
                "outputs": {"mel": picture},
            },
            "render": {"inputs": {"mel": [1, spec.bands, "frames"]}, "outputs": {"wave": [1, "samples"]}},
        },
        "spec": spec.to_dict(),
        "receptive_field": generator.receptive_field,
        "classes": list(classes),
        "frames": net.frames,
        "latent": net.latent,
        "size": net.size,
        "layers": net.layers,
        "generator": describe(generator),
        "facts": dict(facts or {}),
    }


def export_sounds(
    painter: SoundPainter,
    spec: MelSpec,
    classes: list[str],
    generator: nn.Module,
    out: Path,
    card: str,
    facts: Mapping[str, Any] | None = None,
    *,
    critic: Mapping[str, Tensor] | None = None,
    weights: bool = True,
) -> None:
    """Write the model folder of a generator of sounds, as a whole or not at all.

    Parameters
    ----------
    painter : SoundPainter
    spec : MelSpec
        The mel that it draws.
    classes : list of str
    generator : nn.Module
        A vocoder for that mel. Both networks are left as they are.
    out : Path
        The folder; must not exist.
    card : str
        README.md.
    facts : mapping, optional
        What of the card a program may want to know; JSON.
    critic : mapping of str to Tensor, optional
        State dictionary of the critic; goes along in half precision.
    weights : bool
        Add the weights as safetensors, for torch.

    Raises
    ------
    InputError
        If `out` exists or cannot be written, or a network cannot be exported.
    """
    refuse_existing(out)
    drawing, render = copy.deepcopy(painter).cpu().eval(), inference_form(generator, spec)
    config = sounds_config(drawing, spec, classes, generator, facts)
    for network in (drawing, render):
        round_to_half(network)
    files: dict[str, Weights] = {}
    if weights:
        kept = {name: config[name] for name in ("spec", "classes", "frames", "latent", "size", "layers")}
        # the large ones were rounded to what half precision can hold
        halved = {k: t.half() if t.numel() >= LARGE else t for k, t in drawing.state_dict().items()}
        files["painter"] = Weights(halved, {"task": "generation", **kept})
        files["generator"] = Weights(generator.state_dict(), {"generator": config["generator"]})
        if critic is not None:
            files["critic"] = Weights({name: tensor.half() for name, tensor in critic.items()})
    net = drawing.net
    latent, label = torch.zeros(1, net.latent), torch.zeros(1, dtype=torch.int64)
    noise, mel = torch.zeros(1, net.bands, net.frames), torch.zeros(1, net.bands, TRACED)
    varying: tuple[dict[int, Any], ...] = ({2: torch.export.Dim("frames", min=2)},)
    draws = config["functions"]["draw"]["inputs"]
    graphs = {
        "draw": graph(drawing, (latent, label, noise), ({}, {}, {}), list(draws), ["mel"]),
        "render": graph(render, (mel,), varying, ["mel"], ["wave"]),
    }
    write_folder(out, config, graphs, card, files)

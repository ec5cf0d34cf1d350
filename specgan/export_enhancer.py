"""From a trained network that takes noise away to a model folder that does so without torch."""

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
from specgan.networks.gain import GainRenderer
from specgan.networks.unet import SpecUNet
from specgan.runtime.model import FORMAT_VERSION
from specgan.tasks.enhancement import Denoiser
from specgan.torch_backend import describe
from vocoder.signal.mel import LogMel
from vocoder.signal.spec import MelSpec


def enhancement_config(
    denoiser: Denoiser, spec: MelSpec, generator: Any = None, facts: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """What config.json of an enhancement model says; see `specgan.runtime.enhancer`.

    Parameters
    ----------
    denoiser : Denoiser
    spec : MelSpec
    generator : nn.Module, optional
        Its vocoder.
    facts : mapping, optional
    """
    mel, wave = [1, spec.bands, "frames"], [1, "samples"]
    config: dict[str, Any] = {
        "format_version": FORMAT_VERSION,
        "task": "enhancement",
        "functions": {
            "mel": {"inputs": {"wave": wave}, "outputs": {"mel": mel}},
            "enhance": {"inputs": {"mel": mel}, "outputs": {"gain": mel}},
            "gain": {"inputs": {"wave": wave, "gain": mel}, "outputs": {"enhanced": wave}},
        },
        "renderers": ["gain"],
        "spec": spec.to_dict(),
        "receptive_field": denoiser.unet.receptive_field,
        "multiple": SpecUNet.multiple,
        "denoiser": {"size": denoiser.unet.size},
        "facts": dict(facts or {}),
    }
    if generator is not None:
        config["functions"]["render"] = {"inputs": {"mel": mel}, "outputs": {"wave": wave}}
        config["renderers"].append("vocoder")
        config |= {"render_receptive_field": generator.receptive_field, "generator": describe(generator)}
    return config


def export_enhancer(
    denoiser: Denoiser,
    spec: MelSpec,
    out: Path,
    card: str,
    facts: Mapping[str, Any] | None = None,
    *,
    generator: nn.Module | None = None,
    critics: Mapping[str, Tensor] | None = None,
    weights: bool = True,
) -> None:
    """Write the model folder of a network that takes noise away, as a whole or not at all.

    Parameters
    ----------
    denoiser : Denoiser
    spec : MelSpec
        The mel that it reads.
    out : Path
        The folder; must not exist.
    card : str
        README.md.
    facts : mapping, optional
        What of the card a program may want to know; JSON.
    generator : nn.Module, optional
        A vocoder for the same mel, for the second renderer. All networks are left as they are.
    critics : mapping of str to Tensor, optional
        State dictionary of the critics; goes along for fine-tuning, in half precision.
    weights : bool
        Add the weights as safetensors, for fine-tuning and for torch.

    Raises
    ------
    InputError
        If `out` exists or cannot be written, or a network cannot be exported.
    """
    refuse_existing(out)
    network = copy.deepcopy(denoiser).cpu().eval()  # what was given stays as it is
    config = enhancement_config(network, spec, generator, facts)
    round_to_half(network)
    functions: dict[str, nn.Module] = {
        "mel": LogMel(spec, exportable=True),
        "enhance": network,
        "gain": GainRenderer(spec, exportable=True),
    }
    files: dict[str, Weights] = {}
    if weights:
        described = {"spec": config["spec"], "size": network.unet.size}
        # the large ones were rounded to what half precision can hold
        halved = {k: t.half() if t.numel() >= LARGE else t for k, t in network.state_dict().items()}
        files["denoiser"] = Weights(halved, described)
        if critics is not None:
            files["critics"] = Weights({name: tensor.half() for name, tensor in critics.items()})
    if generator is not None:
        functions["render"] = inference_form(generator, spec)
        round_to_half(functions["render"])
        if weights:
            files["generator"] = Weights(generator.state_dict(), {"generator": config["generator"]})
    write_folder(out, config, _graphs(functions, spec, config), card, files)


def _graphs(functions: Mapping[str, nn.Module], spec: MelSpec, config: Mapping[str, Any]) -> dict[str, bytes]:
    frames = torch.export.Dim("frames", min=2)
    fours = SpecUNet.multiple * torch.export.Dim("quarter", min=2)
    wave, mel = torch.zeros(1, TRACED * spec.hop), torch.zeros(1, spec.bands, TRACED)
    examples: dict[str, tuple[tuple[Tensor, ...], tuple[dict[int, Any], ...]]] = {
        "mel": ((wave,), ({1: spec.hop * frames},)),
        "enhance": ((mel,), ({2: fours},)),
        "gain": ((wave, mel), ({1: spec.hop * frames}, {2: frames})),
        "render": ((mel,), ({2: frames},)),
    }
    return {
        name: graph(module, *examples[name], list(function["inputs"]), list(function["outputs"]))
        for name, module in functions.items()
        for function in [config["functions"][name]]
    }

"""From a trained network that changes who speaks to a model folder that does so without torch."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from specgan.export import inference_form, round_to_half
from specgan.folder import Weights, refuse_existing, write_folder
from specgan.graphs import LARGE, TRACED, graph
from specgan.networks.unet import SpecUNet
from specgan.runtime.model import FORMAT_VERSION
from specgan.text.content import Content
from specgan.torch_backend import describe
from specgan.trained_conversion import TrainedConversion
from vocoder.signal.mel import LogMel


def conversion_config(
    trained: TrainedConversion, generator: Any = None, vocoder: str = "", facts: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """What config.json of a conversion model says; see `specgan.runtime.converter`.

    Parameters
    ----------
    trained : TrainedConversion
    generator : nn.Module, optional
        Its vocoder.
    vocoder : str
        The shipped one that renders, where there is no `generator`.
    facts : mapping, optional
    """
    spec, model, converter = trained.recogniser.spec, trained.model, trained.converter
    content = [1, Content(trained.recogniser.aligner).phones, "frames"]
    mel, wave, line, style = [1, spec.bands, "frames"], [1, "samples"], [1, "frames"], [1, model.style]
    table = converter.table.weight.detach().cpu()
    config: dict[str, Any] = {
        "format_version": FORMAT_VERSION,
        "task": "conversion",
        "functions": {
            "mel": {"inputs": {"wave": wave}, "outputs": {"mel": mel}},
            "content": {"inputs": {"mel": mel}, "outputs": {"content": content}},
            "style": {"inputs": {"mel": mel}, "outputs": {"style": style}},
            "convert": {
                "inputs": {
                    "content": content,
                    "pitch": line,
                    "voiced": line,
                    "energy": line,
                    "style": style,
                    "noise": mel,
                },
                "outputs": {"mel": mel},
            },
        },
        "spec": spec.to_dict(),
        "receptive_field": 0 if generator is None else generator.receptive_field,
        "content_receptive_field": Content.reach,
        "convert_receptive_field": converter.receptive_field,
        "multiple": SpecUNet.multiple,
        "speakers": trained.speakers,
        "pitch": {name: list(known) for name, known in trained.ranges.items()},
        "styles": {
            name: [round(value, 5) for value in table[row].tolist()] for row, name in enumerate(trained.speakers)
        },
        "converter": asdict(model),
        "facts": dict(facts or {}),
    }
    if generator is not None:
        config["functions"]["render"] = {"inputs": {"mel": mel}, "outputs": {"wave": wave}}
        config["generator"] = describe(generator)
    else:
        config["vocoder"] = vocoder
    return config


def export_converter(
    trained: TrainedConversion,
    out: Path,
    card: str,
    facts: Mapping[str, Any] | None = None,
    *,
    generator: nn.Module | None = None,
    vocoder: str = "",
    weights: bool = True,
) -> None:
    """Write the model folder of a network that changes who speaks, as a whole or not at all.

    Parameters
    ----------
    trained : TrainedConversion
        Left as it is.
    out : Path
        The folder; must not exist.
    card : str
        README.md.
    facts : mapping, optional
        What of the card a program may want to know; JSON.
    generator : nn.Module, optional
        A vocoder that goes along.
    vocoder : str
        Without: the name of the shipped one that renders, so that the same 7 MB need not be given away twice.
    weights : bool
        Add the weights as safetensors, for fine-tuning and for torch.

    Raises
    ------
    InputError
        If `out` exists or cannot be written, or a network cannot be exported.
    """
    refuse_existing(out)
    spec = trained.recogniser.spec
    content = Content(copy.deepcopy(trained.recogniser.aligner)).cpu().eval()
    converter, reference = (copy.deepcopy(part).cpu().eval() for part in (trained.converter, trained.reference))
    config = conversion_config(trained, generator, vocoder, facts)
    functions: dict[str, nn.Module] = {
        "mel": LogMel(spec, exportable=True),
        "content": content,
        "style": reference,
        "convert": converter,
    }
    for network in (content, reference, converter):
        round_to_half(network)
    files: dict[str, Weights] = {}
    if weights:
        described = {"task": "conversion", "spec": config["spec"], "model": config["converter"]}
        described |= {"speakers": trained.speakers, "pitch": config["pitch"]}
        heard = {**trained.recogniser.facts, "spec": config["spec"]}
        files = {
            "converter": Weights(_halved(converter), described),
            "reference": Weights(_halved(reference)),
            "aligner": Weights(_halved(content.aligner), heard),
        }
        if trained.critics is not None:
            files["critics"] = Weights({name: tensor.half() for name, tensor in trained.critics.items()})
    if generator is not None:
        functions["render"] = inference_form(generator, spec)
        round_to_half(functions["render"])
        if weights:
            files["generator"] = Weights(generator.state_dict(), {"generator": config["generator"]})
    write_folder(out, config, _graphs(functions, config), card, files)


def _halved(network: nn.Module) -> dict[str, Tensor]:
    """The large weights were rounded to what half precision can hold."""
    return {k: t.half() if t.numel() >= LARGE else t for k, t in network.state_dict().items()}


def _graphs(functions: Mapping[str, nn.Module], config: Mapping[str, Any]) -> dict[str, bytes]:
    frames = torch.export.Dim("frames", min=2)
    fours = SpecUNet.multiple * torch.export.Dim("quarter", min=2)
    shapes = {name: function["inputs"] for name, function in config["functions"].items()}

    def example(shape: list[Any]) -> Tensor:
        return torch.zeros(*(TRACED if axis == "frames" else axis for axis in shape))

    examples: dict[str, tuple[tuple[Tensor, ...], tuple[dict[int, Any], ...]]] = {
        "mel": ((torch.zeros(1, TRACED * config["spec"]["hop"]),), ({1: config["spec"]["hop"] * frames},)),
        # those of a line vary in the last axis, a style in none
        **{
            name: (
                tuple(example(shape) for shape in shapes[name].values()),
                tuple(
                    {len(shape) - 1: fours if name == "convert" else frames} if shape[-1] == "frames" else {}
                    for shape in shapes[name].values()
                ),
            )
            for name in shapes
            if name != "mel"
        },
    }
    return {
        name: graph(module, *examples[name], list(function["inputs"]), list(function["outputs"]))
        for name, module in functions.items()
        for function in [config["functions"][name]]
    }

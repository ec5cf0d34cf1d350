"""From a run or a generator to a model folder: config.json, the card, ONNX files, weights for fine-tuning."""

from __future__ import annotations

import copy
import json
import logging
import os
import shutil
import uuid
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from specgan.runtime.model import FORMAT_VERSION
from specgan.torch_backend import describe
from vocoder.engine.checkpoint import save_tensors, write_file
from vocoder.engine.files import sync_folder
from vocoder.errors import InputError
from vocoder.generators import FourierVocoder
from vocoder.hifigan import HiFiGAN
from vocoder.signal.mel import LogMel
from vocoder.signal.spec import MelSpec

OPSET = 20
TRACED = 64  # frames of the example that the graphs are traced with


def export(
    generator: nn.Module,
    spec: MelSpec,
    out: Path,
    card: str,
    facts: Mapping[str, Any] | None = None,
    *,
    critics: Mapping[str, Tensor] | None = None,
    half: bool = True,
) -> None:
    """Write the model folder of a vocoder, as a whole or not at all.

    Parameters
    ----------
    generator : FourierVocoder or HiFiGAN
        Left as it is.
    spec : MelSpec
        The mel that it renders.
    out : Path
        The folder; must not exist.
    card : str
        README.md: what the model is, what it was trained on, under which licence, how good it is.
    facts : mapping, optional
        What of the card a program may want to know; JSON.
    critics : mapping of str to Tensor, optional
        State dictionary of the discriminators; goes along in half precision, for fine-tuning.
    half : bool
        Keep the weights in the ONNX files in half precision, half the size; they are computed with in float32. The
        wave then differs by less than 1e-3 of full scale, otherwise by less than 1e-4.

    Raises
    ------
    InputError
        If `out` exists or cannot be written, or the network or its STFT cannot be exported.
    """
    if out.exists():
        raise InputError(f"{out}: is there already; name a new folder")
    network, described = inference_form(generator, spec), describe(generator)
    config = {
        "format_version": FORMAT_VERSION,
        "task": "vocoder",
        "functions": {
            "mel": {"inputs": {"wave": [1, "samples"]}, "outputs": {"mel": [1, spec.bands, "frames"]}},
            "render": {"inputs": {"mel": [1, spec.bands, "frames"]}, "outputs": {"wave": [1, "samples"]}},
        },
        "spec": spec.to_dict(),
        "generator": described,
        "receptive_field": generator.receptive_field,
        "facts": dict(facts or {}),
    }
    if half:
        round_to_half(network)
    temporary = out.parent / f".{uuid.uuid4().hex}.tmp"
    try:
        temporary.mkdir()
        wave, mel = torch.zeros(1, TRACED * spec.hop), torch.zeros(1, spec.bands, TRACED)
        frames = torch.export.Dim("frames", min=2)
        analyse = graph(LogMel(spec, exportable=True), (wave,), ({1: spec.hop * frames},), ["wave"], ["mel"])
        write_file(temporary / "mel.onnx", analyse)
        write_file(temporary / "render.onnx", graph(network, (mel,), ({2: frames},), ["mel"], ["wave"]))
        save_tensors(temporary / "generator.safetensors", generator.state_dict(), {"generator": described})
        if critics is not None:
            halved = {name: tensor.half() for name, tensor in critics.items()}
            save_tensors(temporary / "discriminator.safetensors", halved, {"generator": described})
        write_file(temporary / "README.md", card.encode())
        write_file(temporary / "config.json", (json.dumps(config, indent=2, ensure_ascii=False) + "\n").encode())
        sync_folder(temporary)
        os.rename(temporary, out)
        sync_folder(out.parent)
    except OSError as error:
        raise InputError(f"{out}: cannot be written: {error.strerror or error}") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def inference_form(generator: nn.Module, spec: MelSpec) -> nn.Module:
    """A copy without weight normalisation, and with an STFT that exports."""
    if isinstance(generator, FourierVocoder):
        network = FourierVocoder(spec, generator.size, generator.projections, exportable=True)
        network.load_state_dict(generator.state_dict())
        return network.eval()
    if isinstance(generator, HiFiGAN):
        return copy.deepcopy(generator).cpu().fold().eval()
    raise InputError(f"a {type(generator).__name__} is no generator that can be exported")


@torch.no_grad()
def round_to_half(network: nn.Module) -> None:
    """Round large weights to numbers that half precision can hold.

    The first and the last layer of a Fourier vocoder stay: they are a seventh of its weights, and rounding them is a
    hundred times as audible in the wave as rounding all others.
    """
    for parameter in (network.blocks if isinstance(network, FourierVocoder) else network).parameters():
        if parameter.numel() >= LARGE:
            parameter.copy_(parameter.half())


def graph(
    module: nn.Module,
    examples: tuple[Tensor, ...],
    shapes: tuple[dict[int, Any], ...],
    given: Sequence[str],
    returned: Sequence[str],
) -> bytes:
    """The ONNX file of a function.

    Parameters
    ----------
    module : nn.Module
    examples : tuple of Tensor
        Inputs to trace it with.
    shapes : tuple of dict
        For each input, which axes vary, and by which `torch.export.Dim`.
    given, returned : sequence of str
        Names of inputs and outputs.
    """
    chatter = logging.getLogger("torch.onnx")
    before = chatter.level
    chatter.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about the exporter's own affairs
            program = torch.onnx.export(
                module.eval(),
                examples,
                dynamo=True,
                dynamic_shapes=shapes,
                input_names=list(given),
                output_names=list(returned),
                opset_version=OPSET,
                verbose=False,
            )
    finally:
        chatter.setLevel(before)
    assert program is not None  # only without dynamo
    model = program.model_proto
    for item in (model, model.graph, *model.graph.node, *model.graph.input, *model.graph.output):
        del item.metadata_props[:]  # where on this disk each operation was traced
        item.doc_string = ""
    _store_in_half(model.graph)
    onnx.checker.check_model(model)
    return model.SerializeToString()


LARGE = 1024
"""Weights of at least as many numbers are stored in half precision."""


def _store_in_half(graph: onnx.GraphProto) -> None:
    """Store in half precision whatever loses nothing by it, and cast it back when the file is loaded.

    Those are the weights, rounded before; DFT kernels and mel filters do lose and stay as they are.
    """
    for weight in list(graph.initializer):
        value = onnx.numpy_helper.to_array(weight)
        if value.dtype != np.float32 or value.size < LARGE:
            continue
        half = value.astype(np.float16)
        if np.array_equal(half.astype(np.float32), value):
            name = weight.name
            weight.CopyFrom(onnx.numpy_helper.from_array(half, f"{name}.half"))
            graph.node.insert(0, onnx.helper.make_node("Cast", [weight.name], [name], to=onnx.TensorProto.FLOAT))

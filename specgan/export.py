"""From a vocoder's generator to its model folder."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from specgan.folder import Weights, refuse_existing, write_folder
from specgan.graphs import LARGE, TRACED, graph
from specgan.runtime.model import FORMAT_VERSION
from specgan.torch_backend import describe
from vocoder.errors import InputError
from vocoder.generators import FourierVocoder
from vocoder.hifigan import HiFiGAN
from vocoder.signal.mel import LogMel
from vocoder.signal.spec import MelSpec


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
    refuse_existing(out)
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
    wave, mel = torch.zeros(1, TRACED * spec.hop), torch.zeros(1, spec.bands, TRACED)
    frames = torch.export.Dim("frames", min=2)
    graphs = {
        "mel": graph(LogMel(spec, exportable=True), (wave,), ({1: spec.hop * frames},), ["wave"], ["mel"]),
        "render": graph(network, (mel,), ({2: frames},), ["mel"], ["wave"]),
    }
    weights = {"generator": Weights(generator.state_dict(), {"generator": described})}
    if critics is not None:
        halved = {name: tensor.half() for name, tensor in critics.items()}
        weights["discriminator"] = Weights(halved, {"generator": described})
    write_folder(out, config, graphs, card, weights)


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

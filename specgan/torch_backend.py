"""The functions of a vocoder run by torch, behind the interface of `specgan.runtime.model.Model`.

For what ONNX Runtime cannot do: a GPU, a run in training, published weights.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from specgan.runtime.model import Model
from specgan.zoo import find
from vocoder.decode import read_run
from vocoder.engine.checkpoint import load_weights
from vocoder.errors import InputError
from vocoder.generators import FourierVocoder
from vocoder.hifigan import HiFiGAN, HiFiGANConfig
from vocoder.published import read_published
from vocoder.signal.mel import LogMel
from vocoder.signal.spec import MelSpec


class TorchVocoder:
    """`mel` and `render` by a generator that is a torch module.

    Parameters
    ----------
    name : str
        For messages.
    generator : nn.Module
        Mel (B, bands, T) → wave (B, T·hop), with `receptive_field`; put into evaluation mode.
    spec : MelSpec
    device : torch.device or str
    """

    task = "vocoder"

    def __init__(self, name: str, generator: Any, spec: MelSpec, device: torch.device | str = "cpu") -> None:
        self.name, self.spec, self.device = name, spec, torch.device(device)
        self.receptive_field: int = generator.receptive_field
        self._functions: dict[str, nn.Module] = {
            "mel": LogMel(spec).to(self.device),
            "render": generator.eval().to(self.device),
        }

    @torch.inference_mode()
    def run(self, function: str, *inputs: np.ndarray) -> list[np.ndarray]:
        """Apply `mel` to a wave (B, N), or `render` to a log-mel (B, bands, T).

        Raises
        ------
        InputError
            If the function is another one.
        """
        if function not in self._functions:
            has = ", ".join(self._functions)
            raise InputError(f"the model {self.name} ({self.task}) has no function {function!r}; it has {has}")
        output = self._functions[function](*(torch.from_numpy(value).to(self.device) for value in inputs))
        return [output.cpu().numpy()]


def load(name_or_folder: str | Path, device: torch.device | str = "cpu") -> TorchVocoder:
    """Load a model folder, or a shipped model by its name, from its generator.safetensors.

    Raises
    ------
    InputError
        As `specgan.runtime.model.load`; or if the weights are missing or of another network.
    """
    model = Model(find(name_or_folder))
    generator = _build(model.config.get("generator"), model.spec, model.folder / "config.json")
    load_weights(model.folder / "generator.safetensors", generator, f"the generator of {model.folder / 'config.json'}")
    return TorchVocoder(model.name, generator, model.spec, device)


def load_run(folder: Path, device: torch.device | str = "cpu") -> TorchVocoder:
    """Load the best checkpoint of a run in training; see `vocoder.decode.read_run`."""
    trained = read_run(folder)
    return TorchVocoder(folder.resolve().name, trained.generator, trained.spec, device)


def load_published(checkpoint: Path, config: Path, device: torch.device | str = "cpu") -> TorchVocoder:
    """Load published HiFi-GAN weights; see `vocoder.published.read_published`."""
    generator, spec = read_published(checkpoint, config)
    return TorchVocoder(checkpoint.name, generator.fold(), spec, device)


def describe(generator: nn.Module) -> dict[str, Any]:
    """What config.json says of a generator, enough to build it again: for HiFi-GAN under the published names."""
    if isinstance(generator, FourierVocoder):
        return {"name": "fourier", "size": generator.size, "projections": generator.projections}
    if isinstance(generator, HiFiGAN):
        config = generator.config
        return {
            "name": "hifigan",
            "resblock": config.resblock,
            "upsample_rates": list(config.upsample_rates),
            "upsample_kernel_sizes": list(config.upsample_kernel_sizes),
            "upsample_initial_channel": config.upsample_initial_channel,
            "resblock_kernel_sizes": list(config.resblock_kernel_sizes),
            "resblock_dilation_sizes": [list(row) for row in config.resblock_dilation_sizes],
            "num_mels": config.bands,
        }
    raise InputError(f"a {type(generator).__name__} is no generator that can be exported")


def _build(facts: Any, spec: MelSpec, where: Path) -> nn.Module:
    if isinstance(facts, dict) and facts.get("name") == "fourier":
        size, projections = facts.get("size"), facts.get("projections")
        if isinstance(size, str) and type(projections) is int:
            return FourierVocoder(spec, size, projections)
    elif isinstance(facts, dict) and facts.get("name") == "hifigan":
        return HiFiGAN(HiFiGANConfig.from_published(facts, str(where)))
    raise InputError(f"{where}: generator is {facts!r}, which names no network of this specgan")

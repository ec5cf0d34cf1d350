"""The functions of a model run by torch, behind the interface of `specgan.runtime.model.Model`.

For what ONNX Runtime cannot do: a GPU, a run in training, published weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from specgan.runtime.model import Model
from specgan.zoo import DEFAULT_VOCODER, find
from vocoder.decode import read_run
from vocoder.engine.checkpoint import load_weights
from vocoder.errors import InputError
from vocoder.generators import FourierVocoder
from vocoder.hifigan import HiFiGAN, HiFiGANConfig
from vocoder.published import read_published
from vocoder.signal.mel import LogMel
from vocoder.signal.spec import MelSpec


class TorchModel:
    """Functions that are torch modules.

    Parameters
    ----------
    name : str
        For messages.
    task : str
    spec : MelSpec
    receptive_field : int
        Of `render`, in frames.
    functions : mapping
        Name → module from tensors to a tensor or a tuple of them; put into evaluation mode.
    config : mapping
        What config.json of a model folder says.
    device : torch.device or str
    """

    def __init__(
        self,
        name: str,
        task: str,
        spec: MelSpec,
        receptive_field: int,
        functions: Mapping[str, nn.Module],
        config: Mapping[str, Any],
        device: torch.device | str = "cpu",
    ) -> None:
        self.name, self.task, self.spec, self.receptive_field = name, task, spec, receptive_field
        self.config, self.device = dict(config), _device(device)
        self._functions = {key: module.eval().to(self.device) for key, module in functions.items()}

    @torch.inference_mode()
    def run(self, function: str, *inputs: np.ndarray) -> list[np.ndarray]:
        """Apply a function.

        Raises
        ------
        InputError
            If the model has no such function.
        """
        if function not in self._functions:
            has = ", ".join(self._functions)
            raise InputError(f"the model {self.name} ({self.task}) has no function {function!r}; it has {has}")
        output = self._functions[function](*(torch.from_numpy(value).to(self.device) for value in inputs))
        outputs = [output] if isinstance(output, torch.Tensor) else output
        return [tensor.float().cpu().numpy() for tensor in outputs]


def _device(name: torch.device | str) -> torch.device:
    try:
        return torch.empty(0, device=name).device
    except (RuntimeError, AssertionError) as error:  # torch asserts that it was built with CUDA
        raise InputError(f"the device {name!r} cannot be used ({' '.join(str(error).split())[:100]})") from None


class TorchVocoder(TorchModel):
    """`mel` and `render` by a generator: mel (B, bands, T) → wave (B, T·hop), with `receptive_field`."""

    def __init__(self, name: str, generator: Any, spec: MelSpec, device: torch.device | str = "cpu") -> None:
        functions = {"mel": LogMel(spec), "render": generator}
        super().__init__(name, "vocoder", spec, generator.receptive_field, functions, {}, device)


class TorchVoice(TorchModel):
    """`encode`, `draw` and `render` of a voice by modules, which take and give what those of a model folder do.

    Parameters
    ----------
    name : str
    functions : mapping
        encode, draw, render → module.
    config : mapping
        What config.json of a voice says; see `specgan.runtime.voice_config`.
    device : torch.device or str
    """

    def __init__(
        self,
        name: str,
        functions: Mapping[str, nn.Module],
        config: Mapping[str, Any],
        device: torch.device | str = "cpu",
    ) -> None:
        spec = MelSpec.from_dict(config["spec"], f"config.json of {name}")
        super().__init__(name, "tts", spec, config["receptive_field"], functions, config, device)


def load(name_or_folder: str | Path, device: torch.device | str = "cpu") -> TorchVocoder:
    """Load a model folder, or a shipped model by its name, from its generator.safetensors.

    Raises
    ------
    InputError
        As `specgan.runtime.model.load`; or if the weights are missing or of another network.
    """
    model = Model(find(name_or_folder))
    generator = build(model.config.get("generator"), model.spec, model.folder / "config.json")
    load_weights(model.folder / "generator.safetensors", generator, f"the generator of {model.folder / 'config.json'}")
    return TorchVocoder(model.name, generator, model.spec, device)


def load_voice(folder: Path, device: torch.device | str = "cpu") -> TorchVoice:
    """Load a voice from its model folder with weights, or from a run of its GAN.

    A model folder gives what its ONNX files give within 1e-4: its vocoder's weights are rounded likewise. A run is of
    the newest checkpoint, and speaks through the vocoder that its config names.

    Raises
    ------
    InputError
        If the folder is neither, or a file in it is missing, damaged or of another network.
    """
    # here, because those modules need this one, and exporting more packages
    from specgan.export import inference_form, round_to_half
    from specgan.export_voice import Draw, Encode, voice_config
    from specgan.trained import read_vocoder, read_voice, vocoder_of

    if (folder / "checkpoints").is_dir():
        place = vocoder_of(folder)
    else:
        described = Model(folder).config
        if described["task"] != "tts":
            raise InputError(f"the model {folder} is for the task {described['task']}; speaking needs one for tts")
        place = folder
    trained, painter, _ = read_voice(folder)
    generator = read_vocoder(place, trained.spec).generator
    render = inference_form(generator, trained.spec)
    round_to_half(render)
    draw = Draw(trained.acoustic, painter)
    functions = {"encode": Encode(trained.acoustic), "draw": draw, "render": render}
    return TorchVoice(folder.resolve().name, functions, voice_config(trained, draw, generator, {}), device)


def load_enhancer(folder: Path, device: torch.device | str = "cpu") -> TorchModel:
    """Load an enhancement model from its model folder with weights, or from a run.

    A model folder gives what its ONNX files give within 1e-4. A run has the averaged weights of its checkpoint, and the
    renderer "gain" only.

    Raises
    ------
    InputError
        If the folder is neither, or a file in it is missing, damaged or of another network.
    """
    # here, because those modules need this one, and exporting more packages
    from specgan.export import inference_form, round_to_half
    from specgan.export_enhancer import enhancement_config
    from specgan.networks.gain import GainRenderer
    from specgan.trained import read_denoiser, read_vocoder

    denoiser, spec, _ = read_denoiser(folder)
    functions: dict[str, nn.Module] = {"mel": LogMel(spec), "enhance": denoiser, "gain": GainRenderer(spec)}
    generator = None
    if (folder / "generator.safetensors").is_file():
        generator = read_vocoder(folder, spec).generator
        functions["render"] = inference_form(generator, spec)
        round_to_half(functions["render"])
    config = enhancement_config(denoiser, spec, generator)
    name = folder.resolve().name
    return TorchModel(name, "enhancement", spec, config["receptive_field"], functions, config, device)


def load_sounds(folder: Path, device: torch.device | str = "cpu") -> TorchModel:
    """Load a generator of sounds from its model folder with weights, or from a run.

    A run has the averaged weights of its best checkpoint, and the vocoder that its config names.

    Raises
    ------
    InputError
        If the folder is neither, or a file in it is missing, damaged or of another network.
    """
    # here, because those modules need this one, and exporting more packages
    from specgan.export import inference_form, round_to_half
    from specgan.export_sounds import sounds_config
    from specgan.tasks.generation import GenerationRun
    from specgan.trained import read_sounds, read_vocoder, vocoder_of

    place = vocoder_of(folder, GenerationRun) if (folder / "checkpoints").is_dir() else folder
    painter, spec, classes, _ = read_sounds(folder)
    generator = read_vocoder(place, spec).generator
    render = inference_form(generator, spec)
    round_to_half(render)
    config = sounds_config(painter, spec, classes, generator)
    functions = {"draw": painter, "render": render}
    name = folder.resolve().name
    return TorchModel(name, "generation", spec, config["receptive_field"], functions, config, device)


def load_converter(folder: Path, device: torch.device | str = "cpu") -> TorchModel:
    """Load a conversion model from its model folder with weights, or from a run.

    A model folder gives what its ONNX files give within 1e-4. It renders with its own vocoder, a run with that which
    its config names, and either with the shipped one, on ONNX Runtime, if there is none.

    Raises
    ------
    InputError
        If the folder is neither, or a file in it is missing, damaged or of another network.
    """
    # here, because those modules need this one, and exporting more packages
    from specgan.export import inference_form, round_to_half
    from specgan.export_converter import conversion_config
    from specgan.tasks.conversion_config import ConversionRun
    from specgan.text.content import Content
    from specgan.trained import read_vocoder
    from specgan.trained_conversion import read_conversion
    from vocoder.engine.config import load_config

    trained = read_conversion(folder)
    place = folder
    if (folder / "checkpoints").is_dir():
        place = Path(load_config(ConversionRun, folder / "config.yaml").vocoder or folder)
    spec, name = trained.recogniser.spec, folder.resolve().name
    functions: dict[str, nn.Module] = {
        "mel": LogMel(spec),
        "content": Content(trained.recogniser.aligner),
        "style": trained.reference,
        "convert": trained.converter,
    }
    generator = None
    if (place / "generator.safetensors").is_file() or place != folder:
        generator = read_vocoder(place, spec).generator
        functions["render"] = inference_form(generator, spec)
        round_to_half(functions["render"])
    config = conversion_config(trained, generator, DEFAULT_VOCODER)
    return TorchModel(name, "conversion", spec, config["receptive_field"], functions, config, device)


def load_by_task(folder: Path, device: torch.device | str = "cpu") -> TorchModel:
    """Load a model that `specgan.load` takes; see the functions above."""
    if (folder / "checkpoints").is_dir() and (folder / "config.yaml").is_file():
        from specgan.train import task_of  # here, because that module needs this one

        task = task_of(folder / "config.yaml")
    else:
        task = Model(folder).task
    loaders = {"enhancement": load_enhancer, "generation": load_sounds, "conversion": load_converter}
    return loaders.get(task, load_voice)(folder, device)


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


def build(facts: Any, spec: MelSpec, where: Path) -> nn.Module:
    """The generator that `describe` described, with new weights; `where` is for the message if it cannot be built."""
    if isinstance(facts, dict) and facts.get("name") == "fourier":
        size, projections = facts.get("size"), facts.get("projections")
        if isinstance(size, str) and type(projections) is int:
            return FourierVocoder(spec, size, projections)
    elif isinstance(facts, dict) and facts.get("name") == "hifigan":
        return HiFiGAN(HiFiGANConfig.from_published(facts, str(where)))
    raise InputError(f"{where}: generator is {facts!r}, which names no network of this specgan")

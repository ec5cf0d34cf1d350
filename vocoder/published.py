"""Published HiFi-GAN checkpoints: the generator and the mel that it was trained on."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from vocoder.errors import InputError
from vocoder.foreign import field, integer, read_checkpoint, read_json
from vocoder.hifigan import HiFiGAN, HiFiGANConfig
from vocoder.signal.spec import MelSpec


def read_published(checkpoint: Path, config: Path) -> tuple[HiFiGAN, MelSpec]:
    """Read a published generator and the mel that it was trained on.

    Parameters
    ----------
    checkpoint : Path
        A torch file `{"generator": state dictionary}`, or the state dictionary itself in safetensors;
        weight-normalised under the published names or those of torch's parametrisation, or folded.
    config : Path
        The `config.json` beside it.

    Returns
    -------
    generator : HiFiGAN
        On the CPU, in float32, weight-normalised.
    spec : MelSpec
        `fmax_for_loss` is no part of it: that mel is only a training loss.

    Raises
    ------
    InputError
        If a file is damaged, would run code or lacks something, or the two do not belong together.
    """
    fields = read_json(config)
    settings = HiFiGANConfig.from_published(fields, str(config))
    spec = _mel_spec(fields, str(config))
    hop = math.prod(settings.upsample_rates)
    if hop != spec.hop:
        raise InputError(f"{config}: upsample_rates multiply to {hop} and hop_size is {spec.hop}; both must be equal")
    state = _weight_normalised(_generator_state(checkpoint))
    with torch.device("meta"):  # nothing is allocated or drawn before the shapes are known to agree
        generator = HiFiGAN(settings)
    _require_same_shapes(state, generator.state_dict(), checkpoint, config)
    generator.load_state_dict({name: nn.Parameter(value.float()) for name, value in state.items()}, assign=True)
    return generator, spec


def _mel_spec(fields: dict[str, Any], where: str) -> MelSpec:
    sample_rate, n_fft, hop, window, bands = (
        integer(field(fields, name, where), name, where)
        for name in ("sampling_rate", "n_fft", "hop_size", "win_size", "num_mels")
    )
    if window != n_fft:
        raise InputError(
            f"{where}: win_size is {window} and n_fft {n_fft}; only a window as long as n_fft is supported"
        )
    fmin, fmax = field(fields, "fmin", where), field(fields, "fmax", where)
    if fmax is None:  # librosa then goes up to half the sampling rate
        fmax = sample_rate / 2
    for name, value in (("fmin", fmin), ("fmax", fmax)):
        if type(value) not in (int, float):
            raise InputError(f"{where}: {name} is {value!r}, must be a number of Hz")
    try:
        return MelSpec(sample_rate, n_fft, hop, bands, float(fmin), float(fmax))
    except (InputError, OverflowError) as error:
        raise InputError(f"{where}: {error}") from None


def _generator_state(path: Path) -> dict[str, Tensor]:
    content = read_checkpoint(path)
    if "generator" in content:
        content = content["generator"]
    elif "mpd" in content or "msd" in content:
        raise InputError(f"{path}: holds the discriminators (a do_ file); the generator is in the g_ file beside it")
    elif not all(isinstance(value, Tensor) for value in content.values()):
        raise InputError(f'{path}: has no "generator" among its keys, which are {_listed(content)}')
    if not isinstance(content, dict) or not content:
        raise InputError(f"{path}: the generator in it is not a state dictionary with tensors")
    for name, value in content.items():
        if not isinstance(value, Tensor) or not value.is_floating_point() or value.layout != torch.strided:
            raise InputError(f"{path}: {name} in its generator is not a tensor of real numbers")
        if value.is_meta:
            raise InputError(f"{path}: {name} in its generator has a shape but no values")
    return {str(name): value for name, value in content.items()}


def _weight_normalised(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Bring folded weights and the names of torch's parametrisation to the published form."""
    result: dict[str, Tensor] = {}
    for name, value in state.items():
        layer, _, last = name.rpartition(".")
        if last == "weight" and value.ndim == 3:
            norm = torch.linalg.vector_norm(value.float(), dim=(1, 2), keepdim=True)
            # a dead channel keeps its zero in g; v must have a direction
            result[f"{layer}.weight_v"] = torch.where(norm > 0, value.float(), 1.0)
            result[f"{layer}.weight_g"] = norm
        else:
            name = name.replace(".parametrizations.weight.original0", ".weight_g")
            result[name.replace(".parametrizations.weight.original1", ".weight_v")] = value
    return result


def _require_same_shapes(found: dict[str, Tensor], wanted: dict[str, Tensor], checkpoint: Path, config: Path) -> None:
    differing = []
    for name in sorted(found.keys() | wanted.keys()):
        if name not in found:
            differing.append(f"it lacks {name} {_shape(wanted[name])}")
        elif name not in wanted:
            differing.append(f"it has {name} {_shape(found[name])} too much")
        elif found[name].shape != wanted[name].shape:
            differing.append(f"{name} is {_shape(found[name])} and should be {_shape(wanted[name])}")
    if differing:
        raise InputError(f"{checkpoint}: not the generator that {config} describes: {_listed(differing, '; ')}")


def _shape(tensor: Tensor) -> str:
    return "×".join(map(str, tensor.shape)) or "a scalar"


def _listed(names: Iterable[Any], separator: str = ", ", most: int = 3) -> str:
    """The first few, and how many there are besides."""
    words = [" ".join(str(name).split())[:200] for name in names]
    rest = f"{separator}and {len(words) - most} more" if len(words) > most else ""
    return separator.join(words[:most]) + rest

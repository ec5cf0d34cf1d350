"""Rendering with torch: networks of a run in training, published ones, any generator; whole or in pieces."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Protocol

import torch
from torch import Tensor, nn

from vocoder.engine.checkpoint import Checkpoints, load_weights
from vocoder.engine.config import load_config
from vocoder.engine.monitor import best_of
from vocoder.errors import InputError
from vocoder.signal.chunks import CHUNK, rendered
from vocoder.signal.spec import MelSpec, preset
from vocoder.task import VocoderConfig, VocoderTask, build_generator


class Generator(Protocol):
    """What the Fourier vocoder and HiFi-GAN have in common."""

    @property
    def hop(self) -> int:
        """Samples a frame."""

    @property
    def receptive_field(self) -> int:
        """Frames on either side on which the samples of a frame depend."""

    def __call__(self, mel: Tensor) -> Tensor:
        """Log-mel (B, bands, T) → wave (B, T·hop)."""


@torch.inference_mode()
def stream(generator: Generator, mel: Tensor, chunk: int = CHUNK) -> Iterator[Tensor]:
    """Log-mel (B, bands, T) → successive pieces (B, n) of the wave; memory does not grow with T.

    The pieces together equal `generator(mel)` within 1e-5.
    """
    yield from rendered(generator, mel, generator.hop, generator.receptive_field, chunk)


def decode(generator: Generator, mel: Tensor, chunk: int = CHUNK) -> Tensor:
    """Log-mel (B, bands, T) → wave (B, T·hop), in pieces of `chunk` frames."""
    return torch.cat(list(stream(generator, mel, chunk)), dim=-1)


class Trained(NamedTuple):
    """A generator out of a run, the mel that it renders, and the config, step and checkpoint that it comes from."""

    generator: nn.Module
    spec: MelSpec
    config: VocoderConfig
    step: int
    figures: dict[str, float]
    checkpoint: Path


def read_run(folder: Path) -> Trained:
    """The generator of a run's best checkpoint, or of its last one before any validation; averaged weights.

    Raises
    ------
    InputError
        If the folder is no run of a vocoder, or has no checkpoint yet, or a file in it is damaged.
    """
    if not (folder / "config.yaml").is_file():
        raise InputError(f"{folder}: is no run folder, it has no config.yaml")
    config = load_config(VocoderConfig, folder / "config.yaml")
    checkpoints = Checkpoints(folder / "checkpoints")
    saved = best_of(checkpoints, VocoderTask.monitor)
    if saved is None:
        raise InputError(f"{folder}: has no checkpoint yet; train it first")
    spec = preset(config.spec)
    generator = build_generator(config.generator, spec)
    load_weights(saved.path / "generator.ema.safetensors", generator, f"the generator of {folder / 'config.yaml'}")
    return Trained(generator.eval(), spec, config, saved.step, saved.figures, saved.path)

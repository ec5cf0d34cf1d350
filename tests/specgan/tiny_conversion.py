"""A conversion that was trained for seconds on the two speakers of the fixtures, and what it learned from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from specgan.networks.converter import ConverterConfig
from specgan.pack import pack
from specgan.tasks.alignment import SpeechData
from specgan.tasks.conversion_config import ConversionCritics, ConversionRun
from specgan.train import train_conversion
from vocoder.engine.schedule import OptimizerConfig, TrainConfig
from vocoder.signal.manifest import Recording, write_manifest

STEPS, CRITICS = 150, 146


@dataclass(frozen=True)
class TinyConversion:
    """A run, its manifests, and `model`, the folder packed from it."""

    folder: Path
    aligner: Path
    vocoder: Path

    @property
    def run(self) -> Path:
        return self.folder / "run"

    @property
    def model(self) -> Path:
        return self.folder / "model"

    @property
    def validation(self) -> Path:
        return self.folder / "validation.jsonl"

    def config(self, train: TrainConfig, **fields: object) -> ConversionRun:
        settings: dict[str, object] = {
            "data": SpeechData([str(self.folder / "train.jsonl")], [str(self.validation)], 4),
            "recogniser": str(self.aligner),
            "model": ConverterConfig(width=48, blocks=2, style=8),
            "window": 64,
            "converted": 32,
            "picture": 138,
            "critics": ConversionCritics(start=CRITICS, width=4),
            "optimizer": OptimizerConfig(lr=3e-3, betas=(0.8, 0.95), clip=1.0),
            "train": train,
        }
        return ConversionRun(**{**settings, **fields})  # type: ignore[arg-type]  # each is checked by the dataclass


def train_tiny(folder: Path, speakers: dict[str, list[Recording]], aligner: Path, vocoder: Path) -> TinyConversion:
    """Train and pack; the first recording of each speaker is held out."""
    made = TinyConversion(folder, aligner, vocoder)
    write_manifest(folder / "train.jsonl", [row for rows in speakers.values() for row in rows[1:]])
    write_manifest(made.validation, [rows[0] for rows in speakers.values()])
    train = TrainConfig(steps=STEPS, warmup=5, ema=0.9, validate_every=STEPS, save_every=STEPS)
    train_conversion(made.config(train), made.run)
    pack(made.run, made.model, vocoder=vocoder, licence="public domain")
    return made

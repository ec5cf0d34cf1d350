"""`specgan vocoder train` and `specgan vocoder decode`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from specgan.commands.options import CONFIG, RUN, SETTINGS
from specgan.commands.progress import progress_bar
from vocoder.errors import InputError

if TYPE_CHECKING:
    from specgan.runtime.pipeline import Vocoder


def train(config: CONFIG, settings: SETTINGS = None, out: RUN = None) -> None:
    """Train a vocoder, or go on with a run that was stopped.

    Example: specgan vocoder train small.yaml data.train=[data/train.jsonl] data.validation=[data/validation.jsonl]
    """
    from specgan.evaluate.judges import fidelity
    from vocoder.engine.config import load_config
    from vocoder.task import VocoderConfig
    from vocoder.train import train as train_vocoder

    settled = load_config(VocoderConfig, config, settings or [])
    if not train_vocoder(settled, out or Path("exp") / config.stem, fidelity()):
        raise typer.Exit(130)


def decode(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="INPUT",
            help="A recording; a log-mel (.npy, .pt; its MelSpec beside it in .json); a folder or a manifest of them.",
        ),
    ],
    out: Annotated[
        Path, typer.Option("-o", "--out", help="Sound file to write; for a folder or a manifest, a folder.")
    ],
    model: Annotated[
        str | None, typer.Option(help="A shipped model, a model folder or a run folder. Default: vocoder-22k.")
    ] = None,
    checkpoint: Annotated[Path | None, typer.Option(help="Published HiFi-GAN generator, with --config.")] = None,
    config: Annotated[Path | None, typer.Option(help="The config.json that belongs to --checkpoint.")] = None,
) -> None:
    """Render recordings or mels with a vocoder. A recording becomes a mel first; several channels become one.

    Example: specgan vocoder decode speech.flac -o again.wav
    """
    from specgan.decode import decode as decode_files

    vocoder = _load(model, checkpoint, config)
    written = decode_files(source, out, vocoder, progress=progress_bar("decode"))
    print(f"{out}: {len(written)} {'file' if len(written) == 1 else 'files'} rendered with {vocoder.name}")


def _load(model: str | None, checkpoint: Path | None, config: Path | None) -> Vocoder:
    """On ONNX Runtime, except for a run in training and for published weights, which need torch."""
    from specgan.runtime.pipeline import Vocoder

    if (checkpoint is None) != (config is None):
        raise InputError("--checkpoint and --config belong together; give both")
    if checkpoint is not None and config is not None:
        if model is not None:
            raise InputError("give either --model or --checkpoint with --config, not both")
        from specgan.torch_backend import load_published

        return Vocoder(load_published(checkpoint, config))
    if model is not None and (Path(model) / "checkpoints").is_dir():
        from specgan.torch_backend import load_run

        return Vocoder(load_run(Path(model)))
    return Vocoder.load() if model is None else Vocoder.load(model)

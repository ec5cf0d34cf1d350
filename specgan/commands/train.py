"""`specgan train`."""

from __future__ import annotations

from pathlib import Path

import typer

from specgan.commands.options import CONFIG, RUN, SETTINGS


def train(config: CONFIG, settings: SETTINGS = None, out: RUN = None) -> None:
    """Train what CONFIG's task says (alignment, acoustic, tts), or go on with a run that was stopped.

    Example: specgan train gan.yaml -o exp/gan data.train=[data/train.jsonl] data.validation=[data/validation.jsonl]
    """
    from specgan.train import train as train_config

    if not train_config(config, settings or [], out or Path("exp") / config.stem):
        raise typer.Exit(130)

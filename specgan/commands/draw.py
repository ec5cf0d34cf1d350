"""`specgan draw`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from specgan.commands.progress import progress_bar


def draw(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Run of a voice's GAN, or a voice with its weights.")],
    manifests: Annotated[list[Path], typer.Argument(metavar="MANIFEST...", help="Manifests of recordings.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder for the mels, for `data.mels` of a vocoder.")],
    alignments: Annotated[Path, typer.Option(help="Folder that `specgan align` wrote.")],
) -> None:
    """Draw the mels of recordings at their true durations, pitch and energy, to fine-tune a vocoder on.

    Example: specgan draw exp/gan data/train.jsonl data/validation.jsonl -o mels --alignments alignments
    """
    from specgan.draw_mels import draw_mels

    count = draw_mels(run, manifests, out, alignments, progress_bar("draw"))
    print(f"{out}: {count} mels")

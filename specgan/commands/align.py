"""`specgan align`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from specgan.commands.progress import progress_bar


def align(
    manifests: Annotated[list[Path], typer.Argument(metavar="MANIFEST...", help="Manifests of recordings with text.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder for a TextGrid a recording, and their pitch.")],
    model: Annotated[
        Path | None, typer.Option(help="Run of an aligner. Without, one is trained on these recordings first.")
    ] = None,
    textgrids: Annotated[
        Path | None, typer.Option(help="Folder of TextGrids by another aligner, whose words set the limits.")
    ] = None,
) -> None:
    """Find which word and which phoneme is where in recordings.

    Example: specgan align data/train.jsonl data/validation.jsonl -o alignments
    """
    from specgan.align import align_manifests
    from specgan.text.alignments import LEFT_OUT

    count, left_out = align_manifests(manifests, out, model=model, foreign=textgrids, progress=progress_bar("align"))
    print(f"{out}: {count} recordings aligned")
    if left_out:
        print(f"left out: {len(left_out)}, the first: {left_out[0]}; all reasons in {out / LEFT_OUT}")

"""`specgan pack`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def pack(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Run of a vocoder, of a voice's GAN, or of enhancement.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="Model folder to write; must not exist.")],
    projections: Annotated[
        int | None, typer.Option(min=0, help="Consistency projections when decoding. Default: as trained.")
    ] = None,
    vocoder: Annotated[
        Path | None,
        typer.Option(help="Run of the vocoder that renders, or a folder with weights. For a voice: the shipped one."),
    ] = None,
    licence: Annotated[str, typer.Option(help="Licence of the weights, for the card.")] = "not stated",
    no_weights: Annotated[
        bool, typer.Option("--no-weights", help="Not of a vocoder: leave out the weights that fine-tuning needs.")
    ] = False,
) -> None:
    """Turn a run into a model folder, which `infer` or `decode` uses without torch.

    Example: specgan pack exp/small -o my-vocoder
    """
    from specgan.pack import pack as pack_run

    made = pack_run(run, out, licence=licence, projections=projections, vocoder=vocoder, weights=not no_weights)
    print(f"{out}: {made}")

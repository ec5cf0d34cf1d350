"""`specgan prepare`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from specgan.commands.progress import progress_bar


def prepare(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Any folder of sounds, or a corpus with metadata.csv and wavs/.")
    ],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder for train, validation and test.jsonl.")],
    rate: Annotated[
        int | None, typer.Option(min=1, help="Hz; recordings at other rates are converted into OUT/sounds.")
    ] = None,
    validation: Annotated[
        str | None,
        typer.Option(help="Ids or ranges A..B with commas between, or @FILE of these. Default: 5 % by SEED."),
    ] = None,
    test: Annotated[str | None, typer.Option(help="As --validation.")] = None,
    seed: Annotated[int, typer.Option(help="Of the random choice.")] = 0,
    speaker: Annotated[str | None, typer.Option(help="Speaker of all recordings.")] = None,
    language: Annotated[str | None, typer.Option(help="Language of all recordings, such as en.")] = None,
    labels: Annotated[
        bool, typer.Option("--labels", help="The subfolder that a recording lies in is its class.")
    ] = False,
) -> None:
    """Check recordings and write manifests of a training, a validation and a test set.

    Example: specgan prepare sounds -o data --rate 22050
    """
    from specgan import prepare as preparation

    made = preparation.prepare(
        folder,
        out,
        rate=rate,
        validation=validation,
        test=test,
        seed=seed,
        speaker=speaker,
        language=language,
        labels=labels,
        progress=progress_bar("prepare"),
    )
    for name, rows in made.sets.items():
        print(f"{out / name}.jsonl: {len(rows)} recordings, {made.seconds[name] / 60:.2f} minutes")
    if made.converted:
        print(f"{out / 'sounds'}: {made.converted} recordings converted to {rate} Hz")
    if made.clipped:
        print(f"clipped while converting: {len(made.clipped)} recordings, {made.clipped[0]} among them")
    if made.left_out:
        print(f"left out: {preparation.count(made.left_out)}; reasons in {out / 'left_out.txt'}")

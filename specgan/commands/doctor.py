"""`specgan doctor`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from specgan.commands.progress import progress_bar
from vocoder.errors import InputError


def doctor(
    manifests: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[MANIFEST]...", help="Manifests, or folders with train, validation and test.jsonl."),
    ] = None,
    manifest: Annotated[list[Path] | None, typer.Option(help="The same; may be given several times.")] = None,
    model: Annotated[
        str | None, typer.Option(help="Instead: a shipped model by its name, a model folder, or a run.")
    ] = None,
    mels: Annotated[
        Path | None, typer.Option(help="Folder of given mels, as `specgan draw` writes it: do they fit the sound?")
    ] = None,
    aligner: Annotated[
        Path | None, typer.Option(help="Run of an aligner, to judge transcripts. Default: models of the set itself.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="JSON file for all findings, and the figures of each recording.")
    ] = None,
) -> None:
    """Say what is wrong with recordings or with a model, and what to do.

    Exit code: 0 if nothing serious was found (there may be notes), 1 if something was, 2 if the input cannot be used.

    Example: specgan doctor data/train.jsonl data/test.jsonl -o doctor.json
    """
    paths = [*(manifests or []), *(manifest or [])]
    if bool(paths) == (model is not None):
        raise InputError("give either manifests or --model")
    if model is not None:
        if mels is not None or aligner is not None:
            raise InputError("--mels and --aligner are for manifests, not for --model")
        from specgan.doctor.model import examine_model

        checked = examine_model(model)
        print(checked.text())
        if out is not None:
            checked.write(out)
        if checked.serious:
            raise typer.Exit(1)
        return
    from specgan.doctor.examine import examine
    from specgan.doctor.report import report, write_json

    examined = examine(paths, mels=mels, aligner=aligner, progress=progress_bar("doctor"))
    print(report(examined))
    if out is not None:
        write_json(out, examined)
    if examined.serious:
        raise typer.Exit(1)

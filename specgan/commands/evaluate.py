"""`specgan evaluate`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from specgan.commands.progress import progress_bar
from vocoder.errors import InputError


def evaluate(
    model: Annotated[str | None, typer.Option(help="A shipped model, a model folder or a run.")] = None,
    manifest: Annotated[Path | None, typer.Option(help="Recordings to compare with, of a test set.")] = None,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="Folder for the card, the figures and the sounds.")
    ] = None,
    sentences: Annotated[
        Path | None,
        typer.Option(help="File of prompts without recordings, one a line; a tab, and what may be heard."),
    ] = None,
    beside: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=FOLDER",
            help="Another system: a model, or sounds named by id, with seconds.json for its speed. Can be repeated.",
        ),
    ] = None,
    alignments: Annotated[
        Path | None, typer.Option(help="Those of the manifest: adds the over-smoothing of a voice.")
    ] = None,
    recogniser: Annotated[
        str | None, typer.Option(help="Folder of a Whisper model for CTranslate2, or none. Default: Whisper base.")
    ] = None,
    only: Annotated[str | None, typer.Option(help="Names of measures, with commas between.")] = None,
    compare: Annotated[
        tuple[Path, Path] | None, typer.Option(metavar="A B", help="Two folders: how do they differ, and is it noise?")
    ] = None,
) -> None:
    """Score a model beside its bounds; or compare two evaluations.

    Example: specgan evaluate --model kathleen --manifest data/test.jsonl -o evaluation
    """
    if compare is not None:
        if (
            any(given is not None for given in (model, manifest, out, sentences, alignments, recogniser, only))
            or beside
        ):
            raise InputError("--compare A B reads two evaluations; give no other option with it")
        from specgan.evaluate.compare import compare as compare_folders

        print(compare_folders(*compare))
        return
    if model is None or manifest is None or out is None:
        raise InputError("give --model, --manifest and -o FOLDER, or --compare A B")
    from specgan.evaluate.evaluation import Wanted
    from specgan.evaluate.evaluation import evaluate as evaluate_model

    pairs = [word.partition("=") for word in beside or []]
    if any(not sign for _, sign, _ in pairs):
        raise InputError("--beside: must be NAME=FOLDER")
    if len({name for name, _, _ in pairs}) < len(pairs):
        raise InputError("--beside: a name stands twice")
    words = ["specgan", "evaluate", "--model", model, "--manifest", str(manifest)]
    words += ["--sentences", str(sentences)] if sentences else []
    words += [word for one in beside or [] for word in ("--beside", one)]
    words += ["--alignments", str(alignments)] if alignments else []
    words += ["--recogniser", recogniser] if recogniser else []
    words += ["--only", only] if only else []
    wanted = Wanted(
        model,
        manifest,
        sentences,
        {name: Path(folder) for name, _, folder in pairs},
        alignments,
        recogniser,
        [name.strip() for name in only.split(",")] if only else [],
        shlex.join([*words, "-o", str(out)]),
    )
    results = evaluate_model(wanted, out, progress_bar)
    print(results.markdown())
    print(f"{out}: card.md, evaluation.json, sounds")

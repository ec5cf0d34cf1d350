"""Score a model beside its bounds: what `specgan evaluate` does."""

from __future__ import annotations

import functools
import json
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

import specgan
from specgan.evaluate.card import write_card
from specgan.evaluate.choose import Chosen, choose
from specgan.evaluate.errors import NotMeasurable
from specgan.evaluate.generate import Made, generate, peak_memory
from specgan.evaluate.html import write_html
from specgan.evaluate.measures import MEASURES
from specgan.evaluate.prompts import read_prompt, read_sentences
from specgan.evaluate.report import Results, Scored
from specgan.evaluate.score import File, Job, Outcome, score_all
from specgan.evaluate.speaker import SHORTEST, similarities
from specgan.evaluate.systems import is_model, open_bench
from specgan.evaluate.systems.base import Bench, Prompt, System, from_folder
from specgan.prepare import make_folder
from vocoder.errors import InputError
from vocoder.signal.manifest import read_manifest

OTHER_TEXTS = "the recordings, other texts"


@dataclass(frozen=True)
class Wanted:
    """What is to be evaluated, and how.

    Attributes
    ----------
    model : str or Path
        A shipped model, a model folder or a run.
    manifest : Path
        Of the recordings.
    sentences : Path, optional
        Prompts without recordings, in place of the manifest's; the manifest's recordings are the bound then.
    beside : mapping of str to Path
        Further systems: folders of sounds named by id (seconds.json: their times), models, runs.
    alignments : Path, optional
        Of the recordings: adds the over-smoothing of a voice.
    recogniser : str or None
        Folder of a recogniser, "none", or None for that of the packages.
    only : sequence of str
        Names of measures; those of the task if empty.
    command : str
        The line that makes the card again.
    """

    model: str | Path
    manifest: Path
    sentences: Path | None = None
    beside: Mapping[str, Path] = field(default_factory=dict)
    alignments: Path | None = None
    recogniser: str | None = None
    only: Sequence[str] = ()
    command: str = ""


Progress = Callable[[str], Callable[[Iterable[Any], int], Iterable[Any]]]


def evaluate(wanted: Wanted, out: Path, progress: Progress = lambda label: lambda items, count: items) -> Results:
    """Score a model, its bounds and what stands beside it, and write the card.

    Parameters
    ----------
    wanted : Wanted
    out : Path
        Folder for evaluation.json, card.md and sounds/<system>/<id>.flac.
    progress : callable
        Label → (items, how many) → the items.

    Raises
    ------
    InputError
        If something cannot be read, made or written, or a package is missing that was asked for by name.
    """
    bench = open_bench(wanted.model)
    rows = read_manifest(wanted.manifest)
    systems = [*bench.systems, *(_beside(name, folder, bench) for name, folder in wanted.beside.items())]
    if len({system.name for system in systems}) < len(systems):
        raise InputError(f"--beside: {', '.join(wanted.beside)} must differ from each other and from the bounds")
    if wanted.alignments is not None and bench.task != "tts":
        raise InputError(f"--alignments are for a voice; {bench.name} is for the task {bench.task}")
    chosen = choose(bench.measures, wanted.only, wanted.recogniser, rows, wanted.sentences is not None)
    _fresh(out)
    recordings = [functools.partial(read_prompt, row, bench.rate) for row in rows]
    if wanted.sentences is None:
        sets = [(systems, recordings)]
        said = {row.id: row.text for row in rows if row.text}
    else:
        sentences = read_sentences(wanted.sentences, rows[0])
        asked = [functools.partial(_given, sentence) for sentence in sentences]
        bound = replace(systems[0], name=OTHER_TEXTS)
        sets = [([bound], recordings), ([system for system in systems if system.kind != "bound"], asked)]
        said = {row.id: row.text for row in rows if row.text} | {one.id: one.text or "" for one in sentences}
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        results = _scored(bench, sets, chosen, out, progress)
    finally:
        torch.set_num_threads(threads)
    facts = {
        "title": f"{bench.name} on {_named(wanted.sentences or wanted.manifest)}",
        "task": bench.task,
        "model": bench.name,
        "manifest": _named(wanted.manifest),
        "command": wanted.command,
        "version": specgan.__version__,
        "recogniser": chosen.listener,
    }
    section = None if bench.section is None else bench.section(rows, wanted.alignments, out)
    results = replace(results, facts=facts, texts=said, sections=[section] if section else [])
    write_card(results, out)
    write_html(out)
    return results


def _named(path: Path) -> str:
    """A file with its folder: kathleen/test.jsonl."""
    return "/".join(path.resolve().parts[-2:])


def _given(prompt: Prompt) -> Prompt:
    return prompt


def _beside(name: str, folder: Path, bench: Bench) -> System:
    if not name or "/" in name or name.startswith("."):
        raise InputError(f"--beside: {name!r} cannot be the name of a system; it becomes a folder's")
    if not folder.is_dir():
        raise InputError(f"--beside {name}: there is no folder {folder}")
    if is_model(folder):
        other = open_bench(folder)
        if (other.task, other.rate) != (bench.task, bench.rate):
            raise InputError(
                f"--beside {name}: is for {other.task} at {other.rate} Hz, must be for {bench.task} at {bench.rate} Hz"
            )
        return replace(next(one for one in other.systems if one.kind == "model"), name=name, kind="beside")
    aligned = next(one for one in bench.systems if one.kind == "model").aligned
    path, seconds = folder / "seconds.json", None
    if path.is_file():
        try:
            seconds = {str(id): float(value) for id, value in json.loads(path.read_text(encoding="utf-8")).items()}
        except (ValueError, AttributeError, TypeError) as error:
            raise InputError(f"{path}: must be a table of seconds by id in JSON ({error})") from error
    return from_folder(name, folder, aligned, seconds)


def _fresh(out: Path) -> None:
    """The folder, without the sounds of an evaluation that was written there before."""
    make_folder(out)
    if (out / "evaluation.json").is_file():
        shutil.rmtree(out / "sounds", ignore_errors=True)


def _scored(
    bench: Bench,
    sets: Sequence[tuple[Sequence[System], Sequence[Callable[[], Prompt]]]],
    chosen: Chosen,
    out: Path,
    progress: Progress,
) -> Results:
    jobs: list[Job] = []
    for systems, prompts in sets:
        made = generate(systems, prompts, out / "sounds", progress("make"))
        reference = systems[0].name if systems[0].kind == "bound" else None
        jobs += [_job(prompt(), systems, made, reference, bench.rate, chosen) for prompt in prompts]
    outcomes = score_all(jobs, progress("score"))
    scored: dict[str, Scored] = {}
    for systems, _ in sets:
        for system in systems:
            rows = [outcome.rows[system.name] for outcome in outcomes if system.name in outcome.rows]
            scored[system.name] = Scored(system.kind, rows)
    if chosen.embedded:
        _compare_speakers(scored, jobs, outcomes, chosen)
    if "peak_memory" in chosen.measures:
        systems, prompts = sets[-1]
        _measure_memory(scored, systems, prompts, bench.rate)
    return bounded(Results({}, bench.rate, {name: MEASURES[name] for name in chosen.measures}, scored), chosen)


def _job(
    prompt: Prompt,
    systems: Sequence[System],
    made: Mapping[str, Mapping[str, Made]],
    reference: str | None,
    rate: int,
    chosen: Chosen,
) -> Job:
    files = {
        system.name: File(made[system.name][prompt.id].path, system.aligned, made[system.name][prompt.id].seconds)
        for system in systems
    }
    return Job(
        prompt.id,
        files,
        None if reference is None else made[reference][prompt.id].path,
        rate,
        chosen.measures,
        chosen.embedded,
        prompt.accepted,
        (prompt.language or "en").split("-")[0],
        chosen.recogniser,
        prompt.speaker,
    )


def _compare_speakers(
    scored: Mapping[str, Scored], jobs: Sequence[Job], outcomes: Sequence[Outcome], chosen: Chosen
) -> None:
    speakers = {job.id: job.speaker for job in jobs}
    real = next(name for name, system in scored.items() if system.kind == "bound")
    recordings = {job.id: one.speech[real] for job, one in zip(jobs, outcomes, strict=True) if real in one.speech}
    for name, system in scored.items():
        made = {job.id: one.speech[name] for job, one in zip(jobs, outcomes, strict=True) if name in one.speech}
        rows = {row.id: row for row in system.rows}
        found = similarities(made, recordings, speakers)
        for measure, values, reason in (
            ("similarity", found.recording, f"less than {SHORTEST:g} s of speech of a speaker"),
            ("voice_similarity", found.voice, f"less than {SHORTEST:g} s of a speaker, or of its other recordings"),
        ):
            if measure in chosen.measures:
                for id, value in values.items():
                    rows[id].values[measure] = value
                for row in () if values else system.rows:
                    row.left_out[measure] = reason


def _measure_memory(
    scored: Mapping[str, Scored], systems: Sequence[System], prompts: Sequence[Callable[[], Prompt]], rate: int
) -> None:
    longest = max((prompt() for prompt in prompts), key=_length)
    for system in systems:
        if system.command is None:
            continue
        row = next(row for row in scored[system.name].rows if row.id == longest.id)
        try:
            row.values["peak_memory"] = peak_memory(system, longest, rate)
        except NotMeasurable as reason:
            row.left_out["peak_memory"] = str(reason)


def _length(prompt: Prompt) -> int:
    return len(prompt.text or "") if prompt.recording is None else len(prompt.recording)


def bounded(results: Results, chosen: Chosen) -> Results:
    """The same without measures that no bound has a value of, and without those that nothing has one of."""
    kept, left_out = {}, list(chosen.left_out)
    for name, metric in results.metrics.items():
        counts = {system: results.summary(system, name).count for system in results.systems}
        bounds = [count for system, count in counts.items() if results.systems[system].kind == "bound"]
        if any(bounds) or (any(counts.values()) and not metric.bounded):
            kept[name] = metric
            continue
        reasons = {row.left_out[name] for one in results.systems.values() for row in one.rows if name in row.left_out}
        why = f" ({'; '.join(sorted(reasons))})" if reasons else ""
        missing = "no bound could be measured" if any(counts.values()) else "nothing could be measured"
        left_out.append(f"{metric.title} is left out: {missing}{why}.")
        for system in results.systems.values():
            for row in system.rows:
                row.values.pop(name, None)
                row.left_out.pop(name, None)
    return replace(results, metrics=kept, left_out=left_out)

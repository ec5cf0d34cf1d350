"""Whether the run of a training is in order: checkpoints, figures, numbers that are not finite, critics. No torch."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from specgan.card import mel_name
from specgan.doctor.model import CRITICS, Checked
from specgan.doctor.weights import broken_tensors
from vocoder.errors import InputError
from vocoder.signal.spec import MelSpec

VALIDATION = re.compile(r"step (\d+) validation (.+)$")
LATE = 0.25
"""Share of the validations at the end in which a figure should still have been at its best."""
LEAST = 8  # validations from which on that can be said
SUFFIX = ".ema.safetensors"


def examine_run(folder: Path) -> Checked:
    """Check a run folder.

    Raises
    ------
    InputError
        If it has neither checkpoints nor a config.yaml.
    """
    states = _states(folder)
    newest, path = states[-1] if states else ({}, folder)
    facts = newest.get("facts") or {}
    checked = Checked({"run": str(folder)})
    task = str(facts.get("task") or "vocoder")
    if not states:
        advice = "Train on; train.save_every says when the first comes."
        checked.add("checkpoints", "there is no checkpoint yet", advice, serious=True)
        return checked
    checked.facts |= {"task": task, "checkpoints": ", ".join(str(state["step"]) for state, _ in states)}
    if isinstance(facts.get("spec"), dict):
        spec = MelSpec.from_dict(facts["spec"], str(path / "state.json"))
        checked.facts["mel"] = f"{mel_name(spec)}; fingerprint {spec.fingerprint}"
        _vocoder(folder, spec, checked)
    checked.facts["steps"] = f"{newest['step']} of {newest.get('steps', '?')}"
    if newest["step"] < newest.get("steps", 0):
        checked.add("steps", f"it stopped at step {checked.facts['steps']}", "The same command goes on.", serious=False)
    _figures(folder, newest, checked)
    _weights(path, task, checked)
    return checked


def _states(folder: Path) -> list[tuple[dict[str, Any], Path]]:
    found = []
    for path in sorted((folder / "checkpoints").glob("step-*")):
        try:
            state = json.loads((path / "state.json").read_text(encoding="utf-8"))
            found.append(({**state, "step": int(state["step"])}, path))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"{path}: is damaged; remove it to go on from the checkpoint before it") from error
    return sorted(found, key=lambda item: item[0]["step"])


def _figures(folder: Path, newest: dict[str, Any], checked: Checked) -> None:
    """The course of the figure that decides which checkpoint is best, from log.txt; and what went wrong there."""
    log = folder / "log.txt"
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.is_file() else []
    curve: dict[int, dict[str, float]] = {}
    for line in lines:
        if match := VALIDATION.search(line):
            words = match[2].split()
            curve[int(match[1])] = {name: float(value) for name, value in zip(words[::2], words[1::2], strict=False)}
    failed = [line for line in lines if "not finite" in line]
    if failed:
        what = f"training met numbers that are not finite: {failed[-1][20:220]}"
        checked.add("not finite", what, "Look at those recordings; lower the learning rate.", serious=True)
    if not curve:
        return
    watch = newest.get("watch") or {}
    names = list(next(iter(curve.values())))
    name, lowest = watch.get("name", names[0]), watch.get("lowest", True)
    course = [(figures[name], step) for step, figures in sorted(curve.items()) if name in figures]
    if not course:
        return
    best, at = (min if lowest else max)(course, key=lambda item: item[0])
    checked.facts["validation"] = f"{name} {course[0][0]:.4g} → {course[-1][0]:.4g}, best {best:.4g} at step {at}"
    where = [step for _, step in course].index(at)
    # L1 of the task tts is least before its critics begin, whatever becomes of the picture
    if checked.facts["task"] != "tts" and len(course) >= LEAST and where < (1 - LATE) * (len(course) - 1):
        what = f"{name} was best at step {at} and has not improved in {len(course) - 1 - where} validations since"
        checked.add(
            "figures",
            what,
            "Let the learning rate decay from there, or stop; more steps alone hardly help.",
            serious=False,
        )


def _weights(path: Path, task: str, checked: Checked) -> None:
    averaged = sorted(path.glob(f"*{SUFFIX}"))
    if not averaged:
        checked.add("weights", f"{path} has no averaged weights (*{SUFFIX})", "Train on from another.", serious=True)
    for file in averaged:
        try:
            broken = broken_tensors(file)
        except InputError as error:
            checked.add("weights", str(error), "Go on from the checkpoint before it.", serious=True)
            continue
        if broken:
            what = f"{file.name} of the newest checkpoint has values that are NaN or infinite: {', '.join(broken[:3])}"
            checked.add("weights", what, "Go on from the checkpoint before it.", serious=True)
    if task in CRITICS:
        there = (path / f"{CRITICS[task]}.safetensors").is_file()
        checked.facts["fine-tuning"] = "critics are there" if there else "no critics"
        if not there:
            what = f"there is no {CRITICS[task]}.safetensors: it was trained without critics"
            checked.add("critics", what, "Go on with critics if the sound is dull; see the recipe.", serious=False)


def _vocoder(folder: Path, spec: MelSpec, checked: Checked) -> None:
    """Whether the vocoder that config.yaml names renders the mels that are drawn."""
    config = folder / "config.yaml"
    if not config.is_file():
        return
    from omegaconf import OmegaConf  # a quarter of a second, only here

    settings = OmegaConf.to_container(OmegaConf.load(config))
    named = settings.get("vocoder") if isinstance(settings, dict) else None
    if not isinstance(named, str) or not named:
        return
    fields = None
    if states := _states(Path(named)):
        fields = (states[-1][0].get("facts") or {}).get("spec")
    elif (Path(named) / "config.json").is_file():
        fields = json.loads((Path(named) / "config.json").read_text(encoding="utf-8")).get("spec")
    if not isinstance(fields, dict):
        return
    try:
        MelSpec.from_dict(fields, named).require(spec, named, str(folder))
    except InputError as error:
        checked.add("vocoder", str(error), "Train or name a vocoder of this MelSpec.", serious=True)
    else:
        checked.facts["vocoder"] = f"{named}: of the same mel"

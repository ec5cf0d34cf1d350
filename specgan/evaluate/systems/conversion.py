"""A network that changes who speaks, beside the recordings that it changes.

A row of the manifest is a recording with its speaker and, as its label, the speaker that it is to be converted to.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

import specgan
from specgan.evaluate import speaker
from specgan.evaluate.errors import NotMeasurable, missing
from specgan.evaluate.systems.base import Bench, Prompt, System
from specgan.runtime.converter import Converter
from vocoder.errors import InputError
from vocoder.signal import audio
from vocoder.signal.manifest import Recording

MEASURES = ("f0_error", "voicing_f1", "wer", "cer", "mos", "dnsmos", "real_time_factor", "peak_memory")
SOURCE, MODEL, KEPT = "the source", "the model", "the model, pitch kept"
NOTES = """Cosine of speaker embeddings (resemblyzer), of all conversions of a pair together: to the test recordings of
the target, and to those of the source. The last rows are of two halves of the recordings of one speaker."""


def open_model(folder: Path) -> Bench:
    """See `systems.open_bench`. Prompts have the target as their `label`."""
    run = (folder / "checkpoints").is_dir()
    converter: Converter = specgan.load(folder, backend="torch") if run else specgan.load(folder, threads=1)
    rate = converter.sample_rate

    def make(prompt: Prompt, keep_pitch: bool = False) -> tuple[np.ndarray, int]:
        made = converter.convert(prompt.wanted, rate, to=_target(prompt, converter), keep_pitch=keep_pitch)
        return np.clip(made, -1.0, 1.0), rate

    def command(prompt: Prompt, source: Path, out: Path) -> list[str]:
        words = ["infer", "--audio", str(source), "-o", str(out), "--model", str(folder)]
        words += ["--to", _target(prompt, converter), *(["--backend", "torch"] if run else [])]
        return [sys.executable, "-m", "specgan", *words]

    systems = [
        System(SOURCE, "bound", lambda prompt: (prompt.wanted, rate), timed=False),
        System(MODEL, "model", make, command=command),
        System(KEPT, "model", lambda prompt: make(prompt, True), timed=False),
    ]
    return Bench("conversion", converter.name, rate, systems, MEASURES, section)


def _target(prompt: Prompt, converter: Converter) -> str:
    if prompt.label not in converter.speakers:
        known = ", ".join(converter.speakers)
        raise InputError(f"{prompt.id}: the label {prompt.label!r} is no speaker of the model; it has {known}")
    return prompt.label


def section(rows: Sequence[Recording], alignments: Path | None, out: Path) -> str | None:
    """Markdown about who is heard in the conversions of each pair of speakers; see `Bench.section`.

    Raises
    ------
    InputError
        If a sound cannot be read.
    """
    if missing(["resemblyzer"]):
        return None
    recordings: dict[str, dict[Path, np.ndarray]] = {}
    for row in rows:
        with contextlib.suppress(NotMeasurable):
            recordings.setdefault(str(row.speaker), {}).setdefault(row.audio, _heard(row.audio))
    whole = {name: np.sum(list(found.values()), axis=0) for name, found in recordings.items()}
    lines = ["| system | from | to | similarity to the target | to the source |", "|---|---|---|---:|---:|"]
    for folder in sorted(path for path in (out / "sounds").iterdir() if path.name != SOURCE):
        found: dict[tuple[str, str], list[np.ndarray]] = {}
        for row in rows:
            with contextlib.suppress(NotMeasurable):
                heard = _heard(folder / f"{row.id}.flac")
                found.setdefault((str(row.speaker), str(row.label)), []).append(heard)
        for (source, target), ones in found.items():
            values = (
                f"{speaker.similarity(np.sum(ones, axis=0), whole[who]):.3f}" if who in whole else "–"
                for who in (target, source)
            )
            lines.append(f"| {folder.name} | {source} | {target} | {' | '.join(values)} |")
    for name, heards in recordings.items():
        parts = [np.sum(list(heards.values())[part::2], axis=0) for part in range(2)]
        if len(heards) > 1:
            lines.append(f"| recordings | {name} | {name} | {speaker.similarity(*parts):.3f} | |")
    return "\n".join(["## Who is heard", "", *lines, "", NOTES])


def _heard(path: Path) -> np.ndarray:
    wave, rate = audio.read(path)
    return speaker.speech(wave.mean(axis=0), rate).embedding

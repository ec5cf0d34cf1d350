"""A model that makes sounds of classes, beside recordings of the same classes that it has not seen."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

import specgan
from specgan.evaluate.resemblance import Measure, described
from specgan.evaluate.systems.base import Bench, Prompt, System, by_griffin_lim, recording
from specgan.runtime.pipeline import Vocoder
from specgan.runtime.sounds import Sounds
from vocoder.signal import audio
from vocoder.signal.manifest import Recording
from vocoder.signal.mel import LogMel

MEASURES = ("multi_resolution_stft", "real_time_factor", "peak_memory")  # the first is of the bounds: the vocoder's
VOCODED, MODEL = "the recording's mel, vocoded", "the model"
DRAWN = 16  # sounds of each class
NOTES = """Score: how near the sounds of a class come to its recordings, all together (energy score, Gneiting and
Raftery 2007, doi:10.1198/016214506000001437, as a share of what the recordings score against each other); more is
worse. Diversity: mean distance of two sounds over that of two recordings; near 0 all are alike. A sound is described by
level, deviation in time and restlessness of 16 groups of bands. Classes with one recording are left out.
"""


def open_model(folder: Path) -> Bench:
    """See `systems.open_bench`."""
    run = (folder / "checkpoints").is_dir()
    sounds = specgan.load(folder, backend="torch") if run else specgan.load(folder, threads=1)
    assert isinstance(sounds, Sounds), "the task says so"
    vocoder, log_mel, rate = Vocoder(sounds.model), LogMel(sounds.model.spec), sounds.sample_rate

    def vocoded(prompt: Prompt) -> tuple[np.ndarray, int]:
        mel = log_mel(torch.from_numpy(prompt.wanted)[None])[0].numpy()
        return np.clip(vocoder.render(mel)[: len(prompt.wanted)], -1.0, 1.0), rate

    def make(prompt: Prompt) -> tuple[np.ndarray, int]:
        return sounds.make(_label(prompt), 0), rate

    def command(prompt: Prompt, source: Path, out: Path) -> list[str]:
        words = ["infer", "--label", _label(prompt), "-o", str(out), "--model", str(folder)]
        return [sys.executable, "-m", "specgan", *words, *(["--backend", "torch"] if run else [])]

    def _label(prompt: Prompt) -> str:
        return sounds.labels[sounds.choose(prompt.label)]

    systems = [
        recording(rate),
        System(VOCODED, "bound", vocoded),
        by_griffin_lim(sounds.model.spec),
        System(MODEL, "model", make, aligned=False, command=command),
    ]
    return Bench("generation", sounds.name, rate, systems, MEASURES, lambda rows, *_: section(sounds, rows))


def section(sounds: Sounds, rows: Sequence[Recording]) -> str:
    """Markdown about how near the sounds of each class come to recordings, and how different they are.

    Raises
    ------
    InputError
        If a recording cannot be read, or is of a class that the model does not have.
    """
    spec = sounds.model.spec
    log_mel, samples = LogMel(spec), round(sounds.seconds * spec.sample_rate)

    def seen(wave: np.ndarray) -> np.ndarray:
        wave = np.pad(wave[:samples], (0, max(0, samples - len(wave)))).astype(np.float32)
        return described(log_mel(torch.from_numpy(wave)[None])[0].numpy())

    found: dict[str, list[np.ndarray]] = {}
    for row in rows:
        wave = audio.read_mono(row.audio, spec.sample_rate, offset=row.start, duration=row.duration)
        found.setdefault(sounds.labels[sounds.choose(row.label)], []).append(seen(wave))
    real = {label: np.stack(ones) for label, ones in found.items() if len(ones) > 1}
    if not real:
        return "## Resemblance\n\nLeft out: no class has two recordings in this manifest.\n"
    measure = Measure(list(real.values()))
    lines = ["| class | recordings | score | diversity |", "|---|---|---|---|"]
    figures = []
    for number, (label, ones) in enumerate(real.items()):
        made = np.stack([seen(sounds.make(label, seed)) for seed in range(DRAWN)])
        judged = measure.compare(number, made, ones)
        figures.append((judged.score, judged.diversity))
        lines.append(f"| {label} | {len(ones)} | {figures[-1][0]:.2f} | {figures[-1][1]:.2f} |")
    means = np.mean(figures, axis=0)
    lines += [f"| all | {sum(map(len, real.values()))} | {means[0]:.2f} | {means[1]:.2f} |"]
    lines += ["| one recording against the others | | 1.00 | 1.00 |"]
    return "\n".join(["## Resemblance", "", *lines, "", NOTES])

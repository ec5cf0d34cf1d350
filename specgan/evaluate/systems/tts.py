"""A voice, between the recordings of its prompts and what becomes of their mels without and with its vocoder."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

import specgan
from specgan.evaluate.systems.base import Bench, Prompt, System, by_griffin_lim, recording
from specgan.runtime.pipeline import Vocoder
from vocoder.errors import InputError
from vocoder.signal.manifest import Recording
from vocoder.signal.mel import LogMel

MEASURES = (
    "mcd",
    "f0_error",
    "voicing_f1",
    "periodicity_error",
    "duration_ratio",
    "similarity",
    "voice_similarity",
    "wer",
    "cer",
    "mos",
    "dnsmos",
    "real_time_factor",
    "peak_memory",
)
VOCODED, VOICE, COARSE = "the recording's mel, vocoded", "the voice", "the voice without GAN"


def open_model(folder: Path) -> Bench:
    """See `systems.open_bench`."""
    run = (folder / "checkpoints").is_dir()
    voice = specgan.load(folder, backend="torch") if run else specgan.load(folder, threads=1)
    vocoder, log_mel, rate = Vocoder(voice.model), LogMel(voice.model.spec), voice.sample_rate

    def vocoded(prompt: Prompt) -> tuple[np.ndarray, int]:
        mel = log_mel(torch.from_numpy(prompt.wanted)[None])[0].numpy()
        return np.clip(vocoder.render(mel)[: len(prompt.wanted)], -1.0, 1.0), rate

    def speak(prompt: Prompt) -> tuple[np.ndarray, int]:
        return voice.speak(_text(prompt), **_manner(prompt)), rate

    def coarse(prompt: Prompt) -> tuple[np.ndarray, int]:
        drawn = voice.sentences(_text(prompt), **_manner(prompt))
        return np.concatenate([piece for one in drawn for piece in voice.render(one.coarse)]), rate

    def command(prompt: Prompt, source: Path, out: Path) -> list[str]:
        words = ["infer", "--text", _text(prompt), "-o", str(out), "--model", str(folder)]
        words += ["--backend", "torch"] if run else []
        return [sys.executable, "-m", "specgan", *words]

    systems = [
        recording(rate),
        System(VOCODED, "bound", vocoded),
        by_griffin_lim(voice.model.spec),
        System(VOICE, "model", speak, aligned=False, command=command),
        # the GAN's mel is drawn as well and thrown away, so its time would say nothing
        System(COARSE, "model", coarse, aligned=False, timed=False),
    ]

    def section(rows: Sequence[Recording], alignments: Path | None, out: Path) -> str | None:
        if alignments is None:
            return None
        from specgan.evaluate.true_durations import section as smoothing  # it brings what only training needs

        return smoothing(voice, rows, alignments, out)

    return Bench("tts", voice.name, rate, systems, MEASURES, section)


def _text(prompt: Prompt) -> str:
    if not prompt.text:
        raise InputError(f"{prompt.id}: has no text in the manifest; prepare the corpus with its transcripts")
    return prompt.text


def _manner(prompt: Prompt) -> dict[str, Any]:
    """Each prompt by its speaker and in its language; the first of the voice where the manifest names none."""
    return {"speaker": prompt.speaker, "language": prompt.language, "seed": 0}

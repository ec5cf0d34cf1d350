"""A vocoder on the mels of recordings, between the recordings themselves and Griffin-Lim."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from specgan.evaluate.systems.base import Bench, Prompt, System, by_griffin_lim, recording
from specgan.runtime.pipeline import Vocoder

MEASURES = (
    "pesq",
    "narrow_band_pesq",
    "stoi",
    "si_sdr",
    "multi_resolution_stft",
    "long_window_stft",
    "mcd",
    "f0_error",
    "voicing_f1",
    "periodicity_error",
    "similarity",
    "voice_similarity",
    "wer",
    "cer",
    "mos",
    "dnsmos",
    "real_time_factor",
    "peak_memory",
)


def open_model(folder: Path) -> Bench:
    """See `systems.open_bench`."""
    vocoder = _load(folder)
    rate = vocoder.spec.sample_rate

    def make(prompt: Prompt) -> tuple[np.ndarray, int]:
        return np.clip(vocoder.resynthesise(prompt.wanted), -1.0, 1.0), rate

    def command(prompt: Prompt, source: Path, out: Path) -> list[str]:
        words = ["vocoder", "decode", str(source), "-o", str(out), "--model", str(folder)]
        return [sys.executable, "-m", "specgan", *words]

    model = System("the vocoder", "model", make, command=command)
    return Bench("vocoder", vocoder.name, rate, [recording(rate), by_griffin_lim(vocoder.spec), model], MEASURES)


def _load(folder: Path) -> Vocoder:
    if (folder / "checkpoints").is_dir():
        from specgan.torch_backend import load_run

        return Vocoder(load_run(folder))
    return Vocoder.load(folder, threads=1)

"""What validation hears during training: a few of the measures of the evaluation, on the first held-out utterances."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from specgan.evaluate import cepstrum, metrics, naturalness
from specgan.evaluate.errors import NotMeasurable, missing
from specgan.evaluate.pitch import track
from vocoder.engine.monitor import Monitor
from vocoder.task import Judge

FIDELITY = (
    Monitor("pesq", lowest=False),
    Monitor("multi_resolution_stft"),
    Monitor("voicing_f1", lowest=False),
    Monitor("periodicity_error"),
)
MOS = Monitor("mos", lowest=False)


def fidelity() -> Judge:
    """How close a rendered wave comes to its recording: PESQ (where `pesq` is installed), multi-resolution STFT
    distance, F1 of voiced and unvoiced, periodicity error; see `specgan.evaluate.metrics`.
    """
    absent = missing(["pesq"])

    def compare(recording: np.ndarray, made: np.ndarray, rate: int) -> dict[str, float]:
        figures: dict[str, float] = {}
        if not absent:
            _note(figures, "pesq", lambda: metrics.pesq(recording, made, rate))
        _note(figures, "multi_resolution_stft", lambda: metrics.multi_resolution_stft(recording, made, rate))
        try:
            wanted, found = track(recording, rate), track(made, rate)
        except NotMeasurable:
            return figures
        _note(figures, "voicing_f1", lambda: metrics.voicing_f1(wanted, found))
        _note(figures, "periodicity_error", lambda: metrics.periodicity_error(wanted, found))
        return figures

    return Judge(tuple(monitor for monitor in FIDELITY if monitor.name not in absent), compare)


def listener() -> Judge | None:
    """How natural it sounds: predicted MOS; None where `distillmos` is not installed."""
    if missing(["distillmos"]):
        return None

    def compare(recording: np.ndarray, made: np.ndarray, rate: int) -> dict[str, float]:
        figures: dict[str, float] = {}
        _note(figures, MOS.name, lambda: naturalness.distilled_mos(made, rate))
        return figures

    return Judge((MOS,), compare)


def mel_cepstral_distance(recorded: np.ndarray, made: np.ndarray) -> float:
    """Mel-cepstral distance in dB of two log-mels (M, T), frame by frame: nothing is warped, see `cepstrum`."""
    path = np.repeat(np.arange(recorded.shape[1])[:, None], 2, axis=1)
    return cepstrum.mel_cepstral_distance(cepstrum.mel_cepstrum(recorded), cepstrum.mel_cepstrum(made), path)


def _note(figures: dict[str, float], name: str, measure: Callable[[], float]) -> None:
    try:
        figures[name] = measure()
    except NotMeasurable:  # silent, too short, nowhere voiced: it counts in no mean
        return

"""The measures: how each is computed, how a table shows it, what it needs, and what a reader should know of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from specgan.evaluate import cepstrum, metrics, naturalness
from specgan.evaluate.errors import NotMeasurable
from specgan.evaluate.report import Column
from specgan.evaluate.take import Take

CLOSE, HEARD, COST = "How close to the recording", "What is heard", "What it costs"
"""Tables of a card."""

Value = float | tuple[float, float]
"""A value, or a value and what it counts in the mean."""


@dataclass(frozen=True)
class Measure(Column):
    """A measure.

    Attributes
    ----------
    compute : callable or None
        Of a `Take`; None for what is not found from one utterance alone (speakers, memory).
    packages : tuple of str
        By the names that pip knows them by.
    against : bool
        Whether it compares with the recording of the same words.
    aligned : bool
        Whether it needs waves that run side by side.
    text : bool
        Whether it needs what should be heard.
    """

    compute: Callable[[Take], Value] | None = None
    packages: tuple[str, ...] = ()
    against: bool = False
    aligned: bool = False
    text: bool = False


def _of_waves(function: Callable[[np.ndarray, np.ndarray, int], float]) -> Callable[[Take], Value]:
    return lambda take: function(*take.waves)


def _distance(take: Take) -> float:
    path = take.path
    return cepstrum.mel_cepstral_distance(take.original.cepstrum, take.made.cepstrum, path)


def _duration_ratio(take: Take) -> float:
    if not take.made.sounding or not take.original.sounding:
        raise NotMeasurable("silent")
    return take.made.sounding / take.original.sounding


def _word_errors(take: Take) -> Value:
    found = take.errors
    return 100.0 * found.word_edits / found.words, found.words


def _character_errors(take: Take) -> Value:
    found = take.errors
    return 100.0 * found.character_edits / found.characters, found.characters


def _real_time_factor(take: Take) -> float:
    if take.seconds is None:
        raise NotMeasurable("not timed")
    return take.seconds / take.made.seconds


SPEAKER = ("resemblyzer", "setuptools<81")
LISTENER = ("faster-whisper", "jiwer", "whisper-normalizer")

MEASURES: dict[str, Measure] = {
    "pesq": Measure(
        "PESQ, wide band",
        True,
        2,
        CLOSE,
        "ITU-T P.862.2 at 16 kHz by the package pesq, 1.04 to 4.64. Hears up to 7 kHz.",
        compute=_of_waves(metrics.pesq),
        packages=("pesq",),
        against=True,
        aligned=True,
    ),
    "narrow_band_pesq": Measure(
        "PESQ, narrow band",
        True,
        2,
        CLOSE,
        "ITU-T P.862.1 at 8 kHz by the package pesq, 1.02 to 4.55. Hears up to 3.4 kHz.",
        compute=_of_waves(metrics.narrow_band_pesq),
        packages=("pesq",),
        against=True,
        aligned=True,
    ),
    "stoi": Measure(
        "STOI",
        True,
        3,
        CLOSE,
        "Intelligibility, up to 1, by the package pystoi (Taal 2011). Hears up to 5 kHz.",
        compute=_of_waves(metrics.stoi),
        packages=("pystoi",),
        against=True,
        aligned=True,
    ),
    "si_sdr": Measure(
        "SI-SDR (dB)",
        True,
        1,
        CLOSE,
        "Scale-invariant signal-to-distortion ratio by torchmetrics (Le Roux 2019, arXiv:1811.02508). It counts "
        "phases: of what makes them anew, such as a vocoder, it says nothing about quality.",
        compute=_of_waves(metrics.si_sdr),
        packages=("torch", "torchmetrics"),
        against=True,
        aligned=True,
    ),
    "multi_resolution_stft": Measure(
        "MR-STFT",
        False,
        3,
        CLOSE,
        "Spectral convergence and log-magnitude distance over three windows of 240 to 1200 samples, from 0 (Yamamoto "
        "2020, arXiv:1910.11480; that of auraloss). At different rates it does not compare.",
        compute=_of_waves(metrics.multi_resolution_stft),
        against=True,
        aligned=True,
    ),
    "long_window_stft": Measure(
        "MR-STFT, long windows",
        False,
        3,
        CLOSE,
        "The same over windows of 1024, 2048 and 4096 samples, which resolve single harmonics.",
        compute=_of_waves(metrics.long_window_stft),
        against=True,
        aligned=True,
    ),
    "mcd": Measure(
        "MCD (dB)",
        False,
        2,
        CLOSE,
        "Mel-cepstral distance along a time-warped path, from 0: 13 cepstra of an 80-band mel up to 11 kHz without the "
        "level (Kubichek 1993; Battenberg 2020, arXiv:1910.10288). What has no band above 8 kHz is far off.",
        compute=_distance,
        packages=("torch", "librosa", "scipy"),
        against=True,
    ),
    "f0_error": Measure(
        "F0 RMSE (cents)",
        False,
        1,
        CLOSE,
        "Root mean square difference of the pitch over frames voiced in both, from 0; 1200 cents are an octave. Pitch "
        "by swift-f0 (arXiv:2508.18440), formula of CARGAN (Morrison 2022, arXiv:2110.10139). What has its own "
        "timing is compared along the time-warped path.",
        compute=lambda take: metrics.f0_error(*take.tracks),
        against=True,
    ),
    "voicing_f1": Measure(
        "V/UV F1",
        True,
        3,
        CLOSE,
        "F1 of the voiced frames, 0 to 1; frames, tracker and source as F0.",
        compute=lambda take: metrics.voicing_f1(*take.tracks),
        against=True,
    ),
    "periodicity_error": Measure(
        "periodicity RMSE",
        False,
        3,
        CLOSE,
        "Root mean square difference of the periodicity, 0 to 1; frames, tracker and source as F0.",
        compute=lambda take: metrics.periodicity_error(*take.tracks),
        against=True,
    ),
    "duration_ratio": Measure(
        "duration ratio",
        None,
        3,
        CLOSE,
        "Seconds over those of the recording, without what is 40 dB below the loudest frame at both ends.",
        compute=_duration_ratio,
        packages=("librosa",),
        against=True,
    ),
    "similarity": Measure(
        "similarity to the recording",
        True,
        3,
        CLOSE,
        "Cosine of resemblyzer's speaker embeddings (Wan 2018, arXiv:1710.10467), at most 1, with the recordings of "
        "the same utterances; these are pooled until there are 5 s of speech.",
        packages=SPEAKER,
        against=True,
    ),
    "voice_similarity": Measure(
        "similarity to the voice",
        True,
        3,
        HEARD,
        "The same with the other recordings of the speaker.",
        packages=SPEAKER,
    ),
    "wer": Measure(
        "WER (%)",
        False,
        1,
        HEARD,
        "Word errors of the whole set over its words, from 0, may pass 100. Whisper listens (beam 5, temperature "
        "0); texts are compared after the normalisation of its authors (arXiv:2212.04356).",
        compute=_word_errors,
        packages=LISTENER,
        text=True,
    ),
    "cer": Measure(
        "CER (%)",
        False,
        1,
        HEARD,
        "The same by characters.",
        compute=_character_errors,
        packages=LISTENER,
        text=True,
    ),
    "mos": Measure(
        "predicted MOS (distillMOS)",
        True,
        2,
        HEARD,
        "Overall quality 1 to 5 as predicted by distillMOS (arXiv:2502.05356), without the recording.",
        compute=lambda take: naturalness.distilled_mos(take.made.wave, take.made.rate),
        packages=("distillmos",),
    ),
    "dnsmos": Measure(
        "predicted MOS (DNSMOS)",
        True,
        2,
        HEARD,
        "The same by DNSMOS P.835, overall (arXiv:2110.01763), made for noise suppression: hears hiss, not prosody.",
        compute=lambda take: naturalness.dnsmos(take.made.wave, take.made.rate),
        packages=("speechmos",),
    ),
    "real_time_factor": Measure(
        "real-time factor",
        False,
        4,
        COST,
        "Seconds of one thread for a second of sound, warm, the systems taking turns. Other work on the machine raises "
        "it; what was not timed here may have been timed otherwise.",
        median=True,
        bounded=False,
        compute=_real_time_factor,
    ),
    "peak_memory": Measure(
        "peak memory (MB)",
        False,
        0,
        COST,
        "Greatest resident memory of the command that a user would run for the longest prompt, with all that it loads.",
        bounded=False,
    ),
}

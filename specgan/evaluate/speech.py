"""Score systems that speak: what a recogniser hears, how natural it sounds, how close it comes to the recording."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np

from specgan.evaluate import cepstrum, naturalness, speaker, words
from specgan.evaluate.errors import NotMeasurable
from specgan.evaluate.recogniser import Recogniser
from specgan.evaluate.report import Results, Row
from specgan.runtime.f0 import fundamental_frequency
from vocoder.errors import InputError
from vocoder.signal.audio import resample
from vocoder.signal.spec import preset

SPEC = preset("22k")


@dataclass(frozen=True)
class Prompt:
    """Something to be said.

    Attributes
    ----------
    id : str
    text : str
        As a user types it.
    accepted : str
        What may be heard, with alternatives in braces (see `words.accepted`).
    recording : (N,) float32 in [-1, 1] or None
        Of somebody saying it, at 22 050 Hz.
    """

    id: str
    text: str
    accepted: str
    recording: np.ndarray | None = None


@dataclass(frozen=True)
class Spoken:
    """A wave (N,) float in [-1, 1], its rate in Hz, and the seconds that making it took (None: it was not made)."""

    wave: np.ndarray
    rate: int
    seconds: float | None


@dataclass(frozen=True)
class Measure:
    """How a table shows a figure."""

    title: str
    higher_is_better: bool
    digits: int


MEASURES = {
    "wer": Measure("WER (%)", higher_is_better=False, digits=1),
    "cer": Measure("CER (%)", higher_is_better=False, digits=1),
    "mos": Measure("predicted MOS (distillMOS)", higher_is_better=True, digits=2),
    "dnsmos": Measure("DNSMOS OVRL", higher_is_better=True, digits=2),
    "mcd": Measure("MCD (dB)", higher_is_better=False, digits=2),
    "f0_error": Measure("F0 RMSE (cents)", higher_is_better=False, digits=0),
    "voicing_error": Measure("V/UV error (%)", higher_is_better=False, digits=1),
    "similarity": Measure("similarity to the recording", higher_is_better=True, digits=3),
    "voice_similarity": Measure("to the voice", higher_is_better=True, digits=3),
    "real_time_factor": Measure("real-time factor", higher_is_better=False, digits=4),
}
BY_NETWORKS = ("wer", "cer", "mos", "dnsmos", "similarity", "voice_similarity")
AGAINST_RECORDING = ("mcd", "f0_error", "voicing_error", "similarity", "voice_similarity")

System = Callable[[Prompt], tuple[np.ndarray, int]]


def speak(systems: Mapping[str, System], prompts: Sequence[Prompt]) -> dict[str, list[Spoken]]:
    """Let every system say every prompt, side by side, so that what slows the machine slows all of them.

    The first prompt is said once before the clock starts: what is loaded at first use is loaded then.

    Parameters
    ----------
    systems : mapping of str to callable
        By the name in the table: a prompt in, a wave (N,) and its rate out.
    prompts : sequence of Prompt

    Raises
    ------
    InputError
        If a system returns no sound, or samples that are not finite; it names both.
    """
    if not prompts:
        raise InputError("there is no prompt to say; give one at least")
    spoken: dict[str, list[Spoken]] = {name: [] for name in systems}
    for system in systems.values():
        system(prompts[0])
    for prompt in prompts:
        for name, system in systems.items():
            began = time.perf_counter()
            wave, rate = system(prompt)
            seconds = time.perf_counter() - began
            if wave.ndim != 1 or not wave.size or not np.isfinite(wave).all():
                raise InputError(f"{name}: {prompt.id}: made no sound, must be a wave (N,) of finite numbers")
            spoken[name].append(Spoken(wave, rate, None if wave is prompt.recording else seconds))
    return spoken


def evaluate_speech(
    spoken: Mapping[str, Sequence[Spoken]], prompts: Sequence[Prompt], recogniser: Recogniser | None
) -> Results:
    """Score what was spoken.

    Where every prompt has a recording, a system is compared with it along a time-warped path, and with the mean voice
    of the recordings of all other prompts. Error rates are those of the whole set: all edits over all words.

    Parameters
    ----------
    spoken : mapping of str to sequence of Spoken
        By system, one a prompt; see `speak`.
    prompts : sequence of Prompt
    recogniser : Recogniser or None
        None leaves out all that networks have to judge: error rates, MOS, similarity.

    Raises
    ------
    InputError
        If a package is missing, or a recording holds no speech.
    """
    measures = dict(MEASURES)
    if recogniser is None:
        measures = {name: measure for name, measure in measures.items() if name not in BY_NETWORKS}
    references = None
    if any(prompt.recording is None for prompt in prompts):
        measures = {name: measure for name, measure in measures.items() if name not in AGAINST_RECORDING}
    else:
        references = _References(prompts, recogniser is not None)
    systems = {
        name: [
            _row(prompt, one, recogniser, measures, None if references is None else references.of(index))
            for index, (prompt, one) in enumerate(zip(prompts, waves, strict=True))
        ]
        for name, waves in spoken.items()
    }
    return Results(SPEC.sample_rate, measures, systems, frozenset({"real_time_factor"}))


@dataclass(frozen=True)
class _Features:
    """What is compared along a path: cepstrum (13, T), F0 (T,) in Hz, embedding (256,) or zeros."""

    cepstrum: np.ndarray
    frequency: np.ndarray
    embedding: np.ndarray


def _features(wave: np.ndarray, embedded: bool) -> _Features:
    import torch

    from vocoder.signal.mel import LogMel

    mel = LogMel(SPEC)(torch.from_numpy(np.asarray(wave, np.float32))[None])[0].numpy()
    frequency, _ = fundamental_frequency(wave, SPEC.sample_rate, SPEC.hop, mel.shape[1])
    embedding = speaker.embedding(wave, SPEC.sample_rate) if embedded else np.zeros(256, np.float32)
    return _Features(cepstrum.mel_cepstrum(mel), frequency, embedding)


@dataclass(frozen=True)
class _Reference:
    own: _Features
    voice: np.ndarray  # (256,), the mean voice without this recording


class _References:
    """Features of all recordings."""

    def __init__(self, prompts: Sequence[Prompt], embedded: bool) -> None:
        self._all = []
        for prompt in prompts:
            try:
                self._all += [] if prompt.recording is None else [_features(prompt.recording, embedded)]
            except NotMeasurable as reason:
                raise InputError(f"{prompt.id}: its recording is of no use ({reason}); leave the prompt out") from None

    def of(self, index: int) -> _Reference:
        others = self._all[:index] + self._all[index + 1 :] or self._all
        return _Reference(self._all[index], speaker.mean_voice(one.embedding for one in others))


@dataclass
class _Scores:
    """Values as they come, and the reasons of those that do not."""

    values: dict[str, float | None]
    left_out: dict[str, str] = field(default_factory=dict)

    @contextmanager
    def measuring(self, *names: str) -> Iterator[None]:
        try:
            yield
        except NotMeasurable as reason:
            self.left_out.update((name, str(reason)) for name in names if self.values[name] is None)


def _row(
    prompt: Prompt,
    one: Spoken,
    recogniser: Recogniser | None,
    measures: Mapping[str, Measure],
    reference: _Reference | None,
) -> Row:
    scores = _Scores(dict.fromkeys(measures))
    values = scores.values
    weights: dict[str, float] = {}
    notes: dict[str, str] = {}
    if recogniser is not None:
        notes["heard"] = heard = recogniser.hear(one.wave, one.rate)
        with scores.measuring("wer", "cer"):
            counted = words.errors(prompt.accepted, heard, recogniser.language)
            values["wer"], weights["wer"] = 100.0 * counted.word_edits / counted.words, counted.words
            values["cer"], weights["cer"] = 100.0 * counted.character_edits / counted.characters, counted.characters
        with scores.measuring("mos"):
            values["mos"] = naturalness.distilled_mos(one.wave, one.rate)
        with scores.measuring("dnsmos"):
            values["dnsmos"] = naturalness.dnsmos(one.wave, one.rate)
    if one.seconds is not None:
        values["real_time_factor"] = one.seconds * one.rate / len(one.wave)
    if reference is not None:
        with scores.measuring(*(name for name in AGAINST_RECORDING if name in measures)):
            made = _features(resample(one.wave, one.rate, SPEC.sample_rate), recogniser is not None)
            compared = _compared(reference, made, scores)
            values.update((name, value) for name, value in compared.items() if name in measures)
    return Row(prompt.id, values, scores.left_out, weights, notes)


def _compared(reference: _Reference, made: _Features, scores: _Scores) -> dict[str, float | None]:
    own = reference.own
    path = cepstrum.warping_path(own.cepstrum, made.cepstrum)
    pitch: float | None = None
    with scores.measuring("f0_error"):
        pitch = cepstrum.pitch_error(own.frequency, made.frequency, path)
    return {
        "mcd": cepstrum.mel_cepstral_distance(own.cepstrum, made.cepstrum, path),
        "f0_error": pitch,
        "voicing_error": 100.0 * cepstrum.voicing_error(own.frequency, made.frequency, path),
        "similarity": speaker.similarity(own.embedding, made.embedding),
        "voice_similarity": speaker.similarity(reference.voice, made.embedding),
    }

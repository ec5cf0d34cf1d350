"""Does it sound like the same speaker: cosine similarity of speaker embeddings of at least 5 s of speech."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from specgan.evaluate.errors import NotMeasurable, needs

SHORTEST = 5.0
"""Seconds of speech in an embedding that is compared: those of single short sentences differ by what is said."""


class Speech(NamedTuple):
    """What of an utterance speaks for the speaker.

    Attributes
    ----------
    seconds : float
        Speech that a detector found.
    embedding : (256,) float64
        The sum of the embeddings of windows of 1.6 s: those of several utterances add up.
    """

    seconds: float
    embedding: np.ndarray


@functools.lru_cache(maxsize=1)
def _encoder() -> Any:
    with needs("resemblyzer"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its voice activity detector's, about pkg_resources
        from resemblyzer import VoiceEncoder
    return VoiceEncoder("cpu", verbose=False)


def speech(wave: np.ndarray, rate: int) -> Speech:
    """Embed the speech in a wave by resemblyzer (GE2E: Wan 2018, arXiv:1710.10467).

    The level is raised to −30 dBFS and long pauses are cut out before, as resemblyzer does.

    Parameters
    ----------
    wave : (N,) float in [-1, 1]
    rate : int
        Hz.

    Raises
    ------
    NotMeasurable
        If no speech is found in the wave.
    InputError
        If resemblyzer is not installed.
    """
    encoder = _encoder()
    from resemblyzer import preprocess_wav, sampling_rate

    if not np.any(wave):
        raise NotMeasurable("silent")
    found = preprocess_wav(np.asarray(wave, np.float32), source_sr=rate)
    if not len(found):
        raise NotMeasurable("no speech found")
    windows = encoder.embed_utterance(found, return_partials=True)[1]
    return Speech(len(found) / sampling_rate, windows.sum(axis=0, dtype=np.float64))


def similarity(one: np.ndarray, other: np.ndarray) -> float:
    """Cosine of two embeddings (256,), at most 1."""
    return float(one @ other / (np.linalg.norm(one) * np.linalg.norm(other)))


def pooled(seconds: Sequence[float]) -> list[list[int]]:
    """Indices of utterances in groups of at least 5 s of speech; none if all together have less.

    Groups are of successive utterances; a rest that is too short joins the last group.
    """
    groups: list[list[int]] = []
    group: list[int] = []
    for index in range(len(seconds)):
        group.append(index)
        if sum(seconds[i] for i in group) >= SHORTEST:
            groups.append(group)
            group = []
    if groups:
        groups[-1] += group
    return groups


class Similarities(NamedTuple):
    """By the id of the first utterance of each group; empty where there are no 5 s of speech to compare."""

    recording: dict[str, float]
    voice: dict[str, float]


def similarities(
    made: Mapping[str, Speech], recordings: Mapping[str, Speech], speakers: Mapping[str, str | None]
) -> Similarities:
    """Compare what a system made with the recordings, speaker by speaker.

    Utterances of a speaker are pooled until there are at least 5 s of speech of the system, and of the recordings of
    the same utterances where there are any. `recording` compares the two; `voice` compares the system with the
    speaker's other recordings.

    Parameters
    ----------
    made, recordings : mapping of str to Speech
        By id; those of `recordings` may be other utterances of the same speakers.
    speakers : mapping of str to str or None
        By id, of all.
    """
    found = Similarities({}, {})
    for speaker in dict.fromkeys(speakers[id] for id in made):
        own = [id for id in made if speakers[id] == speaker]
        heard = {id: one for id, one in recordings.items() if speakers[id] == speaker}
        lengths = [min(made[id].seconds, heard[id].seconds if id in heard else np.inf) for id in own]
        for group in pooled(lengths):
            ids = [own[index] for index in group]
            embedding = _sum(made[id] for id in ids)
            if all(id in heard for id in ids):
                found.recording[ids[0]] = similarity(embedding, _sum(heard[id] for id in ids))
            others = [one for id, one in heard.items() if id not in ids]
            if sum(one.seconds for one in others) >= SHORTEST:
                found.voice[ids[0]] = similarity(embedding, _sum(others))
    return found


def _sum(utterances: Iterable[Speech]) -> np.ndarray:
    return np.sum([one.embedding for one in utterances], axis=0)

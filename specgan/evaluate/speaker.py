"""Does it sound like the same speaker: cosine similarity of speaker embeddings."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Any

import numpy as np

from specgan.evaluate.errors import NotMeasurable, needs


@functools.lru_cache(maxsize=1)
def _encoder() -> Any:
    with needs("resemblyzer"):
        from resemblyzer import VoiceEncoder
    return VoiceEncoder("cpu", verbose=False)


def embedding(wave: np.ndarray, rate: int) -> np.ndarray:
    """Speaker embedding (256,) of unit length, by resemblyzer (GE2E: Wan 2018, arXiv:1710.10467).

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
    from resemblyzer import preprocess_wav

    if not np.any(wave):
        raise NotMeasurable("silent")
    speech = preprocess_wav(np.asarray(wave, np.float32), source_sr=rate)
    if not len(speech):
        raise NotMeasurable("no speech found")
    return np.asarray(encoder.embed_utterance(speech), np.float64)


def similarity(one: np.ndarray, other: np.ndarray) -> float:
    """Cosine of two embeddings (256,), at most 1; between recordings of one speaker about 0.8 to 0.95."""
    return float(one @ other / (np.linalg.norm(one) * np.linalg.norm(other)))


def mean_voice(embeddings: Iterable[np.ndarray]) -> np.ndarray:
    """The mean (256,) of embeddings of one speaker, scaled to unit length."""
    mean = np.mean(list(embeddings), axis=0)
    return mean / np.linalg.norm(mean)

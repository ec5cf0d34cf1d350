"""Phones as hidden Markov models learned from the set itself, to tell whether transcripts fit. No torch.

Each phone has two states with one Gaussian each over mel cepstra. They begin with the frames of every recording shared
out evenly and are learned by Viterbi's algorithm (Jelinek 1976), which is how Kaldi's and HTK's monophones begin. Such
models align roughly; but to tell a transcript from another one, a rough alignment is enough.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

STATES = 2
ROUNDS = 7
PRIOR = 20.0
"""Frames of the mean of all sound that every state has seen besides its own: rare phones stay close to it."""
LEAST_VARIANCE = 0.05  # of that of all sound
TEACHERS = 300  # recordings, some 15 minutes; more do not make Gaussians better
TOGETHER = 32  # recordings aligned at once
IMPOSSIBLE = -1e30


class PhoneModels:
    """Gaussians of the phones of a set.

    Parameters
    ----------
    cepstra : sequence of (T, D) arrays
        Of each recording; see `specgan.doctor.spectrum`.
    phones : sequence of (L,) int arrays
        Of each transcript; T is at least L · STATES, so that every state can have a frame.
    count : int
        How many phones there are.
    """

    def __init__(self, cepstra: Sequence[np.ndarray], phones: Sequence[np.ndarray], count: int) -> None:
        everything = np.concatenate(cepstra)
        mean, deviation = everything.mean(0), everything.std(0) + 1e-6
        self.cepstra = [((one - mean) / deviation).astype(np.float32) for one in cepstra]
        self.states = [states_of(one) for one in phones]
        self.count = count * STATES
        step = max(1, len(cepstra) // TEACHERS)
        self.teachers = list(range(0, len(cepstra), step))[:TEACHERS]
        labels = {
            i: self.states[i][np.arange(len(self.cepstra[i])) * len(self.states[i]) // len(self.cepstra[i])]
            for i in self.teachers
        }
        for _ in range(ROUNDS):
            self._count(labels)
            gaussians = self._gaussians()
            found = align([(_scores(self.cepstra[i], *gaussians)[:, self.states[i]]) for i in self.teachers])
            labels = {i: self.states[i][path] for i, (path, _) in zip(self.teachers, found, strict=True)}
        self._count(labels)

    def _count(self, labels: dict[int, np.ndarray]) -> None:
        size = self.cepstra[0].shape[1]
        self.seen, self.sums, self.squares = (
            np.zeros(self.count), np.zeros((self.count, size)), np.zeros((self.count, size))
        )  # fmt: skip
        self.labels = labels
        for index, path in labels.items():
            for total, part in zip((self.seen, self.sums, self.squares), self._statistics(index, path), strict=True):
                total += part

    def _statistics(self, index: int, path: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        one = self.cepstra[index].astype(np.float64)
        hot = np.zeros((self.count, len(one)))
        hot[path, np.arange(len(one))] = 1
        return hot.sum(1), hot @ one, hot @ (one * one)

    def _gaussians(self, without: int | None = None) -> tuple[np.ndarray, np.ndarray]:
        seen, sums, squares = self.seen, self.sums, self.squares
        if without is not None and without in self.labels:
            own = self._statistics(without, self.labels[without])
            seen, sums, squares = (a - b for a, b in zip((seen, sums, squares), own, strict=True))
        mean = sums / (seen + PRIOR)[:, None]
        variance = (squares + PRIOR) / (seen + PRIOR)[:, None] - mean**2
        return mean, np.maximum(variance, LEAST_VARIANCE)

    def scores(self, index: int) -> np.ndarray:
        """Log-likelihood (T, states) of a recording's frames by models that did not learn from that recording."""
        return _scores(self.cepstra[index], *self._gaussians(without=index))


def states_of(phones: np.ndarray) -> np.ndarray:
    """Phones (L,) → their states (L · STATES,)."""
    return (phones[:, None] * STATES + np.arange(STATES)).ravel()


def _scores(cepstra: np.ndarray, mean: np.ndarray, variance: np.ndarray) -> np.ndarray:
    weight = 1 / variance
    constant = (mean * mean * weight + np.log(variance)).sum(1)
    return (-0.5 * ((cepstra**2) @ weight.T - 2 * cepstra @ (mean * weight).T + constant)).astype(np.float32)


def align(scores: Sequence[np.ndarray]) -> list[tuple[np.ndarray, float]]:
    """The best monotonic path through each (T, L) array of scores, and its mean score a frame.

    Parameters
    ----------
    scores : sequence of (T, L) arrays
        T ≥ L.
    """
    order = sorted(range(len(scores)), key=lambda i: scores[i].shape)
    found: dict[int, tuple[np.ndarray, float]] = {}
    for first in range(0, len(order), TOGETHER):
        part = order[first : first + TOGETHER]
        found |= dict(zip(part, _align([scores[i] for i in part]), strict=True))
    return [found[i] for i in range(len(scores))]


def _align(scores: list[np.ndarray]) -> list[tuple[np.ndarray, float]]:
    shapes = [one.shape for one in scores]
    frames, tokens = (max(sizes) for sizes in zip(*shapes, strict=True))
    padded = np.zeros((frames, len(scores), tokens), np.float32)
    for index, one in enumerate(scores):
        padded[: one.shape[0], index, : one.shape[1]] = one
    best = np.full((len(scores), tokens), IMPOSSIBLE)
    best[:, 0] = padded[0, :, 0]
    before = np.full_like(best, IMPOSSIBLE)
    moved = np.zeros(padded.shape, bool)
    ends = np.zeros(len(scores))
    for t in range(frames):
        if t:
            before[:, 1:] = best[:, :-1]
            np.greater(before, best, out=moved[t])
            best = np.maximum(before, best) + padded[t]
        for index, (length, last) in enumerate(shapes):
            if t == length - 1:
                ends[index] = best[index, last - 1]
    paths = []
    for index, (length, last) in enumerate(shapes):
        path, token = np.empty(length, np.int64), last - 1
        for t in range(length - 1, -1, -1):
            path[t] = token
            token -= int(moved[t, index, token])
        paths.append(path)
    return [(path, float(end) / len(path)) for path, end in zip(paths, ends, strict=True)]

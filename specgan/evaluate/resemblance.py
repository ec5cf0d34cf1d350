"""How near generated sounds come to real ones, how different they are among each other, and whether they are copies.

A class often has ten or thirty recordings. A Fréchet distance needs a covariance, which so few cannot give, and the
usual embeddings for it are large downloads; an energy score needs only distances between pairs and is right for any
number of recordings, even for one. A sound is described by what can be told of its log-mel without knowing where in it
something happens: level, spread in time and restlessness of groups of bands.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

GROUPS = 16  # of bands


class Resemblance(NamedTuple):
    """Of the sounds of one class.

    Attributes
    ----------
    score : float
        Energy score against held-out recordings (Gneiting and Raftery 2007, doi:10.1198/016214506000001437, eq. 22),
        as a share of what recordings of the class score against each other: about 1 is as near as recordings are, more
        is worse.
    diversity : float
        Mean distance of two generated sounds over that of two recordings; 1 is right, near 0 they are all alike.
    novelty : float
        Mean distance of a generated sound from the nearest training recording over that of a held-out recording; near
        0 they are copies.
    """

    score: float
    diversity: float
    novelty: float


def described(mel: np.ndarray) -> np.ndarray:
    """Log-mel (M, T) → (3 · 16,) numbers: mean and deviation in time of groups of bands, and mean change a frame."""
    groups = np.stack([part.mean(axis=0) for part in np.array_split(mel.astype(np.float64), GROUPS)])
    return np.concatenate([groups.mean(axis=1), groups.std(axis=1), np.abs(np.diff(groups, axis=1)).mean(axis=1)])


class Measure:
    """Compares descriptions of sounds; one for a training set.

    Parameters
    ----------
    known : list of (N, D) arrays
        Descriptions of the training recordings, class by class, at least two of each. Every number is taken in units of
        its deviation over all of them.
    """

    def __init__(self, known: list[np.ndarray]) -> None:
        together = np.concatenate(known)
        self._mean, self._deviation = together.mean(axis=0), np.maximum(together.std(axis=0), 1e-3)
        self._known = [self._scaled(rows) for rows in known]

    def compare(self, label: int, generated: np.ndarray, held_out: np.ndarray) -> Resemblance:
        """Generated sounds (K, D), K at least 2, with held-out recordings (R, D) of a class, R at least 1."""
        known, made, real = self._known[label], self._scaled(generated), self._scaled(held_out)
        spread = _among(known)
        nearest = [_between(sounds, known).min(axis=1).mean() for sounds in (made, real)]
        return Resemblance(
            (2 * _between(made, real).mean() - _among(made)) / spread,
            _among(made) / spread,
            nearest[0] / max(nearest[1], 1e-12),
        )

    def bound(self, label: int, held_out: np.ndarray) -> Resemblance:
        """The training recordings themselves in place of generated sounds: real against real, all copies."""
        return self.compare(label, self._known[label] * self._deviation + self._mean, held_out)

    def diversity(self, label: int, generated: np.ndarray) -> float:
        """See `Resemblance`; needs no held-out recording."""
        return _among(self._scaled(generated)) / _among(self._known[label])

    def _scaled(self, rows: np.ndarray) -> np.ndarray:
        return (rows - self._mean) / self._deviation


def _between(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Distances (K, R)."""
    return np.linalg.norm(a[:, None] - b[None], axis=2)


def _among(rows: np.ndarray) -> float:
    """Mean distance of two different ones."""
    return max(float(_between(rows, rows).sum() / (len(rows) * (len(rows) - 1))), 1e-12)

"""What one system made of one prompt, beside what it should be."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from specgan.evaluate import cepstrum, pitch, words
from specgan.evaluate.errors import NotMeasurable
from specgan.evaluate.pitch import Pitch
from specgan.evaluate.recogniser import Recogniser
from specgan.evaluate.sound import SPEC, Sound

NEAR = 0.05
"""Seconds by which a wave may be longer or shorter than the recording it is aligned with: other programs pad."""


@functools.lru_cache(maxsize=1)
def recogniser(folder: Path | None) -> Recogniser:
    """The recogniser of this process."""
    return Recogniser(folder)


@dataclass
class Take:
    """One utterance of one system.

    Parameters
    ----------
    made : Sound
    reference : Sound or None
        The recording, at the same rate.
    aligned : bool
        Whether the two run side by side; else they are compared along a time-warped path.
    accepted : str or None
        What may be heard, with alternatives in braces; see `words.accepted`.
    language : str
        ISO 639-1, for the recogniser.
    recogniser : Path or None
        Its folder; None is the one that the packages bring.
    seconds : float or None
        What making it took.
    """

    made: Sound
    reference: Sound | None
    aligned: bool
    accepted: str | None = None
    language: str = "en"
    recogniser: Path | None = None
    seconds: float | None = None

    @property
    def original(self) -> Sound:
        """The recording.

        Raises
        ------
        NotMeasurable
            If there is none.
        """
        if self.reference is None:
            raise NotMeasurable("no recording to compare with")
        return self.reference

    @functools.cached_property
    def waves(self) -> tuple[np.ndarray, np.ndarray, int]:
        """Recording and made wave of one length (N,), aligned, and their rate.

        Raises
        ------
        NotMeasurable
            If their lengths differ by more than 50 ms.
        """
        wanted, found, rate = self.original.wave, self.made.wave, self.made.rate
        if abs(len(wanted) - len(found)) > NEAR * rate:
            raise NotMeasurable("not as long as the recording")
        size = min(len(wanted), len(found))
        return wanted[:size], found[:size], rate

    @functools.cached_property
    def path(self) -> np.ndarray:
        """Warping path (P, 2) over the frames of both mels."""
        if not np.any(self.original.wave) or not np.any(self.made.wave):
            raise NotMeasurable("silent")
        return cepstrum.warping_path(self.original.cepstrum, self.made.cepstrum)

    @functools.cached_property
    def tracks(self) -> tuple[Pitch, Pitch]:
        """Pitch of both, frame by frame, or along the path."""
        wanted, found = self.original.pitch, self.made.pitch
        if self.aligned:
            frames = np.arange(min(len(wanted.voiced), len(found.voiced)))
            return pitch.along(wanted, frames), pitch.along(found, frames)
        first, second = pitch.pairs(self.path, SPEC.hop / SPEC.sample_rate, wanted, found)
        return pitch.along(wanted, first), pitch.along(found, second)

    @functools.cached_property
    def heard(self) -> str:
        """What the recogniser hears."""
        return recogniser(self.recogniser).hear(self.made.wave, self.made.rate, self.language)

    @functools.cached_property
    def errors(self) -> words.Errors:
        """Of what was heard."""
        if self.accepted is None:
            raise NotMeasurable("no text")
        return words.errors(self.accepted, self.heard, self.language)

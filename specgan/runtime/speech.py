"""Text → phonemes → durations, pitch, energy → mel → wave, sentence by sentence on numpy arrays. No torch.

text ── script.read ── ids ── encode ── round, repeat ── draw (pieces of frames) ── render (pieces) ── fade ── wave
"""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol

import numpy as np

from specgan.runtime.pipeline import Functions, Vocoder
from specgan.runtime.script import PAUSES, Sentence, read
from specgan.runtime.voice_config import VoiceConfig
from specgan.text.lexicon import Lexicon
from vocoder.errors import InputError
from vocoder.signal.chunks import plan

FADE = 0.005
"""Seconds by which both ends of a sentence are faded, so that no join clicks."""

PICTURE = 416
"""Frames drawn and rendered at once, 5 s at 22 kHz: drawing takes 0.3 MB a frame."""

LEAST, MOST = 0.25, 4.0  # of speed, pitch and energy


class SpeechFunctions(Functions, Protocol):
    """A model with the functions `encode`, `draw` and `render`."""

    config: dict[str, Any]


@dataclass(frozen=True)
class Manner:
    """How a text is spoken.

    Parameters
    ----------
    speed : float
        1 is the pace of the recordings, 2 twice as fast; 0.25 to 4.
    pitch, energy : float
        Factors on F0 and on the loudness (as amplitude); 0.25 to 4.
    seed : int
        Of the noise that the drawing starts from, at least 0: the same seed gives the same samples.
    speaker, language : str, optional
        One that the voice has; its first if None.
    lexicon : Lexicon, optional
        Words and their IPA, which override.
    phonemes : bool
        The text is IPA, as `specgan.text.phonemes` writes it.

    Raises
    ------
    InputError
        If a value is outside its range.
    """

    speed: float = 1.0
    pitch: float = 1.0
    energy: float = 1.0
    seed: int = 0
    speaker: str | None = None
    language: str | None = None
    lexicon: Lexicon | None = None
    phonemes: bool = False

    def __post_init__(self) -> None:
        for name in ("speed", "pitch", "energy"):
            value = getattr(self, name)
            if not LEAST <= value <= MOST:
                raise InputError(f"{name} is {value:g}, must be from {LEAST:g} to {MOST:g}")
        if self.seed < 0:
            raise InputError(f"the seed is {self.seed}, must be at least 0")


class Drawn(NamedTuple):
    """Log-mels (bands, T) of one sentence with the pause behind it: the drawn one, and the coarse one under it."""

    mel: np.ndarray
    coarse: np.ndarray


class Voice:
    """A voice that speaks.

    Parameters
    ----------
    model : SpeechFunctions
        See `specgan.runtime.model` and `specgan.torch_backend`.
    picture : int
        Frames drawn at once, context included.
    chunk : int
        Frames rendered at once.

    Raises
    ------
    InputError
        If the model is for another task, or its config.json is damaged.
    """

    def __init__(self, model: SpeechFunctions, picture: int = PICTURE, chunk: int = PICTURE) -> None:
        self.model, self.config, self.picture = model, VoiceConfig.read(model.config, model.name), picture
        self._vocoder = Vocoder(model, chunk)
        self._clipped = False

    @property
    def name(self) -> str:
        """Name of the model."""
        return self.model.name

    @property
    def sample_rate(self) -> int:
        """Hz."""
        return self.model.spec.sample_rate

    def speak(self, text: str, **manner: Any) -> np.ndarray:
        """Speak a text.

        Parameters
        ----------
        text : str
            Of any length; blank lines part paragraphs.
        **manner
            See `Manner`.

        Returns
        -------
        (N,) float32 in [−1, 1] at `sample_rate`

        Raises
        ------
        InputError
            If nothing of the text can be spoken, or the manner is none that the voice has.
        """
        return np.concatenate(list(self.stream(text, **manner)))

    def stream(self, text: str, **manner: Any) -> Iterator[np.ndarray]:
        """As `speak`, in successive pieces (n,); memory does not grow with the text."""
        return (piece for drawn in self.sentences(text, **manner) for piece in self.render(drawn.mel))

    def draw(self, text: str, **manner: Any) -> Drawn:
        """The log-mels (bands, T) of a text; see `speak`."""
        drawn = list(self.sentences(text, **manner))
        return Drawn(*(np.concatenate(mels, axis=1) for mels in zip(*drawn, strict=True)))

    def sentences(self, text: str, **manner: Any) -> Iterator[Drawn]:
        """The log-mels of a text, sentence by sentence; see `speak`."""
        how = Manner(**manner)
        speaker = self.config.choose("speaker", how.speaker)
        language = self.config.choose("language", how.language)
        return self._sentences(text, replace(how, speaker=speaker, language=language))

    def _sentences(self, text: str, how: Manner) -> Iterator[Drawn]:
        language = self.config.choose("language", how.language)
        script = read(text, self.config.symbols, language, how.lexicon, how.phonemes)
        sentence, before = next(script, None), 0.0
        for index in itertools.count():
            if sentence is None:
                return
            following = next(script, None)
            # half of a pause at the end of one sentence and half at the beginning of the next: the model
            # draws it, with the noise floor of its recordings, and needs not draw a longer silence than it knows
            after = PAUSES[sentence.pause] / how.speed / 2 if following else 0.0
            yield self._draw(sentence, how, (before, after), index)
            sentence, before = following, after

    def _draw(self, sentence: Sentence, how: Manner, pauses: tuple[float, float], index: int) -> Drawn:
        """One sentence with these seconds of silence more before and after it; `index` varies its noise."""
        planes = self._planes(sentence, how, pauses)
        frames, bands = planes[0].shape[-1], self.model.spec.bands
        noise = np.random.default_rng([how.seed, index]).standard_normal((1, bands, frames), np.float32)
        who = self._number("speaker", how.speaker)
        context = _up(self.config.context, self.config.multiple)
        pieces = []
        for first, last, start, stop in plan(frames, self._piece(frames, context), context):
            text, pitch, energy, noises = (plane[..., start:stop] for plane in (*planes, noise))
            drawn = self.model.run("draw", text, pitch, energy, who, noises)
            pieces.append([mel[0, :, first - start : last - start] for mel in drawn])
        return Drawn(*(np.concatenate(mels, axis=1) for mels in zip(*pieces, strict=True)))

    def _piece(self, frames: int, context: int) -> int:
        """Frames of a piece, so that with its context it is no longer than the picture."""
        if frames <= self.picture:
            return frames
        half = _up(-(-frames // 2), self.config.multiple)
        if half + context <= self.picture:  # two have context on one side only
            return half
        # at least a quarter of the picture, however far the network sees
        return _up(max(self.picture - 2 * context, self.picture // 4), self.config.multiple)

    def _planes(self, sentence: Sentence, how: Manner, pauses: tuple[float, float]) -> list[np.ndarray]:
        """Text (1, D, T), pitch (1, T) and energy (1, T) of every frame."""
        who, tongue = self._number("speaker", how.speaker), self._number("language", how.language)
        text, durations, pitch, energy = self.model.run(
            "encode", sentence.phones[None], sentence.stress[None], who, tongue
        )
        if not (np.isfinite(durations).all() and (durations > 0).all()):
            raise InputError(f"the model {self.name} gives durations that are not above 0; export it again")
        lengths = durations[0].astype(np.float64) / how.speed
        lengths[0] += pauses[0] * self.model.spec.frame_rate
        lengths[-1] += pauses[1] * self.model.spec.frame_rate
        frames = whole_frames(lengths, self.config.multiple)
        deviation = self.config.pitch[self.config.choose("speaker", how.speaker)][1]
        # 0 is what the model knows an unvoiced phone by, so it stays 0
        pitch = np.where(pitch == 0, pitch, pitch + math.log(how.pitch) / deviation)
        energy = energy + math.log(how.energy) / self.config.energy[1]
        return [np.repeat(plane, frames, axis=-1).astype(np.float32) for plane in (text, pitch, energy)]

    def _number(self, kind: str, name: str | None) -> np.ndarray:
        names = self.config.speakers if kind == "speaker" else self.config.languages
        return np.array([names.index(self.config.choose(kind, name))])

    def render(self, mel: np.ndarray) -> Iterator[np.ndarray]:
        """Log-mel (bands, T) of a sentence → successive pieces of its wave, float32 in [−1, 1], faded at both ends.

        Warns
        -----
        UserWarning
            Once a voice, if the wave had to be clipped.
        """
        ramp = np.linspace(0, 1, max(2, round(FADE * self.sample_rate)), dtype=np.float32)
        left = mel.shape[1] * self.model.spec.hop
        for index, piece in enumerate(self._vocoder.stream(mel)):
            if not self._clipped and np.abs(piece).max() > 1:
                self._clipped = True
                warnings.warn(f"clipped, the voice reaches {np.abs(piece).max():.3g} of full scale", stacklevel=2)
            wave = np.clip(piece, -1, 1)
            left -= len(wave)
            size = min(len(ramp), len(wave))
            if index == 0:
                wave[:size] *= ramp[:size]
            if left == 0:
                wave[-size:] *= ramp[:size][::-1]
            yield wave


def whole_frames(lengths: np.ndarray, multiple: int) -> np.ndarray:
    """Durations → whole frames, at least one each, whose sum is a multiple of `multiple`.

    The remainder of each rounding is carried over to the next, so that the sum stays as close as can be; then the
    last is lengthened to the multiple.

    Parameters
    ----------
    lengths : (L,) float
        Frames above 0.
    multiple : int

    Returns
    -------
    (L,) int64
    """
    frames, carry = np.empty(len(lengths), np.int64), 0.0
    for index, length in enumerate(lengths):
        frames[index] = max(1, round(length + carry))
        carry += length - frames[index]
    frames[-1] += -frames.sum() % multiple
    return frames


def _up(number: int, multiple: int) -> int:
    return -(-number // multiple) * multiple

"""Noisy sound → clean sound at any rate and of any length, in pieces of bounded memory. No torch.

wave ── mel ── enhance ── gain a band ──┬── gain × STFT of the wave ── wave    renderer "gain": the phase is kept
                                        └── mel + ln gain ── render ── wave    renderer "vocoder": built anew
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, Protocol

import numpy as np

from specgan.runtime.pipeline import Functions
from vocoder.errors import InputError
from vocoder.signal.audio import resampled
from vocoder.signal.chunks import plan

PICTURE = 1024
"""Frames looked at at once, 8 s at 16 kHz, context included: 0.4 MB a frame."""

TOP = 4  # the fourth of the bands, the upper octave nearly, that speaks for what lies above the model's rate


class EnhancementFunctions(Functions, Protocol):
    """A model with the functions `mel`, `enhance`, `gain`, and perhaps `render`."""

    config: dict[str, Any]


class Enhanced(NamedTuple):
    """A piece (n,) at the model's rate: what it was, what became of it, and the upper octave's gain at each sample."""

    heard: np.ndarray
    made: np.ndarray
    above: np.ndarray


class Tape:
    """A wave that is written block by block and read forward, by position; what was read past is forgotten."""

    def __init__(self) -> None:
        self._parts, self._begin, self.end = [np.zeros(0, np.float32)], 0, 0

    def write(self, block: np.ndarray) -> None:
        """Append samples (n,)."""
        self._parts.append(np.asarray(block, np.float32))
        self.end += len(block)

    def read(self, start: int, stop: int) -> np.ndarray:
        """Samples start … stop − 1 as float32, fewer where the tape ends; `start` never goes back."""
        held = np.concatenate(self._parts) if len(self._parts) > 1 else self._parts[0]
        start = min(start, self.end)
        self._parts, self._begin = [held[start - self._begin :]], start
        return self._parts[0][: max(stop - start, 0)]


class Enhancer:
    """A model that takes noise, and perhaps reverberation, out of a recording.

    What a piece of sound becomes depends on `context` around it and on nothing else, so pieces join to what the whole
    would have become, within 1e-5.

    Parameters
    ----------
    model : EnhancementFunctions
        See `specgan.runtime.model` and `specgan.torch_backend`.
    renderer : {"gain", "vocoder"}, optional
        The model's first if None. "gain" multiplies the spectrum and keeps its phase; "vocoder" builds the sound anew
        from the cleaned mel.
    picture : int
        Frames looked at at once, context included.

    Raises
    ------
    InputError
        If the model is for another task or has no such renderer, or its config.json is damaged.
    """

    def __init__(self, model: EnhancementFunctions, renderer: str | None = None, picture: int = PICTURE) -> None:
        task, known = model.config.get("task"), model.config.get("renderers")
        if task != "enhancement":
            raise InputError(f"the model {model.name} is for the task {task}; enhancing needs one for enhancement")
        if not isinstance(known, list) or not known or not set(known) <= {"gain", "vocoder"}:
            raise _damaged(model, "renderers", 'a list of "gain" and "vocoder"')
        self.multiple = _count(model, "multiple", 1)
        if renderer is not None and renderer not in known:
            raise InputError(f"the model {model.name} has no renderer {renderer!r}; it has {', '.join(known)}")
        self.model, self.renderer = model, renderer or known[0]
        # the frames that a sample lies in, and the samples that a frame reaches to
        overlap = -(-model.spec.pad // model.spec.hop)
        behind = overlap if self.renderer == "gain" else _count(model, "render_receptive_field", 0)
        self.context = _up(overlap + model.receptive_field + behind, self.multiple)
        """Frames on either side on which the samples of a frame depend."""
        # at least a quarter of the picture, however far the network sees
        self._chunk = _up(max(picture - 2 * self.context, picture // 4), self.multiple)

    @property
    def name(self) -> str:
        """Name of the model."""
        return self.model.name

    @property
    def sample_rate(self) -> int:
        """Hz at which the model works."""
        return self.model.spec.sample_rate

    @property
    def shortest(self) -> float:
        """Seconds of sound that it needs at least: one frame of the spectrum."""
        return self.model.spec.n_fft / self.sample_rate

    def enhance(self, wave: np.ndarray, rate: int) -> np.ndarray:
        """Enhance a recording.

        Parameters
        ----------
        wave : (N,) or (C, N) float in [−1, 1]
            Each channel is worked on by itself, and its mean (DC) is taken off.
        rate : int
            Hz; see `at_rate`.

        Returns
        -------
        float32, of the same shape at the same rate

        Raises
        ------
        InputError
            If the wave has another shape, is shorter than `shortest`, or has samples that are NaN or infinite.
        """
        wave = np.asarray(wave)
        if wave.ndim == 2 and len(wave):
            return np.stack([self.enhance(channel, rate) for channel in wave])
        if wave.ndim != 1:
            raise InputError(f"the wave has shape {wave.shape}, must be (samples,) or (channels, samples)")
        if not np.isfinite(wave).all():
            raise InputError("the wave has samples that are NaN or infinite")
        level = wave - wave.mean(dtype=np.float64) if wave.size else wave
        return np.concatenate(list(self.at_rate([level.astype(np.float32)], rate)))

    def at_rate(self, blocks: Iterable[np.ndarray], rate: int) -> Iterator[np.ndarray]:
        """As `stream`, for a wave at `rate` Hz: as many samples come out as go in, at the same rate.

        What the recording has above the model's Nyquist frequency is not thrown away, which would make it dull, nor
        left as it is, hiss and all: it gets the gain, from frame to frame, of the highest fourth of the bands.
        """
        if rate == self.sample_rate:
            yield from self.stream(blocks)
            return
        tape = Tape()

        def noted() -> Iterator[np.ndarray]:
            for block in blocks:
                tape.write(block)
                yield np.asarray(block, np.float32)

        narrow = self.pieces(resampled(noted(), rate, self.sample_rate))
        # the band above is what the way to the model's rate and back loses
        changed = (np.stack([made, heard, 1 - above]) for heard, made, above in narrow)
        position = 0
        for made, back, loss in resampled(changed, self.sample_rate, rate):
            heard = tape.read(position, position + len(made))
            position += len(heard)
            yield made[: len(heard)] + (1 - loss[: len(heard)]) * (heard - back[: len(heard)])
        if position < tape.end:  # a sample or two, at rates that do not divide
            yield np.zeros(tape.end - position, np.float32)

    def stream(self, blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """Enhance a wave that comes in blocks.

        Parameters
        ----------
        blocks : iterable of (n,) float
            At `sample_rate`, in [−1, 1], of any lengths.

        Yields
        ------
        (m,) float32
            Together as many samples as came in. Memory does not grow with them.

        Raises
        ------
        InputError
            If there are fewer samples than one frame has, or some are NaN or infinite.
        """
        return (piece.made for piece in self.pieces(blocks))

    def pieces(self, blocks: Iterable[np.ndarray]) -> Iterator[Enhanced]:
        """As `stream`, with what was done to the upper octave."""
        spec, tape, source = self.model.spec, Tape(), iter(blocks)
        for first, last, start, stop in plan(2**62, self._chunk, self.context):
            while tape.end < stop * spec.hop and (block := next(source, None)) is not None:
                tape.write(block)
            wave = tape.read(start * spec.hop, stop * spec.hop)
            begin = (first - start) * spec.hop
            count = min(len(wave), (last - start) * spec.hop) - begin
            if first == 0 and len(wave) < spec.n_fft:
                raise InputError(
                    f"too short, {len(wave)} samples at {spec.sample_rate} Hz; "
                    f"must have at least one frame of {spec.n_fft} ({1000 * self.shortest:.0f} ms)"
                )
            if count <= 0:
                return
            yield Enhanced(*(line[begin : begin + count] for line in (wave, *self._window(wave))))

    def _window(self, wave: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """A wave that begins at a multiple → what is made of it, and the gain of the upper octave; no shorter."""
        if not np.isfinite(wave).all():
            raise InputError("the wave has samples that are NaN or infinite")
        hop = self.model.spec.hop
        frames = max(_up(-(-len(wave) // hop), self.multiple), 2 * self.multiple)
        whole = np.pad(wave, (0, frames * hop - len(wave)))[None]
        mel = self.model.run("mel", whole)[0]
        gain = self.model.run("enhance", mel)[0]
        if self.renderer == "gain":
            made = self.model.run("gain", whole, gain)[0][0]
        else:
            cleaned = np.maximum(mel + np.log(np.maximum(gain, 1e-8)), math.log(self.model.spec.floor))
            made = self.model.run("render", cleaned.astype(np.float32))[0][0]
        return made, _above(mel[0], gain[0], hop)


def _above(mel: np.ndarray, gain: np.ndarray, hop: int) -> np.ndarray:
    """Log-mel and gain (M, T) → the factor on the amplitude of the upper octave at each sample, (T·hop,) float32."""
    top = slice(-(-len(mel) * (TOP - 1) // TOP), None)
    power = np.exp(2.0 * mel[top])
    factor = np.sqrt((power * np.square(gain[top])).sum(axis=0) / power.sum(axis=0))
    middles = (np.arange(len(factor)) + 0.5) * hop - 0.5
    return np.interp(np.arange(len(factor) * hop), middles, factor).astype(np.float32)


def _up(number: int, multiple: int) -> int:
    return -(-number // multiple) * multiple


def _count(model: EnhancementFunctions, field: str, least: int) -> int:
    value = model.config.get(field)
    if type(value) is not int or value < least:
        raise _damaged(model, field, f"a whole number from {least}")
    return value


def _damaged(model: EnhancementFunctions, field: str, wanted: str) -> InputError:
    found = model.config.get(field)
    return InputError(f"config.json of {model.name}: {field} is {found!r}, must be {wanted}; export the model again")

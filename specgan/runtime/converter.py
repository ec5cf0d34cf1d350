"""Speech of one speaker → of another, at any rate and of any length, in pieces of bounded memory. No torch.

wave ─┬─ mel ── content ──────────────┐
      ├─ F0 ── to the target's range ─┼─ convert ── mel ── render ── wave
      └─ loudness ── energy ──────────┘    └ style of the target
"""

from __future__ import annotations

import contextlib
import math
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np

from specgan.runtime import model as onnx
from specgan.runtime import prosody
from specgan.runtime.f0 import fundamental_frequency
from specgan.runtime.pipeline import Functions
from specgan.runtime.prosody import LOUDNESS, Range
from vocoder.errors import InputError
from vocoder.signal.audio import resample, resampled
from vocoder.signal.chunks import plan

PICTURE = 1024
"""Frames looked at at once, 12 s at 22 kHz, context included."""

LEAST, MOST = 2.0, 60.0
"""Seconds of a reference: fewer do not tell a voice from a sentence, more are not listened to."""

_TRACKED, _AROUND = 4096, 128  # frames whose pitch is tracked at once, and on either side of them
_NOISE = 256  # frames drawn from one seed
_SEMITONE = math.log(2) / 12


class ConversionFunctions(Functions, Protocol):
    """A model with the functions `mel`, `content`, `style`, `convert`, and `render` unless it names its vocoder."""

    config: dict[str, Any]


class Target(NamedTuple):
    """Who is to speak: a style (1, S), and a range of pitch."""

    style: np.ndarray
    range: Range


class Heard(NamedTuple):
    """What was measured of a whole recording: ln F0 (T,), voiced (T,), and the ln gain to the common loudness."""

    pitch: np.ndarray
    voiced: np.ndarray
    gain: float


class Converter:
    """A model that gives a recording another speaker. What is said, its timing and its melody stay.

    Parameters
    ----------
    model : ConversionFunctions
        See `specgan.runtime.model` and `specgan.torch_backend`.
    picture : int
        Frames looked at at once, context included.

    Raises
    ------
    InputError
        If the model is for another task, its config.json is damaged, or the vocoder that it names is not there.
    """

    def __init__(self, model: ConversionFunctions, picture: int = PICTURE) -> None:
        task = model.config.get("task")
        if task != "conversion":
            raise InputError(f"the model {model.name} is for the task {task}; conversion needs one for conversion")
        self.model, self._renderer = model, _renderer(model)
        model.spec.require(self._renderer.spec, f"the model {model.name}", f"the vocoder {self._renderer.name}")
        self.multiple = _count(model, "multiple", 1)
        self.speakers = _targets(model)
        overlap = -(-model.spec.pad // model.spec.hop)
        reach = _count(model, "content_receptive_field", 0) + _count(model, "convert_receptive_field", 0)
        self.context = _up(overlap + reach + self._renderer.receptive_field, self.multiple)
        """Frames on either side on which the samples of a frame depend, besides what is measured of the whole."""
        # at least a quarter of the picture, however far the networks see
        self._chunk = _up(max(picture - 2 * self.context, picture // 4), self.multiple)

    @property
    def name(self) -> str:
        """Name of the model."""
        return self.model.name

    @property
    def sample_rate(self) -> int:
        """Hz at which the model works."""
        return self.model.spec.sample_rate

    def target(
        self,
        to: str | None = None,
        like: np.ndarray | None = None,
        like_rate: int | None = None,
    ) -> Target:
        """One of the model's speakers, or whoever speaks in a reference.

        Parameters
        ----------
        to : str, optional
            Name of a speaker.
        like : (N,) or (C, N) float in [−1, 1], optional
            The reference; of its channels the mean. At least 2 s, the first 60 s count.
        like_rate : int, optional
            Hz; `sample_rate` if None.

        Raises
        ------
        InputError
            If not exactly one of them is given, there is no such speaker, or the reference is too short or
            not voiced.
        """
        if (to is None) == (like is None):
            raise InputError(
                "a conversion needs either a speaker of the model (to) or a reference (like), and not both"
            )
        if like is None:
            if to not in self.speakers:
                raise InputError(f"the model {self.name} has no speaker {to!r}; it has {', '.join(self.speakers)}")
            return self.speakers[str(to)]
        rate = like_rate or self.sample_rate
        wave = np.asarray(like, np.float32)
        wave = wave.mean(axis=0) if wave.ndim == 2 else wave
        if not np.isfinite(wave).all():
            raise InputError("the reference has samples that are NaN or infinite")
        if len(wave) < LEAST * rate:
            raise InputError(f"the reference has {len(wave) / rate:.3g} s, must have at least {LEAST:g} s of speech")
        wave = resample(wave[: int(MOST * rate)], rate, self.sample_rate)
        heard = self._listen(wave - wave.mean())
        known = prosody.pitch_range(np.where(heard.voiced, np.exp(heard.pitch), 0.0))
        if known is None:
            raise InputError("nothing in the reference is voiced; record somebody who speaks")
        style = self.model.run("style", self._mel(wave * np.float32(math.exp(heard.gain))))[0]
        return Target(style.astype(np.float32), known)

    def towards(
        self, target: Target, *, pitch_shift: float = 0.0, keep_pitch: bool = False, seed: int = 0
    ) -> Conversion:
        """What converts recordings to a target.

        Parameters
        ----------
        target : Target
            See `target`.
        pitch_shift : float
            Semitones by which the melody is moved besides, from −24 to 24.
        keep_pitch : bool
            Leave the pitch of the source where it is instead of moving it to the range of the target.
        seed : int
            Of the noise that the drawing starts from: the same seed gives the same samples.

        Raises
        ------
        InputError
            If a value is outside its range.
        """
        return Conversion(self, target, pitch_shift, keep_pitch, seed)

    def convert(
        self,
        wave: np.ndarray,
        rate: int,
        *,
        to: str | None = None,
        like: np.ndarray | None = None,
        like_rate: int | None = None,
        pitch_shift: float = 0.0,
        keep_pitch: bool = False,
        seed: int = 0,
    ) -> np.ndarray:
        """Convert a recording; see `target` and `towards` for the options.

        Parameters
        ----------
        wave : (N,) or (C, N) float in [−1, 1]
            Each channel is worked on by itself, and its mean (DC) is taken off.
        rate : int
            Hz.

        Returns
        -------
        float32, of the same shape at the same rate
        """
        target = self.target(to, like, like_rate or rate)
        changer = self.towards(target, pitch_shift=pitch_shift, keep_pitch=keep_pitch, seed=seed)
        return changer.convert(wave, rate)

    # -- parts of it ----------------------------------------------------------------------------------------------

    def _mel(self, wave: np.ndarray) -> np.ndarray:
        """Wave (N,) at the model's rate → log-mel (1, M, T), T a multiple of `multiple`."""
        hop = self.model.spec.hop
        frames = max(_up(-(-len(wave) // hop), self.multiple), 2 * self.multiple)
        whole = np.pad(np.asarray(wave, np.float32), (0, frames * hop - len(wave)))
        return self.model.run("mel", whole[None])[0]

    def _listen(self, wave: np.ndarray) -> Heard:
        """Measure a whole wave (N,), which may be memory-mapped."""
        spec, count = self.model.spec, -(-len(wave) // self.model.spec.hop)
        frequency, loud = np.zeros(count, np.float32), np.zeros(count, np.float32)
        for first, last, start, stop in plan(count, _TRACKED, _AROUND):
            piece = np.asarray(wave[start * spec.hop : stop * spec.hop], np.float32)
            found, _ = fundamental_frequency(piece, spec.sample_rate, spec.hop, stop - start)
            inside = slice(first - start, last - start)
            frequency[first:last] = found[inside]
            loud[first:last] = prosody.loudness(self._mel(piece)[0])[inside]
        voiced = frequency > 0
        return Heard(prosody.continuous(frequency), voiced, LOUDNESS - prosody.reference(loud, voiced))

    def _changed(
        self, wave: np.ndarray, heard: Heard, pitch: np.ndarray, target: Target, seed: int
    ) -> Iterator[np.ndarray]:
        """Pieces of the converted wave, of the same length."""
        spec = self.model.spec
        for first, last, start, stop in plan(len(pitch), self._chunk, self.context):
            piece = np.asarray(wave[start * spec.hop : stop * spec.hop], np.float32)
            mel = self._mel(piece * np.float32(math.exp(heard.gain)))
            frames = mel.shape[-1]
            lines = [
                np.pad(line[start:stop], (0, frames - (stop - start)), mode="edge") for line in (pitch, heard.voiced)
            ]
            energy = prosody.energy(prosody.loudness(mel[0]), LOUDNESS)
            drawn = self.model.run(
                "convert",
                self.model.run("content", mel)[0],
                prosody.seen(lines[0])[None],
                lines[1].astype(np.float32)[None],
                energy[None],
                target.style,
                noise(seed, spec.bands, start, frames)[None],
            )[0]
            made = self._renderer.run("render", drawn)[0][0] * np.float32(math.exp(-heard.gain))
            begin = (first - start) * spec.hop
            yield made[begin : begin + min(last * spec.hop, len(wave)) - first * spec.hop]


@dataclass(frozen=True)
class Conversion:
    """A converter with a target, for recordings; see `Converter.towards`."""

    converter: Converter
    target: Target
    pitch_shift: float = 0.0
    keep_pitch: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        if not -24 <= self.pitch_shift <= 24:
            raise InputError(f"the pitch shift is {self.pitch_shift:g} semitones, must be from -24 to 24")
        if self.seed < 0:
            raise InputError(f"the seed is {self.seed}, must be at least 0")

    @property
    def name(self) -> str:
        """Name of the model."""
        return self.converter.name

    @property
    def shortest(self) -> float:
        """Seconds of sound that it needs at least: one frame of the spectrum."""
        return self.converter.model.spec.n_fft / self.converter.sample_rate

    def convert(self, wave: np.ndarray, rate: int) -> np.ndarray:
        """See `Converter.convert`.

        Raises
        ------
        InputError
            If the wave has another shape, is shorter than `shortest`, or has samples that are NaN or infinite.
        """
        wave = np.asarray(wave)
        if wave.ndim == 2 and len(wave):
            return np.stack([self.convert(channel, rate) for channel in wave])
        if wave.ndim != 1:
            raise InputError(f"the wave has shape {wave.shape}, must be (samples,) or (channels, samples)")
        level = wave - wave.mean(dtype=np.float64) if wave.size else wave
        return np.concatenate(list(self.at_rate([level.astype(np.float32)], rate)))

    def at_rate(self, blocks: Iterable[np.ndarray], rate: int) -> Iterator[np.ndarray]:
        """Convert a wave at `rate` Hz that comes in blocks of any lengths.

        Its melody has to be known as a whole before the first sample can be made: what comes in is kept in a temporary
        file, and nothing comes out before the end. Memory hardly grows with the length.

        Yields
        ------
        (m,) float32
            Together as many samples as came in. There is nothing above the model's Nyquist frequency.

        Raises
        ------
        InputError
            See `convert`.
        """
        rate_here, went_in = self.converter.sample_rate, 0

        def counted() -> Iterator[np.ndarray]:
            nonlocal went_in
            for block in blocks:
                if not np.isfinite(block).all():
                    raise InputError("the wave has samples that are NaN or infinite")
                went_in += len(block)
                yield np.asarray(block, np.float32)

        with tempfile.TemporaryFile() as file:
            for piece in resampled(counted(), rate, rate_here):
                file.write(np.ascontiguousarray(piece, np.float32).tobytes())
            if went_in < self.shortest * rate:
                raise InputError(
                    f"too short, {went_in} samples at {rate} Hz; must have at least {1000 * self.shortest:.0f} ms"
                )
            file.flush()
            wave = np.memmap(file, np.float32, mode="r")
            came_out = 0
            for made in resampled(self._changed(wave), rate_here, rate):
                made = made[: went_in - came_out]
                came_out += len(made)
                if len(made):
                    yield made
            if came_out < went_in:  # rates that do not divide: a sample or two
                yield np.zeros(went_in - came_out, np.float32)

    def _changed(self, wave: np.ndarray) -> Iterator[np.ndarray]:
        heard = self.converter._listen(wave)
        pitch = heard.pitch
        if not self.keep_pitch:
            own = prosody.pitch_range(np.where(heard.voiced, np.exp(pitch), 0.0))
            pitch = prosody.carried(pitch, own, self.target.range)
        pitch = pitch + self.pitch_shift * _SEMITONE
        return self.converter._changed(wave, heard, pitch, self.target, self.seed)


def noise(seed: int, bands: int, start: int, frames: int) -> np.ndarray:
    """Normal noise (bands, frames) from the frame `start` on, the same for a frame wherever a piece begins."""
    first, last = start // _NOISE, -(-(start + frames) // _NOISE)
    blocks = [np.random.default_rng([seed, k]).standard_normal((bands, _NOISE), np.float32) for k in range(first, last)]
    return np.concatenate(blocks, axis=1)[:, start - first * _NOISE :][:, :frames]


def _renderer(model: ConversionFunctions) -> Functions:
    """The model itself, or the shipped vocoder that it names because it has none of its own."""
    if "render" in model.config["functions"]:
        return model
    return onnx.load(str(model.config.get("vocoder")), getattr(model, "threads", None))


def _targets(model: ConversionFunctions) -> dict[str, Target]:
    styles, pitch = model.config.get("styles"), model.config.get("pitch")
    if not isinstance(styles, dict) or not isinstance(pitch, dict) or not styles or styles.keys() != pitch.keys():
        raise InputError(
            f"config.json of {model.name}: styles and pitch must be tables of the same speakers; export the model again"
        )
    found = {}
    for name, values in styles.items():
        with contextlib.suppress(TypeError, ValueError):
            style, line = np.array(values, np.float32)[None], np.array(pitch[name], np.float64)
            if style.ndim == 2 and line.shape == (2,) and np.isfinite(style).all() and np.isfinite(line).all():
                found[name] = Target(style, Range(float(line[0]), float(line[1])))
                continue
        raise InputError(
            f"config.json of {model.name}: style and pitch of {name!r} must be numbers and [mean, deviation]; "
            "export the model again"
        )
    return found


def _up(number: int, multiple: int) -> int:
    return -(-number // multiple) * multiple


def _count(model: ConversionFunctions, field: str, least: int) -> int:
    value = model.config.get(field)
    if type(value) is not int or value < least:
        raise InputError(
            f"config.json of {model.name}: {field} is {value!r}, must be a whole number from {least}; "
            "export the model again"
        )
    return value

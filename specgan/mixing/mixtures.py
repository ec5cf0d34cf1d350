"""Noisy speech from clean speech and noise: what is mixed, and how much of it. No torch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import NamedTuple, Protocol

import numpy as np

from specgan.mixing.channel import colouration, convolved, filtered, low_pass, room_response
from specgan.mixing.levels import active_power, at_snr, power
from specgan.mixing.noises import synthesised
from vocoder.errors import InputError
from vocoder.signal import audio
from vocoder.signal.manifest import Recording

Random = np.random.Generator
SILENT = 1e-9  # mean square, −90 dBFS
TRIES = 8  # of a crop that turns out silent


class Sounds(Protocol):
    """What of `vocoder.signal.dataset.Recordings` is needed."""

    rows: list[Recording]
    lengths: np.ndarray
    sample_rate: int

    def read(self, index: int, start: int = 0, count: int | None = None) -> np.ndarray: ...


@dataclass(frozen=True)
class MixConfig:
    """What is mixed; shares are probabilities from 0 to 1, ranges are drawn from uniformly.

    Parameters
    ----------
    snr : (float, float)
        Active level of the speech over the level of the noise, dB.
    level : (float, float)
        Active level of the speech in the mixture, or of the noise where there is no speech; dBFS.
    clean, noise_only : float
        Shares of mixtures without noise and without speech.
    synthesised, babble : float
        Shares of noises that are made, and that are several other speakers; the rest is recorded.
    second : float
        Share of mixtures with a second noise.
    room : float
        Share of mixtures whose speech is in a room. The target is then the direct sound with its first 50 ms of
        reflections: a gain cannot undo the comb that those make, and the ear takes them for the sound itself.
    t60, direct : (float, float)
        Reverberation time, s; direct sound over reverberation, dB.
    band_limit : float
        Share of mixtures with a low-pass between 3.4 kHz and the top: half of them of the speech alone, as recordings
        of some corpora are, half of all that the microphone hears. The target has it too: a gain cannot bring back
        what is not there.
    equaliser : float
        Share of mixtures heard through a random equaliser, target as well, within ± 6 dB; and of noises through one
        of ± 15 dB.
    speed : (float, float)
        Factor on the speed and the pitch of speech: more speakers than were recorded.
    noise_speed : (float, float)
        The same of noise, drawn by its logarithm.
    """

    snr: tuple[float, float] = (-5.0, 20.0)
    level: tuple[float, float] = (-35.0, -15.0)
    clean: float = 0.04
    noise_only: float = 0.03
    synthesised: float = 0.3
    babble: float = 0.07
    second: float = 0.3
    room: float = 0.25
    t60: tuple[float, float] = (0.1, 0.6)
    direct: tuple[float, float] = (0.0, 12.0)
    band_limit: float = 0.15
    equaliser: float = 0.4
    speed: tuple[float, float] = (0.87, 1.15)
    noise_speed: tuple[float, float] = (0.6, 1.6)

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, tuple):
                if value[0] > value[1]:
                    raise InputError(f"mix.{field.name} is {list(value)}, must be [low, high]")
            elif not 0 <= value <= 1:
                raise InputError(f"mix.{field.name} is {value}, must be a share from 0 to 1")
        if min(self.speed[0], self.noise_speed[0], self.t60[0]) <= 0:
            raise InputError("mix.speed, mix.noise_speed and mix.t60 must be above 0")


class Mixture(NamedTuple):
    """Noisy speech and what should become of it, (N,) float32 each; which recordings they are of."""

    noisy: np.ndarray
    clean: np.ndarray
    name: str


class Mixer:
    """Crops of speech in noise.

    Parameters
    ----------
    speech, noise : Sounds
        At one rate; `noise` None for synthesised noise alone.
    config : MixConfig
    count : int
        Samples of a mixture.
    seed : int
    """

    def __init__(self, speech: Sounds, noise: Sounds | None, config: MixConfig, count: int, seed: int = 0) -> None:
        if noise is not None and noise.sample_rate != speech.sample_rate:
            raise InputError(f"speech at {speech.sample_rate} Hz and noise at {noise.sample_rate} Hz cannot be mixed")
        self.speech, self.noise, self.config, self.count, self.seed = speech, noise, config, count, seed
        self.rate = speech.sample_rate
        # A speaker counts by the root of his seconds: many short ones are worth more than one who speaks for an hour.
        self._speakers = [row.speaker or row.id for row in speech.rows]
        seconds: Counter[str] = Counter()
        for name, length in zip(self._speakers, speech.lengths, strict=True):
            seconds[name] += int(length)
        shares = np.array(
            [length / seconds[n] ** 0.5 for n, length in zip(self._speakers, speech.lengths, strict=True)]
        )
        self._shares = np.cumsum(shares / shares.sum())
        roots = np.ones(1) if noise is None else np.sqrt(noise.lengths)
        self._noise_shares = np.cumsum(roots / roots.sum())

    def __call__(self, number: int) -> Mixture:
        """The mixture of that number."""
        random, config = np.random.default_rng([self.seed, number]), self.config
        kind = random.random()
        index = _drawn(random, self._shares)
        name = self.speech.rows[index].id
        dry = self._spoken(random, index)
        spoken = kind >= config.noise_only and power(dry) > SILENT
        if not spoken:
            dry = np.zeros(self.count, np.float32)
        limited = random.random()
        cut = low_pass(self.count, self.rate, np.exp(random.uniform(np.log(3400), np.log(self.rate / 2))))
        if limited < config.band_limit / 2:
            dry = filtered(dry, cut)
        heard, clean = dry, dry
        if random.random() < config.room:
            whole, early = room_response(random, self.rate, random.uniform(*config.t60), random.uniform(*config.direct))
            heard, clean = convolved(dry, whole), convolved(dry, early)
        if kind >= 1 - config.clean:
            noisy = heard
        else:
            noise, of = self._noises(random, self._speakers[index])
            name = f"{name} + {of}" if spoken else of
            noisy = heard + at_snr(heard, noise, random.uniform(*config.snr), self.rate)
        if config.band_limit / 2 <= limited < config.band_limit:
            noisy, clean = filtered(noisy, cut), filtered(clean, cut)
        if random.random() < config.equaliser:
            curve = colouration(random, self.count, self.rate, 6.0)
            noisy, clean = filtered(noisy, curve), filtered(clean, curve)
        loud = active_power(clean, self.rate) if spoken else power(noisy)
        gain = np.sqrt(10 ** (random.uniform(*config.level) / 10) / max(loud, SILENT))
        gain = np.float32(min(gain, 0.99 / max(float(np.abs(noisy).max(initial=0)), 1e-9)))
        return Mixture(noisy * gain, clean * gain, name)

    def _spoken(self, random: Random, index: int) -> np.ndarray:
        return crop(random, self.speech, index, self.count, random.uniform(*self.config.speed))

    def _noises(self, random: Random, speaker: str) -> tuple[np.ndarray, str]:
        wave, name = self._noise(random, speaker)
        if random.random() < self.config.second:
            other, of = self._noise(random, speaker)
            return wave + other * np.float32(10 ** (random.uniform(-10, 5) / 20)), f"{name} + {of}"
        return wave, name

    def _noise(self, random: Random, speaker: str) -> tuple[np.ndarray, str]:
        """One noise of RMS 0.1."""
        kind, config = random.random(), self.config
        made = config.synthesised if self.noise is not None else 1 - config.babble
        if kind < config.babble:
            wave, name = self._babble(random, speaker), "babble"
        elif kind < config.babble + made or self.noise is None:
            wave, name = synthesised(random, self.count, self.rate), "synthesised"
        else:
            index = _drawn(random, self._noise_shares)
            speed = np.exp(random.uniform(*np.log(self.config.noise_speed)))
            wave, name = crop(random, self.noise, index, self.count, speed, loop=True), self.noise.rows[index].id
            if random.random() < 0.3:
                wave = wave[::-1]
        if random.random() < config.equaliser:
            wave = filtered(wave, colouration(random, self.count, self.rate, 15.0))
        return wave * np.float32(0.1 / np.sqrt(max(power(wave), SILENT))), name

    def _babble(self, random: Random, speaker: str) -> np.ndarray:
        """Three to eight others; the more, the less of each can be understood."""
        total = np.zeros(self.count, np.float32)
        for _ in range(random.integers(3, 9)):
            for _ in range(TRIES):
                index = _drawn(random, self._shares)
                if self._speakers[index] != speaker:
                    break
            wave = self._spoken(random, index)
            total += wave * np.float32(
                10 ** (random.uniform(-6, 0) / 20) / np.sqrt(max(active_power(wave, self.rate), 1e-6))
            )
        return total


def _drawn(random: Random, shares: np.ndarray) -> int:
    """An index, by cumulative shares."""
    return min(int(np.searchsorted(shares, random.random(), side="right")), len(shares) - 1)


def crop(random: Random, sounds: Sounds, index: int, count: int, speed: float, loop: bool = False) -> np.ndarray:
    """(count,) samples from a random place of a recording, played at `speed`.

    What is too short is repeated, or stands in silence; a place that is silent is tried for again.
    """
    length = int(sounds.lengths[index])
    rate = sounds.sample_rate
    wanted = round(count * speed)
    wave = np.zeros(wanted, np.float32)
    for _ in range(TRIES):
        if length >= wanted:
            wave = sounds.read(index, int(random.integers(length - wanted + 1)), wanted)
        elif loop:
            wave = np.roll(np.resize(sounds.read(index), wanted), int(random.integers(wanted)))
        else:
            wave = np.zeros(wanted, np.float32)
            first = int(random.integers(wanted - length + 1))
            wave[first : first + length] = sounds.read(index)
        if power(wave) > SILENT:
            break
    out = np.zeros(count, np.float32)
    # what was recorded at rate · speed is played at the rate
    made = wave if wanted == count else audio.resample(wave, round(rate * speed), rate)[:count]
    out[: len(made)] = made
    return out


def fixed(
    speech: Sounds, noise: Sounds, snrs: Sequence[float], seed: int, level: float = -26.0
) -> Iterator[tuple[int, float, Mixture]]:
    """Each recording whole, in one noise from a random place, at each of some SNRs: to validate and to test with.

    A noise counts by the root of its seconds.

    Parameters
    ----------
    speech, noise : Sounds
        At one rate.
    snrs : sequence of float
        dB.
    seed : int
        Noise and place are a pure function of it and the number of the recording: the same at all SNRs.
    level : float
        Active level of the speech, dBFS; less where the mixture would be clipped.

    Yields
    ------
    (index of the recording, SNR, Mixture)
    """
    roots = np.sqrt(noise.lengths)
    for index in range(len(speech.rows)):
        random = np.random.default_rng([seed, index])
        other = _drawn(random, np.cumsum(roots / roots.sum()))
        wave = speech.read(index)
        sound = crop(random, noise, other, len(wave), 1.0, loop=True)
        loud = active_power(wave, speech.sample_rate)
        wave = wave * np.float32(np.sqrt(10 ** (level / 10) / max(loud, SILENT)))
        for snr in snrs:
            noisy = wave + at_snr(wave, sound, snr, speech.sample_rate)
            gain = np.float32(min(1.0, 0.99 / max(float(np.abs(noisy).max()), 1e-9)))
            yield index, snr, Mixture(noisy * gain, wave * gain, f"{speech.rows[index].id} + {noise.rows[other].id}")

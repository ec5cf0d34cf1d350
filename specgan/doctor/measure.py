"""One pass over a recording: everything the checks want to know of its sound. No torch."""

from __future__ import annotations

import dataclasses
import hashlib
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from specgan.doctor.clipping import Clipping, find_clipping
from specgan.doctor.finding import Case
from specgan.doctor.spectrum import Spectrum, analyse
from vocoder.errors import InputError
from vocoder.signal import audio
from vocoder.signal.manifest import Recording


@dataclass(frozen=True)
class Channels:
    """How the first two channels of a recording stand to each other.

    Attributes
    ----------
    count : int
    levels : tuple of float
        dBFS of each.
    correlation : float
        Of the first two, −1 to 1; 0 where one is silent.
    """

    count: int
    levels: tuple[float, ...]
    correlation: float


@dataclass(frozen=True)
class Measured:
    """A recording and what was measured of it.

    Attributes
    ----------
    set : str
        The manifest it stands in.
    row : Recording
    error : str
        Why it cannot be read; then nothing below is known.
    rate : int
        Hz, as the file says.
    seconds : float
    peak : float
        The largest magnitude of any channel.
    offset : float
        The mean (direct current) farthest from 0 of any channel.
    level : float
        Root mean square in dBFS, without the offset, of the mean of the channels; of the loudest if they cancel out.
    clipping : Clipping
        Of the worst channel.
    channels : Channels
    spectrum : Spectrum
        Of the mean of the channels.
    digest : str
        The same for the same samples.
    """

    set: str
    row: Recording
    error: str = ""
    rate: int = 0
    seconds: float = 0.0
    peak: float = 0.0
    offset: float = 0.0
    level: float = -np.inf
    clipping: Clipping = dataclasses.field(default_factory=Clipping)
    channels: Channels = Channels(1, (), 1.0)
    spectrum: Spectrum | None = None
    digest: str = ""

    @property
    def silent(self) -> bool:
        """No sample is more than one step of 16 bits away from the mean."""
        return self.spectrum is None and not self.error


def measure(set: str, row: Recording, *, cepstra: bool = False) -> Measured:
    """Read a recording and measure it.

    Parameters
    ----------
    set : str
        Name of its manifest.
    row : Recording
    cepstra : bool
        Also keep what `specgan.doctor.phones` learns from.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a silent file becomes a finding
            wave, rate = audio.read(row.audio, offset=row.start, duration=row.duration)
    except InputError as error:
        return Measured(set, row, str(error))
    means = wave.mean(axis=1, dtype=np.float64)
    mono = wave.mean(axis=0) if len(wave) > 1 else wave[0]
    mono = mono - mono.mean(dtype=np.float64).astype(np.float32)
    if np.abs(mono).max() <= audio.SILENCE:  # sides that cancel out: what each of them is can be told all the same
        mono = max((channel - channel.mean() for channel in wave), key=lambda channel: float(np.abs(channel).max()))
    loud = np.abs(mono).max() > audio.SILENCE
    return Measured(
        set,
        row,
        rate=rate,
        seconds=wave.shape[1] / rate,
        peak=float(np.abs(wave).max()),
        offset=float(means[np.abs(means).argmax()]),
        level=audio.level(mono),
        clipping=max((find_clipping(channel) for channel in wave), key=lambda found: found.samples),
        channels=_channels(wave - means[:, None].astype(np.float32)),
        spectrum=analyse(mono, rate, cepstra=cepstra) if loud else None,
        digest=hashlib.blake2b(np.rint(wave * 2.0**23).astype("<i4").tobytes(), digest_size=16).hexdigest(),
    )


def _channels(wave: np.ndarray) -> Channels:
    levels = tuple(audio.level(channel) for channel in wave)
    if len(wave) < 2 or not np.isfinite(levels[:2]).all():
        return Channels(len(wave), levels, 1.0 if len(wave) < 2 else 0.0)
    left, right = wave[:2].astype(np.float64)
    return Channels(len(wave), levels, float(left @ right / np.sqrt((left @ left) * (right @ right))))


def cases_of(
    measured: Sequence[Measured],
    wrong: Callable[[Measured], bool],
    words: Callable[[Measured], str],
    worse: Callable[[Measured], float] = lambda one: 0.0,
) -> list[Case]:
    """A case for each recording that is wrong, with words about it and how bad it is."""
    return [Case(one.row.id, words(one), worse(one), one.set) for one in measured if wrong(one)]

"""Read, write, resample and measure sound as numpy arrays: the only user of soundfile and soxr. No torch."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
import soundfile

from vocoder.errors import InputError
from vocoder.signal.containers import check_whole, truncated, wav_head
from vocoder.signal.files import replacing

FORMATS = {".wav": "WAV", ".flac": "FLAC", ".ogg": "OGG", ".mp3": "MP3", ".opus": "OGG"}
"""Suffix of a file to its format."""

SILENCE = 2.0**-15
"""A recording with no sample above one step of 16 bits is called silent."""

_BITS = {"PCM_S8": 8, "PCM_U8": 8, "PCM_16": 16, "PCM_24": 24, "PCM_32": 32}
_LOSSLESS = (*_BITS, "FLOAT", "DOUBLE")
_BLOCK = 65_536  # frames written at once: libsndfile's Vorbis encoder takes its work space from the stack


class Info(NamedTuple):
    """What the header of a sound file says: rate in Hz, channels, samples in each channel."""

    rate: int
    channels: int
    samples: int


@contextmanager
def _opened(path: Path) -> Iterator[tuple[soundfile.SoundFile, Info]]:
    counted = check_whole(path)
    try:
        with soundfile.SoundFile(str(path)) as file:
            samples = file.frames if counted is None else min(file.frames, counted)
            if samples == 0:
                raise InputError(f"{path}: holds no sound (0 samples); record it again")
            if samples > 2**62:
                raise InputError(f"{path}: its header does not say its length; convert it to wav, or to flac in a file")
            yield file, Info(file.samplerate, file.channels, samples)
    except soundfile.LibsndfileError as error:
        what = error.error_string.removeprefix("Error : ").rstrip(".")
        raise truncated(path, f"it cannot be decoded ({what})") from error


def info(path: str | Path) -> Info:
    """Rate (Hz), channels and samples of a sound file, from its header.

    Raises
    ------
    InputError
        If the file is missing, empty, not a wav, flac, ogg or mp3, or shorter than its header promises.
    """
    with _opened(Path(path)) as (_, found):
        return found


def blocks(path: str | Path, channel: int) -> Iterator[np.ndarray]:
    """One channel of a sound file in successive pieces (n,) float32; memory does not grow with the file.

    Samples that are NaN or infinite are passed on.

    Raises
    ------
    InputError
        If the file is missing, empty, truncated or not sound.
    """
    with _opened(Path(path)) as (file, found):
        for first in range(0, found.samples, _BLOCK):
            frames = file.read(min(_BLOCK, found.samples - first), dtype="float32", always_2d=True)
            if not len(frames):
                raise truncated(Path(path), f"{first} of its {found.samples} samples can be decoded")
            yield np.ascontiguousarray(frames[:, channel])


def sample_type(source: str | Path, out: str | Path) -> str | None:
    """The sample type for a file that is made of another: the same if its format has it; for `writing`.

    Parameters
    ----------
    source : path
        A sound file.
    out : path
        Its suffix says the format to write.

    Returns
    -------
    str or None
        libsndfile's name; 24 bits for a flac made of something finer. None, the default of the format, if it has no
        such type, or the source is coarser than 16 bits by a law or a prediction (ULAW, ADPCM).
    """
    with _opened(Path(source)) as (file, _):
        subtype = file.subtype
    kind = FORMATS.get(Path(out).suffix.lower(), "WAV")
    if subtype in (*_LOSSLESS, "OPUS") and soundfile.check_format(kind, subtype):
        return subtype
    return "PCM_24" if kind == "FLAC" and subtype in ("PCM_32", "FLOAT", "DOUBLE") else None


def span(path: str | Path, found: Info, offset: float, duration: float | None) -> tuple[int, int]:
    """First sample and number of samples of a segment, at the rate of the file.

    Parameters
    ----------
    path : path
        For the message.
    found : Info
    offset : float
        Seconds from the beginning, at least 0.
    duration : float or None
        Seconds, above 0; None is up to the end.

    Raises
    ------
    InputError
        If the segment is not inside the file.
    """
    first = round(offset * found.rate)
    count = found.samples - first if duration is None else round(duration * found.rate)
    if first < 0 or count <= 0 or first + count > found.samples:
        end = "the end" if duration is None else f"{offset + duration:g} s"
        raise InputError(
            f"{path}: the segment from {offset:g} s to {end} is not inside the file, "
            f"which has {found.samples / found.rate:.6g} s"
        )
    return first, count


def read(
    path: str | Path, rate: int | None = None, *, offset: float = 0.0, duration: float | None = None
) -> tuple[np.ndarray, int]:
    """Read a wav (8 to 64 bits, integer or float), flac, ogg or mp3 file.

    Parameters
    ----------
    path : path
    rate : int, optional
        Hz to resample to; the rate of the file if None.
    offset, duration : float
        The segment to read, in seconds; up to the end if `duration` is None.

    Returns
    -------
    wave : (C, N) float32
        Integer formats lie in [−1, 1].
    rate : int
        Hz.

    Warns
    -----
    UserWarning
        If a recording read as a whole is silent.

    Raises
    ------
    InputError
        If the file is missing, empty, truncated, not sound, or has samples that are NaN or infinite,
        or if the segment is not inside it.
    """
    wave, file_rate = _decode(Path(path), offset, duration)
    return (wave, file_rate) if rate is None else (resample(wave, file_rate, rate), rate)


def read_mono(path: str | Path, rate: int, *, offset: float = 0.0, duration: float | None = None) -> np.ndarray:
    """The mean of the channels as (N,) float32 at `rate` Hz; otherwise as `read`."""
    wave, file_rate = _decode(Path(path), offset, duration)
    return resample(wave[0] if len(wave) == 1 else wave.mean(axis=0), file_rate, rate)


def _decode(path: Path, offset: float, duration: float | None) -> tuple[np.ndarray, int]:
    with _opened(path) as (file, found):
        first, count = span(path, found, offset, duration)
        skipped = first if file.format in ("MP3", "OGG") else 0  # libsndfile's seek is not exact in these
        if first > skipped:
            file.seek(first)
        wave = np.ascontiguousarray(file.read(skipped + count, dtype="float32", always_2d=True)[skipped:].T)
    if wave.shape[1] < count:
        raise truncated(path, f"{first + wave.shape[1]} of its {found.samples} samples can be decoded")
    if not np.isfinite(wave).all():
        raise InputError(f"{path}: has samples that are NaN or infinite; export it again")
    if count == found.samples and np.abs(wave).max() <= SILENCE:
        warnings.warn(f"{path}: silent recording, no sample is above {SILENCE:.1g} of full scale", stacklevel=3)
    return wave, found.rate


def write(
    path: str | Path, wave: np.ndarray, rate: int, *, subtype: str | None = None, comment: str | None = None
) -> None:
    """Write a sound file, whole or not at all; the suffix (wav, flac, ogg, opus, mp3) chooses the format.

    Integer formats of up to 24 bits give back exactly what `read` gave for the same number of bits.

    Parameters
    ----------
    path : path
    wave : (N,) or (C, N) float
        Values beyond [−1, 1] are clipped, with a warning.
    rate : int
        Hz.
    subtype : str, optional
        libsndfile's name of the sample type ("PCM_24", "FLOAT"); if None 16 bits for wav and flac, Opus for .opus.
    comment : str, optional
        Text stored in the file's metadata.

    Raises
    ------
    InputError
        If the file cannot be written, the suffix, the sample type or the rate does not exist for it,
        or the wave is empty or not finite.
    """
    frames = np.atleast_2d(np.asarray(wave))
    if frames.ndim != 2 or not frames.size:
        raise InputError(
            f"{path}: not written, the wave has shape {np.shape(wave)}, must be (samples,) or (channels, samples)"
        )
    with writing(path, rate, channels=len(frames), subtype=subtype, comment=comment) as put:
        put(frames)


@contextmanager
def writing(
    path: str | Path, rate: int, *, channels: int = 1, subtype: str | None = None, comment: str | None = None
) -> Iterator[Callable[[np.ndarray], None]]:
    """Write a sound file piece by piece, whole or not at all; see `write`.

        with writing("a.wav", 22_050) as put:
            for piece in pieces:
                put(piece)

    Parameters
    ----------
    path, rate, subtype, comment
        See `write`.
    channels : int

    Yields
    ------
    callable
        Appends a piece (n,) or (C, n). A wav or flac file is what `write` makes of all pieces together.

    Raises
    ------
    InputError
        As `write`; also if no piece was written.
    """
    path = Path(path)
    if path.suffix.lower() not in FORMATS:
        raise InputError(f"{path}: the name of a sound file must end in one of {', '.join(FORMATS)}")
    kind = FORMATS[path.suffix.lower()]
    subtype = subtype or ("OPUS" if path.suffix.lower() == ".opus" else soundfile.default_subtype(kind))
    if not soundfile.check_format(kind, subtype):
        known = ", ".join(soundfile.available_subtypes(kind))
        raise InputError(f"{path}: {kind} has no sample type {subtype!r}, must be one of {known}")
    with replacing(path) as temporary:
        try:
            with soundfile.SoundFile(str(temporary), "w", rate, channels, subtype, format=kind) as file:
                if comment is not None:
                    file.comment = comment
                peak, written = 0.0, 0

                def put(piece: np.ndarray) -> None:
                    nonlocal peak, written
                    frames = np.atleast_2d(np.asarray(piece)).T
                    written += len(frames)
                    peak = max(peak, _peak(frames, channels, path))
                    for first in range(0, len(frames), _BLOCK):
                        file.write(_quantised(frames[first : first + _BLOCK], subtype))

                yield put
                if not written:
                    raise InputError(f"{path}: not written, there are no samples")
        except soundfile.LibsndfileError as error:
            what = error.error_string.removeprefix("Error : ").rstrip(".")
            raise InputError(f"{path}: cannot be written as {kind} {subtype} at {rate} Hz ({what})") from error
    _warn_if_clipped(path, peak)


@contextmanager
def piping(stream: BinaryIO, rate: int, *, comment: str | None = None) -> Iterator[Callable[[np.ndarray], None]]:
    """Write a wav of 16 bits and one channel into a pipe, piece by piece; its header leaves the length open.

    Parameters
    ----------
    stream : binary file
        Need not be seekable. Gets nothing before the first piece, and every piece at once.
    rate : int
        Hz.
    comment : str, optional
        As in `write`.

    Yields
    ------
    callable
        Appends a piece (n,).
    """
    head, peak = wav_head(rate, comment), 0.0

    def put(piece: np.ndarray) -> None:
        nonlocal head, peak
        frames = np.atleast_2d(np.asarray(piece)).T
        peak = max(peak, _peak(frames, 1, "the pipe"))
        stream.write(head + (_quantised(frames, "PCM_16") >> 16).astype("<i2").tobytes())
        stream.flush()
        head = b""

    yield put
    _warn_if_clipped("the pipe", peak)


def _peak(frames: np.ndarray, channels: int, where: str | Path) -> float:
    """The largest magnitude of a piece (n, C) that is fit to be written."""
    if frames.ndim != 2 or frames.shape[1] != channels:
        raise InputError(f"{where}: not written, a piece has shape {frames.T.shape}, must be ({channels}, samples)")
    peak = float(np.abs(frames).max(initial=0))
    if not np.isfinite(peak):
        raise InputError(f"{where}: not written, the wave has samples that are NaN or infinite")
    return peak


def _warn_if_clipped(where: str | Path, peak: float) -> None:
    if peak > 1:
        warnings.warn(f"{where}: clipped, the wave reaches {peak:.3g} of full scale", stacklevel=2)


def _quantised(frames: np.ndarray, subtype: str) -> np.ndarray:
    """Integers in the upper bits of 32 for an integer format (libsndfile would truncate, not round), else floats."""
    clipped = np.clip(frames.astype(np.float64), -1.0, 1.0)
    if subtype not in _BITS:
        return clipped
    bits = _BITS[subtype]
    steps = np.minimum(np.rint(clipped * 2.0 ** (bits - 1)), 2.0 ** (bits - 1) - 1)
    return (steps * 2.0 ** (32 - bits)).astype(np.int32)


def resample(wave: np.ndarray, from_rate: int, to_rate: int) -> np.ndarray:
    """Band-limited resampling without delay (soxr, very high quality).

    The pass band reaches to 0.91 of the lower Nyquist frequency; what lies above that frequency itself is
    attenuated by more than 140 dB.

    Parameters
    ----------
    wave : (..., N) float32
    from_rate, to_rate : int
        Hz.

    Returns
    -------
    (..., resampled_length(N, from_rate, to_rate)) float32
    """
    import soxr  # here, because speaking needs none

    wave = np.asarray(wave, dtype=np.float32)
    if from_rate == to_rate:
        return wave
    flat = wave.reshape(-1, wave.shape[-1])
    length = resampled_length(wave.shape[-1], from_rate, to_rate)
    out = np.zeros((len(flat), length), np.float32)
    for channel, target in zip(flat, out, strict=True):
        made = soxr.resample(channel, from_rate, to_rate, quality="VHQ")[:length]  # may be one sample off
        target[: len(made)] = made
    return out.reshape(*wave.shape[:-1], length)


def resampled(blocks: Iterable[np.ndarray], from_rate: int, to_rate: int) -> Iterator[np.ndarray]:
    """As `resample`, block by block: what comes out is, joined, `resample` of what goes in, joined.

    Parameters
    ----------
    blocks : iterable of (n,) or (C, n) float32
        All with the same channels.
    from_rate, to_rate : int
        Hz.

    Yields
    ------
    (m,) or (C, m) float32
        Later than what goes in, by the reach of the filter.
    """
    import soxr  # here, because speaking needs none

    if from_rate == to_rate:
        yield from blocks
        return
    stream: soxr.ResampleStream | None = None
    shape: tuple[int, ...] = ()
    went_in = came_out = 0
    for block in blocks:
        went_in, shape = went_in + block.shape[-1], block.shape[:-1]
        if stream is None:
            channels = shape[0] if shape else 1
            stream = soxr.ResampleStream(from_rate, to_rate, channels, dtype="float32", quality="VHQ")
        made = stream.resample_chunk(np.ascontiguousarray(block.T)).T
        came_out += made.shape[-1]
        yield made
    if stream is not None:
        rest = resampled_length(went_in, from_rate, to_rate) - came_out
        made = stream.resample_chunk(np.zeros((0, *shape), np.float32), last=True).T[..., :rest]
        yield np.pad(made, [(0, 0)] * len(shape) + [(0, rest - made.shape[-1])])  # may be one sample off


def resampled_length(samples: int, from_rate: int, to_rate: int) -> int:
    """samples · to_rate / from_rate, rounded to the nearest, halves up."""
    return (2 * samples * to_rate + from_rate) // (2 * from_rate)


def level(wave: np.ndarray) -> float:
    """Root mean square in dB of full scale: a constant 1 has 0 dBFS, a full sine −3.01, silence −infinity."""
    power = float(np.mean(np.square(wave, dtype=np.float64)))
    return 10.0 * float(np.log10(power)) if power > 0 else float("-inf")

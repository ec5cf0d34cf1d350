"""Headers of sound files: what they promise, so that a cut file is noticed, and one for a pipe. No torch.

libsndfile corrects the length of a cut wav or ogg without a word, and it only estimates the length of
an mp3 that carries no count; flac needs no look from here, its decoder complains.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import BinaryIO

from vocoder.errors import InputError

STREAMED = 0x7FFF_F000
"""A wav header written to a pipe, its length still unknown, says this many bytes of data or more."""

_EXTRACT = "a video, or sound in a container of videos; take the sound out of it: ffmpeg -i {} -vn sound.wav"
_OGG_PAGE = 65_307  # bytes of the longest page
_KILOBITS = {
    1: (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    2: (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_RATES = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}


def check_whole(path: Path) -> int | None:
    """Raise unless the file is a wav, flac, ogg or mp3 with all the bytes that it promises.

    Returns
    -------
    int or None
        The number of samples where counting is the only way to know it (an mp3 without a count), else None.

    Raises
    ------
    InputError
        If the file is missing, empty, of another kind, or cut short.
    """
    try:
        size = os.stat(path).st_size
        with open(path, "rb") as file:
            if not size:
                raise InputError(f"{path}: empty file (0 bytes); give a wav, flac, ogg or mp3 recording")
            start = _after_id3(file)
            file.seek(start)
            magic = file.read(4)
            if _is_video(magic + file.read(8)):
                raise InputError(f"{path}: {_EXTRACT.format(path.name)}")
            if magic in (b"RIFF", b"RIFX", b"RF64"):
                _check_wav(path, file, size)
            elif magic == b"OggS":
                _check_ogg(path, file, size)
            elif _frame(magic):
                return _check_mp3(path, file, start, size)
            elif magic != b"fLaC":
                raise InputError(f"{path}: not a sound file that can be read; give a wav, flac, ogg or mp3 recording")
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; give the name of a recording") from None
    except IsADirectoryError:
        raise InputError(f"{path}: is a folder; give the name of a recording") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
    return None


def _is_video(head: bytes) -> bool:
    """Whether twelve bytes begin a film: MP4 and MOV (M4A has the same), Matroska, AVI, ASF, FLV, MPEG."""
    starts = (b"\x1aE\xdf\xa3", b"0&\xb2u\x8ef\xcf\x11", b"FLV\x01", b"\0\0\x01\xba", b"\0\0\x01\xb3")
    return head[4:8] in (b"ftyp", b"moov") or head[8:12] == b"AVI " or head.startswith(starts)


def wav_head(rate: int, comment: str | None = None) -> bytes:
    """The bytes of a wav before its samples (16 bits, one channel) when their number is not known yet.

    Parameters
    ----------
    rate : int
        Hz.
    comment : str, optional
        Goes into the LIST chunk of type INFO as ICMT.
    """
    open_end = 0xFFFF_FFFF
    head = struct.pack("<4sI4s4sIHHIIHH", b"RIFF", open_end, b"WAVE", b"fmt ", 16, 1, 1, rate, 2 * rate, 2, 16)
    if comment is not None:
        text = comment.encode() + b"\0"
        text += b"\0" * (len(text) % 2)  # chunks have an even length
        head += struct.pack("<4sI4s4sI", b"LIST", 12 + len(text), b"INFO", b"ICMT", len(text)) + text
    return head + struct.pack("<4sI", b"data", open_end)


def truncated(path: Path, what: str) -> InputError:
    """The error for a file that ends too early; `what` says how it shows."""
    return InputError(f"{path}: truncated or damaged, {what}; copy or record it again")


def _after_id3(file: BinaryIO) -> int:
    """Where the sound begins: behind an ID3v2 tag, whose size is four digits to the base 128."""
    head = file.read(10)
    if len(head) < 10 or head[:3] != b"ID3":
        return 0
    length = 0
    for digit in head[6:10]:
        length = length * 128 + digit
    return 10 + length


def _check_wav(path: Path, file: BinaryIO, size: int) -> None:
    """Walk the chunks to `data` and compare its length with what is there."""
    file.seek(0)
    head = file.read(12)
    order = ">" if head[:4] == b"RIFX" else "<"
    long_length = None
    while len(chunk := file.read(8)) == 8:
        name, length = struct.unpack(f"{order}4sI", chunk)
        if name == b"ds64" and length >= 16:
            long_length = struct.unpack("<Q", file.read(16)[8:])[0]
            file.seek(-16, os.SEEK_CUR)
        if name == b"data":
            there = size - file.tell()
            if length == 0xFFFF_FFFF and long_length is not None:
                length = long_length
            elif length >= STREAMED:
                return
            if there < length:
                raise truncated(path, f"its header promises {length} bytes of sound and {there} are there")
            return
        file.seek(length + length % 2, os.SEEK_CUR)
    raise truncated(path, "it ends before its sound begins")


def _check_ogg(path: Path, file: BinaryIO, size: int) -> None:
    """The last page must be whole and carry the end-of-stream flag (RFC 3533, section 6)."""
    file.seek(max(0, size - _OGG_PAGE))
    tail = file.read()
    page = tail.rfind(b"OggS")
    segments = tail[page + 27 : page + 27 + tail[page + 26]] if 0 <= page < len(tail) - 27 else b""
    end = page + 27 + len(segments) + sum(segments)
    if not segments or len(segments) < tail[page + 26] or end > len(tail) or not tail[page + 5] & 4:
        raise truncated(path, "its last page is not the end of the stream")


def _frame(header: bytes) -> tuple[int, int, int] | None:
    """(bytes, samples, kilobits/s) of the MPEG layer III frame that begins with these four bytes, or None."""
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE6 != 0xE2:
        return None
    version, bitrate, rate = header[1] >> 3 & 3, header[2] >> 4, header[2] >> 2 & 3
    if version == 1 or bitrate in (0, 15) or rate == 3:
        return None
    kilobits = _KILOBITS[1 if version == 3 else 2][bitrate - 1]
    samples = 1152 if version == 3 else 576
    return samples // 8 * kilobits * 1000 // _RATES[version][rate] + (header[2] >> 1 & 1), samples, kilobits


def _check_mp3(path: Path, file: BinaryIO, start: int, size: int) -> int | None:
    """Trust the first frame's count of bytes (Xing or Info header) if there is one, else walk over the frames."""
    file.seek(start)
    first = file.read(192)
    at = max(first.find(b"Xing"), first.find(b"Info"))
    if at > 0 and len(first) >= at + 16:
        flags, _, promised = struct.unpack(">III", first[at + 4 : at + 16])
        if flags & 3 == 3:
            if size - start < promised:
                raise truncated(path, f"its header promises {promised} bytes and {size - start} are there")
            return None
    file.seek(start)
    total, rates = 0, set()
    while frame := _frame(file.read(4)):
        length, samples, kilobits = frame
        start += length
        if start > size:
            raise truncated(path, "its last frame is cut")
        file.seek(start)
        total += samples
        rates.add(kilobits)
    if len(rates) > 1:
        # libsndfile takes the length of the whole from the first frame and would drop the rest
        raise InputError(f"{path}: an mp3 of variable bit rate that does not say its length; convert it to wav or flac")
    return total

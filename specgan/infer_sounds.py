"""What `specgan infer --label` does: new sounds into files. No torch, unless it is asked for."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import specgan
from specgan.infer import PIPE, write_mel
from specgan.prepare import make_folder
from specgan.runtime.sounds import Sounds
from vocoder.errors import InputError
from vocoder.signal import audio


def infer_sounds(
    sounds: Sounds,
    label: str | None,
    seed: int,
    out: Path | None,
    count: int | None = None,
    *,
    save_mel: bool = False,
    progress: Callable[[Iterable[Any], int], Iterable[Any]] = lambda items, count: items,
) -> list[Path]:
    """Make a sound, or several of one class.

    Parameters
    ----------
    sounds : Sounds
    label : str or None
        Class; None where the model has only one.
    seed : int
        Of the first; each further one has the next.
    out : Path or None
        A sound file whose suffix chooses the format; "-" for a wav on the standard output. With `count` a folder, which
        gets <label>-<seed>.wav.
    count : int, optional
        How many sounds.
    save_mel : bool
        Write the log-mel beside the sound too, see `specgan.infer.infer`.
    progress : callable
        (items, how many) → the items, for a progress bar.

    Returns
    -------
    list of Path
        What was written.

    Raises
    ------
    InputError
        If the label or the seed cannot be used, or something cannot be written.
    """
    if out is None:
        raise InputError("nowhere to write to; give -o FILE, -o - for a pipe, or --count N -o FOLDER")
    name = sounds.labels[sounds.choose(label)]
    comment = origin(sounds, name)
    if out == PIPE:
        if count is not None or save_mel:
            raise InputError("-o - is a pipe for one sound; --count and --save-mel need a place for files")
        if sys.stdout.isatty():
            raise InputError("-o - writes sound, and the standard output is a terminal; send it to a program or a file")
        with audio.piping(sys.stdout.buffer, sounds.sample_rate, comment=comment) as put:
            put(sounds.make(label, seed))
        return [out]
    places = [out]
    if count is not None:
        if count < 1:
            raise InputError(f"--count is {count}, must be at least 1")
        if out.suffix.lower() in audio.FORMATS and not out.is_dir():
            raise InputError(f"{out}: names one file, --count writes several; name a folder")
        make_folder(out)
        file = "".join(letter if letter.isalnum() or letter in " -_." else "_" for letter in name)
        places = [out / f"{file}-{number}.wav" for number in range(seed, seed + count)]
    for number, place in enumerate(progress(places, len(places)), seed):
        mel = sounds.draw(label, number)
        audio.write(place, sounds.render(mel), sounds.sample_rate, comment=comment)
        if save_mel:
            write_mel(place, mel, sounds.model.spec, comment)
    return places


def origin(sounds: Sounds, label: str) -> str:
    """What written files say of themselves."""
    return f"synthetic sound ({label}), made by specgan {specgan.__version__} with the model {sounds.name}"

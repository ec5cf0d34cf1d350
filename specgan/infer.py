"""What `specgan infer` does: texts in, spoken sound files, mels and pictures out. No torch, unless it is asked for."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import specgan
from specgan.runtime.speech import Voice
from vocoder.errors import InputError
from vocoder.signal import audio
from vocoder.signal.files import replacing
from vocoder.signal.spec import MelSpec

PIPE = Path("-")
PLAYERS = {
    "aplay": ["-q"],
    "paplay": [],
    "ffplay": ["-nodisp", "-autoexit", "-loglevel", "error"],
    "afplay": [],
}
"""Programs that play a wav file, and the options that keep them quiet."""


class Line(NamedTuple):
    """A text of a batch, and the name of its file without the suffix."""

    id: str
    text: str


def infer(
    voice: Voice, text: str, out: Path | None, manner: dict[str, Any], *, save_mel: bool = False, play: bool = False
) -> float:
    """Speak a text into a file or a pipe.

    Parameters
    ----------
    voice : Voice
    text : str
    out : Path or None
        A sound file whose suffix chooses the format; "-" for a wav on the standard output; None only to play.
    manner : dict
        Fields of `specgan.runtime.speech.Manner`.
    save_mel : bool
        Write the log-mel beside `out` too: .npy with its MelSpec in .json, as `specgan vocoder decode` reads it, and a
        picture in .png. It is kept in memory.
    play : bool
        Play it as well.

    Returns
    -------
    float
        Seconds of sound.

    Raises
    ------
    InputError
        If the text or the manner cannot be spoken, or something cannot be written or played. Nothing is left then.
    """
    if save_mel and (out is None or out == PIPE):
        raise InputError("--save-mel writes beside the sound file; give its name with -o")
    if play and out == PIPE:
        raise InputError("give either -o - or --play, not both")
    player = _player() if play else []
    if out is None:
        if not play:
            raise InputError("nowhere to speak to; give -o FILE, -o - for a pipe, or --play")
        with tempfile.TemporaryDirectory() as folder:
            seconds = infer(voice, text, Path(folder) / "speech.wav", manner, play=True)
        return seconds
    mels: list[np.ndarray] = []
    samples = 0
    with _writing(out, voice) as put:
        for drawn in voice.sentences(text, **manner):
            if save_mel:
                mels.append(drawn.mel)
            for piece in voice.render(drawn.mel):
                samples += len(piece)
                put(piece)
    if save_mel:
        write_mel(out, np.concatenate(mels, axis=1), voice.model.spec, origin(voice))
    if play:
        _play([*player, str(out)])
    return samples / voice.sample_rate


def infer_lines(
    voice: Voice,
    lines: list[Line],
    out: Path,
    manner: dict[str, Any],
    *,
    save_mel: bool = False,
    progress: Callable[[Iterable[Any], int], Iterable[Any]] = lambda items, count: items,
) -> float:
    """Speak lines into `out`/<id>.wav; see `infer`.

    Raises
    ------
    InputError
        As `infer`, beginning with the id; the files that were written before stay, whole.
    """
    from specgan.prepare import make_folder

    seconds = 0.0
    for line in progress(lines, len(lines)):
        path = out / f"{line.id}.wav"
        make_folder(path.parent)
        try:
            seconds += infer(voice, line.text, path, manner, save_mel=save_mel)
        except InputError as error:
            raise InputError(f"{line.id}: {error}") from error
    return seconds


def read_text(path: Path) -> str:
    """A text file in UTF-8, or the standard input for "-".

    Raises
    ------
    InputError
        If it cannot be read or is not UTF-8.
    """
    try:
        content = sys.stdin.buffer.read() if path == PIPE else path.read_bytes()
        return content.decode("utf-8-sig")
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        name = "the standard input" if path == PIPE else path
        raise InputError(f"{name}: not UTF-8 text (byte {error.start}); convert it") from None


def read_lines(path: Path, out: Path) -> list[Line]:
    """The lines of a batch: `text`, named by the number of its line, or `id|text` as in LJSpeech.

    Of more than two columns the last is spoken: LJSpeech's third has the numbers in words. Empty lines are passed over.

    Parameters
    ----------
    path : Path
        "-" is the standard input.
    out : Path
        The folder for the files.

    Raises
    ------
    InputError
        Beginning with `path:line:`, if a line has no word, an id comes twice or leads out of the folder.
    """
    lines: dict[str, Line] = {}
    for number, row in enumerate(read_text(path).splitlines(), 1):
        if not row.strip():
            continue
        columns = [column.strip() for column in row.split("|")]
        id, text = columns[0] if len(columns) > 1 else f"{number:04d}", columns[-1]
        if not any(map(str.isalnum, text)):
            raise InputError(f"{path}:{number}: has no word to speak: {row.strip()[:40]!r}")
        if id in lines:
            raise InputError(f"{path}:{number}: the id {id!r} stands twice; ids become names of files")
        if not id or not (out / f"{id}.wav").resolve().is_relative_to(out.resolve()):
            raise InputError(f"{path}:{number}: the id {id!r} leads out of {out}; ids become names of files")
        lines[id] = Line(id, text)
    if not lines:
        raise InputError(f"{path}: has no line to speak")
    return list(lines.values())


def origin(voice: Voice) -> str:
    """What written files say of themselves."""
    return f"synthetic speech, made by specgan {specgan.__version__} with the voice {voice.name}"


@contextmanager
def _writing(out: Path, voice: Voice) -> Iterator[Callable[[np.ndarray], None]]:
    if out != PIPE:
        with audio.writing(out, voice.sample_rate, comment=origin(voice)) as put:
            yield put
        return
    if sys.stdout.isatty():
        raise InputError("-o - writes sound, and the standard output is a terminal; send it to a program or a file")
    with audio.piping(sys.stdout.buffer, voice.sample_rate, comment=origin(voice)) as put:
        yield put


def write_mel(out: Path, mel: np.ndarray, spec: MelSpec, comment: str) -> None:
    """Write a log-mel (bands, T) beside the sound `out`: .npy with its MelSpec in .json, and a picture in .png."""
    from specgan.runtime.picture import write_picture

    with replacing(out.with_suffix(".npy")) as temporary, temporary.open("wb") as file:
        np.save(file, mel)
    with replacing(out.with_suffix(".json")) as temporary:
        temporary.write_text(json.dumps(spec.to_dict(), indent=2) + "\n", encoding="utf-8")
    write_picture(out.with_suffix(".png"), mel, comment)


def _player() -> list[str]:
    for name, options in PLAYERS.items():
        if found := shutil.which(name):
            return [found, *options]
    raise InputError(f"--play needs one of {', '.join(PLAYERS)}, none is installed; write a file with -o")


def _play(command: list[str]) -> None:
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        said = " ".join(done.stderr.split())[-160:] or f"exit code {done.returncode}"
        raise InputError(f"{Path(command[0]).name} cannot play it ({said}); write a file with -o")

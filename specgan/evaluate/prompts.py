"""Prompts out of manifests and files of sentences."""

from __future__ import annotations

from pathlib import Path

from specgan.evaluate.systems.base import Prompt
from vocoder.errors import InputError
from vocoder.signal import audio
from vocoder.signal.manifest import Recording


def read_prompt(row: Recording, rate: int) -> Prompt:
    """A row of a manifest with its sound at `rate` Hz."""
    wave = audio.read_mono(row.audio, rate, offset=row.start, duration=row.duration)
    source = None if row.source is None else audio.read_mono(row.source, rate)
    return Prompt(row.id, row.text, row.text, row.speaker, row.language, row.label, wave, source)


def read_sentences(path: Path, like: Recording | None = None) -> list[Prompt]:
    """Sentences without recordings, one a line: as typed, and after a tab what may be heard (see `words.accepted`).

    Lines with # at their beginning are passed over.

    Parameters
    ----------
    path : Path
    like : Recording, optional
        Whose speaker and language speak them.

    Raises
    ------
    InputError
        If the file cannot be read or has no sentence.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as sentences in UTF-8, one a line ({error})") from error
    pairs = [line.partition("\t") for line in lines if line.strip() and not line.startswith("#")]
    if not pairs:
        raise InputError(f"{path}: has no sentence, must have one a line")
    speaker, language = (None, None) if like is None else (like.speaker, like.language)
    return [
        Prompt(f"sentence-{number:02d}", typed, heard or typed, speaker, language)
        for number, (typed, _, heard) in enumerate(pairs, 1)
    ]

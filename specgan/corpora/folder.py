"""Any folder of sounds, with or without transcripts beside them; and VCTK, where these lie in trees of their own.

No torch.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from specgan.corpora.found import Found, LeftOut, Transcript, joined, natural, read_text, sound_files, with_speakers
from vocoder.errors import InputError
from vocoder.signal import audio
from vocoder.signal.manifest import Recording

SUFFIXES = (".normalized.txt", ".txt", ".lab")  # of transcripts; the first that is there is read
_LABELS = re.compile(r"#\s*$|separator\b|[\d.]+\s+[\d.]+\s", re.MULTILINE)  # times of phones, in files called .lab too


def beside(folder: Path, out: Path) -> Found:
    """Sounds below a folder. If any has a transcript beside it (LibriTTS and aligners' corpora), all must.

    Speakers are then the subfolders, `name.wav` has its text in `name.normalized.txt`, `name.txt` or `name.lab`.
    """
    found = sound_files(folder, out)
    paths: dict[str, Path] = {}
    for row in found.rows:
        for suffix in SUFFIXES:
            path = folder / f"{row.id}{suffix}"
            if path.is_file():
                paths[row.id] = path
                break
    if not paths:
        return found
    for parent, suffix in sorted({(path.parent, _suffix(path)) for path in paths.values()}):
        for path in sorted(parent.glob(f"*{suffix}")):  # those that have lost their sound
            id = path.relative_to(folder).as_posix().removesuffix(suffix)
            if _suffix(path) == suffix and id not in paths and not id.endswith(".original"):
                paths[id] = path
    sounds = {row.id: row for row in found.rows}
    result = _read(sounds, paths)
    return Found(with_speakers(result.rows), [*found.left_out, *result.left_out])


def vctk(folder: Path) -> Found:
    """VCTK 0.92 (`wav48_silence_trimmed/p225/p225_001_mic1.flac`) or 0.80 (`wav48/p225/p225_001.wav`), `txt/`.

    The first microphone is taken where both recorded. Speakers are the folders, the language is English.
    """
    trees = [folder / name for name in ("wav48_silence_trimmed", "wav48")]
    tree = next(path for path in trees if path.is_dir())
    sounds: dict[str, Recording] = {}
    for path in sorted(tree.glob("*/*"), key=lambda path: natural(path.name)):  # _mic1 before _mic2
        if path.suffix.lower() in audio.FORMATS:
            id = re.sub("_mic[12]$", "", path.stem)
            sounds.setdefault(id, Recording(id, path, speaker=path.parent.name, language="en"))
    paths = {path.stem: path for path in sorted((folder / "txt").glob("*/*.txt"), key=lambda path: natural(path.name))}
    if not paths:
        raise InputError(f"{folder / 'txt'}: holds no transcript; VCTK has txt/p225/p225_001.txt and so on")
    return _read(sounds, paths)


def _suffix(path: Path) -> str:
    return next(suffix for suffix in SUFFIXES if path.name.endswith(suffix))


def _read(sounds: dict[str, Recording], paths: dict[str, Path]) -> Found:
    """Sounds with the text of their files; what cannot be read as text is left out."""
    texts: dict[str, Transcript] = {}
    unreadable: list[LeftOut] = []
    for id, path in paths.items():
        if id not in sounds:
            texts[id] = Transcript("", str(path))
            continue
        try:
            words = read_text(path, "the words of a recording are")
        except InputError as error:
            unreadable.append(LeftOut(id, "with an unreadable transcript", str(error)))
            continue
        if _LABELS.match(words):
            reason = f"{path}: holds times of labels; the words of a recording are expected"
            unreadable.append(LeftOut(id, "with an unreadable transcript", reason))
            continue
        texts[id] = Transcript(words, str(path))
    gone = {item.id for item in unreadable}
    result = joined(_without(sounds, gone), texts)
    return Found(result.rows if texts else [], [*unreadable, *result.left_out])


def _without(sounds: dict[str, Recording], ids: Iterable[str]) -> dict[str, Recording]:
    return {id: row for id, row in sounds.items() if id not in ids}

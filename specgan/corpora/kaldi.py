"""Kaldi data folders: wav.scp, text, utt2spk, segments (kaldi-asr.org/doc/data_prep.html). No torch."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from specgan.corpora.found import NO_SOUND, Found, LeftOut, Transcript, joined, read_text
from vocoder.errors import InputError
from vocoder.signal import audio
from vocoder.signal.manifest import Recording


def kaldi(folder: Path) -> Found:
    """Utterances of a Kaldi data folder. Files are relative to the working directory, as in Kaldi, or to the folder.

    Raises
    ------
    InputError
        If a line is malformed, or wav.scp gives a command: it is never run.
    """
    files: dict[str, Path] = {}
    for id, (value, where) in _table(folder / "wav.scp").items():
        if value.endswith("|"):
            raise InputError(f"{where}: is a command, which is not run; write its sounds to files and name these")
        if not value:
            raise InputError(f"{where}: must be a recording's id and its sound file")
        files[id] = located(value, folder)
    if not files:
        raise InputError(f"{folder / 'wav.scp'}: is empty; lines of id and sound file are expected")
    texts = _table(folder / "text") if (folder / "text").is_file() else {}
    found = Found()
    sounds: dict[str, Recording] = {}
    for id, (row, channel, where) in _utterances(folder, files).items():
        if not row.audio.is_file():
            if id not in texts:  # otherwise the transcript is listed
                found.left_out.append(LeftOut(id, NO_SOUND, f"{where}: no sound file {row.audio}"))
        elif channel and _channels(row.audio) > 1:
            found.left_out.append(LeftOut(id, "in one channel of several", f"{where}: write each channel to a file"))
            texts.pop(id, None)
        else:
            sounds[id] = row
    result = joined(sounds, texts)
    found.left_out += result.left_out
    speakers = _table(folder / "utt2spk") if (folder / "utt2spk").is_file() else None
    for row in result.rows:
        if speakers is None:
            found.rows.append(row)
        elif row.id in speakers:
            found.rows.append(dataclasses.replace(row, speaker=speakers[row.id].words))
        else:
            found.left_out.append(LeftOut(row.id, "without a speaker", f"{folder}/utt2spk: has no {row.id!r}"))
    return found


def located(name: str, folder: Path) -> Path:
    """A file relative to the working directory if there is one, else to the folder of its corpus."""
    return Path(name) if Path(name).is_file() else folder / name


def _utterances(folder: Path, files: dict[str, Path]) -> dict[str, tuple[Recording, str, str]]:
    """Id → recording, channel (or nothing), and where that stands; `segments`: utterance recording start end."""
    table = folder / "segments"
    if not table.is_file():
        return {id: (Recording(id, path), "", str(folder / "wav.scp")) for id, path in files.items()}
    rows = {}
    for id, (value, where) in _table(table).items():
        try:
            recording, begin, end, *channel = value.split()
            start, stop = float(begin), float(end)
            if len(channel) > 1 or (stop <= start and stop != -1):  # -1: up to the end of the file
                raise ValueError
            duration = None if stop == -1 else stop - start
            row = Recording(id, files.get(recording, folder / recording), start, duration)
        except ValueError:  # an InputError is one
            raise InputError(f"{where}: must be utterance, recording, start and a later end in seconds") from None
        rows[id] = (row, "".join(channel), where)
    return rows


def _channels(path: Path) -> int:
    try:
        return audio.info(path).channels
    except InputError:
        return 1  # unreadable: reported when it is decoded


def _table(path: Path) -> dict[str, Transcript]:
    """First word of each line → the rest, and file:line."""
    rows: dict[str, Transcript] = {}
    for number, line in enumerate(read_text(path, "lines of id and value are").splitlines(), 1):
        id, _, value = line.strip().replace("\t", " ", 1).partition(" ")
        if id in rows:
            raise InputError(f"{path}:{number}: id {id!r} stands in an earlier line already, must be unique")
        if id:
            rows[id] = Transcript(value.strip(), f"{path}:{number}")
    return rows

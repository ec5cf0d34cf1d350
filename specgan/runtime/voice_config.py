"""What config.json of a voice says, checked. No torch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from specgan.text.symbols import Symbols
from vocoder.errors import InputError


@dataclass(frozen=True)
class VoiceConfig:
    """Inventory and statistics of a voice.

    Parameters
    ----------
    symbols : Symbols
    speakers, languages : tuple of str
        The first of each is the default.
    pitch : dict
        Speaker → (mean, standard deviation) of the natural logarithm of F0 (Hz).
    energy : tuple of float
        Mean and standard deviation of the energy, the mean log-mel of a frame.
    context : int
        Frames on each side of a frame on which what `draw` makes of it depends.
    multiple : int
        Of which the number of frames given to `draw` must be one.
    """

    symbols: Symbols
    speakers: tuple[str, ...]
    languages: tuple[str, ...]
    pitch: dict[str, tuple[float, float]]
    energy: tuple[float, float]
    context: int
    multiple: int

    @classmethod
    def read(cls, config: Mapping[str, Any], name: str) -> VoiceConfig:
        """Check the fields of config.json.

        Raises
        ------
        InputError
            If the model is for another task, or a field is missing or damaged.
        """
        if config.get("task") != "tts":
            raise InputError(f"the model {name} is for the task {config.get('task')}; speaking needs one for tts")
        lists = {field: config.get(field) for field in ("phones", "stresses", "speakers", "languages")}
        for field, values in lists.items():
            if not isinstance(values, list) or not values or not all(isinstance(value, str) for value in values):
                raise InputError(f"config.json of {name}: {field} must be a list of texts; export the model again")
        draw = config.get("draw")
        context, multiple = (
            draw.get(key) if isinstance(draw, dict) else None for key in ("receptive_field", "multiple")
        )
        if not (type(context) is int and context >= 0 and type(multiple) is int and multiple >= 1):
            raise InputError(f"config.json of {name}: draw is {draw!r}, must have receptive_field and multiple")
        speakers = tuple(lists["speakers"] or ())
        pitch = config.get("pitch")
        by_speaker = pitch if isinstance(pitch, dict) else {}
        return cls(
            Symbols(tuple(lists["phones"] or ()), tuple(lists["stresses"] or ())),
            speakers,
            tuple(lists["languages"] or ()),
            {speaker: _pair(by_speaker.get(speaker), f"pitch of {speaker!r}", name) for speaker in speakers},
            _pair(config.get("energy"), "energy", name),
            context,
            multiple,
        )

    def choose(self, kind: str, wanted: str | None) -> str:
        """The wanted speaker or language, or the first.

        Parameters
        ----------
        kind : {"speaker", "language"}
        wanted : str or None

        Raises
        ------
        InputError
            If the voice has no such one; the message lists those that it has.
        """
        known = self.speakers if kind == "speaker" else self.languages
        if wanted is None:
            return known[0]
        if wanted not in known:
            raise InputError(f"the voice has no {kind} {wanted!r}; it has {', '.join(known)}")
        return wanted


def _pair(given: Any, what: str, name: str) -> tuple[float, float]:
    """Mean and standard deviation."""
    if isinstance(given, list) and len(given) == 2 and all(type(value) in (int, float) for value in given):
        mean, deviation = map(float, given)
        if math.isfinite(mean) and math.isfinite(deviation) and deviation > 0:
            return mean, deviation
    raise InputError(f"config.json of {name}: {what} is {given!r}, must be [mean, deviation]; export the model again")

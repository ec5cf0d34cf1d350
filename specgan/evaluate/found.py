"""evaluation.json as a page reads it: tolerant of what it does not know."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vocoder.errors import InputError

COLOURS = ("c0", "c1", "c2", "c3")  # of what is judged, in page.css; bounds are grey


@dataclass(frozen=True)
class Found:
    """evaluation.json, with what follows from it.

    Attributes
    ----------
    raw : mapping
        The file.
    digits : mapping
        Decimals to show, by metric.
    ids : list of str
        All utterances.
    """

    raw: Mapping[str, Any]
    digits: Mapping[str, int]
    ids: list[str]

    @property
    def metrics(self) -> Mapping[str, Any]:
        return self.raw["metrics"]

    @property
    def systems(self) -> Mapping[str, Any]:
        return self.raw["systems"]

    @property
    def names(self) -> list[str]:
        return list(self.systems)

    @property
    def groups(self) -> dict[str, list[str]]:
        """Measures by the table that they stand in."""
        groups: dict[str, list[str]] = {}
        for name, metric in self.metrics.items():
            groups.setdefault(metric.get("group", ""), []).append(name)
        return groups

    def direction(self, metric: str) -> bool | None:
        """Whether higher is better; None where the nearer to 1 the better."""
        direction: bool | None = self.metrics[metric]["higher_is_better"]
        return direction

    def title(self, metric: str) -> str:
        return str(self.metrics.get(metric, {}).get("title", metric))

    def bound(self, system: str) -> bool:
        return system in self.raw.get("bounds", ())

    @property
    def judged(self) -> list[str]:
        """The systems that are no bounds, the model first; all if nothing says which are."""
        judged = [name for name in self.names if not self.bound(name)] or self.names
        return sorted(judged, key=lambda name: self.systems[name].get("kind") != "model")

    def colour(self, system: str) -> str:
        return "bound" if self.bound(system) else COLOURS[self.judged.index(system) % len(COLOURS)]

    def rows(self, system: str) -> list[Mapping[str, Any]]:
        return self.systems[system]["utterances"]

    def values(self, system: str, metric: str) -> list[float]:
        values = (row["values"].get(metric) for row in self.rows(system))
        return [value for value in values if value is not None]

    def badness(self) -> list[dict[str, float]]:
        """A ranking for each system that is judged and each measure: the higher, the worse the utterance."""
        rankings = []
        for system in self.judged:
            for metric in self.metrics:
                known = {row["id"]: row["values"].get(metric) for row in self.rows(system)}
                direction = self.direction(metric)
                rankings.append(
                    {
                        id: abs(value - 1) if direction is None else -value if direction else value
                        for id, value in known.items()
                        if value is not None
                    }
                )
        return rankings

    def shown(self, metric: str, value: float | None) -> str:
        return "–" if value is None else f"{value:.{self.digits[metric]}f}".replace("-", "−")


def read(path: Path) -> Found:
    """Read evaluation.json.

    Raises
    ------
    InputError
        If it is missing, something else, or without any score.
    """
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); `specgan evaluate` writes it") from None
    except ValueError:
        raise InputError(f"{path}: is not JSON; `specgan evaluate` writes it anew") from None
    try:
        found = Found(raw, {}, [])
        ids = dict.fromkeys(row["id"] for system in found.names for row in found.rows(system))
        digits = {
            name: metric.get("digits", _digits([v for system in found.names for v in found.values(system, name)]))
            for name, metric in found.metrics.items()
        }
        complete = Found(raw, digits, list(ids))
        for name in complete.metrics:
            complete.direction(name)
        if not complete.metrics or not ids:
            raise InputError(f"{path}: has no scores of any utterance, a page has nothing to show")
        return complete
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: is no evaluation ({error}); `specgan evaluate` writes it anew") from None


def _digits(values: Sequence[float]) -> int:
    """Decimals that show three figures of the largest value."""
    largest = max((abs(value) for value in values), default=0.0)
    return min(4, max(0, 2 - math.floor(math.log10(largest)))) if largest else 2

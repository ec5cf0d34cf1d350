"""Two evaluations of the same utterances: how do they differ, and is it noise?"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from specgan.evaluate.report import middle, resampled
from vocoder.errors import InputError

LISTENED = ("wer", "cer")  # another recogniser, another figure


@dataclass(frozen=True)
class Difference:
    """B − A over the utterances that have a value in both, with its 95 % interval (None below two utterances).

    `better` is the one that is better, "A" or "B", or None where the interval holds 0 or there is none.
    """

    a: float
    b: float
    difference: float
    low: float | None
    high: float | None
    count: int
    better: str | None


def compare(a: Path, b: Path) -> str:
    """A table for every pair of systems that are compared: the models, in their order, and others of one name.

    Parameters
    ----------
    a, b : Path
        Folders with evaluation.json, or such files.

    Returns
    -------
    str
        Markdown.

    Raises
    ------
    InputError
        If one is no evaluation, or they have no utterance or no measure in common.
    """
    one, other = read(a), read(b)
    parts = [f"A is {a}: {one['title']}  \nB is {b}: {other['title']}\n"]
    tables = []
    for first, second in pairs(one["systems"], other["systems"]):
        rows = _rows(one, other, first, second)
        if rows:
            name = first if first == second else f"{first} (A), {second} (B)"
            head = f"| {name} | A | B | B − A [95 %] | utterances | |\n|---|---|---|---|---|---|"
            tables.append("\n".join([head, *rows]) + "\n")
    if not tables:
        raise InputError(f"{a} and {b}: have no utterance with a measure in common; evaluate both on one manifest")
    parts += tables
    if one.get("recogniser") != other.get("recogniser"):
        parts.append("Error rates are left out: the recognisers differ.\n")
    parts.append(
        "Paired by utterance; intervals by bootstrap over utterances. Noise: the interval holds 0, so that other "
        "utterances could have turned the sign. Of twenty rows without any difference one falls outside by chance; "
        "what another training run would change is not in the intervals."
    )
    return "\n".join(parts)


def read(path: Path) -> dict[str, Any]:
    """evaluation.json of a folder.

    Raises
    ------
    InputError
        If there is none, or it is something else.
    """
    file = path / "evaluation.json" if path.is_dir() else path
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        for system in found["systems"].values():
            for row in system["utterances"]:
                row["id"], row["values"].items()
        found["metrics"].items(), found["title"]
    except OSError as error:
        raise InputError(f"{file}: cannot be read ({error.strerror}); `specgan evaluate` writes it") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{file}: is no evaluation ({error!r}); `specgan evaluate` writes it anew") from None
    return found


def pairs(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Names of the systems to compare, models first."""
    models = [[name for name, system in systems.items() if system.get("kind") == "model"] for systems in (one, other)]
    found = list(zip(*models, strict=False))
    return found + [(name, name) for name in one if name in other and (name, name) not in found]


def _rows(one: Mapping[str, Any], other: Mapping[str, Any], first: str, second: str) -> list[str]:
    rows = []
    for name, metric in one["metrics"].items():
        if name not in other["metrics"] or (name in LISTENED and one.get("recogniser") != other.get("recogniser")):
            continue
        found = difference(one["systems"][first], other["systems"][second], name, metric)
        if found is None or found.difference == found.low == found.high == 0:
            continue
        digits = metric.get("digits", 3)
        interval = "" if found.low is None else f" [{found.low:+.{digits}f}, {found.high:+.{digits}f}]"
        said = (
            f"{found.better} is better" if found.better else ("noise" if found.low is not None else "too few to tell")
        )
        cells = [
            metric["title"],
            f"{found.a:.{digits}f}",
            f"{found.b:.{digits}f}",
            f"{found.difference:+.{digits}f}{interval}",
            str(found.count),
            said,
        ]
        rows.append(f"| {' | '.join(cells)} |")
    return rows


def difference(
    one: Mapping[str, Any], other: Mapping[str, Any], name: str, metric: Mapping[str, Any]
) -> Difference | None:
    """Compare one measure of two systems, given as in evaluation.json; None where no utterance has a value in both."""
    found = [{row["id"]: row for row in system["utterances"]} for system in (one, other)]
    shared = [
        id for id in found[0] if id in found[1] and all(rows[id]["values"].get(name) is not None for rows in found)
    ]
    if not shared:
        return None
    values, weights = (
        np.array([[rows[id].get(key, {}).get(name, 1.0) for id in shared] for rows in found])
        for key in ("values", "weights")
    )
    median = bool(metric.get("median"))

    def means(chosen: np.ndarray) -> list[np.ndarray]:
        return [middle(values[side], weights[side], chosen, median) for side in (0, 1)]

    a, b = map(float, means(np.arange(len(shared))))
    if len(shared) == 1:
        return Difference(a, b, b - a, None, None, 1, None)
    drawn = means(resampled(len(shared)))
    low, high = map(float, np.percentile(drawn[1] - drawn[0], [2.5, 97.5]))
    return Difference(a, b, b - a, low, high, len(shared), _better(drawn, low, high, metric["higher_is_better"]))


def _better(drawn: list[np.ndarray], low: float, high: float, higher: bool | None) -> str | None:
    if higher is None:  # the nearer to 1
        distance = np.abs(drawn[1] - 1) - np.abs(drawn[0] - 1)
        low, high = map(float, np.percentile(distance, [2.5, 97.5]))
        higher = False
    if low <= 0 <= high:
        return None
    return "B" if (low > 0) == higher else "A"

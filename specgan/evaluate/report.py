"""What an evaluation found: every utterance, means with their uncertainty, tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

ARROWS = {True: "↑", False: "↓", None: "→ 1"}


@dataclass(frozen=True)
class Column:
    """How a table shows a measure.

    Attributes
    ----------
    title : str
        Head of the column, with the unit.
    higher_is_better : bool or None
        None: the nearer to 1 the better.
    digits : int
        Decimals.
    group : str
        The table that it stands in.
    note : str
        What it is, its range and its source.
    median : bool
        Summed up by the median instead of the mean.
    bounded : bool
        Not shown without a bound beside it.
    """

    title: str
    higher_is_better: bool | None
    digits: int
    group: str = ""
    note: str = ""
    median: bool = field(default=False, kw_only=True)
    bounded: bool = field(default=True, kw_only=True)


@dataclass(frozen=True)
class Row:
    """The scores of one utterance.

    Attributes
    ----------
    id : str
    values : dict
        By measure; None where `left_out` has the reason, or where the measure does not apply.
    left_out : dict
        Reason by measure.
    weights : dict
        What a value counts in the mean, by measure: the words of a word error rate. 1 where it has none.
    details : dict
        More to read about the utterance, such as what a recogniser heard.
    """

    id: str
    values: dict[str, float | None]
    left_out: dict[str, str] = field(default_factory=dict)
    weights: dict[str, float] = field(default_factory=dict)
    details: dict[str, str] = field(default_factory=dict)

    def to_dict(self) -> dict[str, object]:
        """For JSON; `weights` and `details` only where there are any."""
        return {name: value for name, value in asdict(self).items() if value or name in ("id", "values", "left_out")}


@dataclass(frozen=True)
class Summary:
    """Mean (or median) and 95 % confidence interval over `count` utterances; None where there are too few."""

    mean: float | None
    low: float | None
    high: float | None
    count: int


@dataclass(frozen=True)
class Scored:
    """A system: whether it is a "bound", the "model" or stands "beside" it, and its rows."""

    kind: str
    rows: list[Row]


@dataclass(frozen=True)
class Results:
    """What an evaluation found.

    Attributes
    ----------
    facts : dict
        Texts about the evaluation: title, command, version, task, model, manifest, recogniser.
    rate : int
        Hz, at which waves were compared.
    metrics : mapping of str to Column
        In the order of the tables.
    systems : dict
        By name, bounds first.
    texts : dict
        What was to be said, by id.
    left_out : list of str
        Sentences about what was not measured at all.
    sections : list of str
        More Markdown for the card.
    """

    facts: dict[str, Any]
    rate: int
    metrics: Mapping[str, Column]
    systems: dict[str, Scored]
    texts: dict[str, str] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
    sections: list[str] = field(default_factory=list)

    def summary(self, system: str, metric: str) -> Summary:
        """Mean or median of a measure over the utterances of a system."""
        rows = self.systems[system].rows
        return summarise(
            [row.values.get(metric) for row in rows],
            [row.weights.get(metric, 1.0) for row in rows],
            median=self.metrics[metric].median,
        )

    def to_dict(self) -> dict[str, object]:
        """Everything, for JSON."""
        fields = ("title", "higher_is_better", "digits", "group", "note", "median", "bounded")
        return {
            **self.facts,
            "rate": self.rate,
            "bounds": [name for name, system in self.systems.items() if system.kind == "bound"],
            "metrics": {
                name: {name: getattr(metric, name) for name in fields} for name, metric in self.metrics.items()
            },
            "systems": {
                name: {
                    "kind": system.kind,
                    "summary": {metric: asdict(self.summary(name, metric)) for metric in self.metrics},
                    "utterances": [row.to_dict() for row in system.rows],
                }
                for name, system in self.systems.items()
            },
            "texts": self.texts,
            "notes": self.left_out,
            "sections": self.sections,
        }

    def markdown(self) -> str:
        """A table for every group of measures, a row a system, and below what was left out and why."""
        parts = []
        for group in dict.fromkeys(metric.group for metric in self.metrics.values()):
            columns = {name: metric for name, metric in self.metrics.items() if metric.group == group}
            shown = [system for system in self.systems if any(self.summary(system, name).count for name in columns)]
            if shown:
                parts += [f"## {group}\n"] if group else []
                parts.append(self._table(columns, shown))
        counts = sorted({len(system.rows) for system in self.systems.values()})
        many = " or ".join(map(str, counts))
        medians = [metric.title for metric in self.metrics.values() if metric.median]
        exception = f"; of the {', '.join(medians)} the median" if medians else ""
        notes = [f"Mean over {many} utterances [95 % bootstrap interval]{exception}.", *self.left_out, *self._missing()]
        return "\n".join(parts) + "\n" + "  \n".join(notes) + "\n"

    def _table(self, columns: Mapping[str, Column], systems: Iterable[str]) -> str:
        heads = [f"{column.title} {ARROWS[column.higher_is_better]}" for column in columns.values()]
        lines = ["| system | " + " | ".join(heads) + " |", "|---|" + "---|" * len(columns)]
        for system in systems:
            cells = [cell(self.summary(system, name), column.digits) for name, column in columns.items()]
            name = f"**{system}**" if self.systems[system].kind == "model" else system
            lines.append(f"| {name} | " + " | ".join(cells) + " |")
        return "\n".join(lines) + "\n"

    def _missing(self) -> list[str]:
        sentences = []
        for name, system in self.systems.items():
            reasons = Counter((metric, reason) for row in system.rows for metric, reason in row.left_out.items())
            titles: dict[tuple[str, int], list[str]] = {}
            for (metric, reason), count in reasons.items():
                titles.setdefault((reason, count), []).append(self.metrics[metric].title)
            sentences += [
                f"{name}: {', '.join(columns)} left out for {count} of {len(system.rows)} ({reason})."
                for (reason, count), columns in titles.items()
            ]
        return sentences


def cell(summary: Summary, digits: int) -> str:
    """A figure with its interval, as a table shows it."""
    if summary.mean is None:
        return "–"
    mean = f"{summary.mean:.{digits}f}"
    return (
        mean
        if summary.low is None or summary.high is None
        else f"{mean} [{summary.low:.{digits}f}, {summary.high:.{digits}f}]"
    )


def summarise(
    values: Iterable[float | None],
    weights: Iterable[float] | None = None,
    *,
    median: bool = False,
    seed: int = 0,
    resamples: int = 2000,
) -> Summary:
    """Mean with its 95 % percentile bootstrap interval (Efron 1979) over utterances.

    Parameters
    ----------
    values : iterable of float or None
        One value an utterance; None is left out. Two at least are needed for an interval.
    weights : iterable of float, optional
        One an utterance, above 0: error rates weighted by the words of the utterance have the errors of all
        utterances over the words of all as their mean. All equal if None.
    median : bool
        The median in place of the mean; weights do not matter to it.
    seed : int
        Of the resampling: equal input gives equal intervals.
    resamples : int
    """
    every = list(values)
    weighed = zip(every, [1.0] * len(every) if weights is None else weights, strict=True)
    pairs = np.array([(value, weight) for value, weight in weighed if value is not None], dtype=np.float64)
    if not len(pairs):
        return Summary(None, None, None, 0)
    known, weight = pairs.T
    centre = float(middle(known, weight, np.arange(len(known)), median))
    if len(known) == 1:
        return Summary(centre, None, None, 1)
    low, high = np.percentile(middle(known, weight, resampled(len(known), seed, resamples), median), [2.5, 97.5])
    return Summary(centre, float(low), float(high), len(known))


def resampled(count: int, seed: int = 0, resamples: int = 2000) -> np.ndarray:
    """Indices (resamples, count) of utterances drawn with replacement."""
    return np.random.default_rng(seed).integers(count, size=(resamples, count))


def middle(values: np.ndarray, weights: np.ndarray, chosen: np.ndarray, median: bool) -> np.ndarray:
    """Weighted mean or median of the values (U,) at indices (..., U) → (...)."""
    if median:
        return np.median(values[chosen], axis=-1)
    return (values * weights)[chosen].sum(axis=-1) / weights[chosen].sum(axis=-1)

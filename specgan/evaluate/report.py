"""Score systems on recordings: every utterance, means with their uncertainty, a table."""

from __future__ import annotations

import json
import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np

from specgan.evaluate.errors import NotMeasurable
from specgan.evaluate.metrics import VOCODER, Metric
from vocoder.errors import InputError


class Column(Protocol):
    """How a table shows a metric: head of the column with the unit, direction, decimals."""

    @property
    def title(self) -> str: ...
    @property
    def higher_is_better(self) -> bool: ...
    @property
    def digits(self) -> int: ...


@dataclass(frozen=True)
class Row:
    """The scores of one utterance.

    Attributes
    ----------
    id : str
    values : dict
        By metric; None where `left_out` has the reason, or where the metric does not apply.
    left_out : dict
        Reason by metric.
    weights : dict
        What a value counts in the mean, by metric: the words of a word error rate. 1 where it has none.
    details : dict
        More to read about the utterance, such as what a recogniser heard.
    """

    id: str
    values: dict[str, float | None]
    left_out: dict[str, str]
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
class Results:
    """What an evaluation found: rows by system, in the order of `metrics` and of the utterances.

    `rate` is that of the recordings in Hz. The metrics in `medians` are summed up by their median, others by their
    mean.
    """

    rate: int
    metrics: Mapping[str, Column]
    systems: dict[str, list[Row]]
    medians: frozenset[str] = frozenset()

    def summary(self, system: str, metric: str) -> Summary:
        rows = self.systems[system]
        return summarise(
            [row.values[metric] for row in rows],
            [row.weights.get(metric, 1.0) for row in rows],
            median=metric in self.medians,
        )

    def to_dict(self) -> dict[str, object]:
        """Everything but the functions, for JSON."""
        return {
            "rate": self.rate,
            "metrics": {
                name: {"title": metric.title, "higher_is_better": metric.higher_is_better}
                for name, metric in self.metrics.items()
            },
            "systems": {
                system: {
                    "summary": {metric: asdict(self.summary(system, metric)) for metric in self.metrics},
                    "utterances": [row.to_dict() for row in rows],
                }
                for system, rows in self.systems.items()
            },
        }

    def markdown(self) -> str:
        """A table, a row a system, and below it what was left out and why."""
        arrows = {True: "↑", False: "↓"}
        lines = [
            "| system | " + " | ".join(f"{m.title} {arrows[m.higher_is_better]}" for m in self.metrics.values()) + " |",
            "|---|" + "---|" * len(self.metrics),
        ]
        notes = []
        for system, rows in self.systems.items():
            cells = [_cell(self.summary(system, name), metric.digits) for name, metric in self.metrics.items()]
            lines.append(f"| {system} | " + " | ".join(cells) + " |")
            missing = Counter((name, reason) for row in rows for name, reason in row.left_out.items())
            notes += [
                f"{system}: {self.metrics[name].title} left out for {count} of {len(rows)} ({reason})."
                for (name, reason), count in missing.items()
            ]
        utterances = max((len(rows) for rows in self.systems.values()), default=0)
        medians = [metric.title for name, metric in self.metrics.items() if name in self.medians]
        exception = f"; of {', '.join(medians)} the median" if medians else ""
        notes.insert(0, f"Mean over {utterances} utterances [95 % bootstrap interval]{exception}.")
        return "\n".join(lines) + "\n\n" + "  \n".join(notes) + "\n"


def _cell(summary: Summary, digits: int) -> str:
    if summary.mean is None:
        return "–"
    mean = f"{summary.mean:.{digits}f}"
    return mean if summary.low is None else f"{mean} [{summary.low:.{digits}f}, {summary.high:.{digits}f}]"


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

    def middle(chosen: np.ndarray) -> np.ndarray:
        if median:
            return np.median(known[chosen], axis=-1)
        return (known * weight)[chosen].sum(axis=-1) / weight[chosen].sum(axis=-1)

    centre = float(middle(np.arange(len(known))))
    if len(known) == 1:
        return Summary(centre, None, None, 1)
    chosen = np.random.default_rng(seed).integers(len(known), size=(resamples, len(known)))
    low, high = np.percentile(middle(chosen), [2.5, 97.5])
    return Summary(centre, float(low), float(high), len(known))


def evaluate(
    pairs: Iterable[tuple[str, np.ndarray, np.ndarray]], rate: int, metrics: Mapping[str, Metric]
) -> list[Row]:
    """Score pairs of waves.

    Parameters
    ----------
    pairs : iterable of (id, reference (N,), degraded (N,))
        Float waves in [-1, 1], of one length.
    rate : int
        Hz.
    metrics : mapping of str to Metric

    Raises
    ------
    InputError
        If two waves differ in length, a value is not finite, or a metric's package is missing.
    """
    rows = []
    for id, reference, degraded in pairs:
        if reference.ndim != 1 or reference.shape != degraded.shape:
            raise InputError(f"{id}: shapes {reference.shape} and {degraded.shape} must be one and the same (N,)")
        if not (np.isfinite(reference).all() and np.isfinite(degraded).all()):
            raise InputError(f"{id}: samples that are not finite; both waves must hold numbers in [-1, 1]")
        values: dict[str, float | None] = {}
        left_out = {}
        for name, metric in metrics.items():
            try:
                values[name] = metric.compare(reference, degraded, rate)
            except NotMeasurable as reason:
                values[name], left_out[name] = None, str(reason)
        rows.append(Row(id, values, left_out))
    return rows


def evaluate_vocoder(
    systems: Mapping[str, Callable[[np.ndarray], np.ndarray]],
    recordings: Iterable[tuple[str, np.ndarray]],
    rate: int,
    metrics: Mapping[str, Metric] = VOCODER,
) -> Results:
    """Score vocoders on recordings.

    Parameters
    ----------
    systems : mapping of str to callable
        By the name in the table: a wave (N,) in, the wave (N,) that its mel is rendered to out. The identity is
        the upper bound.
    recordings : iterable of (id, wave (N,))
        Float in [-1, 1].
    rate : int
        Hz, of the recordings and of what the systems return.
    metrics : mapping of str to Metric

    Raises
    ------
    InputError
        As `evaluate`, naming the system.
    """
    kept = list(recordings)
    rows = {}
    for system, render in systems.items():
        try:
            rows[system] = evaluate(((id, wave, render(wave)) for id, wave in kept), rate, metrics)
        except InputError as error:
            raise InputError(f"{system}: {error}") from error
    return Results(rate, dict(metrics), rows)


def write(results: Results, folder: Path) -> None:
    """Write `evaluation.json` (every utterance) and `evaluation.md` (the table) into `folder`.

    Each file appears whole or not at all.

    Raises
    ------
    InputError
        If the folder cannot be made or written.
    """
    text = json.dumps(results.to_dict(), ensure_ascii=False, indent=1, allow_nan=False) + "\n"
    for name, content in (("evaluation.json", text), ("evaluation.md", results.markdown())):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(dir=folder, prefix=f".{name}.")
        except OSError as error:
            raise InputError(f"{folder}: {error.strerror}; name a folder that can be written") from error
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, folder / name)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise

"""Score systems on recordings: every utterance, means with their uncertainty, a table."""

from __future__ import annotations

import json
import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from specgan.evaluate.errors import NotMeasurable
from specgan.evaluate.metrics import VOCODER, Metric
from vocoder.errors import InputError


@dataclass(frozen=True)
class Row:
    """The scores of one utterance: `values` by metric, None where `left_out` has the reason."""

    id: str
    values: dict[str, float | None]
    left_out: dict[str, str]


@dataclass(frozen=True)
class Summary:
    """Mean and 95 % confidence interval over `count` utterances; None where there are too few."""

    mean: float | None
    low: float | None
    high: float | None
    count: int


@dataclass(frozen=True)
class Results:
    """What `evaluate_vocoder` found: rows by system, in the order of `metrics` and of the recordings."""

    rate: int
    metrics: dict[str, Metric]
    systems: dict[str, list[Row]]

    def summary(self, system: str, metric: str) -> Summary:
        return summarise([row.values[metric] for row in self.systems[system]])

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
                    "utterances": [asdict(row) for row in rows],
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
        notes.insert(0, f"Mean over {utterances} utterances [95 % bootstrap interval].")
        return "\n".join(lines) + "\n\n" + "  \n".join(notes) + "\n"


def _cell(summary: Summary, digits: int) -> str:
    if summary.mean is None:
        return "–"
    mean = f"{summary.mean:.{digits}f}"
    return mean if summary.low is None else f"{mean} [{summary.low:.{digits}f}, {summary.high:.{digits}f}]"


def summarise(values: Iterable[float | None], *, seed: int = 0, resamples: int = 2000) -> Summary:
    """Mean with its 95 % percentile bootstrap interval (Efron 1979) over utterances.

    Parameters
    ----------
    values : iterable of float or None
        One value an utterance; None is left out. Two at least are needed for an interval.
    seed : int
        Of the resampling: equal input gives equal intervals.
    resamples : int
    """
    known = np.array([value for value in values if value is not None], dtype=np.float64)
    if len(known) == 0:
        return Summary(None, None, None, 0)
    mean = float(known.mean())
    if len(known) == 1:
        return Summary(mean, None, None, 1)
    chosen = np.random.default_rng(seed).integers(len(known), size=(resamples, len(known)))
    low, high = np.percentile(known[chosen].mean(axis=1), [2.5, 97.5])
    return Summary(mean, float(low), float(high), len(known))


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

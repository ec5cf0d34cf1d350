"""What the scripts beside it share: interleaved timing, medians, and Markdown tables."""

from __future__ import annotations

import argparse
import platform
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

K = TypeVar("K")
T = TypeVar("T")

PAUSE = 0.05  # s; idle worker threads of torch and ONNX Runtime go on spinning for a while, on the next one's time
LEAST = 5  # repeats behind a median


@dataclass(frozen=True)
class Cost:
    """Seconds that something took.

    Parameters
    ----------
    wall : float
        On the clock.
    cpu : float
        Of the processor, all threads of this process together.
    """

    wall: float = 0.0
    cpu: float = 0.0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.wall + other.wall, self.cpu + other.cpu)


@dataclass(frozen=True)
class Spread:
    """Median, least and greatest of some figures."""

    median: float
    least: float
    greatest: float

    @classmethod
    def of(cls, figures: Iterable[float]) -> Spread:
        values = list(figures)
        return cls(statistics.median(values), min(values), max(values))

    def text(self, digits: int) -> str:
        """Cell of a table: median (least to greatest)."""
        return f"{self.median:,.{digits}f} ({self.least:,.{digits}f} to {self.greatest:,.{digits}f})"


def cost(work: Callable[[], object]) -> Cost:
    """Do the work once and say what it took."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return Cost(time.perf_counter() - wall, time.process_time() - cpu)


def interleaved(variants: Mapping[K, Callable[[], T]], repeats: int) -> dict[K, list[T]]:
    """Measure variants in turn, A B C A B C …, so that whatever else the machine does meets all of them alike.

    Parameters
    ----------
    variants : mapping of names to callables
        Each measures itself once and returns its figures.
    repeats : int
        Rounds that count, after one that does not.

    Returns
    -------
    dict of names to lists
        What each variant returned in the rounds that count.
    """
    results: dict[K, list[T]] = {name: [] for name in variants}
    for turn in range(repeats + 1):
        for name, measure in variants.items():
            time.sleep(PAUSE)
            figures = measure()
            if turn:
                results[name].append(figures)
    return results


def count(threads: int) -> str:
    """Threads in words."""
    return f"{threads} thread{'s' if threads > 1 else ''}"


def print_table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Markdown: the first column is words, the others are figures."""
    print(f"| {' | '.join(headings)} |")
    print(f"|---|{'---:|' * (len(headings) - 1)}")
    for row in rows:
        print(f"| {' | '.join(row)} |", flush=True)
    print()


def print_machine(**versions: str) -> None:
    """The processor and the versions of what was measured, above the tables."""
    print(f"{processor()}; {', '.join(f'{name} {version}' for name, version in versions.items())}\n", flush=True)


def processor() -> str:
    """Name of the processor, as well as the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def parser(
    description: str | None,
    *,
    threads: Sequence[int],
    repeats: int,
    seconds: float | None = None,
    of: str = "seconds of sound",
) -> argparse.ArgumentParser:
    """Command line that all scripts have.

    Parameters
    ----------
    description : str
    threads, repeats, seconds
        Defaults: numbers of threads, rounds that count, seconds (None where a batch says them).
    of : str
        What the seconds are.
    """
    line = argparse.ArgumentParser(description=description, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    line.add_argument("--threads", type=int, nargs="+", default=list(threads), help="numbers of threads to measure")
    line.add_argument("--repeats", type=_repeats, default=repeats, help=f"rounds that count, at least {LEAST}")
    if seconds is not None:
        line.add_argument("--seconds", type=float, default=seconds, help=of)
    line.add_argument("--mini", action="store_true", help="one round of the least: shows that the script works")
    return line


def _repeats(text: str) -> int:
    value = int(text)
    if value < LEAST:
        raise argparse.ArgumentTypeError(f"{value} rounds make no median, must be at least {LEAST}")
    return value

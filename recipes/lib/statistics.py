"""Print how much sound manifests have: recordings, minutes, shortest, median and longest, sample rates.

Example: python recipes/lib/statistics.py exp/vocoder/folder/small/data/*/*.jsonl
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from vocoder.errors import InputError
from vocoder.signal import audio
from vocoder.signal.manifest import read_manifest


def statistics(path: Path) -> str:
    """A row of the table."""
    seconds, rates = [], set()
    for row in read_manifest(path):
        found = audio.info(row.audio)
        _, count = audio.span(row.audio, found, row.start, row.duration)
        seconds.append(count / found.rate)
        rates.add(found.rate)
    cells = [str(len(seconds)), f"{sum(seconds) / 60:.2f}", *(f"{f(seconds):.2f}" for f in (min, np.median, max))]
    return f"| {path.parent.name}/{path.stem} | {' | '.join(cells)} | {', '.join(map(str, sorted(rates)))} |"


def main(paths: list[str]) -> int:
    print("| set | recordings | minutes | shortest (s) | median (s) | longest (s) | rate (Hz) |")
    print("|---|---|---|---|---|---|---|")
    for path in paths:
        print(statistics(Path(path)))
    print("\nMels are computed from the sound while a network trains: no features are stored.")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except InputError as error:
        print(f"statistics.py: {error}", file=sys.stderr)
        sys.exit(2)

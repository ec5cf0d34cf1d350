"""Convert pairs with the WORLD vocoder (Morise 2016): F0 to the range of the target, the spectrum as it is.

What a program without learning does. Writes OUT/WORLD/<id>.wav and OUT/WORLD/seconds.json for
`specgan evaluate --beside`.

Example: python recipes/lib/world_peer.py pairs.jsonl data/*/train.jsonl --out exp/peers
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from peers import written

from specgan.evaluate.errors import needs
from specgan.runtime import prosody
from specgan.runtime.prosody import Range
from vocoder.errors import InputError
from vocoder.signal import audio
from vocoder.signal.manifest import Recording, read_manifest

LISTENED = 20  # recordings of a speaker that tell its range
RATE = 22_050  # Hz


def frequency(row: Recording) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Wave, F0 and times of a recording."""
    import pyworld

    wave = audio.read_mono(row.audio, RATE, offset=row.start, duration=row.duration).astype(np.float64)
    coarse, times = pyworld.dio(wave, RATE)
    return wave, pyworld.stonemask(wave, coarse, times, RATE), times


def convert(row: Recording, ranges: dict[str, Range]) -> np.ndarray:
    """The recording at the pitch of the speaker in its `label`."""
    import pyworld

    wave, pitch, times = frequency(row)
    envelope, noise = pyworld.cheaptrick(wave, pitch, times, RATE), pyworld.d4c(wave, pitch, times, RATE)
    moved = prosody.carried(np.log(pitch.clip(1)), prosody.pitch_range(pitch), ranges[str(row.label)])
    made = pyworld.synthesize(np.where(pitch > 0, np.exp(moved), 0.0), envelope, noise, RATE)
    return np.clip(np.resize(made, len(wave)), -1, 1).astype(np.float32)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pairs", type=Path)
    parser.add_argument("training", type=Path, nargs="+", help="manifests that tell the range of each speaker")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(arguments)
    with needs("pyworld"):
        import pyworld  # noqa: F401  # only whether it is there
    heard: dict[str, list[np.ndarray]] = {}
    for row in (row for path in options.training for row in read_manifest(path)):
        if len(lines := heard.setdefault(str(row.speaker), [])) < LISTENED:
            lines.append(frequency(row)[1])
    ranges = {name: known for name, lines in heard.items() if (known := prosody.pitch_range(np.concatenate(lines)))}
    pairs = {row.id: row for row in read_manifest(options.pairs)}
    for row in pairs.values():
        if row.label not in ranges:
            raise InputError(
                f"{options.pairs}: {row.id} goes to {row.label!r}, of whom no training recording is voiced"
            )
    written(pairs, lambda row: (convert(row, ranges), RATE), options.out / "WORLD")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except InputError as error:
        print(f"world_peer.py: {error}", file=sys.stderr)
        sys.exit(2)

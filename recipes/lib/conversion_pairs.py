"""Test recordings of several speakers, each to be converted to all the others, as a manifest.

A row is a recording with its text, its speaker, and under `label` the speaker that it is to be converted to. With --to
the recordings of a manifest of pairs that go to one speaker are listed; with --speakers the class of each recording
becomes its speaker, in place.

Example: python recipes/lib/conversion_pairs.py data/*/test.jsonl --model model --each 5 --out pairs.jsonl
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from specgan.runtime.model import read_config
from vocoder.errors import InputError
from vocoder.signal.manifest import Recording, read_manifest, write_manifest


def pairs(rows: list[Recording], targets: list[str], each: int) -> list[Recording]:
    """Each pair of speakers gets its own recordings as far as there are enough; then they are taken again."""
    speakers: dict[str, list[Recording]] = {}
    for row in rows:
        speakers.setdefault(str(row.speaker), []).append(row)
    found = []
    for source, own in speakers.items():
        others = [name for name in targets if name != source]
        for number, target in enumerate(others):
            for row in [own[(number * each + k) % len(own)] for k in range(min(each, len(own)))]:
                found.append(replace(row, id=f"{row.id}-to-{target}", label=target))
    return found


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("manifests", type=Path, nargs="+")
    parser.add_argument("--each", type=int, default=5, help="recordings of each pair")
    parser.add_argument("--model", type=Path, help="folder of the model whose speakers are the targets")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--speakers", action="store_true", help="classes become speakers")
    parser.add_argument("--to", help="list the recordings for this speaker instead")
    options = parser.parse_args(arguments)
    if options.speakers:
        for path in options.manifests:
            write_manifest(path, [replace(row, speaker=row.label, label=None) for row in read_manifest(path)])
        return 0
    rows = [row for path in options.manifests for row in read_manifest(path)]
    if options.to is not None:
        print(*(row.audio for row in rows if row.label == options.to), sep="\n")
    else:
        targets = read_config(options.model)["speakers"]
        write_manifest(options.out, pairs(rows, targets, options.each))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except InputError as error:
        print(f"conversion_pairs.py: {error}", file=sys.stderr)
        sys.exit(2)

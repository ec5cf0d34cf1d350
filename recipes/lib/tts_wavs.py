"""Speak the texts of manifests with a voice, each by its speaker, into OUT/<corpus>/<id>.wav.

Example: python recipes/lib/tts_wavs.py exp/tts/kathleen/tiny/model exp/tts/kathleen/tiny/data/*/test.jsonl \
    --out exp/tts/kathleen/tiny/wavs
"""

from __future__ import annotations

import argparse
import sys
from itertools import groupby
from pathlib import Path

import specgan
from specgan.infer import Line, infer_lines
from vocoder.errors import InputError
from vocoder.signal.manifest import read_manifest


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help="folder of the voice")
    parser.add_argument("manifests", type=Path, nargs="+", help="with texts")
    parser.add_argument("--out", type=Path, required=True, help="folder for the sounds")
    options = parser.parse_args(arguments)
    voice = specgan.load(options.model)
    for manifest in options.manifests:
        folder = options.out / manifest.parent.name
        rows = sorted(read_manifest(manifest), key=lambda row: (row.speaker or "", row.language or ""))
        seconds = 0.0
        for (speaker, language), group in groupby(rows, key=lambda row: (row.speaker or "speaker", row.language)):
            lines = [Line(row.id, row.text or "") for row in group]
            seconds += infer_lines(voice, lines, folder, {"speaker": speaker, "language": language})
        print(f"{folder}: {len(rows)} files, {seconds:.1f} s of speech")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except InputError as error:
        print(f"tts_wavs.py: {error}", file=sys.stderr)
        sys.exit(2)

"""Write two classes of synthesised sounds, falling tones and hiss, for trying a recipe out: OUT/<class>/<file>.wav.

With --esc50 in the layout of ESC-50: OUT/audio/<fold>-<clip>-A-<target>.wav and OUT/meta/esc50.csv.

Example: python recipes/lib/made_up_sounds.py sounds
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from vocoder.signal import audio

RATE, SECONDS, EACH = 22_050, 0.37, 10


def sound(label: str, random: np.random.Generator) -> np.ndarray:
    """(N,) float32; each of its own pitch, level and speed."""
    time = np.arange(round(SECONDS * RATE)) / RATE
    level = random.uniform(0.1, 0.4)
    if label == "hiss":
        return (level * random.uniform(-1, 1, len(time))).astype(np.float32)
    frequency = random.uniform(400, 900) * np.exp(-random.uniform(0, 2) * time)
    return (level * np.exp(-6 * time) * np.sin(2 * np.pi * np.cumsum(frequency) / RATE)).astype(np.float32)


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--esc50", action="store_true")
    given = parser.parse_args()
    random = np.random.default_rng(0)
    rows = ["filename,fold,target,category,esc10,src_file,take"]
    for target, label in enumerate(("fall", "hiss")):
        for number in range(EACH):
            fold = number % 5 + 1
            name = f"{fold}-{100 * target + number}-A-{target}.wav"
            path = given.out / ("audio" if given.esc50 else label) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            audio.write(path, sound(label, random), RATE)
            rows.append(f"{name},{fold},{target},{label},True,{number},A")
    if given.esc50:
        (given.out / "meta").mkdir()
        (given.out / "meta" / "esc50.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

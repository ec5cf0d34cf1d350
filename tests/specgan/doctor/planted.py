"""A set made of the fixtures, in which faults are planted."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from specgan.doctor.examine import Examined, examine
from vocoder.signal import audio
from vocoder.signal.manifest import Recording, write_manifest

FIXTURES = Path(__file__).parents[2] / "fixtures"
RATE = 22_050


@dataclass
class Planted:
    """Recordings of kathleen as arrays with their rates and texts; `write` makes a manifest of them.

    Attributes
    ----------
    waves : dict
        id → (N,) or (2, N) float32.
    rates : dict
        id → Hz, as the file is to say.
    texts : dict
    """

    folder: Path
    waves: dict[str, np.ndarray]
    rates: dict[str, int]
    texts: dict[str, str]

    @property
    def ids(self) -> list[str]:
        return list(self.waves)

    def write(self, name: str = "train", only: list[str] | None = None) -> Path:
        rows = []
        for id in self.ids if only is None else only:
            path = self.folder / "wavs" / name / f"{id}.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            audio.write(path, self.waves[id], self.rates[id])
            rows.append(Recording(id, path, text=self.texts[id], speaker="kathleen", language="en"))
        write_manifest(self.folder / f"{name}.jsonl", rows)
        return self.folder / f"{name}.jsonl"


def kathleen(folder: Path) -> Planted:
    with (FIXTURES / "kathleen" / "metadata.csv").open(encoding="utf-8", newline="") as file:
        texts = {id: text for id, text, *_ in csv.reader(file, delimiter="|", quoting=csv.QUOTE_NONE)}
    waves = {id: audio.read_mono(FIXTURES / "kathleen" / "wavs" / f"{id}.flac", RATE) for id in texts}
    return Planted(folder, waves, dict.fromkeys(texts, RATE), texts)


def found(examined: Examined) -> dict[str, list[str]]:
    """check → the recordings that it names, in alphabetical order."""
    return {item.check: sorted(case.name for case in item.cases) for item in examined.findings}


def diagnose(planted: Planted, **options: object) -> dict[str, list[str]]:
    return found(examine([planted.write()], **options))

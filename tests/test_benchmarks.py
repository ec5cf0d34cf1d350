"""The benchmarks run and print their tables; what they measure is nobody's business here."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# first cells (names, runtimes, precisions) that must stand in the tables of a short run, and how many figures follow
TABLES = {
    "decoding": (
        [
            (model, runtime)
            for model in ("Fourier vocoder `tiny`, 2 projections", "Vocos", "HiFi-GAN V2")
            for runtime in ("torch", "ONNX Runtime")
        ],
        4,
    ),
    "training_step": (
        [
            ("Fourier vocoder `small`, its critics", "float32", "1 × 2048"),
            ("HiFi-GAN V2, our engine", "float32", "1 × 2048"),
            ("HiFi-GAN V2, usual loop", "float32", "1 × 2048"),
        ],
        8,
    ),
    "loading": (
        [
            ("our loader, in memory",),
            ("our loader, by seeking",),
            ("whole file for each crop",),
            ("training step consumes, first phase",),
            ("training step consumes, with critics",),
        ],
        3,
    ),
    "mel": (
        [("LogMel, torch",), ("LogMel, ONNX Runtime",), ("librosa",), ("librosa, filters kept",), ("torchaudio",)],
        5,
    ),
}


def rows(output):
    """Cells of the lines of a Markdown table, without its heading."""
    lines = [line for line in output.splitlines() if line.startswith("|")]
    assert set(lines[1]) <= set("|-:")
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


@pytest.mark.parametrize("script", TABLES)
def test_a_short_run_prints_the_table(script):
    search = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    run = subprocess.run(
        [sys.executable, ROOT / "benchmarks" / f"{script}.py", "--mini"],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "PYTHONPATH": search},
    )
    assert run.returncode == 0, run.stderr
    names, figures = TABLES[script]
    table = rows(run.stdout)
    assert [tuple(row[: len(names[0])]) for row in table] == names
    for row in table:
        cells = row[len(names[0]) :]
        assert len(cells) == figures
        # "–" where a variant has no such phase; else a median with its least and greatest, or one figure
        assert all(cell == "–" or float(cell.split()[0].replace(",", "")) >= 0 for cell in cells)
    assert str(ROOT) not in run.stdout


def test_fewer_than_five_rounds_are_refused():
    run = subprocess.run(
        [sys.executable, ROOT / "benchmarks" / "mel.py", "--repeats", "4"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert run.returncode == 2 and "must be at least 5" in run.stderr

"""The benchmarks run and print their tables; what they measure is nobody's business here."""

import importlib
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
            for model in ("Fourier vocoder `tiny`, 0 projections", "Vocos", "HiFi-GAN V2")
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


def test_fewer_than_five_rounds_are_refused(monkeypatch, capsys):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    timing = importlib.import_module("timing")
    line = timing.parser("", threads=(1,), repeats=7)
    assert line.parse_args(["--repeats", "5"]).repeats == 5
    with pytest.raises(SystemExit):
        line.parse_args(["--repeats", "4"])
    assert "must be at least 5" in capsys.readouterr().err


def test_variants_are_measured_in_turn_and_the_first_round_does_not_count(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    timing = importlib.import_module("timing")
    calls = []

    def variant(name):
        return lambda: calls.append(name) or len(calls)

    figures = timing.interleaved({"a": variant("a"), "b": variant("b")}, repeats=2)
    assert calls == ["a", "b"] * 3 and figures == {"a": [3, 5], "b": [4, 6]}
    assert timing.Spread.of([3, 1, 1000]).text(1) == "3.0 (1.0 to 1,000.0)"

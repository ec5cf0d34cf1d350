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


def test_speaking_prints_its_three_tables():
    search = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    run = subprocess.run(
        [sys.executable, ROOT / "benchmarks" / "speaking.py", "--mini"],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "PYTHONPATH": search},
    )
    assert run.returncode == 0, run.stderr
    tables = [rows(part) for part in run.stdout.split("\n\n") if part.startswith("|")]
    cold, memory, warm = tables
    assert cold[0][0] == "specgan" and float(cold[0][1]) > 1 and memory[0][0] == "10 words"
    assert 30 < float(memory[0][2]) < 1000 and warm[0][0] == "specgan, 10 words"


def test_a_child_is_measured_with_all_that_it_used():
    # from a small process: what a child has before it becomes another program is its parent's memory
    program = (
        "import sys, children\n"
        "for work in ('pass', \"sum(range(10**7)); x = b'x' * 10**8\"):\n"
        "    child = children.run([sys.executable, '-c', work])\n"
        "    print(child.wall, child.cpu, child.memory)\n"
        "children.run([sys.executable, '-c', 'raise SystemExit(3)'])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT / "benchmarks")
    small, large = ([float(word) for word in line.split()] for line in done.stdout.splitlines())
    assert large[2] > 1e8 > small[2] and large[1] > small[1] and large[0] >= 0.5 * large[1]
    assert "CalledProcessError" in done.stderr and "status 3" in done.stderr


def test_errors_of_boundaries_have_a_sign_and_words_are_spread_by_letters(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    alignment = importlib.import_module("alignment")
    wanted = [("on", 0.5, 0.7), ("land", 0.7, 1.4)]
    found = [("on", 0.48, 0.75), ("land", 0.75, 1.4)]
    assert alignment.errors(found, wanted).round(6).tolist() == [[-20, 50], [50, 0]]
    assert alignment.spread(wanted, 3.0) == [("on", 0.0, 1.0), ("land", 1.0, 3.0)]


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

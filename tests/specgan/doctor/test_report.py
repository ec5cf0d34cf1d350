"""The command: what it prints and writes, and its exit codes."""

import json
import subprocess
import sys

import numpy as np
import pytest

from specgan.cli import main
from tests.specgan.doctor.planted import kathleen


def test_nothing_wrong(planted, capsys):
    assert main(["doctor", str(planted.write())]) == 0
    out = capsys.readouterr().out
    assert "12 recordings, 0.6 minutes, 22050 Hz, 1 speaker" in out
    assert "0 serious findings, 0 notes" in out
    assert "usable: 0.6 of 0.6 minutes" in out


def test_serious_findings_and_the_json(planted, capsys):
    for id in planted.ids[:7]:
        planted.waves[id] = np.clip(planted.waves[id], -0.1, 0.1)
    out = planted.folder / "doctor.json"
    assert main(["doctor", "--manifest", str(planted.write()), "-o", str(out)]) == 1
    printed = capsys.readouterr().out
    assert "SERIOUS clipping: 7 of 12" in printed and "and 2 more" in printed
    written = json.loads(out.read_text())
    assert written["serious"] is True
    clipping = next(found for found in written["findings"] if found["check"] == "clipping")
    assert sorted(case["name"] for case in clipping["cases"]) == planted.ids[:7]
    assert [one["id"] for one in written["recordings"] if not one["usable"]] == planted.ids[:7]
    left = sum(one["seconds"] for one in written["recordings"] if one["usable"]) / 60
    assert written["usable_minutes"] == pytest.approx(left, abs=1e-5)


def test_notes_alone_are_no_failure(planted):
    planted.waves["arctic_a0004"] = planted.waves["arctic_a0004"] + 0.05
    assert main(["doctor", str(planted.write())]) == 0


def test_a_model(capsys, tmp_path):
    assert main(["doctor", "--model", "vocoder-22k", "-o", str(tmp_path / "model.json")]) == 0
    assert "fingerprint" in capsys.readouterr().out
    assert json.loads((tmp_path / "model.json").read_text())["facts"]["task"] == "vocoder"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "either manifests or --model"),
        (["a.jsonl", "--model", "kathleen"], "either manifests or --model"),
        (["--model", "kathleen", "--mels", "x"], "are for manifests"),
        (["nothing.jsonl"], "cannot be read"),
        (["--model", "nothing"], "no shipped model"),
    ],
)
def test_what_cannot_be_examined(arguments, words, capsys):
    if arguments:
        assert main(["doctor", *arguments]) == 2
        assert words in capsys.readouterr().err


def test_manifests_need_no_torch(tmp_path):
    path = kathleen(tmp_path).write()
    program = (
        "import sys\nfrom specgan.cli import main\n"
        f"code = main(['doctor', {str(path)!r}])\n"
        "sys.exit(f'brings {heavy}' if (heavy := {'torch', 'scipy', 'librosa'} & set(sys.modules)) else code)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr

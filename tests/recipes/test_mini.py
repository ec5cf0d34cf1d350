"""Every recipe, from its data to a packed model, on the fixtures."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile

from vocoder.signal.manifest import read_manifest

ROOT = Path(__file__).parents[2]
RECIPES = {path.parent.name: path for path in sorted((ROOT / "recipes/vocoder").glob("*/run.sh"))}
HEAVY = {"torch", "librosa", "scipy", "tensorboard", "omegaconf", "rich"}


def recipe(name: str, *words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHON": sys.executable, "OMP_NUM_THREADS": "1"}
    command = ["bash", str(RECIPES[name]), *words]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False, timeout=1200)


@pytest.mark.parametrize(("name", "corpora"), [("folder", 1), ("kathleen", 2), ("ljspeech", 1)])
def test_mini(name, corpora, tmp_path):
    done = recipe(name, "--mini", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    stages = re.findall(r"^== stage (-?\d): (\S+)$", done.stderr, re.MULTILINE)
    assert [int(number) for number, _ in stages] == list(range(-1, 8))
    run = tmp_path / "exp/vocoder" / name / "mini"

    # training: the mel distance on unseen recordings fell
    figures = re.findall(r"validation mel (\S+)", (run / "log.txt").read_text())
    assert len(figures) >= 2
    assert float(figures[-1]) < float(figures[0])

    # inference: every test recording, as long as it was
    manifests = sorted(run.glob("data/*/test.jsonl"))
    assert len(manifests) == corpora
    for manifest in manifests:
        for row in read_manifest(manifest):
            made = soundfile.info(run / "wavs" / manifest.parent.name / f"{row.id}.wav")
            assert (made.frames, made.samplerate) == (soundfile.info(row.audio).frames, 22_050)

    # evaluation: the bounds stand beside the model, and the recording against itself is perfect
    results = (run / "RESULTS.md").read_text()
    assert "run.sh --mini" in results
    for manifest in manifests:
        assert f"## {manifest.parent.name}" in results
        scores = json.loads((run / "results" / manifest.parent.name / "evaluation.json").read_text())
        means = {
            system: found["summary"]["multi_resolution_stft"]["mean"] for system, found in scores["systems"].items()
        }
        recording, griffin_lim, *model = means
        assert "recording" in recording and "Griffin-Lim" in griffin_lim and len(model) == 2
        assert means[recording] == 0
        assert all(means[system] > 0.1 for system in (griffin_lim, *model))
        assert scores["systems"][recording]["summary"]["pesq"]["mean"] == pytest.approx(4.64, abs=0.01)

    # packing: the folder decodes, without torch
    source, out = next(run.glob("wavs/**/*.wav")), tmp_path / "again.wav"
    arguments = ["vocoder", "decode", str(source), "-o", str(out), "--model", str(run / "model")]
    program = f"import sys; from specgan.cli import main; print(main({arguments}), {HEAVY} & sys.modules.keys())"
    decoded = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    assert decoded.stdout.splitlines()[-1] == "0 set()"
    assert soundfile.info(out).frames == soundfile.info(source).frames


def test_every_recipe_is_tried():
    assert set(RECIPES) == {"folder", "kathleen", "ljspeech"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "--data is missing"),
        (("--stage",), "--stage needs a value"),
        (("--stage", "two"), "a stage is a number"),
        (("--nonsense",), "unknown argument --nonsense"),
        (("--data", "nowhere"), "nowhere"),
        (("--data", ".", "--conf", "no.yaml"), "no.yaml"),
        (("--data", ".", "--stage", "3"), "begin with --stage 0"),
        (("--data", ".", "--stage", "8", "--stop-stage", "8"), "there is no stage 8"),
    ],
)
def test_wrong_usage(words, said, tmp_path):
    done = recipe("folder", *words, cwd=tmp_path)
    assert done.returncode == 2
    assert said in done.stderr.splitlines()[-1]
    assert done.stderr.count("specgan:") + done.stderr.count("run.sh:") == 1
    assert not list(tmp_path.iterdir())


def test_help_names_the_data_and_the_stages(tmp_path):
    done = recipe("kathleen", "--help", cwd=tmp_path)
    assert done.returncode == 0
    assert "--data FOLDER" in done.stdout and "kathleen/" in done.stdout and "--stop-stage" in done.stdout

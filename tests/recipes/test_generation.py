"""Sounds from a folder, from its data to a packed model, and what belongs to the recipes alone."""

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile
from PIL import Image

from specgan.tasks.generation import GenerationRun
from tests.recipes.test_mini import recipe, without_torch
from vocoder.engine.config import load_config
from vocoder.signal.manifest import read_manifest

ROOT = Path(__file__).parents[2]
LOCAL = ROOT / "recipes" / "generation" / "esc10" / "local"


def program(path: Path, *words: object) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(path), *map(str, words)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=600)


@pytest.fixture(scope="module", params=["folder", "esc10"])
def run(request, tmp_path_factory):
    cwd = tmp_path_factory.mktemp(request.param)
    done = recipe(f"generation/{request.param}", "--mini", cwd=cwd)
    assert done.returncode == 0, done.stderr
    return cwd / "exp" / "generation" / request.param / "mini"


def test_a_folder_of_sounds_becomes_a_model(run, tmp_path):
    sets = {name: read_manifest(run / f"data/sounds/{name}.jsonl") for name in ("train", "validation", "test")}
    assert all({row.label for row in rows} == {"fall", "hiss"} for rows in sets.values())
    if "esc10" in run.parts:
        assert [row.id.split("/")[1][:2] for row in sets["test"]] == ["3-"] * 4
        assert not any(row.id.split("/")[1].startswith("3-") for row in (*sets["train"], *sets["validation"]))
    assert re.search("validation score", (run / "gan/log.txt").read_text())
    for label in ("fall", "hiss"):
        for seed in range(4):
            made = soundfile.info(run / f"wavs/{label}-{seed}.wav")
            assert (made.frames, made.samplerate) == (32 * 256, 22_050)
    results = (run / "RESULTS.md").read_text()
    assert "Resemblance" in results and "| fall |" in results and "| all | " in results
    scores = json.loads((run / "results/sounds/evaluation.json").read_text())["systems"]
    assert [scores[name]["kind"] for name in scores] == ["bound"] * 3 + ["model"]
    without_torch("infer", "--label", "hiss", "-o", tmp_path / "hiss.wav", "--model", run / "model")
    assert soundfile.info(tmp_path / "hiss.wav").frames == 32 * 256


def test_objectives_are_compared(run, tmp_path):
    if "esc10" not in run.parts:
        return  # one corpus is enough
    spec = importlib.util.spec_from_file_location("objectives", LOCAL / "objectives.py")
    objectives = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(objectives)
    config = load_config(GenerationRun, ROOT / "recipes" / "generation" / "conf" / "mini.yaml")
    sounds, test = objectives.sets(config, run / "data" / "sounds", ["fall", "hiss"])
    names = ["minimax", "non-saturating", "lsgan", "hinge", "wgan", "wgan-gp", "relativistic", "non-saturating-dcgan"]
    assert names == objectives.GAMES_AND_LAYERS
    for name in names:
        objectives.train(name, config, sounds, test, 0.2, tmp_path / name)
    objectives.report(names, sounds, test, tmp_path, "the command")
    lines = (tmp_path / "objectives.md").read_text().splitlines()
    rows = [line.strip("| ").split(" | ") for line in lines if line.startswith("| ")]
    assert [row[0] for row in rows[2:]] == names
    assert rows[1][0].startswith("the training recordings") and float(rows[1][3]) < 3 and float(rows[1][5]) == 0
    for row in rows[2:]:
        assert int(row[1]) >= 1 and float(row[3]) > float(rows[1][3])  # nobody learns this in a moment
    # eight strips of 80 bands, 4 white rows between, and the recordings; each of 2 x 4 sounds of 32 frames
    assert Image.open(tmp_path / "objectives.png").size == (8 * 32, 9 * 80 + 8 * 4)


def test_both_layouts_of_esc10_are_read(tmp_path):
    folders = tmp_path / "classes"
    for label, name in (("rain", "1-5-A.ogg"), ("rain", "3-6-A.ogg"), ("rooster", "3-7-B.ogg")):
        (folders / label).mkdir(parents=True, exist_ok=True)
        (folders / label / name).write_bytes(b"")
    published = tmp_path / "published"
    (published / "meta").mkdir(parents=True)
    (published / "audio").mkdir()
    rows = ["1-5-A-10.wav,1,10,rain,True,5,A", "3-6-A-10.wav,3,10,rain,True,6,A", "1-9-A-3.wav,1,3,cow,False,9,A"]
    (published / "meta/esc50.csv").write_text("\n".join(["filename,fold,target,category,esc10,src_file,take", *rows]))
    for row in rows:
        (published / "audio" / row.split(",")[0]).write_bytes(b"")
    for data, ids, files in (
        (folders, ["rain/3-6-A", "rooster/3-7-B"], 3),
        (published, ["rain/3-6-A-10"], 2),
    ):
        out = tmp_path / "out" / data.name
        assert program(LOCAL / "layout.py", data, out).returncode == 0
        assert (out / "test.txt").read_text().split() == ids
        assert len(list(out.glob("*/*"))) == files
    (published / "audio/3-6-A-10.wav").unlink()
    done = program(LOCAL / "layout.py", published, tmp_path / "none")
    assert done.returncode == 2 and "3-6-A-10.wav: is in" in done.stderr
    done = program(LOCAL / "layout.py", tmp_path, tmp_path / "none")
    assert done.returncode == 2 and "has no clip 3-" in done.stderr

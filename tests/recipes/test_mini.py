"""Every recipe, from its data to a packed model, on the fixtures."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from vocoder.signal.manifest import read_manifest
from vocoder.signal.spec import preset

ROOT = Path(__file__).parents[2]
RECIPES = {f"{path.parts[-3]}/{path.parts[-2]}": path for path in sorted((ROOT / "recipes").glob("*/*/run.sh"))}
HEAVY = {"torch", "librosa", "scipy", "tensorboard", "omegaconf", "rich"}


def recipe(name: str, *words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHON": sys.executable, "OMP_NUM_THREADS": "1"}
    command = ["bash", str(RECIPES[name]), *words]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False, timeout=1200)


@pytest.fixture(scope="module")
def mini(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The run folder of a recipe; it is run once."""
    runs: dict[str, Path] = {}

    def run(name: str) -> Path:
        if name not in runs:
            cwd = tmp_path_factory.mktemp(name.replace("/", "-"))
            done = recipe(name, "--mini", cwd=cwd)
            assert done.returncode == 0, done.stderr
            stages = re.findall(r"^== stage (-?\d): (\S+)$", done.stderr, re.MULTILINE)
            assert [int(number) for number, _ in stages] == list(range(-1, 8))
            runs[name] = cwd / "exp" / name / "mini"
        return runs[name]

    return run


def without_torch(*words: object) -> None:
    """Run a command, which must not import what only training needs."""
    arguments = list(map(str, words))
    program = f"import sys; from specgan.cli import main; print(main({arguments}), {HEAVY} & sys.modules.keys())"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.splitlines()[-1] == "0 set()", done.stderr


@pytest.mark.parametrize(("name", "corpora"), [("folder", 1), ("kathleen", 2), ("ljspeech", 1)])
def test_a_vocoder(name, corpora, mini, tmp_path):
    run = mini(f"vocoder/{name}")

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
        assert f"## {run.name} on {manifest.parent.name}/test.jsonl" in results
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
    without_torch("vocoder", "decode", source, "-o", out, "--model", run / "model")
    assert soundfile.info(out).frames == soundfile.info(source).frames


SPEAKERS = {
    "folder": ["speaker"],
    "kathleen": ["kathleen", "ljspeech"],
    "ljspeech": ["ljspeech"],
    "vctk": ["p225", "p226"],
}


@pytest.mark.parametrize("name", SPEAKERS)
def test_a_voice(name, mini, tmp_path):
    run = mini(f"tts/{name}")

    # training: on unseen recordings the regression comes nearer
    figures = re.findall(r"validation coarse (\S+)", (run / "acoustic/log.txt").read_text())
    assert len(figures) >= 2
    assert float(figures[-1]) < float(figures[0])

    # the vocoder's fine-tuning: a mel for every recording that was aligned, frame by frame where its sound is
    left_out = [line.split("\t")[0] for line in (run / "alignments/left_out.txt").read_text().splitlines()]
    for part in ("train", "validation"):
        rows = [row for path in sorted(run.glob(f"data/*/{part}.jsonl")) for row in read_manifest(path)]
        drawn = read_manifest(run / f"mels/{part}.jsonl")
        assert [row.id for row in drawn] == [row.id for row in rows if row.id not in left_out]
        for row in drawn:
            mel = np.load(run / f"mels/{row.id}.npy")
            assert mel.dtype == np.float32 and mel.shape == (80, preset("22k").frames(soundfile.info(row.audio).frames))
    assert json.loads((run / "mels/mels.json").read_text()) == preset("22k").to_dict()
    figures = re.findall(r"validation mel (\S+)", (run / "vocoder/log.txt").read_text())
    assert float(figures[-1]) < float(figures[0])

    # inference: every test recording's text
    manifests = sorted(run.glob("data/*/test.jsonl"))
    for manifest in manifests:
        for row in read_manifest(manifest):
            wave, rate = soundfile.read(run / "wavs" / manifest.parent.name / f"{row.id}.wav")
            assert rate == 22_050 and wave.std() > 1e-4

    # evaluation: the bounds stand beside the voice, and the recordings are at no distance from themselves
    results = (run / "RESULTS.md").read_text()
    assert "run.sh --mini" in results and "specgan evaluate --model" in results
    assert "| **the voice without GAN** |" in results and "| drawn by the GAN |" in results
    assert ("on mini/sentence.txt" in results) == (name != "folder")
    scores = json.loads((run / "results/prompts/evaluation.json").read_text())
    distance = {system: found["summary"]["mcd"]["mean"] for system, found in scores["systems"].items()}
    assert distance["the recording"] == pytest.approx(0, abs=1e-6)
    assert distance["the voice"] > distance["the recording's mel, vocoded"] > 0.1

    # packing: the folder speaks, each of its speakers, without torch
    model = run / "model"
    assert (model / "RESULTS.md").read_text() == results and (model / "mels.png").is_file()
    assert json.loads((model / "config.json").read_text())["speakers"] == SPEAKERS[name]
    card = (model / "README.md").read_text()
    assert f"| speakers | {', '.join(SPEAKERS[name])} |" in card
    out = tmp_path / "said.wav"
    words = ("infer", "--text", "The men shook hands.", "-o", out, "--model", model)
    without_torch(*words, "--speaker", SPEAKERS[name][-1])
    assert soundfile.info(out).duration > 0.1


def test_a_voice_is_fine_tuned(mini, tmp_path):
    given, scratch = mini("tts/kathleen") / "model", mini("tts/folder")
    run = tmp_path / "exp/tts/folder/tuned"
    for part in ("data", "alignments"):
        shutil.copytree(scratch / part, run / part)
    words = ("--mini", "--tag", "tuned", "--from", str(given), "--stage", "3", "--stop-stage", "3")
    done = recipe("tts/folder", *words, "gan.train.steps=4", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    first = [
        float(re.findall(r"validation coarse (\S+)", (folder / "acoustic/log.txt").read_text())[0])
        for folder in (run, scratch)
    ]
    assert first[0] < first[1]  # at the same step: it began ahead
    assert "step 4/4" in (run / "gan/log.txt").read_text()
    settled = (run / "gan/config.yaml").read_text()
    assert f"initial: {given}" in settled and f"vocoder: {given}" in settled


ENHANCERS = {"folder": 1, "voicebank_demand": 2, "dns": 1, "mixed": 3}
"""Name → how many recordings its test has."""


@pytest.mark.parametrize("name", ENHANCERS)
def test_an_enhancer(name, mini, tmp_path):
    run = mini(f"enhancement/{name}")

    # training: the distance from the clean recordings fell; so few steps need not help those that are hardly noisy
    figures = re.findall(r" reconstruction (\S+)", (run / "log.txt").read_text())
    assert len(figures) >= 3
    assert float(figures[-1]) < float(figures[0])

    # manifests: nobody who is tested was heard before
    heard = {row.audio for path in run.glob("data/*/*.jsonl") if path.stem != "test" for row in read_manifest(path)}
    tested = {row.audio for path in run.glob("data/*/test.jsonl") for row in read_manifest(path)}
    assert heard and not heard & tested

    # inference: every noisy recording, as long as it was
    rows = read_manifest(run / "mixtures/test.jsonl")
    assert len(rows) == ENHANCERS[name]
    for row in rows:
        made = next(run.glob(f"wavs/{row.id}.*"))
        assert soundfile.info(made).frames == soundfile.info(row.source).frames == soundfile.info(row.audio).frames
        assert not np.array_equal(soundfile.read(made)[0], soundfile.read(row.source)[0])

    # evaluation: the best gain lies between the noisy and the clean recordings, and the model stands beside them
    assert "run.sh --mini" in (run / "RESULTS.md").read_text()
    scores = json.loads((run / "results/mixtures/evaluation.json").read_text())
    pesq = {system: found["summary"]["pesq"]["mean"] for system, found in scores["systems"].items()}
    assert list(pesq)[:3] == ["the recording", "the noisy recording", "the best gain"]
    assert pesq["the recording"] > pesq["the best gain"] > pesq["the noisy recording"] + 0.3
    assert "the model, renderer gain" in pesq

    # packing: the folder enhances, without torch
    without_torch("infer", "--audio", rows[0].source, "-o", tmp_path / "clean.wav", "--model", run / "model")
    assert soundfile.info(tmp_path / "clean.wav").frames == soundfile.info(rows[0].source).frames


CONVERTERS = {
    "arctic": ["bdl", "slt"],
    "folder": ["kathleen", "ljspeech"],
    "mixed": ["kathleen", "ljspeech"],
    "vctk": ["p225", "p226"],
}


@pytest.mark.parametrize("name", CONVERTERS)
def test_a_conversion(name, mini, tmp_path):
    run = mini(f"conversion/{name}")

    # training: on unseen recordings the mel comes nearer
    figures = re.findall(r"validation l1 (\S+)", (run / "convert/log.txt").read_text())
    assert len(figures) >= 2
    assert float(figures[-1]) < float(figures[0])

    # inference: recordings of everybody, as long as they were, in the voice of everybody else
    pairs = read_manifest(run / "pairs.jsonl")
    assert {row.label for row in pairs} <= set(CONVERTERS[name])
    assert all(row.label != row.speaker for row in pairs)
    for row in pairs:
        made = soundfile.info(run / "wavs" / str(row.label) / row.audio.name)
        assert (made.frames, made.samplerate) == (soundfile.info(row.audio).frames, 22_050)

    # evaluation
    results = (run / "RESULTS.md").read_text()
    assert "run.sh --mini" in results and "## Who is heard" in results

    # packing: the folder converts, without torch
    config = json.loads((run / "model/config.json").read_text())
    assert config["speakers"] == CONVERTERS[name] and config["vocoder"] == "vocoder-22k"
    out = tmp_path / "converted.wav"
    words = ("infer", "--audio", pairs[0].audio, "-o", out, "--model", run / "model", "--to", pairs[0].label)
    without_torch(*words)
    assert soundfile.info(out).frames == soundfile.info(pairs[0].audio).frames


def test_every_recipe_is_tried():
    assert set(RECIPES) == {
        *(f"vocoder/{name}" for name in ("folder", "kathleen", "ljspeech")),
        *(f"tts/{name}" for name in SPEAKERS),
        *(f"enhancement/{name}" for name in ENHANCERS),
        *(f"conversion/{name}" for name in CONVERTERS),
        *(f"generation/{name}" for name in ("folder", "esc10")),  # test_generation.py
    }


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "--data is missing"),
        (("--from", "nobody"), "unknown argument --from"),
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
    refused(recipe("vocoder/folder", *words, cwd=tmp_path), said)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--conf", "nowhere"), "nowhere/align.yaml"),
        (("train.steps=3",), "a setting begins with align., acoustic., gan. or vocoder."),
        (("--from",), "--from needs a value"),
        (("--from", "nobody"), "nobody: no voice with its weights"),
        (("--textgrids", "nowhere"), "nowhere: no such folder"),
        (("--stage", "3"), "begin with --stage 0"),
        (("--stage", "0", "--stop-stage", "0"), "holds no sound"),
    ],
)
def test_wrong_usage_of_a_voice(words, said, tmp_path):
    refused(recipe("tts/folder", "--data", ".", *words, cwd=tmp_path), said)
    assert not list(tmp_path.iterdir())


def refused(done: subprocess.CompletedProcess[str], said: str) -> None:
    assert done.returncode == 2, done.stderr
    assert said in done.stderr.splitlines()[-1]
    assert done.stderr.count("specgan:") + done.stderr.count("run.sh:") == 1


@pytest.mark.parametrize("name", ["vocoder/kathleen", "tts/kathleen"])
def test_help_names_the_data_and_the_stages(name, tmp_path):
    done = recipe(name, "--help", cwd=tmp_path)
    assert done.returncode == 0
    assert "--data FOLDER" in done.stdout and "kathleen/" in done.stdout and "--stop-stage" in done.stdout

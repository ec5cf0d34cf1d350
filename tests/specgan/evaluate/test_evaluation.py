"""`specgan evaluate` from a manifest to a card."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import specgan.evaluate.score as scoring
from specgan.cli import main
from specgan.evaluate.choose import Chosen
from specgan.evaluate.evaluation import Wanted, bounded, evaluate
from specgan.evaluate.measures import MEASURES
from specgan.evaluate.report import Results, Row, Scored
from specgan.evaluate.systems import open_bench
from specgan.evaluate.systems.base import Prompt
from specgan.runtime.pipeline import Vocoder
from vocoder.errors import InputError
from vocoder.signal import audio
from vocoder.signal.manifest import Recording, write_manifest

WAVS = Path(__file__).parents[2] / "fixtures" / "kathleen" / "wavs"
RATE = 22_050
TEXTS = {
    "arctic_a0008": "Gad, your letter came just in time.",
    "arctic_a0004": "Lord, but I'm glad to see you again, Phil.",
}


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "test.jsonl"
    write_manifest(path, [Recording(id, WAVS / f"{id}.flac", text=text, language="en") for id, text in TEXTS.items()])
    return path


@pytest.fixture(scope="module")
def card(manifest: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A card of the shipped vocoder, beside sounds of half the level."""
    out, peer = (tmp_path_factory.mktemp(name) for name in ("out", "peer"))
    for id in TEXTS:
        audio.write(peer / f"{id}.wav", audio.read_mono(WAVS / f"{id}.flac", 16_000) / 2, 16_000)
    (peer / "seconds.json").write_text(json.dumps(dict.fromkeys(TEXTS, 0.5)))
    words = ["evaluate", "--model", "vocoder-22k", "--manifest", str(manifest), "--beside", f"quiet={peer}"]
    words += ["--only", "pesq,si_sdr,multi_resolution_stft,real_time_factor,peak_memory", "-o", str(out)]
    assert main(words) == 0
    return out


def test_the_model_stands_between_its_bounds(card: Path) -> None:
    found = json.loads((card / "evaluation.json").read_text(encoding="utf-8"))
    systems = found["systems"]
    assert list(systems) == ["the recording", "Griffin-Lim", "the vocoder", "quiet"]
    assert [system["kind"] for system in systems.values()] == ["bound", "bound", "model", "beside"]
    assert found["bounds"] == ["the recording", "Griffin-Lim"]
    mean = {
        name: {measure: summary["mean"] for measure, summary in system["summary"].items()}
        for name, system in systems.items()
    }
    assert mean["the recording"]["pesq"] == pytest.approx(4.64, abs=0.01)
    assert mean["the recording"]["multi_resolution_stft"] == 0
    assert mean["Griffin-Lim"]["pesq"] < mean["the vocoder"]["pesq"] - 0.4
    assert mean["the vocoder"]["multi_resolution_stft"] < mean["Griffin-Lim"]["multi_resolution_stft"]
    # half the level: the gain does not count for SI-SDR, and what 16 kHz lack is little
    assert mean["quiet"]["si_sdr"] > 15
    seconds = [audio.info(WAVS / f"{id}.flac").samples / RATE for id in TEXTS]
    assert mean["quiet"]["real_time_factor"] == pytest.approx(np.median([0.5 / one for one in seconds]), rel=1e-3)
    assert mean["the recording"]["real_time_factor"] is None
    assert 50 < mean["the vocoder"]["peak_memory"] < 600


def test_the_vocoder_scored_is_the_shipped_one(card: Path) -> None:
    wave = audio.read_mono(WAVS / "arctic_a0004.flac", RATE)
    made = audio.read_mono(card / "sounds/the vocoder/arctic_a0004.flac", RATE)
    assert made == pytest.approx(Vocoder.load(threads=1).resynthesise(wave), abs=2e-5)


def test_the_card_says_how_to_make_it_again(card: Path, manifest: Path) -> None:
    text = (card / "card.md").read_text(encoding="utf-8")
    assert text.startswith(f"# vocoder-22k on {manifest.parent.name}/test.jsonl\n")
    assert f"specgan evaluate --model vocoder-22k --manifest {manifest} --beside quiet=" in text
    assert "| **the vocoder** |" in text and "- PESQ, wide band: ITU-T P.862.2" in text
    assert "the recording: SI-SDR (dB) left out for 2 of 2 (no distortion at all, the ratio is infinite)." in text
    assert "<html" in (card / "card.html").read_text(encoding="utf-8")
    assert len(list(card.glob("sounds/*/*.flac"))) == 8


def test_scores_do_not_depend_on_processes(
    card: Path, manifest: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(scoring, "FEW", 1)
    wanted = Wanted("vocoder-22k", manifest, only=["multi_resolution_stft"])
    results = evaluate(wanted, tmp_path)
    before = json.loads((card / "evaluation.json").read_text(encoding="utf-8"))["systems"]["the vocoder"]["utterances"]
    for one, row in zip(before, results.systems["the vocoder"].rows, strict=True):
        assert row.values["multi_resolution_stft"] == one["values"]["multi_resolution_stft"]


def test_a_voice_and_sentences_without_recordings(manifest: Path, tmp_path: Path) -> None:
    sentences = tmp_path / "sentences.txt"
    sentences.write_text("# why\nNo.\nAt 5.\tAt { 5 / five }.\n", encoding="utf-8")
    wanted = Wanted("kathleen", manifest, sentences, recogniser="none", only=["real_time_factor", "dnsmos"])
    found = evaluate(wanted, tmp_path / "out")
    assert list(found.systems) == ["the recordings, other texts", "the voice", "the voice without GAN"]
    assert [row.id for row in found.systems["the voice"].rows] == ["sentence-01", "sentence-02"]
    assert [row.id for row in found.systems["the recordings, other texts"].rows] == list(TEXTS)
    assert found.summary("the recordings, other texts", "dnsmos").mean > 2.5
    assert found.summary("the voice", "real_time_factor").count == 2
    assert found.summary("the voice without GAN", "real_time_factor").count == 0
    assert found.texts["sentence-02"] == "At 5."


def test_bounds_of_a_voice(manifest: Path) -> None:
    bench = open_bench("kathleen")
    assert [system.name for system in bench.systems if system.kind == "bound"] == [
        "the recording",
        "the recording's mel, vocoded",
        "Griffin-Lim",
    ]
    wave = audio.read_mono(WAVS / "arctic_a0004.flac", RATE)
    prompt = Prompt("a", "Will we ever forget it.", recording=wave)
    made = {system.name: system.make(prompt) for system in bench.systems}
    for name in ("the recording", "the recording's mel, vocoded", "Griffin-Lim"):
        assert made[name][0].shape == wave.shape and made[name][1] == RATE
    voice, coarse = made["the voice"][0], made["the voice without GAN"][0]
    assert voice.shape == coarse.shape and np.abs(voice - coarse).max() > 0.01
    with pytest.raises(InputError, match="a: has no text"):
        bench.systems[-1].make(Prompt("a", recording=wave))


def test_a_score_without_a_bound_is_not_shown() -> None:
    names = ("pesq", "dnsmos", "real_time_factor")
    bound = Row("a", dict.fromkeys(names) | {"pesq": 4.6}, {"dnsmos": "silent"})
    model = Row("a", {"pesq": 3.0, "dnsmos": 2.5, "real_time_factor": 0.1})
    systems = {"the recording": Scored("bound", [bound]), "it": Scored("model", [model])}
    chosen = Chosen(names, None, None, ["Said before."])
    found = bounded(Results({}, RATE, {name: MEASURES[name] for name in names}, systems), chosen)
    assert list(found.metrics) == ["pesq", "real_time_factor"]  # speed needs no bound
    said = "predicted MOS (DNSMOS) is left out: no bound could be measured (silent)."
    assert found.left_out == ["Said before.", said]
    assert "dnsmos" not in json.dumps(found.to_dict())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--model", "vocoder-22k"], "give --model, --manifest and -o FOLDER, or --compare A B"),
        (["--model", "nowhere", "--manifest", "M", "-o", "O"], "no shipped model 'nowhere'"),
        (["--model", "vocoder-22k", "--manifest", "M", "-o", "O", "--beside", "x"], "must be NAME=FOLDER"),
        (["--model", "vocoder-22k", "--manifest", "M", "-o", "O", "--beside", "x=nowhere"], "no folder nowhere"),
        (["--model", "vocoder-22k", "--manifest", "M", "-o", "O", "--beside", "../x=."], "cannot be the name"),
        (["--model", "vocoder-22k", "--manifest", "M", "-o", "O", "--beside", "Griffin-Lim=."], "must differ"),
        (["--model", "vocoder-22k", "--manifest", "M", "-o", "O", "--only", "beauty"], "no measure beauty"),
        (["--model", "vocoder-22k", "--manifest", "M", "-o", "O", "--alignments", "."], "are for a voice"),
        (["--model", "kathleen", "--manifest", "M", "-o", "O", "--sentences", "no.txt"], "no.txt: cannot be read"),
    ],
)
def test_wrong_usage(
    words: list[str], said: str, manifest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [{"M": str(manifest), "O": str(tmp_path / "out")}.get(word, word) for word in words]
    assert main(["evaluate", *given]) == 2
    assert said in capsys.readouterr().err
    assert not list(tmp_path.rglob("*.json"))

"""What a run of the aligner learns, in which phases, and that it goes on where it stopped."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from specgan.tasks.alignment import AlignmentConfig, AlignmentTask, SpeechData
from specgan.text.aligner import Aligner
from specgan.text.alignments import read_aligner
from specgan.text.corpus import Corpus
from specgan.text.symbols import Symbols
from specgan.train import train_aligner
from tests.specgan.conftest import SPEC, check_resuming, recordings
from vocoder.engine.checkpoint import Checkpoints
from vocoder.engine.config import load_config
from vocoder.engine.schedule import TrainConfig
from vocoder.signal.manifest import write_manifest

ROWS = recordings("ljspeech")


@pytest.fixture(scope="module")
def corpus():
    return Corpus(ROWS, SPEC)


def config(**changes):
    train = TrainConfig(steps=40, warmup=2, ema=0.5, validate_every=40, save_every=40)
    return AlignmentConfig(width=16, train=train, **changes)


def test_the_phases_follow_one_another(corpus):
    task = AlignmentTask(config(sharpen=0.75), corpus, corpus)
    active = [[phase.name for phase in task.phases if phase.active(step)] for step in range(40)]
    assert active == [["led"]] * 30 + [["sharp"]] * 10


def test_every_phase_learns_from_recordings(corpus):
    torch.manual_seed(0)
    task = AlignmentTask(config(), corpus, corpus)
    batch = corpus.batch([0, 1, 2])
    for phase in task.phases:
        optimizer = torch.optim.Adam(task.aligner.parameters(), 3e-3)
        values = []
        for _ in range(12):
            (value,) = phase.losses(batch).values()
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
            values.append(value.item())
        assert phase.weights.keys() == phase.losses(batch).keys()
        assert values[-1] < 0.9 * values[0], (phase.name, values)


def test_padding_changes_no_loss(corpus):
    """The prior and the forward sum of a padded batch are those of each utterance alone."""
    torch.manual_seed(0)
    task = AlignmentTask(config(), corpus, corpus)
    with torch.no_grad():
        led = task.phases[0]
        together = led.losses(corpus.batch([0, 1, 2]))["forward_sum"]
        alone = [led.losses(corpus.batch([index]))["forward_sum"] for index in range(3)]
        # frames at an end see silence instead of nothing
        torch.testing.assert_close(together, torch.stack(alone).mean(), rtol=0.02, atol=0)


def test_validation_is_perfect_for_an_aligner_that_is_sure(corpus):
    torch.manual_seed(0)
    task = AlignmentTask(config(), corpus, corpus)
    before = task.validate(None)
    optimizer = torch.optim.Adam(task.aligner.parameters(), 1e-2)
    for _ in range(60):
        optimizer.zero_grad()
        task.phases[1].losses(corpus.batch([0, 1, 2]))["frames"].backward()
        optimizer.step()
    with torch.no_grad():
        after = task.validate(None)
    assert after["frames"] < 0.35 * before["frames"] and after["accuracy"] > 0.75 > 0.3 > before["accuracy"]


def test_a_run_resumes_bit_for_bit_across_phases_and_says_what_it_knows(tmp_path):
    manifests = {}
    for name, rows in (("train", [*ROWS, *recordings("kathleen")[3:5]]), ("validation", recordings("kathleen")[:1])):
        write_manifest(tmp_path / f"{name}.jsonl", rows)
        manifests[name] = [str(tmp_path / f"{name}.jsonl")]
    train = TrainConfig(steps=6, warmup=1, decay=0.5, ema=0.5, validate_every=3, save_every=3, keep=9)
    settings = replace(config(sharpen=0.67), data=SpeechData(**manifests, batch=2), train=train)
    run = tmp_path / "run"
    check_resuming(lambda folder: train_aligner(settings, folder), run, 3, 6)
    assert load_config(AlignmentConfig, run / "config.yaml") == settings
    saved = Checkpoints(run / "checkpoints").all()[-1]
    aligner, symbols, spec = read_aligner(run)
    # phones of the held-out recording as well, which will be aligned too
    corpora = [Corpus(rows, SPEC) for rows in ([*ROWS, *recordings("kathleen")[3:5]], recordings("kathleen")[:1])]
    assert symbols == Symbols.of([tokens for corpus in corpora for tokens in corpus.written])
    assert set(corpora[1].symbols.phones) - set(corpora[0].symbols.phones)
    assert saved.state["facts"] == {
        "task": "alignment",
        "spec": SPEC.to_dict(),
        "phones": list(symbols.phones),
        "stresses": list(symbols.stresses),
        "width": 16,
    }
    assert spec == SPEC and isinstance(aligner, Aligner) and not aligner.training
    averaged = saved.tensors("aligner.ema")
    assert all(torch.equal(averaged[name], value) for name, value in aligner.state_dict().items())

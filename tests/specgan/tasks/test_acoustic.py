"""What a run of the regression learns: prosody of tokens, a mel that the text makes better, and how long speech is."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch

from specgan.losses import masked_l1
from specgan.tasks.acoustic import (
    AcousticRun,
    AcousticTask,
    AlignedCorpus,
    calibrate,
    coarse_of,
    inventory_of,
    normalised,
    read_acoustic,
)
from specgan.text.acoustic import AcousticConfig, expand
from specgan.text.aligner import MEL_MEAN, MEL_STD
from specgan.text.alignments import PITCH, read_durations, read_pitch
from specgan.text.corpus import Corpus
from specgan.train import train_acoustic
from tests.specgan.conftest import SPEC, check_resuming, recordings
from vocoder.engine.checkpoint import Checkpoints, save_tensors
from vocoder.engine.schedule import TrainConfig
from vocoder.errors import InputError

KATHLEEN, LJSPEECH = recordings("kathleen"), recordings("ljspeech")


@pytest.fixture(scope="module")
def trained(acoustic_run):
    return read_acoustic(acoustic_run)


@pytest.fixture
def task(acoustic_config, aligned, trained):
    made = AcousticTask(acoustic_config, *aligned)
    made.acoustic.load_state_dict(trained.acoustic.state_dict())
    made.acoustic.eval()
    return made


# -- what it learns from ----------------------------------------------------------------------------------------------


def test_tokens_have_the_durations_pitch_and_energy_of_the_recording(aligned, learned):
    corpus, _ = aligned
    batch = corpus.batch([8, 2])
    assert batch.durations.sum(1).tolist() == [int(corpus.frames[8]), int(corpus.frames[2])]
    for row, index in enumerate((8, 2)):
        durations = read_durations(corpus.corpus, index, learned.alignments)
        assert batch.durations[row, : len(durations)].tolist() == durations.tolist()
        frequency = read_pitch(learned.alignments)[batch.ids[row]].numpy()
        mean, std = corpus.pitch[corpus.corpus.rows[index].speaker]
        mel = batch.mel[row, :, : len(frequency)].numpy()
        ends = np.cumsum(durations)
        for token in (1, len(durations) // 2, len(durations) - 2):
            frames = slice(ends[token] - durations[token], ends[token])
            pitched = frequency[frames][frequency[frames] > 0]
            wanted = (np.log(pitched).mean() - mean) / std if len(pitched) else 0.0
            assert batch.pitch[row, token].item() == pytest.approx(wanted, abs=1e-4)
            assert batch.energy[row, token].item() == pytest.approx(
                (mel[:, frames].mean() - MEL_MEAN) / MEL_STD, abs=1e-4
            )
        assert not batch.pitch[row, len(durations) :].any() and not batch.energy[row, len(durations) :].any()
        np.testing.assert_array_equal(batch.voiced[row, : len(frequency)].numpy(), frequency > 0)
        assert not batch.voiced[row, len(frequency) :].any()


def test_pitch_is_normalised_speaker_by_speaker(aligned, learned):
    corpus, held_out = aligned
    tracked = read_pitch(learned.alignments)
    for speaker, rows in (("kathleen", KATHLEEN[1:8]), ("ljspeech", LJSPEECH[1:])):
        values = np.concatenate([tracked[row.id].numpy() for row in rows])
        logs = np.log(values[values > 0])
        assert corpus.pitch[speaker] == pytest.approx([logs.mean(), logs.std(ddof=1)], abs=1e-3)
    assert held_out.pitch == corpus.pitch  # not those of the two recordings that it has


def test_recordings_without_a_pitch_are_refused(learned, tmp_path):
    corpus = Corpus(KATHLEEN[:2], SPEC)
    for path in learned.alignments.glob("arctic_a000[12].TextGrid"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    frames = [int(count) for count in corpus.frames]

    def pitch(**tracked):
        save_tensors(tmp_path / PITCH, {f"arctic_{key}": value for key, value in tracked.items()})

    pitch(a0001=torch.full((frames[0],), 200.0))
    with pytest.raises(InputError, match=r"pitch\.safetensors: has nothing of the recording 'arctic_a0002' of \d+ fr"):
        AlignedCorpus(corpus, tmp_path)
    pitch(a0001=torch.full((frames[0] - 1,), 200.0), a0002=torch.ones(frames[1]))
    with pytest.raises(InputError, match=rf"has {frames[0] - 1} frames of the recording 'arctic_a0001' of {frames[0]}"):
        AlignedCorpus(corpus, tmp_path)
    pitch(a0001=torch.zeros(frames[0]), a0002=torch.zeros(frames[1]))
    with pytest.raises(InputError, match="the speaker 'kathleen' has no voiced frame"):
        AlignedCorpus(corpus, tmp_path)


# -- what it learns ---------------------------------------------------------------------------------------------------


@torch.no_grad()
def test_the_coarse_mel_beats_the_mean_mel_and_what_pitch_and_energy_alone_tell(task, aligned):
    """Of the recordings that it was trained on; and a text of another recording makes it worse."""
    corpus, _ = aligned
    batches = [corpus.batch([index]) for index in range(len(corpus))]
    mels = torch.cat([batch.mel[0] for batch in batches], 1)
    mean = (mels - mels.mean(1, keepdim=True)).abs().mean() / MEL_STD
    # the best square function of all that the decoder is given besides the text
    planes = [torch.cat([batch.energy, batch.pitch, batch.speaker[None].expand_as(batch.pitch)]) for batch in batches]
    expanded = [expand(p[None], b.durations, b.mel.shape[2])[0] for p, b in zip(planes, batches, strict=True)]
    known = torch.cat(expanded, 1)
    known = torch.cat([known, known.square(), torch.ones_like(known[:1])]).T
    blind = (known @ torch.linalg.lstsq(known, mels.T).solution - mels.T).abs().mean() / MEL_STD
    found, wrong = [], []
    for index, batch in enumerate(batches):
        found.append(masked_l1(normalised(coarse_of(task.acoustic, batch)[0]), normalised(batch.mel)).item())
        count, other = batch.phones.shape[1], batches[index - 1].phones[0]
        batch.phones = other.repeat(-(-count // len(other)))[None, :count]
        wrong.append(masked_l1(normalised(coarse_of(task.acoustic, batch)[0]), normalised(batch.mel)).item())
    assert np.mean(found) < 0.95 * blind < mean
    assert np.mean(found) < 0.8 * np.mean(wrong)


def test_a_run_lowers_all_its_losses_on_recordings_it_never_saw(task, acoustic_config, aligned, acoustic_run):
    torch.manual_seed(0)
    before = AcousticTask(acoustic_config, *aligned).validate(None)
    after = Checkpoints(acoustic_run / "checkpoints").all()[-1].figures
    assert after["coarse"] < 0.6 * before["coarse"] and after["durations"] < 0.7 * before["durations"]
    assert after["energy"] < before["energy"]
    weights = vars(acoustic_config.weights)
    assert after["total"] == pytest.approx(sum(weights[name] * after[name] for name in weights))


def test_padding_changes_no_loss(task, aligned):
    corpus, _ = aligned
    with torch.no_grad():
        together = task.losses(corpus.batch([0, 8, 4]))
        alone = [task.losses(corpus.batch([index])) for index in (0, 8, 4)]
    frames = [int(corpus.frames[index]) for index in (0, 8, 4)]
    tokens = [len(corpus.corpus.tokens[index]) for index in (0, 8, 4)]
    for name, value in together.items():
        counts = frames if name == "coarse" else tokens
        wanted = np.average([losses[name].item() for losses in alone], weights=counts)
        assert value.item() == pytest.approx(wanted, rel=0.01), name  # the mel of a last frame sees the padding


def test_calibration_makes_speech_as_long_as_the_recordings(task, aligned):
    corpus, _ = aligned
    acoustic = copy.deepcopy(task.acoustic).train()
    with torch.no_grad():
        calibrate(acoustic, corpus)
        acoustic.predict.bias[0] -= 0.3
        made, wanted = 0.0, 0
        before = {name: value.clone() for name, value in acoustic.state_dict().items()}
        factor = calibrate(acoustic, corpus)
        assert acoustic.training
        acoustic.eval()
        for index in range(len(corpus)):
            batch = corpus.batch([index])
            made += coarse_of(acoustic, batch)[1].durations.sum().item()
            wanted += int(corpus.frames[index])
    assert made == pytest.approx(wanted, rel=1e-3) and factor == pytest.approx(np.exp(0.3), rel=1e-3)
    changed = [name for name, value in acoustic.state_dict().items() if not torch.equal(value, before[name])]
    assert changed == ["predict.bias"] and torch.equal(acoustic.predict.bias[1:], before["predict.bias"][1:])


# -- runs -------------------------------------------------------------------------------------------------------------


def test_a_run_resumes_bit_for_bit_and_says_what_it_knows(acoustic_config, aligned, tmp_path):
    train = TrainConfig(steps=4, warmup=1, ema=0.5, validate_every=2, save_every=2, keep=9)
    config: AcousticRun = replace(acoustic_config, train=train, model=AcousticConfig(16, 1, 1, 1))
    check_resuming(lambda folder: train_acoustic(config, folder), tmp_path / "run", 2, 4)
    facts = Checkpoints(tmp_path / "run/checkpoints").all()[-1].state["facts"]
    inventory = vars(inventory_of(aligned[0].corpus))
    assert facts == {
        "task": "acoustic",
        "spec": SPEC.to_dict(),
        "model": vars(config.model),
        "inventory": inventory,
        "pitch": aligned[0].pitch,
    }
    trained = read_acoustic(tmp_path / "run")
    assert trained.model == config.model and vars(trained.inventory) == inventory and trained.spec == SPEC
    assert trained.pitch == aligned[0].pitch and not trained.acoustic.training
    assert inventory["speakers"] == ["kathleen", "ljspeech"] and inventory["languages"] == ["en"]


def test_a_folder_without_an_acoustic_network_is_refused(learned, tmp_path):
    for folder in (tmp_path, learned.aligner):
        with pytest.raises(InputError, match="is no run of the acoustic model and no voice with weights"):
            read_acoustic(folder)

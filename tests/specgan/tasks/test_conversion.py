"""Voice conversion: what a tiny run learns, crops and their bookkeeping, the parts by hand, refusals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from specgan.networks.excitation import VALLEY, Excitation
from specgan.runtime import prosody
from specgan.tasks.acoustic import normalised
from specgan.tasks.conversion import ConversionTask, misheard
from specgan.tasks.conversion_data import BalancedCrops, ConversionCorpus, tracked
from specgan.text.content import read_recogniser
from specgan.text.perturb import perturbed, warped
from specgan.train import train_conversion
from specgan.trained_conversion import read_conversion, start_conversion
from tests.specgan.conftest import SPEC, check_resuming, recordings
from vocoder.engine.schedule import TrainConfig
from vocoder.errors import InputError
from vocoder.signal.dataset import Recordings
from vocoder.signal.manifest import read_manifest
from vocoder.signal.mel import LogMel

SHORT = TrainConfig(steps=4, warmup=0, decay=0.0, ema=0.5, validate_every=4, save_every=2)


@pytest.fixture(scope="module")
def corpus(tiny_conversion):
    rows = [*recordings("kathleen"), *recordings("ljspeech")]
    sounds = Recordings(rows, SPEC.sample_rate)
    return ConversionCorpus(sounds, SPEC, tracked(sounds, SPEC, tiny_conversion.run))


@pytest.fixture(scope="module")
def task(tiny_conversion, corpus):
    """The task with what the run learned, its validation the two held-out recordings."""
    known = read_conversion(tiny_conversion.run)
    sounds = Recordings(read_manifest(tiny_conversion.validation), SPEC.sample_rate)
    held_out = ConversionCorpus(sounds, SPEC, tracked(sounds, SPEC, tiny_conversion.run), corpus.speakers)
    made = ConversionTask(tiny_conversion.config(SHORT), known.recogniser, corpus, held_out)
    start_conversion(made.modules, corpus.speakers, known)
    for module in made.modules.values():
        module.eval()
    return made


def spectrum(mel: Tensor, voiced: Tensor) -> Tensor:
    """Mean log-mel (M,) of the voiced frames."""
    return (mel * voiced[:, None]).sum((0, 2)) / voiced.sum()


@torch.no_grad()
def test_an_utterance_is_rebuilt_from_what_is_heard_of_it(task, corpus):
    """Nearer to the recording than the speaker's mean spectrum, which needs nothing but who and how loud."""
    for index in range(2):
        batch = task._whole(index)
        own = corpus.whole(int(np.flatnonzero(corpus.speaker == int(batch.speaker))[1]), 4)
        mean = own.mel.mean(2, keepdim=True)
        for made in task.convert(batch, batch.speaker):
            distance = (normalised(made) - normalised(batch.mel)).abs().mean()
            baseline = (normalised(mean) - normalised(batch.mel)).abs().mean()
            assert distance < 0.8 * baseline


@torch.no_grad()
def test_conversion_goes_towards_the_target(task, corpus):
    """The mean spectrum of voiced frames comes nearer to that of the target than the source has it."""
    held_out = [task._whole(index) for index in range(2)]
    for source, target in (held_out, held_out[::-1]):
        wanted = spectrum(target.mel, target.voiced)
        own, other = (task.convert(source, who)[0] for who in (source.speaker, target.speaker))
        before, after = ((spectrum(mel, source.voiced) - wanted).abs().mean() for mel in (own, other))
        assert after < 0.9 * before


@torch.no_grad()
def test_who_speaks_is_heard(task):
    """The reference encoder gives an utterance a style nearer to its own speaker's than to the other's."""
    table = task.converter.table.weight
    for index in range(2):
        batch = task._whole(index)
        found = task.reference(batch.mel)
        near = torch.nn.functional.cosine_similarity(found, table)
        assert near.argmax() == batch.speaker


def test_a_run_goes_on_where_it_stopped(tiny_conversion, tmp_path):
    config = tiny_conversion.config(SHORT, picture=1, window=32, converted=16, hide=8)
    config = critics_from(config, 2)
    check_resuming(lambda folder: train_conversion(config, folder), tmp_path, 2, 4)


def critics_from(config, step):
    return replace(config, critics=replace(config.critics, start=step))


# -- crops ------------------------------------------------------------------------------------------------------------


def test_every_speaker_has_the_same_share(corpus):
    """Twelve recordings of one, three of the other: still as many crops of both in every batch."""
    crops = BalancedCrops(corpus, 64, 6, seed=1)
    for number in range(20):
        found = crops.crops(number)
        assert np.bincount([corpus.speaker[index] for index, _, _ in found]).tolist() == [3, 3]
        assert all(0 <= first <= corpus.frames[index] - 64 for index, first, _ in found)
    assert crops.crops(3) == BalancedCrops(corpus, 64, 6, seed=1).crops(3) != crops.crops(4)


def test_processes_share_a_batch(corpus):
    shares = [BalancedCrops(corpus, 64, 4, 0, rank, 2) for rank in range(2)]
    ids = [batch.ids for batch in map(next, shares)]
    whole = [corpus.rows[index].id for index, _, _ in shares[0].crops(0)]
    assert ids == [whole[0::2], whole[1::2]]


def test_crops_go_on_where_they_stopped(corpus):
    crops = BalancedCrops(corpus, 64, 2, 0)
    next(crops)
    state, after = crops.state_dict(), next(crops)
    again = BalancedCrops(corpus, 64, 2, 0)
    again.load_state_dict(state)
    other = next(again)
    assert other.step == after.step == 1 and torch.equal(other.mel, after.mel)
    with pytest.raises(InputError, match="the run was started with 7"):
        again.load_state_dict({"position": 1, "items": 7})


def test_a_crop_is_a_part_of_the_whole(corpus):
    """The mel of a crop equals that of the recording there, brought to the common loudness; its lines likewise."""
    whole, crop = corpus.whole(2, 4), corpus.batch([(2, 20, 64)])
    for name in ("mel", "pitch", "voiced", "energy"):
        torch.testing.assert_close(getattr(crop, name), getattr(whole, name)[..., 20:84], rtol=0, atol=2e-3)
    wave = torch.from_numpy(corpus.recordings.read(2))
    louder = LogMel(SPEC)(wave[None])[0, :, 20:84] + prosody.LOUDNESS - corpus._loud[2]
    loud = louder > -8  # not where the floor is
    torch.testing.assert_close(crop.mel[0][loud], louder[loud], rtol=0, atol=2e-3)


def test_voiced_frames_have_the_common_loudness(corpus):
    for index in range(3):
        batch = corpus.whole(index, 1)
        loud = batch.mel[0].exp().mean(0).log()
        assert loud[batch.voiced[0] > 0].mean() == pytest.approx(prosody.LOUDNESS, abs=0.02)


# -- parts by hand ----------------------------------------------------------------------------------------------------


def test_excitation_is_where_the_harmonics_of_pulses_are():
    """Against the mel of a real train of pulses at 210 Hz, up to 2.5 kHz, whose slope is constant."""
    time = torch.arange(256 * 40) / SPEC.sample_rate
    wave = sum(torch.cos(2 * torch.pi * 210 * k * time) for k in range(1, 50)) / 100
    real = LogMel(SPEC)(wave[None])[0, :40, 20]
    made = Excitation(SPEC)(torch.full((1, 8), np.log(210.0)), torch.ones(1, 8))[0, :40, 4]
    together = np.corrcoef(real, made)[0, 1]
    assert together > 0.9
    assert made[:20].max() - made[:20].min() > 1  # it has peaks and valleys


def test_excitation_is_nothing_where_unvoiced():
    made = Excitation(SPEC)(torch.full((1, 2), np.log(100.0)), torch.tensor([[0.0, 1.0]]))
    assert (made[..., 0] == 0).all() and made[..., 1].abs().max() > 0.1
    # bands of 500 Hz and more hold five harmonics: level with the mean
    assert made[0, -10:, 1].numpy() == pytest.approx(np.log(1 + VALLEY), abs=0.1)


@pytest.mark.parametrize("factor", [0.85, 1.2])
def test_warping_moves_a_tone_to_another_frequency(factor):
    time = torch.arange(256 * 20) / SPEC.sample_rate
    mel, wanted = (LogMel(SPEC)(0.5 * torch.sin(2 * torch.pi * f * time)[None]) for f in (1500.0, 1500.0 * factor))
    found = warped(mel, torch.tensor([factor]), SPEC)
    assert abs(int(found[0, :, 10].argmax()) - int(wanted[0, :, 10].argmax())) <= 1
    assert abs(int(mel[0, :, 10].argmax()) - int(wanted[0, :, 10].argmax())) > 2


def test_warping_by_one_changes_nothing(corpus):
    mel = corpus.batch([(0, 0, 32)]).mel
    torch.testing.assert_close(warped(mel, torch.ones(1), SPEC), mel, rtol=0, atol=1e-5)


def test_a_perturbation_is_the_same_for_all_frames():
    mel = torch.randn(3, 80, 1).expand(-1, -1, 5) - 5
    torch.manual_seed(0)
    made = perturbed(mel, 0.15, SPEC)
    assert torch.equal(made, made[..., :1].expand(-1, -1, 5))
    assert (made - mel).abs().mean(dim=(1, 2)).min() > 0.05


def test_misheard_by_hand():
    """Σ p ln(p/q) of one frame: p = (.5, .5), q = (.25, .75)."""
    wanted, found = (torch.tensor([[p]]).log() for p in ([0.5, 0.5], [0.25, 0.75]))
    assert misheard(found, wanted).item() == pytest.approx(0.5 * np.log(2) + 0.5 * np.log(2 / 3), abs=1e-6)
    assert misheard(wanted, wanted).item() == 0


def test_pitch_is_carried_from_range_to_range(task):
    """One deviation above the mean of one speaker is one above the mean of the other."""
    (mean, deviation), (other, wide) = (task.ranges[name] for name in task.speakers)
    found = task.carried(torch.tensor([[mean, mean + deviation]]), torch.tensor([0]), torch.tensor([1]))
    assert found[0].tolist() == pytest.approx([other, other + wide], abs=1e-5)


def test_what_is_hidden_is_one_run_of_frames(task, corpus):
    torch.manual_seed(0)
    hidden = torch.cat([task._hidden(corpus.batch([(0, 0, 64)] * 4)) for _ in range(50)])
    assert hidden.sum(1).max() == task.config.hide and hidden.sum(1).min() == 0
    assert ((hidden[:, 1:] - hidden[:, :-1]).abs().sum(1) <= 2).all()


# -- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"converted": 48}, "converted is 48 frames, must be a multiple of 4 from 16 to 32"),
        ({"window": 66}, "window is 66 frames"),
        ({"hide": 64}, "hide is 64 frames"),
    ],
)
def test_lengths_that_cannot_be(fields, said, tiny_conversion, corpus):
    with pytest.raises(InputError, match=said):
        ConversionTask(
            tiny_conversion.config(SHORT, **fields), read_recogniser(tiny_conversion.aligner), corpus, corpus
        )


def test_one_speaker_is_too_few(tiny_conversion):
    sounds = Recordings(recordings("kathleen")[:2], SPEC.sample_rate)
    alone = ConversionCorpus(sounds, SPEC, tracked(sounds, SPEC, tiny_conversion.run))
    with pytest.raises(InputError, match="only the speaker 'kathleen'"):
        ConversionTask(tiny_conversion.config(SHORT), read_recogniser(tiny_conversion.aligner), alone, alone)


def test_a_config_without_a_recogniser(tiny_conversion, tmp_path):
    with pytest.raises(InputError, match="recogniser names nothing"):
        train_conversion(tiny_conversion.config(SHORT, recogniser=""), tmp_path)
    assert not list(tmp_path.iterdir())


def test_what_is_too_short_for_a_crop(corpus):
    with pytest.warns(UserWarning, match="are shorter than"):
        BalancedCrops(corpus, 200, 2, 0)
    with pytest.raises(InputError, match="has no recording of 2000 frames"), pytest.warns(UserWarning):
        BalancedCrops(corpus, 2000, 2, 0)


def test_a_model_is_trained_further(tiny_conversion, tmp_path):
    """From a packed model: the styles of known speakers are the same at the first step, without an aligner."""
    config = tiny_conversion.config(SHORT, recogniser="", initial=str(tiny_conversion.model), picture=4)
    config = critics_from(config, 4)
    train_conversion(config, tmp_path / "run")
    before, after = read_conversion(tiny_conversion.model), read_conversion(tmp_path / "run")
    assert before.speakers == after.speakers
    moved = (before.converter.table.weight - after.converter.table.weight).abs().mean()
    assert moved < 0.1 * before.converter.table.weight.abs().mean()
    assert after.model == before.model

"""The GAN behind the regression: its phases, what each of them teaches whom, and what it learns."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from specgan.networks.unet import SpecUNet
from specgan.tasks.acoustic import calibrate, coarse_of, normalised, read_acoustic
from specgan.tasks.tts import Painter, SpeechCritics, SpeechRun, SpeechTask, drawn_of, whole
from specgan.train import train_speech
from specgan.trained import read_voice
from tests.specgan.conftest import SPEC, check_resuming
from vocoder.engine.checkpoint import Checkpoints, load_tensors, save_tensors
from vocoder.engine.phases import only_trainable
from vocoder.engine.schedule import OptimizerConfig, TrainConfig
from vocoder.engine.trainer import Trainer, World
from vocoder.generators import FourierVocoder
from vocoder.signal.mel import LogMel


class Fixed:
    """The same batch at each step."""

    def __init__(self, corpus, indices):
        self.corpus, self.indices = corpus, indices

    def __next__(self):
        return self.corpus.batch(self.indices)

    def state_dict(self):
        return {}

    def load_state_dict(self, state):
        assert state == {}


@pytest.fixture(scope="module")
def vocoder():
    torch.manual_seed(0)
    return FourierVocoder(SPEC, "tiny", 0)


def config(**changes):
    train = TrainConfig(steps=6, warmup=0, ema=0.0, validate_every=99, save_every=99, log_every=1)
    fields = {"loop_start": 4, "window": 48, "critics": SpeechCritics(start=2, width=8), "train": train}
    return SpeechRun(**{**fields, **changes})


@pytest.fixture
def make(acoustic_run, aligned, vocoder):
    def made(settings=None, listener=vocoder):
        torch.manual_seed(0)
        return SpeechTask(settings or config(), read_acoustic(acoustic_run), aligned[1], listener)

    return made


def active(task, steps=6):
    return [[phase.name for phase in task.phases if phase.active(step)] for step in range(steps)]


# -- phases -----------------------------------------------------------------------------------------------------------


def test_phases_at_their_steps(make):
    early, late = ["generator", "critics"], ["loop", "critics"]
    assert active(make()) == [["reconstruction"]] * 2 + [early] * 2 + [late] * 2
    assert active(make(listener=None)) == [["reconstruction"]] * 2 + [early] * 4
    at_once = config(critics=SpeechCritics(start=0, width=8))
    assert active(make(at_once)) == [early] * 4 + [late] * 2
    overlapping = config(critics=SpeechCritics(start=5, width=8))  # never a step in two of the generator's phases
    assert active(make(overlapping)) == [["reconstruction"]] * 5 + [late]


def test_only_the_phases_own_modules_get_gradients_and_all_of_them_are_finite(make, aligned, vocoder):
    task = make()
    batch = aligned[0].batch([0, 1, 8])
    for phase in task.phases:
        with only_trainable(task.modules, phase.modules):
            losses = phase.losses(batch)
            sum(losses.values()).backward()
        assert losses.keys() == phase.weights.keys()
        for name, module in task.modules.items():
            gradients = [weight.grad for weight in module.parameters()]
            given = [gradient for gradient in gradients if gradient is not None]
            assert bool(given) == (name in phase.modules), (phase.name, name)
            assert all(gradient.isfinite().all() for gradient in given), (phase.name, name)
            if name == "painter" and given:
                assert any(gradient.any() for gradient in given), phase.name
            module.zero_grad(set_to_none=True)
        assert all(weight.grad is None for weight in vocoder.parameters())


def test_critics_are_told_the_speaker_if_there_are_several(make, aligned, acoustic_run):
    task = make()
    assert task.critics.classes == 2
    task._reconstruction(aligned[0].batch([0, 8]))
    *_, speaker = task._judged()
    assert speaker.tolist() == [0, 1]
    trained = read_acoustic(acoustic_run)
    alone = replace(trained, inventory=replace(trained.inventory, speakers=["kathleen"]))
    assert SpeechTask(config(), alone, aligned[1]).critics.classes == 0


# -- frames and samples -----------------------------------------------------------------------------------------------


def test_windows_of_mel_and_wave_are_of_the_same_frames(make, aligned):
    task = make()
    batch = aligned[0].batch([0, 1, 8])
    coarse, real, by_frame = task._windows(batch)
    assert coarse.shape == real.shape == (3, SPEC.bands, 48) and by_frame.shape == (3, SPEC.hop, 48)
    again = LogMel(SPEC)(by_frame.transpose(1, 2).flatten(1))
    torch.testing.assert_close(again[:, :, 2:-2], real[:, :, 2:-2], rtol=0, atol=1e-3)  # without what windows cut off
    assert real.min() > -11.5129 + 1e-3 or real.std() > 0.5  # speech, not padding


def test_a_window_is_no_longer_than_the_shortest_utterance(make, aligned):
    corpus, _ = aligned
    task = make(config(window=4000))
    shortest = min(int(corpus.frames[index]) for index in (0, 8))
    frames = task._windows(corpus.batch([0, 8]))[1].shape[2]
    assert shortest - SpecUNet.multiple < frames <= shortest and frames % SpecUNet.multiple == 0


def test_whole_pads_to_a_multiple_of_four_frames_and_leaves_the_batch(aligned):
    corpus, _ = aligned
    index = next(i for i, frames in enumerate(corpus.frames) if frames % 4)
    batch = corpus.batch([index])
    frames = batch.mel.shape[2]
    longer = whole(batch)
    assert longer.mel.shape[2] % 4 == 0 and 0 < longer.mel.shape[2] - frames < 4 and batch.mel.shape[2] == frames
    assert longer.wave.shape[1] == longer.mel.shape[2] * SPEC.hop and batch.wave.shape[1] == frames * SPEC.hop
    assert longer.mask.sum() == batch.mask.sum() == frames and longer.voiced.shape[1] == longer.mel.shape[2]
    assert torch.equal(longer.mel[..., :frames], batch.mel) and (longer.mel[..., frames:] == batch.mel.min()).all()


@torch.no_grad()
def test_a_padded_batch_is_drawn_as_each_utterance_alone(make, aligned):
    corpus, _ = aligned
    task = make()
    for module in task.modules.values():
        module.eval()
    shake(task.painter)
    batch = whole(corpus.batch([0, 8]))
    coarse = coarse_of(task.acoustic, batch)[0]
    noise = torch.randn(coarse.shape, generator=torch.Generator().manual_seed(0))
    together = task.painter(coarse, noise, batch.speaker, batch.mask)
    for row, index in enumerate((0, 8)):
        alone = whole(corpus.batch([index]))
        frames, total = int(corpus.frames[index]), alone.mel.shape[2]
        own = coarse_of(task.acoustic, alone)[0]
        # the last frames of a mel see the padding of the wave, but not so the text
        torch.testing.assert_close(coarse[row : row + 1, :, :frames], own[..., :frames], rtol=0, atol=2e-2)
        drawn = task.painter(
            coarse[row : row + 1, :, :total], noise[row : row + 1, :, :total], alone.speaker, alone.mask
        )
        torch.testing.assert_close(together[row : row + 1, :, :frames], drawn[..., :frames], rtol=0, atol=2e-3)
    assert (together - coarse)[batch.mask.expand_as(coarse)].abs().mean() > 0.1


def shake(module: nn.Module) -> None:
    """Weights away from their trivial initial values."""
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for weight in module.parameters():
            weight.add_(0.02 * torch.randn(weight.shape, generator=generator))


# -- what it learns ---------------------------------------------------------------------------------------------------


def run(task, corpus, indices, steps, folder):
    Trainer(task, Fixed(corpus, indices), replace(task.config.train, steps=steps), folder, World()).run()


def test_reconstruction_comes_nearer_than_the_coarse_mel(make, aligned, tmp_path):
    never = SpeechCritics(start=99, width=8)
    task = make(config(critics=never, optimizer=OptimizerConfig(lr=5e-3, betas=(0.5, 0.9), clip=1.0)))
    with torch.no_grad():
        task.acoustic.coarse.bias += 0.6 * torch.linspace(-1, 1, SPEC.bands)  # something to mend
        before = task.validate(None)
    assert before["l1"] == pytest.approx(before["coarse"], rel=1e-5)  # it begins with the coarse mel
    run(task, aligned[0], [0, 3, 6, 8], 14, tmp_path)
    figures = Checkpoints(tmp_path / "checkpoints").all()[-1].figures
    assert figures["coarse"] == pytest.approx(before["coarse"], rel=1e-5)
    assert figures["l1"] < 0.97 * figures["coarse"]


def test_critics_learn_to_tell_recordings_from_coarse_mels(make, aligned, tmp_path):
    still = OptimizerConfig(lr=0.0)
    critics = SpeechCritics(start=0, width=8, optimizer=OptimizerConfig(lr=2e-3, betas=(0.5, 0.9), clip=1.0))
    task = make(config(critics=critics, optimizer=still), None)
    run(task, aligned[0], [0, 3, 6, 8], 14, tmp_path)
    statistics = {name: float(value) for name, value in task.statistics().items()}
    assert statistics["gan/gap"] == pytest.approx(statistics["gan/real"] - statistics["gan/fake"], abs=1e-5)
    assert statistics["gan/gap"] > 0.1
    with torch.no_grad():  # utterances that they never saw
        real, fake = [], []
        for index in range(2):
            batch = aligned[1].batch([index])
            coarse, drawn = drawn_of(task.acoustic, task.painter, batch)
            for mel, found in ((batch.mel, real), (drawn, fake)):
                logits = task.critics(normalised(mel), normalised(coarse), batch.speaker).logits
                found.append(torch.stack([logit.mean() for logit in logits]).mean())
    assert all(one > other + 0.05 for one, other in zip(real, fake, strict=True))


def test_validation_finds_recordings_perfect_and_the_coarse_mel_smooth(make, aligned):
    task = make()
    for module in task.modules.values():
        module.eval()
    with torch.no_grad():
        smooth = task.validate(None)
        held_out = iter([whole(aligned[1].batch([index])).mel for index in range(2)])

        class Perfect(Painter):
            def forward(self, coarse, noise, speaker, mask=None):
                return next(held_out)

        task.painter = Perfect(SPEC.bands, 2)
        perfect = task.validate(None)
    assert perfect["l1"] == 0 and perfect["smoothing"] == pytest.approx(1.0)
    assert perfect["coarse"] == pytest.approx(smooth["coarse"])
    assert perfect["mcd"] == 0 and smooth["mcd"] > 1
    assert 1 <= smooth["mos"] <= 5 and [monitor.name for monitor in task.monitors] == ["mcd", "mos"]
    assert [monitor.name for monitor in make(listener=None).monitors] == ["mcd"]  # nothing to be heard with
    assert smooth["smoothing_coarse"] == perfect["smoothing_coarse"] < 0.9


def test_the_same_seed_draws_the_same(make, aligned):
    task = make()
    shake(task.painter)
    for module in task.modules.values():
        module.eval()
    batch = aligned[1].batch([1])
    with torch.no_grad():
        one, again, other = (task.draw(batch, seed) for seed in (0, 0, 1))
    assert torch.equal(one[1], again[1]) and not torch.equal(one[1], other[1]) and torch.equal(one[0], other[0])
    assert one[1].shape == batch.mel.shape


# -- runs -------------------------------------------------------------------------------------------------------------


def test_a_run_resumes_bit_for_bit_and_the_acoustic_network_stays(
    acoustic_run, aligned, data, learned, vocoder, tmp_path
):
    (tmp_path / "vocoder").mkdir()
    facts = {"generator": {"name": "fourier", "size": "tiny", "projections": 0}}
    save_tensors(tmp_path / "vocoder/generator.safetensors", vocoder.state_dict(), facts)
    settings = config(
        data=replace(data, batch=2),
        alignments=str(learned.alignments),
        acoustic=str(acoustic_run),
        vocoder=str(tmp_path / "vocoder"),
        critics=SpeechCritics(start=1, width=4),
        loop_start=3,
        train=TrainConfig(steps=4, warmup=0, ema=0.5, validate_every=2, save_every=2, keep=9),
    )
    check_resuming(lambda folder: train_speech(settings, folder), tmp_path / "run", 2, 4)
    saved = Checkpoints(tmp_path / "run/checkpoints").all()
    trained = read_acoustic(acoustic_run)
    assert saved[-1].state["facts"] == {
        "task": "tts",
        "spec": SPEC.to_dict(),
        "size": "tiny",
        "model": vars(trained.model),
        "inventory": vars(trained.inventory),
        "pitch": trained.pitch,
    }
    calibrate(trained.acoustic, aligned[0])
    for checkpoint in saved:
        tensors = load_tensors(checkpoint.path / "acoustic.safetensors")[0]
        assert all(torch.equal(tensors[name], value) for name, value in trained.acoustic.state_dict().items())
    voice = read_voice(tmp_path / "run")
    averaged = saved[-1].tensors("painter.ema")
    assert all(torch.equal(averaged[name], value) for name, value in voice.painter.state_dict().items())
    assert voice.critics.keys() == saved[-1].tensors("critics").keys()
    log = (tmp_path / "run/log.txt").read_text()
    assert all(f"{phase} " in log for phase in ("reconstruction", "generator", "loop", "critics"))

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from specgan.cli import main
from vocoder.engine.checkpoint import Checkpoints, load_weights
from vocoder.engine.config import save_config
from vocoder.engine.schedule import OptimizerConfig, TrainConfig
from vocoder.engine.trainer import Monitor, Trainer, World
from vocoder.errors import InputError
from vocoder.generators import FourierVocoder
from vocoder.signal.dataset import Batch, Crops, CropSampler, Recordings, utterances
from vocoder.signal.manifest import Recording, write_manifest
from vocoder.signal.mel import LogMel, griffin_lim
from vocoder.signal.mels import Mels
from vocoder.signal.spec import preset
from vocoder.task import (
    JUDGED,
    CriticConfig,
    DataConfig,
    GeneratorConfig,
    Judge,
    VocoderConfig,
    VocoderTask,
    WeightConfig,
)

ROOT = Path(__file__).parents[2]
SPEECH = ROOT / "tests" / "fixtures" / "kathleen" / "wavs"
SHIPPED = ROOT / "recipes" / "vocoder" / "kathleen" / "pretrained"


def recordings(names):
    return Recordings([Recording(name, SPEECH / f"{name}.flac") for name in names], 22_050)


@pytest.fixture(scope="module")
def train_set():
    return recordings(sorted(path.stem for path in SPEECH.glob("*.flac"))[:-1])


@pytest.fixture(scope="module")
def held_out():
    return list(utterances(recordings(sorted(path.stem for path in SPEECH.glob("*.flac"))[-1:]), preset("22k"), 1))


def config(**changes):
    defaults = {
        "data": DataConfig(crop=4096, batch=4),
        "generator": GeneratorConfig(size="tiny", projections=1),
        "critic": CriticConfig(names=[]),
        "train": TrainConfig(steps=40, warmup=5, ema=0.9, validate_every=100, save_every=100, log_every=10),
    }
    return VocoderConfig(**defaults | changes)


def run(settings, train_set, held_out, folder):
    torch.manual_seed(0)
    task = VocoderTask(settings, held_out)
    before = task.validate(None)
    sampler = CropSampler(train_set.lengths, settings.data.crop, settings.data.batch, seed=0)
    Trainer(task, Crops(train_set, sampler), settings.train, folder, World()).run()
    return task, before, task.validate(None)


def test_a_few_steps_lower_the_error_on_speech_that_was_not_trained_on(train_set, held_out, tmp_path):
    task, before, after = run(config(), train_set, held_out, tmp_path)
    assert after["mel"] < 0.8 * before["mel"] and after["stft"] < before["stft"]
    # the mean mel, rendered: a network that ignored its input could do no better than this
    real = held_out[0].wave
    mel = task.mel(real)
    flat = griffin_lim(mel.mean(dim=2, keepdim=True).expand_as(mel), task.spec, 8)
    assert after["mel"] < 0.5 * torch.nn.functional.l1_loss(task.mel(flat), mel).item()


def test_critics_start_at_their_step_and_tell_real_from_generated(train_set, held_out, tmp_path):
    critic = CriticConfig(names=["multi-resolution"], start=10)
    settings = config(critic=critic, train=TrainConfig(steps=40, warmup=1, validate_every=100, save_every=5, keep=9))
    torch.manual_seed(0)
    fresh = VocoderTask(settings, held_out)
    initial = {name: weight.clone() for name, weight in fresh.critics.state_dict().items()}
    task, _, _after = run(settings, train_set, held_out, tmp_path)
    from safetensors.torch import load_file

    at = {s: load_file(tmp_path / f"checkpoints/step-{s:08d}/discriminator.safetensors") for s in (10, 15)}
    assert all(torch.equal(initial[name], weight) for name, weight in at[10].items())
    assert not all(torch.equal(initial[name], weight) for name, weight in at[15].items())
    statistics = {name: float(value) for name, value in task.statistics().items()}
    gap = statistics["gan/multi-resolution/gap"]
    assert gap > 0 and gap == pytest.approx(
        statistics["gan/multi-resolution/real"] - statistics["gan/multi-resolution/fake"], abs=1e-5
    )


def test_only_the_phases_own_modules_get_gradients(train_set, held_out, tmp_path):
    from vocoder.engine.trainer import only_trainable

    settings = config(critic=CriticConfig(names=["multi-resolution"], start=0))
    task = VocoderTask(settings, held_out)
    batch = next(Crops(train_set, CropSampler(train_set.lengths, 4096, 4, seed=0)))
    for phase in task.phases[1:]:
        with only_trainable(task.modules, phase.modules):
            sum(phase.losses(batch).values()).backward()
        for name, module in task.modules.items():
            has = [weight.grad is not None for weight in module.parameters()]
            assert any(has) == (name in phase.modules), (phase.name, name)
            module.zero_grad(set_to_none=True)


def test_hifigan_trains_in_the_same_task(held_out):
    settings = config(
        generator=GeneratorConfig(name="hifigan-v3"), weights=WeightConfig(mel=45.0, mel_scales=1, stft=0.0)
    )
    task = VocoderTask(settings, held_out)
    assert set(task.phases[0].weights) == {"mel"}  # it predicts no magnitude to compare
    losses = task.phases[0].losses(next(iter(held_out)))
    losses["mel"].backward()
    assert all(weight.grad is not None for weight in task.generator.parameters())


def test_the_facts_in_a_checkpoint_hold_the_mel(held_out):
    facts = VocoderTask(config(), held_out).facts
    assert facts["spec"] == preset("22k").to_dict() and facts["fingerprint"] == preset("22k").fingerprint


def test_settings_that_cannot_work_are_refused(held_out):
    with pytest.raises(InputError, match="multiple of the hop"):
        VocoderTask(config(data=DataConfig(crop=1000)), held_out)
    with pytest.raises(InputError, match="no generator 'wavenet'"):
        VocoderTask(config(generator=GeneratorConfig(name="wavenet")), held_out)
    with pytest.raises(InputError, match="hop of 256, the mel one of 128"):
        VocoderTask(config(spec="16k", generator=GeneratorConfig(name="hifigan-v1")), held_out)


def test_validation_finds_a_perfect_model_perfect_and_a_smooth_one_smooth(held_out):
    task = VocoderTask(config(), held_out)

    class Perfect(FourierVocoder):
        def forward(self, mel):
            return held_out[0].wave

    task.generator = Perfect(task.spec, "tiny")
    figures = task.validate(None)
    assert figures["mel"] == 0 and figures["stft"] == 0 and figures["smoothing"] == pytest.approx(1.0)

    class Smooth(FourierVocoder):
        def forward(self, mel):
            return griffin_lim(torch.nn.functional.avg_pool1d(mel, 9, 1, padding=4), self.spec, 8)

    task.generator = Smooth(task.spec, "tiny")
    assert task.validate(None)["smoothing"] < 0.95


def test_what_a_judge_says_joins_the_validation(held_out):
    heard = []

    def compare(recording, made, rate):
        heard.append((recording, made))
        assert rate == 22_050 and recording.shape == made.shape and abs(made).max() <= 1
        return {"louder": 2.0} | ({"rare": 5.0} if len(heard) == 1 else {})

    judge = Judge((Monitor("louder", lowest=False), Monitor("rare")), compare)
    many = [held_out[0]] * (JUDGED + 1)
    task = VocoderTask(config(generator=GeneratorConfig(size="tiny", projections=0)), many, judge)
    assert [monitor.name for monitor in task.monitors] == ["mel", "louder", "rare"]
    with torch.no_grad():
        figures = task.validate(None)
    assert figures["louder"] == 2.0 and figures["rare"] == 5.0  # the mean of those that have it
    assert len(heard) == JUDGED  # the first ones
    assert np.array_equal(heard[0][0], held_out[0].wave[0].numpy())


# on given mels


@pytest.fixture(scope="module")
def smoothed(tmp_path_factory):
    """A folder with manifests and with mels that are smoothed over seven bands, as a regression smooths them."""
    folder, spec = tmp_path_factory.mktemp("smoothed"), preset("22k")
    paths = sorted(SPEECH.glob("*.flac"))
    for name, part in {"train": paths[:-1], "validation": paths[-1:]}.items():
        write_manifest(folder / f"{name}.jsonl", [Recording(path.stem, path) for path in part])
        for batch in utterances(recordings([path.stem for path in part]), spec, 1):
            mel = torch.nn.functional.pad(LogMel(spec)(batch.wave).mT, (3, 3), mode="replicate")
            np.save(folder / f"{batch.ids[0]}.npy", torch.nn.functional.avg_pool1d(mel, 7, 1).mT[0].numpy())
    (folder / "mels.json").write_text(json.dumps(spec.to_dict()))
    return folder


def fine_tuning(folder, **changes):
    data = DataConfig(
        [str(folder / "train.jsonl")], [str(folder / "validation.jsonl")], crop=8192, batch=2, mels=str(folder)
    )
    return config(
        data=data,
        generator=GeneratorConfig(projections=1, optimizer=OptimizerConfig(lr=1e-3)),
        weights=WeightConfig(mel_scales=1),
        train=TrainConfig(steps=12, warmup=2, ema=0.8, validate_every=99, save_every=99, log_every=9),
        initial=str(SHIPPED),
        **changes,
    )


def test_fine_tuning_on_distorted_mels_beats_the_shipped_vocoder_on_unseen_ones(smoothed, tmp_path):
    settings = fine_tuning(smoothed)
    save_config(settings, tmp_path / "tune.yaml")
    out = tmp_path / "run"
    assert main(["vocoder", "train", str(tmp_path / "tune.yaml"), "--out", str(out)]) == 0
    after = Checkpoints(out / "checkpoints").all()[-1].figures
    unseen = recordings([sorted(path.stem for path in SPEECH.glob("*.flac"))[-1]])
    mels = Mels(smoothed, unseen.ids, unseen.lengths, preset("22k"))
    shipped = VocoderTask(settings, list(utterances(unseen, preset("22k"), 1, mels)))
    load_weights(SHIPPED / "generator.safetensors", shipped.generator, "shipped")
    with torch.no_grad():
        before = shipped.validate(None)
    assert after["mel"] < 0.94 * before["mel"] and after["stft"] < 0.97 * before["stft"]


def test_the_given_mel_is_what_the_generator_sees_and_the_recording_what_it_is_compared_with(held_out):
    task = VocoderTask(config(), held_out)
    real, seen = held_out[0], []

    class Perfect(FourierVocoder):
        def spectrum(self, mel):
            seen.append(mel)
            return super().spectrum(mel)

        def forward(self, mel):
            seen.append(mel)
            return real.wave

    task.generator = Perfect(task.spec, "tiny")
    given = torch.full_like(task.mel(real.wave), -3.0)
    batch = Batch(real.wave, real.ids, real.seconds, real.mask, given)
    flat = task.phases[0].losses(batch)
    sharp = task.phases[0].losses(real)
    task.validation = [batch]
    figures = task.validate(None)
    assert torch.equal(seen[0], given) and torch.equal(seen[2], given)
    assert torch.equal(seen[1], task.mel(real.wave))
    assert flat["magnitude"] > 1.1 * sharp["magnitude"]  # than the distance that starts from the right mel
    assert figures["mel"] == 0 and figures["stft"] == 0


def test_a_mel_that_is_a_frame_short_ends_the_command(smoothed, tmp_path, capsys):
    settings = fine_tuning(smoothed)
    save_config(settings, tmp_path / "tune.yaml")
    short = tmp_path / "mels"
    short.mkdir()
    for path in smoothed.glob("*.np*"):
        np.save(short / path.name, np.load(path)[:, :-1])
    (short / "mels.json").write_text((smoothed / "mels.json").read_text())
    arguments = ["vocoder", "train", str(tmp_path / "tune.yaml"), f"data.mels={short}", "-o", str(tmp_path / "run")]
    assert main(arguments) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "arctic_a0001.npy: has " in line and "frames, must have " in line
    assert not (tmp_path / "run").exists()

"""Training to take noise away: it learns, resumes, starts from a trained network, and refuses what cannot be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from specgan.evaluate import metrics
from specgan.mixing.batches import Mixtures
from specgan.mixing.mixtures import MixConfig, Mixer, Mixture, fixed
from specgan.mixing.noises import Synthesised
from specgan.networks.gain import GainRenderer
from specgan.tasks import enhancement
from specgan.tasks.enhancement import (
    Denoiser,
    EnhancementCritics,
    EnhancementRun,
    EnhancementTask,
    EnhancementWeights,
    MixtureData,
    enhanced,
)
from specgan.train import train_enhancement
from specgan.trained import read_denoiser
from tests.specgan.conftest import check_resuming, recordings
from vocoder.engine.schedule import OptimizerConfig, TrainConfig
from vocoder.errors import InputError
from vocoder.signal.dataset import Recordings
from vocoder.signal.manifest import write_manifest
from vocoder.signal.mel import LogMel
from vocoder.signal.spec import preset

SPEC = preset("16k")
STEPS = 70


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> MixtureData:
    """Speech of both voices, one of each held out; all noise is synthesised."""
    folder = tmp_path_factory.mktemp("data")
    kathleen, ljspeech = recordings("kathleen"), recordings("ljspeech")
    write_manifest(folder / "train.jsonl", [*kathleen[1:], *ljspeech[1:]])
    write_manifest(folder / "validation.jsonl", [kathleen[0], ljspeech[0]])
    paths = [str(folder / f"{part}.jsonl") for part in ("train", "validation")]
    mix = MixConfig(snr=(-5, 10), clean=0, noise_only=0, second=0, room=0, band_limit=0, equaliser=0)
    return MixtureData(paths[:1], paths[1:], mix=mix, crop=8192, batch=3, snrs=[0.0, 5.0])


@pytest.fixture(scope="module")
def config(data) -> EnhancementRun:
    return EnhancementRun(
        data=data,
        critics=EnhancementCritics(start=STEPS - 4, width=8),
        optimizer=OptimizerConfig(lr=3e-3, betas=(0.8, 0.99), clip=1.0),
        train=TrainConfig(steps=STEPS, warmup=5, precision="bf16", ema=0.9, validate_every=STEPS, save_every=STEPS - 2),
    )


@pytest.fixture(scope="module")
def run(config, tmp_path_factory):
    folder = tmp_path_factory.mktemp("enhancement")
    assert train_enhancement(config, folder)
    return folder


@pytest.fixture(scope="module")
def mixtures() -> list[Mixture]:
    """Held-out speech in noise that no training drew."""
    rows = [recordings("kathleen")[0], recordings("ljspeech")[0]]
    return [mixture for _, _, mixture in fixed(Recordings(rows, 16_000), Synthesised(16_000), [0.0, 5.0], seed=5)]


@torch.no_grad()
def test_it_takes_noise_away(run, config, mixtures):
    task = EnhancementTask(config, [(mixture.name, mixture) for mixture in mixtures])
    task.denoiser.load_state_dict(read_denoiser(run).denoiser.state_dict())
    task.denoiser.eval()
    figures, untouched = task.validate(None), {}
    for mixture in mixtures:
        count = len(mixture.noisy) // SPEC.hop * SPEC.hop
        noisy, clean = (torch.from_numpy(wave[:count])[None] for wave in mixture[:2])
        mel = task.mel(noisy)
        for name, value in task._compare(noisy, clean, mel, torch.ones_like(mel)).items():
            untouched[name] = untouched.get(name, 0.0) + value.item() / len(mixtures)
    assert figures["magnitude"] < 0.6 * untouched["magnitude"]
    assert figures["l1"] < 0.8 * untouched["l1"]
    assert figures["si_sdr_gain"] > 2
    scores = [metrics.pesq(mixture.clean, task.enhance(mixture.noisy)[0], 16_000) for mixture in mixtures]
    assert figures["pesq"] == pytest.approx(np.mean(scores), abs=1e-6)


def test_the_best_gain_is_a_bound_worth_having(mixtures):
    """The gain that the clean mel asks for, on the noisy wave: much better than the noisy wave."""
    mel, renderer = LogMel(SPEC), GainRenderer(SPEC)
    for mixture in mixtures:
        count = len(mixture.noisy) // SPEC.hop * SPEC.hop
        noisy, clean = (torch.from_numpy(wave[:count])[None] for wave in mixture[:2])
        gain = (mel(clean) - mel(noisy)).clamp_max(0).exp()
        made = renderer(noisy, gain)[0].numpy()
        scores = [
            [measure(clean[0].numpy(), wave, 16_000) for measure in (metrics.pesq, metrics.si_sdr)]
            for wave in (noisy[0].numpy(), made)
        ]
        assert scores[1][0] > scores[0][0] + 0.5 and scores[1][1] > scores[0][1] + 4


def test_a_run_goes_on_where_it_stopped(data, tmp_path):
    small = replace(data, batch=1, crop=4096, held_out=1)
    train = TrainConfig(steps=4, warmup=0, decay=0.0, ema=0.5, validate_every=4, save_every=2)
    config = EnhancementRun(data=small, critics=EnhancementCritics(start=1, width=4), train=train)
    check_resuming(lambda folder: train_enhancement(config, folder), tmp_path / "run", 2, 4)


def test_it_starts_from_a_trained_network(run, config, tmp_path):
    train = TrainConfig(steps=1, warmup=0, decay=0.0, ema=0.0, validate_every=1, save_every=1)
    still = OptimizerConfig(lr=0.0)
    critics = replace(config.critics, optimizer=still, start=0)
    again = replace(config, initial=str(run), train=train, optimizer=still, critics=critics, size="small")
    assert train_enhancement(again, tmp_path / "run")
    before, after = read_denoiser(run), read_denoiser(tmp_path / "run")
    assert after.denoiser.unet.size == "tiny"
    for name, tensor in before.denoiser.state_dict().items():
        torch.testing.assert_close(after.denoiser.state_dict()[name], tensor)
    weights = [name for name, _ in EnhancementTask(config, []).critics.named_parameters()]
    assert all(torch.equal(before.critics[name], after.critics[name]) for name in weights)


def test_losses_do_not_depend_on_the_level(config, data):
    """A mixture and the same at a tenth of the level are at the same distance from their targets."""
    torch.manual_seed(0)
    task = EnhancementTask(config, [])
    batch = next(Mixtures(Mixer(Recordings(recordings("kathleen")[:2], 16_000), None, data.mix, 8192), 2))
    gain = torch.rand(2, SPEC.bands, 64)
    loud, quiet = (
        task._compare(level * batch.noisy, level * batch.clean, task.mel(level * batch.noisy), gain)
        for level in (1.0, 0.1)
    )
    assert loud.keys() == {"l1", "magnitude", "whole"}
    for name in loud.keys() - {"l1"}:
        torch.testing.assert_close(loud[name], quiet[name], rtol=2e-3, atol=1e-5)
    torch.testing.assert_close(loud["l1"], quiet["l1"], rtol=0.1, atol=1e-3)  # the mel has a floor


def test_the_right_gain_has_the_smallest_loss(config):
    """Noise at one band range only: of all constant gains there, that of the truth is best."""
    task = EnhancementTask(config, [])
    clean = torch.from_numpy(Recordings(recordings("kathleen")[:1], 16_000).read(0)[: 64 * 128])[None]
    mel = task.mel(clean)
    losses = [sum(task._compare(clean, clean, mel, torch.full_like(mel, gain)).values()) for gain in (0.3, 0.8, 1.0)]
    assert losses[2] < 0.1 * losses[1] < 0.1 * losses[0]


def test_phases_begin_when_they_are_told(config):
    names = {start: [p.name for p in _task(config, start).phases] for start in (0, 10, STEPS)}
    assert names == {
        0: ["generator", "critics"],
        10: ["reconstruction", "generator", "critics"],
        STEPS: ["reconstruction"],
    }


def _task(config, start):
    return EnhancementTask(replace(config, critics=replace(config.critics, start=start)), [])


def test_enhanced_mels_keep_the_floor():
    mel, gain = torch.tensor([[[0.0, -11.0]]]), torch.tensor([[[0.5, 1e-9]]])
    made = enhanced(mel, gain, SPEC)
    assert made[0, 0, 0] == pytest.approx(np.log(0.5)) and made[0, 0, 1] == pytest.approx(np.log(SPEC.floor))


def test_gains_are_gains():
    torch.manual_seed(0)
    gain = Denoiser(SPEC.bands)(5 * torch.randn(2, SPEC.bands, 16))
    assert gain.shape == (2, SPEC.bands, 16) and gain.dtype == torch.float32
    assert (gain > 0).all() and (gain <= 1).all()


def test_what_is_shown(run, config, mixtures):
    shown = []

    class Log:
        def picture(self, name, *panels, low=None, high=None):
            shown.append((name, {panel.shape for panel in panels}, len(panels)))

        def sound(self, name, wave, rate):
            shown.append((name, len(wave), rate))

    task = EnhancementTask(config, [("one", mixtures[0])])
    with torch.no_grad():
        task.describe(None, Log())
    count = len(mixtures[0].noisy)
    shape = (SPEC.bands, -(-count // SPEC.hop))
    assert shown == [
        ("mel/one", {shape}, 3),
        ("gain/one", {shape}, 1),
        *((f"{kind}/one", count, 16_000) for kind in ("noisy", "enhanced", "clean")),
    ]


def test_without_the_packages_it_validates_all_the_same(config, mixtures, monkeypatch):
    monkeypatch.setattr(enhancement, "missing", lambda packages: list(packages))
    task = EnhancementTask(config, [("one", mixtures[0])])
    with torch.no_grad():
        assert task.validate(None).keys() == vars(EnhancementWeights()).keys() - {"adversarial", "feature_matching"}
    assert not task.monitors


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"data": {"crop": 8000}}, "data.crop is 8000 samples, must be a multiple of 512"),
        ({"data": {"batch": 0}}, "a batch of 0"),
        ({"data": {"train": []}}, "data.train names no manifest"),
        ({"initial": "nowhere"}, "nowhere: is no run of the task enhancement"),
        ({"lost": 0.0}, "lost is 0, must be above 0"),
        ({"size": "giant"}, "no SpecUNet of size 'giant'"),
    ],
)
def test_wrong_settings(config, fields, said, tmp_path):
    fields = {name: replace(config.data, **value) if name == "data" else value for name, value in fields.items()}
    with pytest.raises(InputError, match=said):
        train_enhancement(replace(config, **fields), tmp_path / "run")
    assert not (tmp_path / "run").exists()

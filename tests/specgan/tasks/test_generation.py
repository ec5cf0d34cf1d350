import math
import re
from dataclasses import replace

import numpy as np
import pytest
import torch

from specgan.augment import augmented
from specgan.evaluate.resemblance import described
from specgan.soundset import SoundBatches, SoundSet
from specgan.tasks.generation import COLLAPSED, DRAWN, EXTREME, GAMES, GenerationTask
from specgan.train import train, train_generation
from specgan.trained import read_sounds, sounds_checkpoint
from tests.specgan.conftest import check_resuming
from tests.specgan.tiny_sounds import generation_config
from vocoder.discriminators import Judgement
from vocoder.engine.checkpoint import Checkpoints, load_tensors
from vocoder.engine.config import save_config
from vocoder.engine.losses import OBJECTIVES
from vocoder.engine.phases import only_trainable
from vocoder.engine.schedule import TrainConfig
from vocoder.errors import InputError
from vocoder.signal.manifest import read_manifest
from vocoder.signal.spec import preset

SPEC = preset("22k")


@pytest.fixture(scope="module")
def sets(tiny_sounds):
    """Training and validation sounds."""
    rows = [read_manifest(tiny_sounds.folder / f"{name}.jsonl") for name in ("train", "validation")]
    sounds = SoundSet(rows[0], SPEC)
    return sounds, SoundSet(rows[1], SPEC, classes=sounds.classes)


def task_of(tiny_sounds, sets, objective="relativistic", **fields):
    torch.manual_seed(0)
    return GenerationTask(generation_config(tiny_sounds.folder, objective, **fields), *sets)


class Silent:
    """A logger that keeps what was said."""

    def __init__(self):
        self.said, self.shown, self.heard, self.numbers = [], [], [], {}

    def say(self, message):
        self.said.append(message)

    def scalars(self, values):
        self.numbers |= values

    def picture(self, name, *panels, low=None, high=None):
        self.shown.append((name, len(panels)))

    def sound(self, name, wave, rate):
        self.heard.append((name, wave.shape, rate))


# -- what is learned --------------------------------------------------------------------------------------------------


def test_sounds_of_a_class_come_near_its_recordings_and_not_the_other_class(tiny_sounds, sets):
    trained, untrained = task_of(tiny_sounds, sets), task_of(tiny_sounds, sets)
    trained.painter.load_state_dict(read_sounds(tiny_sounds.run).painter.state_dict())
    with torch.no_grad():
        after, before = (task.validate(Silent()) for task in (trained, untrained))
        made = [np.stack([described(mel.numpy()) for mel in trained.drawn(label)]) for label in range(2)]
    assert after["score"] < 0.7 * before["score"]
    for label in range(2):
        scores = [trained.measure.compare(label, of, trained.held_out[label]).score for of in made]
        assert scores[label] < 0.85 * scores[1 - label]
    # neither all alike nor copies
    assert after["diversity"] > COLLAPSED and after["novelty"] > 0.5
    # and what was found while training is what the checkpoint is judged by
    assert sounds_checkpoint(tiny_sounds.run).figures["score"] == pytest.approx(after["score"], rel=1e-3)


def test_recordings_in_place_of_drawn_sounds_bound_the_figures(tiny_sounds, sets):
    task = task_of(tiny_sounds, sets)
    bounds = [task.measure.bound(label, task.held_out[label]) for label in range(2)]
    for bound in bounds:
        assert 0.5 < bound.score < 2 and bound.diversity == pytest.approx(1) and bound.novelty < 1e-9


def test_pictures_have_about_the_range_from_minus_one_to_one_and_go_back(tiny_sounds, sets):
    task = task_of(tiny_sounds, sets)
    mel = torch.cat([sets[0].mels(sets[0].of_class(label)) for label in range(2)])
    picture = task.painter.normalised(mel)
    assert picture.shape == (14, 1, 80, 32)
    assert picture.mean(dim=(0, 1, 3)).abs().max() < 1e-5
    assert torch.allclose(picture.std(dim=(0, 1, 3)), torch.tensor(0.5), atol=1e-3)
    task.painter.net.forward = lambda *_: picture
    back = task.painter(torch.zeros(14, 8), torch.zeros(14, dtype=torch.int64), torch.zeros(14, 80, 32))
    assert torch.allclose(back, mel, atol=1e-4)
    task.painter.net.forward = lambda *_: picture - 1000
    least = (task.painter.mean - EXTREME * task.painter.scale).clamp_min(math.log(1e-5))
    assert torch.allclose(task.painter(None, None, torch.zeros(14, 80, 32)), least.expand(14, -1, 32))


# -- the games --------------------------------------------------------------------------------------------------------

REAL, FAKE = torch.tensor([[2.0], [0.5]]), torch.tensor([[-1.0], [1.5]])
SOFTPLUS = {x: math.log1p(math.exp(x)) for x in (-2.0, -0.5, -1.0, 1.5, -3.0, 1.0, -1.5)}
BY_HAND = {  # critic's and generator's loss of these logits
    "minimax": (
        (SOFTPLUS[-2.0] + SOFTPLUS[-0.5] + SOFTPLUS[-1.0] + SOFTPLUS[1.5]) / 2,
        -(SOFTPLUS[-1.0] + SOFTPLUS[1.5]) / 2,
    ),
    "non-saturating": (
        (SOFTPLUS[-2.0] + SOFTPLUS[-0.5] + SOFTPLUS[-1.0] + SOFTPLUS[1.5]) / 2,
        (SOFTPLUS[1.0] + SOFTPLUS[-1.5]) / 2,
    ),
    "lsgan": ((1.0 + 0.25 + 1.0 + 2.25) / 2, (4.0 + 0.25) / 2),
    "hinge": ((0.0 + 0.5 + 0.0 + 2.5) / 2, -0.25),
    "wgan": (0.25 - 1.25, -0.25),
    "wgan-gp": (0.25 - 1.25, -0.25),
    "relativistic": ((SOFTPLUS[-3.0] + SOFTPLUS[1.0]) / 2, None),
}


class Scripted(torch.nn.Module):
    """A critic that gives these logits; its gradient is `slope` at every bin of a picture."""

    def __init__(self, slope):
        super().__init__()
        self.slope = torch.nn.Parameter(torch.tensor(slope))
        self.given = []

    def forward(self, mel, label):
        value = self.given.pop(0) if self.given else torch.zeros(len(mel), 1)
        flat = mel.flatten(1).sum(dim=1, keepdim=True)
        return Judgement([value + self.slope * (flat - flat.detach())], [[]])


@pytest.mark.parametrize("name", GAMES)
def test_the_losses_are_those_of_the_papers(name, tiny_sounds, sets):
    assert {game.objective for game in GAMES.values()} == set(OBJECTIVES)
    task = task_of(tiny_sounds, sets, name)
    slope, bins = 0.01, 80 * 32
    task.critic = Scripted(slope)
    task.critic.given = [REAL, FAKE]
    label = torch.tensor([0, 1])
    terms = task._judge(torch.randn(2, 1, 80, 32), torch.randn(2, 1, 80, 32), label)
    critic, generator = BY_HAND[name]
    assert terms["adversarial"].item() == pytest.approx(critic, rel=1e-5)
    assert task.statistics()["gan/gap"].item() == pytest.approx(1.25 - 0.25)
    if name == "relativistic":
        assert terms["r1"].item() == terms["r2"].item() == pytest.approx(bins * slope**2, rel=1e-4)
    elif name == "wgan-gp":
        assert terms["penalty"].item() == pytest.approx((math.sqrt(bins) * slope - 1) ** 2, rel=1e-4)
    else:
        assert set(terms) == {"adversarial"}
    if generator is not None:
        assert task.objective.generator([FAKE], [REAL]).item() == pytest.approx(generator, rel=1e-5)


@pytest.mark.parametrize("name", GAMES)
def test_every_objective_trains(name, tiny_sounds, sets):
    task = task_of(tiny_sounds, sets, name)
    batches = SoundBatches(sets[0], 6, 0)
    updates = {"wgan": 5, "wgan-gp": 5}.get(name, 1)
    assert [phase.name.split()[0] for phase in task.phases] == ["generator"] + ["critic"] * updates
    batch = next(batches)
    optimizers = {key: torch.optim.AdamW(module.parameters(), 2e-3) for key, module in task.modules.items()}
    for _ in range(2):
        for phase in task.phases:
            with only_trainable(task.modules, phase.modules):
                losses = phase.losses(batch)
                total = sum(phase.weights[key] * loss for key, loss in losses.items())
                total.backward()
            (module,) = phase.modules
            gradients = [weight.grad for weight in task.modules[module].parameters() if weight.grad is not None]
            assert total.isfinite() and any(gradient.abs().sum() > 0 for gradient in gradients)
            optimizers[module].step()
            optimizers[module].zero_grad()
    if name == "wgan":
        task._critic(batch)
        assert max(weight.abs().max() for weight in task.critic.parameters()) <= 0.01
    spectral = any("parametrizations" in key for key, _ in task.critic.named_parameters())
    assert spectral == (name in ("minimax", "non-saturating", "lsgan", "hinge"))


def test_the_generator_is_told_by_the_critic_what_is_real(tiny_sounds, sets):
    """The gradient on the drawn picture points to what the critic likes, through the random changes."""
    task = task_of(tiny_sounds, sets, "non-saturating")
    task.critic = Scripted(1.0)
    batch = next(SoundBatches(sets[0], 6, 0))
    before = task._draw(batch.label).mean()
    optimizer = torch.optim.SGD(task.painter.parameters(), 1e-4)
    task._generator(batch)["adversarial"].backward()
    optimizer.step()
    assert task._draw(batch.label).mean() > before + 1e-3


def test_the_critic_sees_all_pictures_changed_alike(tiny_sounds, sets):
    seen = []

    class Spy(Scripted):
        def forward(self, mel, label):
            seen.append(mel.detach())
            return super().forward(mel, label)

    batch = next(SoundBatches(sets[0], 6, 0))
    for augment in (True, False):
        seen.clear()
        task = task_of(tiny_sounds, sets, augment=augment)
        task.critic = Spy(0.1)
        task.painter.net.forward = lambda latent, label, noise, task=task: task.painter.normalised(batch.mel)
        for phase in task.phases:
            phase.losses(batch)
        real = task.painter.normalised(batch.mel)
        assert len(seen) == 4
        for picture in seen:  # fakes are the reals here
            assert torch.equal(picture, real) == (not augment)
            assert (picture == 0).any() == augment
    assert augmented(real).shape == real.shape


# -- what is said -----------------------------------------------------------------------------------------------------


def test_collapse_is_warned_of_once_and_pictures_and_sound_are_shown(tiny_sounds, sets):
    task, log = task_of(tiny_sounds, sets), Silent()
    with torch.no_grad():
        drawn = task.painter.draw(torch.zeros(1, dtype=torch.int64), 0)
        task.drawn = lambda label, count=DRAWN: drawn.expand(count, -1, -1)
        for _ in range(2):
            figures = task.validate(log)
        task.describe(None, log)
    assert figures["diversity"] < 1e-6
    warnings = [f"collapse: the sounds of {name} differ by 0% of what recordings do" for name in sets[0].classes]
    assert log.said == warnings
    assert log.shown == [(f"{kind}/{name}", 4) for name in ("fall", "hiss") for kind in ("real", "generated")]
    assert log.heard == [(f"generated/{name}", (32 * 256,), 22_050) for name in ("fall", "hiss")]


def test_the_same_seed_draws_the_same(tiny_sounds):
    painter = read_sounds(tiny_sounds.run).painter
    label = torch.tensor([0, 1])
    with torch.no_grad():
        first, again, other = painter.draw(label, 1), painter.draw(label, 1), painter.draw(label, 2)
    assert torch.equal(first, again) and (first - other).abs().mean() > 0.05


# -- runs -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("objective", "layers"), [("relativistic", "plain"), ("wgan", "dcgan")])
def test_a_run_resumes_bit_for_bit(objective, layers, tiny_sounds, tmp_path):
    schedule = TrainConfig(steps=4, warmup=0, ema=0.5, validate_every=2, save_every=2, keep=9)
    settings = generation_config(tiny_sounds.folder, objective, layers=layers, train=schedule)
    check_resuming(lambda folder: train_generation(settings, folder), tmp_path / "run", 2, 4)
    saved = Checkpoints(tmp_path / "run/checkpoints").all()[-1]
    assert saved.state["facts"] == {
        "task": "generation",
        "spec": SPEC.to_dict(),
        "classes": ["fall", "hiss"],
        "frames": 32,
        "latent": 8,
        "size": "tiny",
        "layers": layers,
    }
    assert "mean" in load_tensors(saved.path / "painter.safetensors")[0]
    log = (tmp_path / "run/log.txt").read_text()
    assert re.search("validation score .* diversity .* novelty", log)


def test_it_refuses_what_cannot_be_trained(tiny_sounds, sets, tmp_path):
    base = generation_config(tiny_sounds.folder)
    for wrong, said in (
        (replace(base, critic=replace(base.critic, objective="chess")), "minimax, non-saturating, lsgan"),
        (replace(base, layers="dcgan"), "batch norm"),
        (replace(base, layers="brick"), "plain, normalised, dcgan"),
        (replace(base, size="vast"), "tiny, small"),
        (replace(base, data=replace(base.data, train=[])), "data.train names no manifest"),
        (replace(base, data=replace(base.data, batch=1)), "must be at least 2"),
        (replace(base, spec="16k", vocoder=str(tmp_path)), str(tmp_path)),
    ):
        save_config(wrong, tmp_path / "wrong.yaml")
        with pytest.raises(InputError, match=re.escape(said)):
            train(tmp_path / "wrong.yaml", [], tmp_path / "none")

from __future__ import annotations

import dataclasses
import errno
import json
import os
import signal
import subprocess
import sys

import pytest
import torch
from engine_toy import CONFIG, SIZE, ToyBatches, ToyTask, digest, train
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import nn

from vocoder.engine import checkpoint
from vocoder.engine.monitor import Watch, best_of
from vocoder.engine.phases import only_trainable, weighted_sum
from vocoder.engine.trainer import Monitor, OptimizerConfig, Phase, TrainConfig, Trainer, TrainingError, World
from vocoder.errors import InputError


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def last(folder):
    return digest(folder / "checkpoints" / f"step-{CONFIG.steps:08d}")


def trainer(task, folder, config=CONFIG):
    return Trainer(task, ToyBatches(), config, folder, World())


class OneWeight(ToyTask):
    """w · [3, 4] with one phase: everything can be worked out by hand."""

    def __init__(self, **options):
        super().__init__()
        self.w = nn.Module()
        self.w.w = nn.Parameter(torch.tensor([1.0, -2.0]))
        self.modules, self.ema = {"w": self.w}, ("w",)
        self.phases = [Phase("line", ("w",), self.line, {"slope": 2.0})]
        self.optimizers = {"w": OptimizerConfig(lr=0.1, betas=(0.8, 0.9), weight_decay=0.01, **options)}

    def line(self, batch):
        return {"slope": (self.w.w * torch.tensor([1.5, 2.0])).sum()}  # weighted by 2: gradient (3, 4), norm 5

    def validate(self, log):
        return {"error": 0.0}


ONE_STEP = TrainConfig(steps=1, warmup=0, decay=0.0, ema=0.0)


# -- one step -----------------------------------------------------------------------------------------------------


def test_one_step_of_adamw_by_hand(tmp_path):
    task = OneWeight()
    trainer(task, tmp_path, ONE_STEP).run()
    # decay first, then the step: with fresh moments Adam moves by lr · sign(gradient)
    assert task.w.w.tolist() == pytest.approx([1.0 * (1 - 0.001) - 0.1, -2.0 * (1 - 0.001) - 0.1])


def test_the_rate_follows_the_schedule(tmp_path):
    task = OneWeight()
    trainer(task, tmp_path, dataclasses.replace(ONE_STEP, warmup=10)).run()
    assert task.w.w.tolist() == pytest.approx([1.0 * (1 - 0.0001) - 0.01, -2.0 * (1 - 0.0001) - 0.01])


@pytest.mark.parametrize(("clip", "gradient"), [(1.0, (0.6, 0.8)), (50.0, (3.0, 4.0)), (None, (3.0, 4.0))])
def test_clipping_by_hand(tmp_path, clip, gradient):
    trainer(OneWeight(clip=clip), tmp_path, ONE_STEP).run()
    saved = checkpoint.Checkpoints(tmp_path / "checkpoints").all()[-1].tensors("w.optimizer")
    assert saved["w:exp_avg"].tolist() == pytest.approx([0.2 * g for g in gradient], rel=1e-5)  # (1 − 0.8) · gradient
    scalars = EventAccumulator(str(tmp_path / "tensorboard"))
    scalars.Reload()
    assert scalars.Scalars("line/gradient norm w")[0].value == pytest.approx(5.0)  # as it was before clipping


def test_each_module_is_clipped_by_its_own_norm(tmp_path):
    task = OneWeight(clip=1.0)
    task.v = nn.Module()
    task.v.v = nn.Parameter(torch.tensor([1.0]))
    task.modules["v"] = task.v
    task.optimizers["v"] = OptimizerConfig(clip=1.0)

    def both(batch):
        return {"slope": (task.w.w * torch.tensor([3.0, 4.0])).sum() + 0.5 * task.v.v.sum()}

    task.phases = [Phase("line", ("w", "v"), both, {"slope": 1.0})]
    trainer(task, tmp_path, ONE_STEP).run()
    saved = checkpoint.Checkpoints(tmp_path / "checkpoints").all()[-1]
    assert saved.tensors("w.optimizer")["w:exp_avg"].tolist() == pytest.approx([0.12, 0.16], rel=1e-5)
    assert saved.tensors("v.optimizer")["v:exp_avg"].tolist() == pytest.approx([0.1], rel=1e-5)


def test_what_is_logged(tmp_path):
    train(tmp_path)
    scalars = EventAccumulator(str(tmp_path / "tensorboard"))
    scalars.Reload()
    tags = set(scalars.Tags()["scalars"])
    for name in ("critic/adversarial", "critic/penalty", "generator/squared", "generator/adversarial"):
        assert name in tags
    for name in ("health", "speed/steps", "speed/sound", "validation/error", "final/error", "rate/generator"):
        assert name in tags
    # the losses are the unweighted ones, their weighted sum stands beside them
    value = {tag: scalars.Scalars(tag)[-1].value for tag in tags}
    total = 1.0 * value["generator/squared"] + 0.01 * value["generator/adversarial"]
    assert value["generator/total"] == pytest.approx(total, rel=1e-5)
    assert [e.step for e in scalars.Scalars("generator/total")] == [10, 20, 30]
    assert [e.step for e in scalars.Scalars("validation/error")] == [13, 26, 30]
    # steps 24 … 29 decay: the last runs at 1/6 of the rate
    assert value["rate/generator"] == pytest.approx(0.05 / 6)


def test_weighted_sum_by_hand_and_its_error():
    losses = {"a": torch.tensor(2.0), "b": torch.tensor(3.0, dtype=torch.bfloat16)}
    total = weighted_sum(losses, {"b": 10.0, "a": 0.5}, "p")
    assert total.item() == 31.0 and total.dtype == torch.float32
    with pytest.raises(InputError, match=r"phase p.*without a weight: b; weights of no loss: c"):
        weighted_sum(losses, {"a": 1.0, "c": 1.0}, "p")


# -- gradients only where they are used ---------------------------------------------------------------------------


def test_only_the_named_modules_have_gradients_and_flags_are_restored():
    modules = {"g": nn.Linear(2, 2), "d": nn.Linear(2, 1)}
    modules["g"].bias.requires_grad_(False)  # a fixed filter bank
    with pytest.raises(RuntimeError), only_trainable(modules, ["g"]):
        assert modules["g"].weight.requires_grad and not modules["g"].bias.requires_grad
        assert not modules["d"].weight.requires_grad
        modules["d"](modules["g"](torch.ones(1, 2))).sum().backward()
        assert modules["g"].weight.grad.abs().sum() > 0
        assert modules["d"].weight.grad is None and modules["d"].bias.grad is None
        raise RuntimeError
    assert modules["d"].weight.requires_grad and modules["d"].bias.requires_grad
    assert modules["g"].weight.requires_grad and not modules["g"].bias.requires_grad


def test_weights_shared_with_another_module_train_with_either():
    shared = nn.Linear(2, 2)
    modules = {"a": nn.Sequential(shared, nn.Linear(2, 2)), "b": nn.Sequential(shared)}
    with only_trainable(modules, ["b"]):
        assert shared.weight.requires_grad and not modules["a"][1].weight.requires_grad


def test_no_gradient_is_left_for_the_other_phase(tmp_path):
    seen = []

    class Watched(ToyTask):
        def look(self, own):
            for name, module in self.modules.items():
                for weight in module.parameters():
                    assert weight.requires_grad == (name == own)
                    assert weight.grad is None
            seen.append(own)

        def critic_losses(self, batch):
            self.look("critic")
            return super().critic_losses(batch)

        def generator_losses(self, batch):
            self.look("generator")
            return super().generator_losses(batch)

    train(tmp_path, make=Watched)
    assert seen[:4] == ["critic", "generator", "generator", "generator"]  # a dry call of each, then the critic waits
    assert seen.count("critic") == 1 + 26 and seen.count("generator") == 1 + 30


def test_a_frozen_weight_stays_as_it_is(tmp_path):
    task = ToyTask()
    task.modules["generator"][0].bias.requires_grad_(False)
    before = task.modules["generator"][0].bias.clone()
    trainer(task, tmp_path).run()
    assert torch.equal(task.modules["generator"][0].bias, before)
    assert not task.modules["generator"][0].bias.requires_grad


def test_bf16_runs_the_losses_in_half_precision_and_keeps_weights_in_float32(tmp_path):
    seen = set()

    class Watched(ToyTask):
        def generator_losses(self, batch):
            seen.add(self.modules["generator"](batch.x).dtype)
            return super().generator_losses(batch)

    run = train(tmp_path, dataclasses.replace(CONFIG, precision="bf16"), Watched)
    assert seen == {torch.bfloat16}
    assert {w.dtype for m in run.task.modules.values() for w in m.parameters()} == {torch.float32}


# -- before training starts ---------------------------------------------------------------------------------------


def test_a_phase_that_starts_late_is_checked_at_once_and_nothing_is_written(tmp_path):
    task = ToyTask()
    task.phases[0] = dataclasses.replace(task.phases[0], start=20_000, weights={"adversarial": 1.0, "penality": 0.1})
    with pytest.raises(InputError, match=r"phase critic.*without a weight: penalty; weights of no loss: penality"):
        trainer(task, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_the_dry_call_leaves_no_trace():
    task, batches = ToyTask(), ToyBatches()
    before = {name: {k: v.clone() for k, v in m.state_dict().items()} for name, m in task.modules.items()}
    Trainer(task, batches, CONFIG, "never-written", World())
    assert batches.position == 0
    for name, module in task.modules.items():
        assert all(torch.equal(value, before[name][key]) for key, value in module.state_dict().items())
        assert all(weight.grad is None for weight in module.parameters())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: t.phases.append(Phase("x", ("nobody",), t.critic_losses, {})), "no module 'nobody'"),
        (lambda t: setattr(t, "ema", ("nobody",)), "no module 'nobody'"),
        (lambda t: t.optimizers.pop("critic"), "critic, which has no optimiser"),
        (lambda t: t.phases.append(t.phases[1]), "same name"),
        (lambda t: t.phases.__setitem__(1, dataclasses.replace(t.phases[1], stop=2)), "no phase is active at step 2"),
        (lambda t: t.phases.__setitem__(1, dataclasses.replace(t.phases[1], start=2)), "no phase is active at step 0"),
        (lambda t: t.phases.clear(), "no phase is active at step 0"),
    ],
)
def test_names_and_times_must_fit(tmp_path, change, said):
    task = ToyTask()
    change(task)
    with pytest.raises(InputError, match=said):
        trainer(task, tmp_path)


def test_a_monitor_without_its_figure_is_named(tmp_path):
    task = ToyTask()
    task.monitor = Monitor("pesq")
    with pytest.raises(InputError, match="judged by pesq, its validation gives error"):
        trainer(task, tmp_path).run()


def test_settings_cannot_name_a_figure_that_validation_does_not_give(tmp_path):
    with pytest.raises(
        InputError, match=r"train.monitor is 'mos', which validation does not give; it gives error, score"
    ):
        trainer(ToyTask(), tmp_path / "run", dataclasses.replace(CONFIG, monitor="mos"))
    assert not (tmp_path / "run").exists()


def test_importing_the_engine_does_not_import_accelerate_or_tensorboard():
    code = (
        "import sys, vocoder.engine.trainer;"
        "sys.exit(any(n.split('.')[0] in ('accelerate', 'tensorboard') for n in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


# -- losses that are not finite -----------------------------------------------------------------------------------


class Breaks(ToyTask):
    """From the ninth training step on something is wrong."""

    def __init__(self, how):
        super().__init__()
        self.how, self.calls = how, 0

    def generator_losses(self, batch):
        losses = super().generator_losses(batch)
        self.calls += 1
        if self.calls > 9:  # the first is the dry call
            zero = 0 * self.modules["generator"][0].weight.sum()
            losses["squared"] = (
                losses["squared"]
                + {
                    "nan": zero * float("nan"),
                    "inf": zero + float("inf"),
                    "gradient": zero.abs().sqrt(),  # 0, with a slope of ∞ · 0
                }[self.how]
            )
        return losses


@pytest.mark.parametrize(
    ("how", "name"),
    [("nan", "generator/squared"), ("inf", "generator/squared"), ("gradient", "generator/gradient norm generator")],
)
def test_what_is_not_finite_stops_the_run_before_any_of_the_phases_weights_move(tmp_path, how, name):
    task = Breaks(how)
    run = trainer(task, tmp_path)
    states = []
    original = run._apply

    def apply(module, hold):
        before = [w.detach().clone() for w in run._weights[module]]
        original(module, hold)
        moved = any(not torch.equal(w, b) for w, b in zip(run._weights[module], before, strict=True))
        steps = {state["step"].item() for state in run._optimizers[module].state.values()}
        states.append((module, moved, steps))

    run._apply = apply
    with pytest.raises(TrainingError) as caught:
        run.run()
    averages = run._ema.state_dict("generator")
    # eight items a step: the ninth step's are those from position 64 on
    ids = ToyBatches()
    ids.position = 64
    assert f"step 9: {name} not finite in the batch of {', '.join(next(ids).ids)};" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert states[-3][0:2] == ("generator", True) and states[-1] == ("generator", False, {8.0})
    assert all(value.isfinite().all() for value in averages.values())
    saved = checkpoint.Checkpoints(tmp_path / "checkpoints").all()
    assert [s.step for s in saved] == [5]
    assert "TrainingError" in (tmp_path / "log.txt").read_text()


def test_phases_after_one_that_failed_do_not_move_either(tmp_path):
    class CriticBreaks(ToyTask):
        calls = 0

        def critic_losses(self, batch):
            self.calls += 1
            losses = super().critic_losses(batch)
            return {**losses, "penalty": losses["penalty"] * (float("nan") if self.calls > 1 else 1.0)}

    task = CriticBreaks(critic_start=0)
    run = trainer(task, tmp_path)
    before = {name: [w.detach().clone() for w in m.parameters()] for name, m in task.modules.items()}
    with pytest.raises(TrainingError, match="step 1: critic/penalty not finite"):
        run.run()
    for name, module in task.modules.items():
        assert all(torch.equal(w, b) for w, b in zip(module.parameters(), before[name], strict=True))


# -- stopping and going on ----------------------------------------------------------------------------------------


class Signalled(ToyTask):
    """Gets a signal in the middle of the thirteenth step, three items into an epoch."""

    calls = 0

    def __init__(self, number):
        super().__init__()
        self.number = number

    def generator_losses(self, batch):
        self.calls += 1
        if self.calls == 1 + 13:
            os.kill(os.getpid(), self.number)
        return super().generator_losses(batch)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_saves_and_the_same_command_goes_on_bit_for_bit(tmp_path, number):
    train(tmp_path / "whole")
    handler = signal.getsignal(number)
    torch.manual_seed(3)
    run = trainer(Signalled(number), tmp_path / "run")
    assert run.run() is False
    assert signal.getsignal(number) is handler
    assert run.step == 13
    assert checkpoint.Checkpoints(tmp_path / "run" / "checkpoints").all()[-1].step == 13
    torch.manual_seed(99)  # what was drawn in the meantime does not matter
    resumed = trainer(ToyTask(), tmp_path / "run")
    assert resumed.step == 13 and resumed.run() is True
    assert last(tmp_path / "run") == last(tmp_path / "whole")


def test_a_run_that_is_complete_does_nothing(tmp_path):
    train(tmp_path)
    before = last(tmp_path)
    assert trainer(ToyTask(), tmp_path).run() is True
    assert last(tmp_path) == before


def test_another_seed_gives_another_run(tmp_path):
    train(tmp_path / "a")
    train(tmp_path / "b", dataclasses.replace(CONFIG, seed=1))  # dropout differs
    assert last(tmp_path / "a")["generator.safetensors"] != last(tmp_path / "b")["generator.safetensors"]


def test_a_prolonged_run_equals_one_that_was_long_from_the_start(tmp_path):
    long = dataclasses.replace(CONFIG, steps=60)
    train(tmp_path / "direct", long)
    train(tmp_path / "prolonged")
    run = train(tmp_path / "prolonged", long)
    assert "step 24 of 60" in (tmp_path / "prolonged" / "log.txt").read_text()
    name = "checkpoints/step-00000060"
    assert digest(tmp_path / "prolonged" / name) == digest(tmp_path / "direct" / name)
    assert run.step == 60


def test_a_shortened_run_equals_one_that_was_short_from_the_start(tmp_path):
    train(tmp_path / "direct")
    generous = dataclasses.replace(CONFIG, steps=60, keep=20)
    train(tmp_path / "shortened", generous)
    train(tmp_path / "shortened", dataclasses.replace(CONFIG, keep=20))
    assert "step 20 of 30" in (tmp_path / "shortened" / "log.txt").read_text()
    assert last(tmp_path / "shortened") == last(tmp_path / "direct")


def test_shortening_below_every_kept_checkpoint_is_refused(tmp_path):
    train(tmp_path, dataclasses.replace(CONFIG, steps=60))
    with pytest.raises(InputError, match="steps=10"):
        train(tmp_path, dataclasses.replace(CONFIG, steps=10))


def test_a_checkpoint_of_another_task_is_refused(tmp_path):
    train(tmp_path)
    other = ToyTask()
    other.facts = {"kind": "toy", "spec": {"size": 8}}
    with pytest.raises(InputError, match=f"spec.size {SIZE} against 8"):
        trainer(other, tmp_path)


def test_a_full_disk_stops_the_run_and_it_goes_on_when_there_is_room(tmp_path, monkeypatch):
    train(tmp_path / "whole")
    count = iter(range(1000))
    original = checkpoint.write_file

    def write(path, data):
        if next(count) == 9:  # in the second checkpoint
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        original(path, data)

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "write_file", write)
        with pytest.raises(InputError, match=r"checkpoint of step 10.*No space left"):
            train(tmp_path / "run")
    assert [s.step for s in checkpoint.Checkpoints(tmp_path / "run" / "checkpoints").all()] == [5]
    train(tmp_path / "run")
    assert last(tmp_path / "run") == last(tmp_path / "whole")


# -- validation ---------------------------------------------------------------------------------------------------


def test_validation_sees_the_averages_in_eval_mode_and_training_goes_on_unchanged(tmp_path):
    seen = []

    class Watched(ToyTask):
        def validate(self, log):
            module = self.modules["generator"]
            assert not module.training and not torch.is_grad_enabled()
            seen.append(module[0].weight.detach().clone())
            return super().validate(log)

    rarely = dataclasses.replace(CONFIG, validate_every=1000)
    run = train(tmp_path / "a", make=Watched)
    train(tmp_path / "b", rarely)
    assert len(seen) == 3
    average = run._ema.state_dict("generator")["0.weight"]
    assert torch.equal(seen[-1], average)
    assert not torch.equal(run.task.modules["generator"][0].weight, average)
    assert run.task.modules["generator"].training
    for name in ("generator", "generator.ema", "critic", "random"):
        assert last(tmp_path / "a")[f"{name}.safetensors"] == last(tmp_path / "b")[f"{name}.safetensors"]


def test_the_checkpoint_with_the_best_figure_is_kept(tmp_path):
    figures = iter([3.0, 1.0, float("nan"), 2.0])

    class Scripted(ToyTask):
        def validate(self, log):
            return {"error": next(figures)}

    config = dataclasses.replace(CONFIG, steps=32, decay=0.0, validate_every=8, save_every=100, keep=1)
    train(tmp_path, config, Scripted)
    found = checkpoint.Checkpoints(tmp_path / "checkpoints")
    assert [saved.step for saved in found.all()] == [16, 32]
    assert found.best("error", lowest=True).step == 16
    assert found.best("error", lowest=True).figures == {"error": 1.0}


# -- judged by a figure -------------------------------------------------------------------------------------------


class Scored(ToyTask):
    """Validation gives scripted scores, more is better, and errors that fall all the time."""

    scores = (0.0, 1.0, 5.0, 4.0, 5.0, 3.0, 6.0, 7.0, 8.0, 9.0, 0.0, 0.0)

    def __init__(self, critic_start=0):
        super().__init__(critic_start=critic_start)
        self.count = 0

    def validate(self, log):
        step = log.step
        return {"error": 1.0 / step, "score": self.scores[step // 2 - 1]}


PATIENT = dataclasses.replace(
    CONFIG, steps=24, decay=0.25, validate_every=2, save_every=50, keep=1, monitor="score", patience=3
)


def steps_of(folder):
    return [saved.step for saved in checkpoint.Checkpoints(folder / "checkpoints").all()]


def test_patience_ends_a_run_that_is_complete_then(tmp_path):
    run = trainer(Scored(), tmp_path, PATIENT)
    # the third validation (step 6) is the best; 4, 5 (no better than 5) and 3 are no improvement: over at step 12
    assert run.run() is True and run.step == 12
    assert steps_of(tmp_path) == [6, 12]
    line = next(line for line in (tmp_path / "log.txt").read_text().splitlines() if "complete" in line)
    assert "complete at step 12: score has not improved in 3 validations, its best was 5;" in line
    assert "train.steps=16 train.patience=0" in line  # 16 − 16 / 4 = 12
    scalars = EventAccumulator(str(tmp_path / "tensorboard"))
    scalars.Reload()
    assert [(e.step, e.value) for e in scalars.Scalars("final/score")] == [(12, 3.0)]
    # the same command finds it complete; another end goes on from there, with what it says
    again = trainer(Scored(), tmp_path, PATIENT)
    assert again.run() is True and again.step == 12
    longer = trainer(Scored(), tmp_path, dataclasses.replace(PATIENT, steps=16, patience=0))
    assert longer.run() is True and longer.step == 16
    assert steps_of(tmp_path) == [12, 16]


def test_patience_is_the_same_after_a_stop_in_the_middle(tmp_path):
    halfway = dataclasses.replace(PATIENT, steps=10, decay=0.0)
    assert trainer(Scored(), tmp_path, halfway).run() is True
    run = trainer(Scored(), tmp_path, dataclasses.replace(PATIENT, decay=0.0))
    assert run.run() is True and run.step == 12


def test_without_patience_a_run_takes_all_its_steps_and_keeps_the_best_by_what_was_named(tmp_path):
    trainer(Scored(), tmp_path / "a", dataclasses.replace(PATIENT, patience=0, decay=0.0)).run()
    assert steps_of(tmp_path / "a") == [20, 24]
    trainer(Scored(), tmp_path / "b", dataclasses.replace(PATIENT, patience=0, decay=0.0, monitor=None)).run()
    assert steps_of(tmp_path / "b") == [24]


def test_patience_counts_from_the_start_of_the_last_phase_on(tmp_path):
    run = trainer(Scored(critic_start=8), tmp_path, dataclasses.replace(PATIENT, patience=1))
    # validations after step 8 only: 5 at step 10, then 3 at step 12 is worse
    assert run.run() is True and run.step == 12
    run = trainer(Scored(critic_start=99), tmp_path / "never", dataclasses.replace(PATIENT, patience=1))
    assert run.run() is True and run.step == 8  # a phase that never begins is not waited for


def test_a_figure_that_is_never_finite_uses_patience_up(tmp_path):
    class Silent(Scored):
        scores = (float("nan"),) * 12

    run = trainer(Silent(), tmp_path, PATIENT)
    assert run.run() is True and run.step == 6
    assert "has not improved in 3 validations; the learning rate" in (tmp_path / "log.txt").read_text()


def test_what_is_taken_out_of_a_run(tmp_path):
    checkpoints = checkpoint.Checkpoints(tmp_path / "named" / "checkpoints")
    assert best_of(checkpoints, Monitor("error")) is None
    trainer(Scored(), tmp_path / "named", PATIENT).run()
    assert best_of(checkpoints, Monitor("error")).step == 6  # the settings named the score
    assert best_of(checkpoints, None).step == 6
    trainer(Scored(), tmp_path / "own", dataclasses.replace(PATIENT, monitor=None, patience=0)).run()
    own = checkpoint.Checkpoints(tmp_path / "own" / "checkpoints")
    assert best_of(own, Monitor("score", lowest=False)).step == 18  # of those that are left, 18 and 24
    assert best_of(own, None).step == 24  # the newest


def test_another_monitor_begins_to_count_anew():
    watch = Watch("score", lowest=False, chosen=True).after({"score": 2.0}).after({"score": 1.0})
    assert (watch.best, watch.since) == (2.0, 1)
    state = {"watch": json.loads(json.dumps(watch.to_dict()))}
    assert Watch("score", lowest=False, chosen=True).resumed(state) == watch
    other = Watch("error", lowest=True, chosen=False)
    assert other.resumed(state) == other and other.resumed({}) == other


# -- it learns ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("precision", ["float32", "bf16"])
def test_a_tiny_gan_beats_the_baseline(tmp_path, precision):
    config = TrainConfig(steps=300, precision=precision, warmup=10, ema=0.98, log_every=100, validate_every=300)
    run = train(tmp_path, config, lambda: ToyTask(noise=0.0))
    error = checkpoint.Checkpoints(tmp_path / "checkpoints").all()[-1].figures["error"]
    copying = 1 / SIZE  # answering with the input itself: (2 − 1)² on the diagonal of the unit matrix
    assert error < 0.1 * copying
    assert run.step == 300

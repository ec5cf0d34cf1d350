from __future__ import annotations

import errno
import json
import os
import pickle
import resource
from pathlib import Path

import pytest
import torch
from torch import nn

from vocoder.engine import checkpoint
from vocoder.engine.checkpoint import Checkpoints, load_tensors, load_weights, require_same_facts, save_tensors
from vocoder.errors import InputError


def state(step: int, *, decay_start: int = 85, steps: int = 100, **more: object) -> dict[str, object]:
    return {"step": step, "decay_start": decay_start, "steps": steps, "sampler": {}, "facts": {}, **more}


def save(checkpoints: Checkpoints, step: int, value: float = 0.0, **more: object) -> Path:
    return checkpoints.save({"m": lambda: {"w": torch.full((3,), value)}}, state(step, **more))


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


# -- tensors ------------------------------------------------------------------------------------------------------


def test_tensors_round_trip_bit_for_bit(tmp_path):
    shared = torch.randn(4, 6, generator=torch.Generator().manual_seed(0))
    tensors = {
        "float": shared,
        "transposed": shared.t(),
        "tied": shared,
        "half": shared.bfloat16(),
        "scalar": torch.tensor(-0.0),
        "count": torch.tensor(2**40),
        "flag": torch.tensor([True, False]),
        "empty": torch.zeros(0, 3),
    }
    save_tensors(tmp_path / "a.safetensors", tensors, {"spec": {"hop": 256}})
    loaded, facts = load_tensors(tmp_path / "a.safetensors")
    assert facts == {"spec": {"hop": 256}}
    assert loaded.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert loaded[name].dtype == tensor.dtype
        assert torch.equal(loaded[name], tensor)
    assert torch.signbit(loaded["scalar"])


class Runs:
    """Touches a file when unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return Path.touch, (self.path,)


@pytest.fixture
def good(tmp_path):
    path = tmp_path / "good.safetensors"
    save_tensors(path, nn.Linear(3, 2).state_dict(), {"generator": "fourier", "size": "small"})
    return path


def refused(path: Path, said: str) -> None:
    module = nn.Linear(3, 2)
    before = {name: value.clone() for name, value in module.state_dict().items()}
    with pytest.raises(InputError) as caught:
        load_weights(path, module, "the toy")
    assert str(caught.value).startswith(str(path))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())


@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
def test_a_pickle_is_refused_unread(tmp_path, protocol):
    trace = tmp_path / "was-run"
    (tmp_path / "bad.safetensors").write_bytes(pickle.dumps({"generator": Runs(trace)}, protocol))
    refused(tmp_path / "bad.safetensors", "not a safetensors file" if protocol == 0 else "pickle")
    assert not trace.exists()


@pytest.mark.parametrize("zipped", [True, False])
def test_a_torch_file_is_refused_unread(tmp_path, zipped):
    trace = tmp_path / "was-run"
    torch.save({"generator": Runs(trace)}, tmp_path / "bad.pt", _use_new_zipfile_serialization=zipped)
    refused(tmp_path / "bad.pt", "pickle")
    assert not trace.exists()


def test_cut_short_at_every_place(good):
    whole = good.read_bytes()
    for length in (*range(0, 40, 3), len(whole) // 2, len(whole) - 1):
        good.write_bytes(whole[:length])
        refused(good, "cut short")
    good.write_bytes(whole)
    load_weights(good, nn.Linear(3, 2), "the toy")


def test_other_files_are_refused(tmp_path):
    (tmp_path / "text").write_text("these are not weights, but words")
    refused(tmp_path / "text", "not a safetensors file")
    (tmp_path / "damaged").write_bytes((20).to_bytes(8, "little") + b'{"w": {"dtype": "F3' + b"2" * 30)
    refused(tmp_path / "damaged", "damaged")
    refused(tmp_path / "absent", "cannot be read")
    refused(tmp_path, "cannot be read")


def test_another_architecture_is_named_with_its_first_keys(tmp_path, good):
    save_tensors(tmp_path / "a", {"weight": torch.zeros(2, 4), "bias": torch.zeros(2)}, {"size": "base"})
    refused(tmp_path / "a", "the toy: of another shape: weight (2, 4) instead of (2, 3)")
    refused(tmp_path / "a", '(it is of {"size": "base"})')
    save_tensors(tmp_path / "b", {f"blocks.{n}": torch.zeros(1) for n in range(5)} | {"bias": torch.zeros(2)})
    refused(tmp_path / "b", "missing: weight; unexpected: blocks.0, blocks.1, blocks.2 and 2 more")


def test_weights_are_loaded_and_the_facts_given(good):
    module = nn.Linear(3, 2)
    assert load_weights(good, module, "the toy") == {"generator": "fourier", "size": "small"}
    assert all(torch.equal(value, load_tensors(good)[0][name]) for name, value in module.state_dict().items())


# -- checkpoints --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("made_with", "asked_for", "found"),
    [
        ((85, 100), (85, 100), 95),  # the same schedule: the newest
        ((85, 100), (170, 200), 80),  # longer: back to before the decay
        ((170, 200), (85, 100), 80),  # shorter: back to before the new decay
        ((85, 100), (85, 170), 80),  # the decay begins at the same step but falls more slowly
        ((95, 100), (190, 200), 95),  # the step at which the decay begins is still at the full rate
    ],
)
def test_a_changed_length_goes_on_from_the_constant_part(tmp_path, made_with, asked_for, found):
    checkpoints = Checkpoints(tmp_path)
    for step in (20, 80, 90, 95):
        save(checkpoints, step, decay_start=made_with[0], steps=made_with[1])
    assert checkpoints.newest(*asked_for).step == found


def test_no_usable_checkpoint_is_an_error_and_none_at_all_is_not(tmp_path):
    checkpoints = Checkpoints(tmp_path)
    assert checkpoints.newest(85, 100) is None
    save(checkpoints, 90)
    with pytest.raises(InputError, match="steps=50"):
        checkpoints.newest(42, 50)


def test_pruning_keeps_the_last_the_best_and_the_branch_point(tmp_path):
    checkpoints = Checkpoints(tmp_path)
    for step in (10, 20, 60, 85, 90, 95, 98):
        save(checkpoints, step, validation={"mel": 1.0 if step == 20 else 2.0})
    checkpoints.prune(2, 98, 85, 100, checkpoints.best("mel", lowest=True))
    assert [saved.step for saved in checkpoints.all()] == [20, 85, 95, 98]
    assert not list(tmp_path.glob(".*"))


def test_pruning_leaves_what_lies_ahead_on_an_abandoned_schedule_until_it_is_passed(tmp_path):
    checkpoints = Checkpoints(tmp_path)
    for step in (85, 95, 100):
        save(checkpoints, step)
    save(checkpoints, 90, decay_start=170, steps=200)
    checkpoints.prune(1, 90, 170, 200, None)
    assert [saved.step for saved in checkpoints.all()] == [90, 95, 100]
    save(checkpoints, 97, decay_start=170, steps=200)
    checkpoints.prune(1, 97, 170, 200, None)
    assert [saved.step for saved in checkpoints.all()] == [97, 100]


def test_best_by_either_direction(tmp_path):
    checkpoints = Checkpoints(tmp_path)
    assert checkpoints.best("mel", lowest=True) is None
    for step, value in ((10, 3.0), (20, 1.0), (30, float("nan")), (40, 1.0), (50, 2.0)):
        save(checkpoints, step, validation={"mel": value})
    save(checkpoints, 60)  # saved between validations
    assert checkpoints.best("mel", lowest=True).step == 20
    assert checkpoints.best("mel", lowest=False).step == 10
    assert checkpoints.best("pesq", lowest=False) is None


def test_an_abandoned_checkpoint_of_the_same_step_is_replaced(tmp_path):
    checkpoints = Checkpoints(tmp_path)
    save(checkpoints, 90, 1.0)
    path = save(checkpoints, 90, 2.0, decay_start=170, steps=200)
    assert [saved.state["steps"] for saved in checkpoints.all()] == [200]
    assert load_tensors(path / "m.safetensors")[0]["w"].tolist() == [2.0] * 3
    assert [p.name for p in tmp_path.iterdir()] == ["step-00000090"]


def full(where: int):
    count = iter(range(100))
    original = checkpoint.write_file

    def write(path: Path, data: bytes) -> None:
        if next(count) == where:
            path.write_bytes(data[: len(data) // 2])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        original(path, data)

    return write


@pytest.mark.parametrize("where", [0, 1])
def test_a_full_disk_leaves_the_checkpoint_before_whole(tmp_path, monkeypatch, where):
    checkpoints = Checkpoints(tmp_path)
    save(checkpoints, 10)
    before = content(tmp_path)
    monkeypatch.setattr(checkpoint, "write_file", full(where))
    with pytest.raises(InputError) as caught:
        save(checkpoints, 20)
    assert "step 20" in str(caught.value) and "No space left" in str(caught.value) and "\n" not in str(caught.value)
    assert content(tmp_path) == before
    assert [path.name for path in tmp_path.iterdir()] == ["step-00000010"]  # what it had taken is free again


def test_a_file_that_may_not_grow_leaves_the_checkpoint_before_whole(tmp_path):
    checkpoints = Checkpoints(tmp_path)
    save(checkpoints, 10)
    before = content(tmp_path)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, limits[1]))
    try:
        with pytest.raises(InputError, match="step 20"):
            checkpoints.save({"m": lambda: {"w": torch.zeros(4096)}}, state(20))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert content(tmp_path) == before


def test_leftovers_of_a_kill_are_cleaned_and_never_taken_for_a_checkpoint(tmp_path):
    checkpoints = Checkpoints(tmp_path)
    save(checkpoints, 10)
    for name in (".saving-step-00000020", ".removing-step-00000005"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "m.safetensors").write_bytes(b"half")
    assert [saved.step for saved in checkpoints.all()] == [10]
    checkpoints.clean()
    assert [path.name for path in tmp_path.iterdir()] == ["step-00000010"]


@pytest.mark.parametrize("text", ["", "{", "{}", "[]", '{"step": "x"}'])
def test_a_damaged_checkpoint_is_named(tmp_path, text):
    checkpoints = Checkpoints(tmp_path)
    path = save(checkpoints, 10)
    (path / "state.json").write_text(text)
    with pytest.raises(InputError, match="step-00000010"):
        checkpoints.all()


def test_facts_that_differ_are_named_with_both_values():
    facts = {"spec": {"hop": 256, "bands": 80}, "periods": (2, 3)}
    require_same_facts(json.loads(json.dumps(facts)), facts, "here")
    with pytest.raises(InputError) as caught:
        require_same_facts({"spec": {"hop": 256, "bands": 80}}, {"spec": {"hop": 128, "bands": 80}, "x": 1}, "here")
    assert "spec.hop 256 against 128" in str(caught.value)
    assert "x absent against 1" in str(caught.value)
    assert "bands" not in str(caught.value)

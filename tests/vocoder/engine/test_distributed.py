"""Two processes on the CPU (gloo), and processes that are killed."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from engine_toy import CONFIG, ToyTask, train

from vocoder.engine.checkpoint import load_tensors

HERE = Path(__file__).parent
ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
ENVIRONMENT["PYTHONPATH"] = os.pathsep.join([str(HERE.parents[2]), os.environ.get("PYTHONPATH", "")])


@pytest.fixture(scope="module")
def together(tmp_path_factory):
    folder = tmp_path_factory.mktemp("together")
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--local-addr", "127.0.0.1"]
    done = subprocess.run(
        [*launcher, "--nproc-per-node", "2", str(HERE / "engine_processes.py"), str(folder)],
        env=ENVIRONMENT,
        timeout=300,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-4000:]
    return folder


def reports(folder: Path, trouble: str) -> list[dict[str, object]]:
    return [json.loads((folder / f"report-{rank}.json").read_text())[trouble] for rank in (0, 1)]


def test_both_have_the_same_weights_and_those_of_one_process(together, tmp_path):
    first, second = (load_tensors(together / f"weights-{rank}.safetensors")[0] for rank in (0, 1))
    config = dataclasses.replace(CONFIG, decay=0.0)
    alone = train(tmp_path, config, lambda: ToyTask(noise=0.0, clip=0.5)).task.modules
    checked = 0
    for name, module in alone.items():
        for key, value in module.named_parameters():
            assert torch.equal(first[f"{name}.{key}"], second[f"{name}.{key}"])
            torch.testing.assert_close(first[f"{name}.{key}"], value.detach(), rtol=0, atol=1e-5)
            checked += 1
    assert checked == 4


def test_the_two_went_on_from_a_checkpoint_that_only_the_first_wrote(together):
    log = (together / "run" / "log.txt").read_text()
    assert "step 18 of 30 on 2 ×" in log
    assert log.count("step 30 validation") == 1
    random = load_tensors(together / "run" / "checkpoints" / "step-00000030" / "random.safetensors")[0]
    assert random.keys() == {"cpu.0", "cpu.1"} and not torch.equal(random["cpu.0"], random["cpu.1"])


def test_a_loss_that_is_not_finite_in_one_stops_both_at_the_same_step(together):
    first, second = reports(together, "not finite")
    assert (first["step"], second["step"]) == (4, 4)
    assert "step 5: generator/squared not finite in the batch of item" in second["message"]
    assert "another process" in first["message"]


def test_a_signal_to_one_stops_both_after_the_same_step(together):
    assert [report["finished"] for report in reports(together, "signal")] == [False, False]
    assert [report["step"] for report in reports(together, "signal")] == [5, 5]


def test_a_validation_that_fails_stops_both(together):
    first, second = reports(together, "validation")
    assert "the first process only" in first["message"]
    assert "TrainingError: the first process failed" in second["message"]


def test_patience_ends_both_after_the_same_step(together):
    # the critic's phase begins at step 4: of 1.5, 1.0 and 0.5 at steps 6, 8 and 10 the first is the best
    assert reports(together, "patience") == [{"finished": True, "step": 10}] * 2


def test_a_process_that_dies_does_not_leave_the_other_waiting(tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    shared = ENVIRONMENT | {
        "WORLD_SIZE": "2",
        "LOCAL_WORLD_SIZE": "2",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
    }
    command = [sys.executable, str(HERE / "engine_processes.py"), str(tmp_path), "error"]
    processes = [
        subprocess.Popen(command, env=shared | {"RANK": rank, "LOCAL_RANK": rank}, stderr=subprocess.PIPE, text=True)
        for rank in ("0", "1")
    ]
    try:
        errors = [process.communicate(timeout=120)[1] for process in processes]
    finally:
        for process in processes:
            process.kill()
    assert all(process.returncode != 0 for process in processes)
    assert "a cable came loose" in errors[1]


def test_killed_runs_end_bit_for_bit_like_an_unharmed_one(tmp_path):
    done = subprocess.run(
        [sys.executable, str(HERE / "engine_kills.py"), str(tmp_path)],
        env=ENVIRONMENT,
        timeout=600,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    lines = [line.split() for line in done.stdout.splitlines()]
    assert len(lines) == 10
    killed = str(int(signal.SIGKILL))
    for precision, index, first, second, last, same, *left in lines:
        assert (first, second, last) == (killed, killed, "0"), (precision, index)
        assert same == "True", (precision, index)
        # the branch point (the decay begins at 24), the one before the last, the last; nothing half-written
        assert left == ["step-00000024", "step-00000026", "step-00000030"], (precision, index)

from __future__ import annotations

import pytest

from vocoder.engine.schedule import OptimizerConfig, TrainConfig
from vocoder.errors import InputError


def test_rate_by_hand():
    config = TrainConfig(steps=20, warmup=4, decay=0.25)
    assert config.decay_start == 15
    expected = [0.25, 0.5, 0.75, 1.0] + [1.0] * 11 + [1.0, 0.8, 0.6, 0.4, 0.2]
    assert [config.rate(step) for step in range(20)] == pytest.approx(expected)


def test_without_warmup_and_decay_the_rate_is_constant():
    config = TrainConfig(steps=7, warmup=0, decay=0.0)
    assert config.decay_start == 7
    assert {config.rate(step) for step in range(7)} == {1.0}


def test_the_rate_before_the_decay_does_not_depend_on_the_length():
    short, long = TrainConfig(steps=100, warmup=10), TrainConfig(steps=1000, warmup=10)
    assert short.decay_start == 85
    assert [short.rate(step) for step in range(85)] == [long.rate(step) for step in range(85)]


@pytest.mark.parametrize(
    "wrong",
    [
        {"steps": 0},
        {"decay": 1.5},
        {"ema": 1.0},
        {"precision": "fp16"},
        {"keep": 0},
        {"warmup": -1},
        {"log_every": 0},
    ],
)
def test_values_out_of_range_are_named(wrong):
    (name,) = wrong
    with pytest.raises(InputError, match=name):
        TrainConfig(**wrong)


@pytest.mark.parametrize("wrong", [{"lr": -1.0}, {"betas": (0.9, 1.0)}, {"clip": 0.0}, {"weight_decay": -0.1}])
def test_optimiser_values_out_of_range(wrong):
    with pytest.raises(InputError):
        OptimizerConfig(**wrong)

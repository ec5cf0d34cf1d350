from __future__ import annotations

import pytest
import torch
from torch import nn

from vocoder.engine.ema import EMA


def model(value: float) -> nn.Linear:
    linear = nn.Linear(1, 1, bias=False)
    linear.register_buffer("count", torch.tensor(0))
    nn.init.constant_(linear.weight, value)
    return linear


def test_average_by_hand():
    linear = model(0.0)
    ema = EMA({"m": linear}, decay=0.15)
    nn.init.constant_(linear.weight, 10.0)
    ema.update(step=0)  # d = min(0.15, 1/10): 0.1·0 + 0.9·10
    assert ema.state_dict("m")["weight"].item() == pytest.approx(9.0)
    nn.init.constant_(linear.weight, 20.0)
    ema.update(step=1)  # d = min(0.15, 2/11): 0.15·9 + 0.85·20
    assert ema.state_dict("m")["weight"].item() == pytest.approx(18.35)


def test_applied_exchanges_and_restores_even_after_an_error():
    linear = model(1.0)
    ema = EMA({"m": linear}, decay=0.9)
    nn.init.constant_(linear.weight, 3.0)
    with pytest.raises(RuntimeError), ema.applied():
        assert linear.weight.item() == 1.0
        raise RuntimeError
    assert linear.weight.item() == 3.0
    assert ema.state_dict("m")["weight"].item() == 1.0


def test_buffers_are_the_modules_own_and_averages_are_float32():
    linear = model(1.0).to(torch.bfloat16)
    ema = EMA({"m": linear}, decay=0.9)
    linear.count += 5
    state = ema.state_dict("m")
    assert state["count"].item() == 5
    assert state["weight"].dtype == torch.float32


def test_zero_decay_is_the_weights_themselves():
    linear = model(0.0)
    ema = EMA({"m": linear}, decay=0.0)
    nn.init.constant_(linear.weight, 4.0)
    ema.update(step=50)
    assert ema.state_dict("m")["weight"].item() == 4.0


def test_round_trip():
    first, second = EMA({"m": model(2.5)}, 0.9), EMA({"m": model(0.0)}, 0.9)
    second.load_state_dict("m", first.state_dict("m"))
    assert second.state_dict("m")["weight"].item() == 2.5

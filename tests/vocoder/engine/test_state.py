"""The moments of an optimiser, saved and put back."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from vocoder.engine.checkpoint import load_tensors, save_tensors
from vocoder.engine.state import load_moments, moments


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_moments_go_on_bit_for_bit_however_weights_lie_in_memory(layout, tmp_path):
    """The fused AdamW pairs numbers by their place in memory, and files hold them in the order of their indices."""

    def begin():
        torch.manual_seed(0)
        module = nn.Conv2d(3, 4, 3).to(memory_format=layout)
        return module, torch.optim.AdamW(module.parameters(), 0.1, fused=True)

    def step(module, optimizer, seed):
        generator = torch.Generator().manual_seed(seed)
        for weight in module.parameters():
            weight.grad = torch.empty_like(weight).copy_(torch.randn(weight.shape, generator=generator))
        optimizer.step()

    straight, resumed = begin(), begin()
    for seed in range(3):
        step(*straight, seed)
    for seed in range(2):
        step(*resumed, seed)
    save_tensors(tmp_path / "moments.safetensors", moments(resumed[1], resumed[0]))
    module, optimizer = begin()
    module.load_state_dict(resumed[0].state_dict())
    load_moments(optimizer, module, load_tensors(tmp_path / "moments.safetensors")[0])
    step(module, optimizer, 2)
    assert all(torch.equal(a, b) for a, b in zip(module.parameters(), straight[0].parameters(), strict=True))

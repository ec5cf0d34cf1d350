"""What a run needs besides its weights to go on bit for bit, as named tensors: optimiser moments, random numbers."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from vocoder.engine.parallel import World


def moments(optimizer: torch.optim.Optimizer, module: nn.Module) -> dict[str, Tensor]:
    """State of an optimiser as "<parameter>:<moment>"; empty before its first step."""
    return {
        f"{name}:{key}": value
        for name, weight in module.named_parameters()
        for key, value in optimizer.state.get(weight, {}).items()
    }


def load_moments(optimizer: torch.optim.Optimizer, module: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Put back what `moments` gave."""
    weights = dict(module.named_parameters())
    for key, value in tensors.items():
        name, moment = key.rsplit(":", 1)
        weight = weights[name]
        if value.shape == weight.shape:
            # laid out in memory as the weight: the fused AdamW goes through both without a look at their strides
            value = torch.empty_like(weight, dtype=value.dtype).copy_(value)
        optimizer.state[weight][moment] = value.to(weight.device)


def random_states(world: World) -> dict[str, Tensor]:
    """States of torch's random number generators in every process; all of them must call this together."""
    states = {f"cpu.{rank}": state for rank, state in enumerate(world.gather(torch.get_rng_state()))}
    if world.device.type == "cuda":
        mine = torch.cuda.get_rng_state(world.device)
        states |= {f"cuda.{rank}": state for rank, state in enumerate(world.gather(mine))}
    return states


def load_random_state(world: World, states: Mapping[str, Tensor], fallback: int) -> None:
    """Put back this process's states; one that did not exist then begins with the seed `fallback`."""
    if f"cpu.{world.rank}" not in states:
        torch.manual_seed(fallback)
        return
    torch.set_rng_state(states[f"cpu.{world.rank}"])
    if world.device.type == "cuda" and f"cuda.{world.rank}" in states:
        torch.cuda.set_rng_state(states[f"cuda.{world.rank}"], world.device)

"""Moving average of weights: what is validated and shipped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class EMA:
    """Exponential moving average of the parameters of some modules, in float32 (Yazıcı 2019, arXiv:1806.04498).

    avg ← d·avg + (1 − d)·weight with d = min(decay, (1 + t) / (10 + t)) after step t, so that the weights a short run
    began with do not dominate its average. Buffers are not averaged: those of the average are the module's own.

    Parameters
    ----------
    modules : mapping of str to nn.Module
    decay : float in [0, 1)
    """

    def __init__(self, modules: Mapping[str, nn.Module], decay: float) -> None:
        self._modules = dict(modules)
        self._decay = decay
        self._averages = {
            name: {key: weight.detach().float().clone() for key, weight in module.named_parameters()}
            for name, module in self._modules.items()
        }

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the weights as they are after `step` (0 is the first)."""
        share = 1.0 - min(self._decay, (1 + step) / (10 + step))
        for name, module in self._modules.items():
            weights = [weight.detach().float() for _, weight in module.named_parameters()]
            if weights:
                torch._foreach_lerp_(list(self._averages[name].values()), weights, share)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """The modules hold their averages inside the block, and their own weights again after it."""
        self._exchange()
        try:
            yield
        finally:
            self._exchange()

    @torch.no_grad()
    def _exchange(self) -> None:
        for name, module in self._modules.items():
            averages = self._averages[name]
            for key, weight in module.named_parameters():
                averages[key], weight.data = weight.data.float(), averages[key].to(weight.dtype)

    def state_dict(self, name: str) -> dict[str, Tensor]:
        """State dict of one module with averaged weights: it loads into the module itself."""
        return {**self._modules[name].state_dict(), **self._averages[name]}

    def load_state_dict(self, name: str, state: Mapping[str, Tensor]) -> None:
        for key, average in self._averages[name].items():
            average.copy_(state[key])

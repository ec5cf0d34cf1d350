"""Keep numerically delicate functions in float32 inside mixed-precision training."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import torch

F = TypeVar("F", bound=Callable[..., Any])


def _widen(value: Any) -> Any:
    if isinstance(value, torch.Tensor) and value.dtype in (torch.bfloat16, torch.float16):
        return value.float()
    if isinstance(value, (list, tuple)) and not hasattr(value, "_fields"):
        return type(value)(_widen(item) for item in value)
    return value


def in_float32(function: F) -> F:
    """Run `function` without autocast, with half-precision tensors among its arguments widened.

    STFTs, penalties and losses lose too much in bfloat16 (8 bits of mantissa): a log-magnitude
    is off by 0.4 %, and a squared gradient norm underflows.
    """

    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        args = tuple(_widen(value) for value in args)
        kwargs = {name: _widen(value) for name, value in kwargs.items()}
        device = next((v.device.type for v in args if isinstance(v, torch.Tensor)), "cpu")
        if torch.compiler.is_exporting() or not torch.is_autocast_enabled(device):
            return function(*args, **kwargs)
        with torch.autocast(device, enabled=False):
            return function(*args, **kwargs)

    return wrapped  # type: ignore[return-value]  # same signature by construction

"""The processes that train together: who am I, on which device, and the few things they must agree on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

import torch
from torch import Tensor, nn

from vocoder.errors import InputError

T = TypeVar("T")


class TrainingError(RuntimeError):
    """Training cannot go on; one line says at which step and why. The last good checkpoint stays."""


@dataclass(frozen=True)
class World:
    """One process among those of a run.

    Parameters
    ----------
    rank, size : int
        This process and the number of them.
    device : torch.device
    """

    rank: int = 0
    size: int = 1
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    @property
    def main(self) -> bool:
        """Whether this is the one process that writes."""
        return self.rank == 0

    def broadcast(self, modules: Iterable[nn.Module]) -> None:
        """Give every process the weights and buffers of the first one."""
        if self.size > 1:
            with torch.no_grad():
                for module in modules:
                    for tensor in (*module.parameters(), *module.buffers()):
                        # As bytes: gloo knows neither truth values nor tensors that are not contiguous.
                        raw = tensor.detach().clone(memory_format=torch.contiguous_format).reshape(-1).view(torch.uint8)
                        torch.distributed.broadcast(raw, src=0)
                        tensor.copy_(raw.view(tensor.dtype).view(tensor.shape))

    def average(self, gradients: Sequence[Tensor], flags: Tensor) -> Tensor:
        """Average gradients over the processes in place, and add up `flags` (1-D) in the same message.

        One flat all-reduce after the backward pass instead of DistributedDataParallel's hooks: DDP's reducer expects
        one forward and one backward pass with a fixed set of trainable parameters, whereas the phases of a GAN freeze
        modules, call the critic twice and differentiate gradients (R1, gradient penalty).
        """
        if self.size == 1:
            return flags
        flat = torch.cat([*(gradient.reshape(-1) for gradient in gradients), flags])
        torch.distributed.all_reduce(flat)
        *pieces, total = flat.split([*(gradient.numel() for gradient in gradients), flags.numel()])
        for gradient, piece in zip(gradients, pieces, strict=True):
            gradient.copy_(piece.view_as(gradient) / self.size)
        return total

    def gather(self, tensor: Tensor) -> list[Tensor]:
        """The tensors of all processes (same shape and type), on the CPU, by rank."""
        if self.size == 1:
            return [tensor.cpu()]
        mine = tensor.to(self.device)
        gathered = [torch.empty_like(mine) for _ in range(self.size)]
        torch.distributed.all_gather(gathered, mine)
        return [item.cpu() for item in gathered]

    def on_main(self, work: Callable[[], T]) -> T | None:
        """Run `work` in the first process while the others wait; if it fails, all of them stop.

        Raises
        ------
        TrainingError
            In the processes that waited in vain. The first one raises its own error.
        """
        if self.size == 1:
            return work()
        result: T | None = None
        error: BaseException | None = None
        if self.main:
            try:
                result = work()
            except BaseException as caught:  # the others wait for this process: tell them before passing it on
                error = caught
        failed = torch.tensor([float(error is not None)], device=self.device)
        torch.distributed.broadcast(failed, src=0)
        if error is not None:
            raise error
        if failed.item():
            raise TrainingError("the first process failed, see its message")
        return result


def connect() -> World:
    """Join the processes that `torchrun` started, or be the only one; choose the device.

    A process that dies closes its connections, which ends the others' collective calls with an error; one that
    hangs makes them give up after half an hour, so that is also the longest that a validation may take.

    Raises
    ------
    InputError
        If the processes cannot meet.
    """
    from accelerate import PartialState

    try:
        # Without an accelerator accelerate ignores the other processes unless it is told that the CPU is meant.
        state = PartialState(cpu=not torch.accelerator.is_available(), timeout=timedelta(minutes=30))
    except (RuntimeError, ValueError) as error:
        raise InputError(f"cannot join the other processes: {str(error).splitlines()[0]}") from error
    return World(state.process_index, state.num_processes, state.device)

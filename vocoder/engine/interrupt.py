"""SIGTERM and SIGINT as a request to stop after the present step. No torch."""

from __future__ import annotations

import signal
import threading
import time
from types import FrameType, TracebackType
from typing import Any

GRACE = 2.0  # seconds; launchers pass on a Ctrl-C that the terminal has sent to every process already


class Interrupt:
    """Inside the block, `requested` tells whether a signal asked to stop; a second one ends the process at once."""

    def __init__(self) -> None:
        self.requested = False
        self._before: dict[int, Any] = {}
        self._since = 0.0

    def __enter__(self) -> Interrupt:
        if threading.current_thread() is threading.main_thread():  # only there can signals be caught
            self._before = {n: signal.signal(n, self._note) for n in (signal.SIGTERM, signal.SIGINT)}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if not self.requested:
            self.requested, self._since = True, time.monotonic()
        elif time.monotonic() - self._since > GRACE:
            signal.signal(number, self._before[number])
            signal.raise_signal(number)

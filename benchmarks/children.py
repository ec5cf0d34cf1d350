"""What a program run as a child took: time on the clock and of the processor, greatest resident memory."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Child:
    """Seconds on the clock and of the processor, and bytes."""

    wall: float
    cpu: float
    memory: int


def run(command: Sequence[str]) -> Child:
    """Run a program to its end, with nothing on its standard input.

    Raises
    ------
    subprocess.CalledProcessError
        If it fails.
    """
    began = time.perf_counter()
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    wall = time.perf_counter() - began
    if code := os.waitstatus_to_exitcode(status):
        raise subprocess.CalledProcessError(code, list(command))
    unit = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss
    return Child(wall, used.ru_utime + used.ru_stime, used.ru_maxrss * unit)

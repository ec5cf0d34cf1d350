"""Let systems answer prompts into sound files, and measure what it costs them."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from specgan.evaluate.errors import NotMeasurable
from specgan.evaluate.systems.base import Prompt, System
from specgan.prepare import make_folder
from vocoder.errors import InputError
from vocoder.signal import audio

MEMORY = """
import os, sys
child = os.spawnvp(os.P_NOWAIT, sys.argv[1], sys.argv[1:])
_, status, used = os.wait4(child, 0)
print(used.ru_maxrss * (1 if sys.platform == "darwin" else 1024))
sys.exit(os.waitstatus_to_exitcode(status))
"""
"""Stands between this process and the one that is measured, whose greatest memory begins with that of its parent."""


class Made(NamedTuple):
    """A sound file, and the seconds that making it took (None: not its own)."""

    path: Path
    seconds: float | None


def generate(
    systems: Sequence[System],
    prompts: Sequence[Callable[[], Prompt]],
    folder: Path,
    progress: Callable[[Iterable[Any], int], Iterable[Any]] = lambda items, count: items,
) -> dict[str, dict[str, Made]]:
    """Let every system answer every prompt, side by side, so that what slows the machine slows all of them.

    The first prompt is answered once before the clock starts: what is loaded at first use is loaded then.

    Parameters
    ----------
    systems : sequence of System
    prompts : sequence of callable
        Each reads a prompt: no more than one is in memory.
    folder : Path
        Gets `<system>/<id>.flac`, 16 bits, at the rate of what was made.
    progress : callable
        (items, how many) → the items.

    Returns
    -------
    dict
        By system and id.

    Raises
    ------
    InputError
        If a system makes no sound, or samples that are not finite; it names both. Or nothing can be written.
    """
    made: dict[str, dict[str, Made]] = {system.name: {} for system in systems}
    for system in systems:
        if system.timed and system.seconds is None:
            system.make(prompts[0]())
    for read in progress(prompts, len(prompts)):
        prompt = read()
        for system in systems:
            began = time.perf_counter()
            wave, rate = system.make(prompt)
            spent = time.perf_counter() - began
            if wave.ndim != 1 or not wave.size or not np.isfinite(wave).all():
                raise InputError(f"{system.name}: {prompt.id}: made no sound, must be a wave (N,) of finite numbers")
            path = folder / system.name / f"{prompt.id}.flac"
            if not path.resolve().is_relative_to((folder / system.name).resolve()):
                raise InputError(f"id {prompt.id!r} leads out of {folder}; ids become names of files")
            make_folder(path.parent)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # a wave just above full scale is clipped, as a player would
                audio.write(path, wave, rate, comment=f"{system.name}, for an evaluation by specgan")
            known = spent if system.seconds is None else system.seconds.get(prompt.id)
            made[system.name][prompt.id] = Made(path, known if system.timed else None)
    return made


def peak_memory(system: System, prompt: Prompt, rate: int) -> float:
    """Greatest resident memory in MB (10⁶ bytes) of the command that a user would run for a prompt.

    Raises
    ------
    NotMeasurable
        If the system has no command, or it fails.
    """
    if system.command is None:
        raise NotMeasurable("no command of its own")
    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder) / "source.wav", Path(folder) / "out.wav"
        given = prompt.recording if prompt.source is None else prompt.source
        if given is not None:
            audio.write(source, given, rate)
        command = [sys.executable, "-S", "-c", MEMORY, *system.command(prompt, source, out)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotMeasurable(f"its command failed: {' '.join(done.stderr.split())[-120:]}")
    return float(done.stdout.splitlines()[-1]) / 1e6

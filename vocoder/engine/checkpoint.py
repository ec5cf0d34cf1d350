"""Checkpoints that survive a kill, a full disk and the wrong reader: safetensors and JSON, renamed into place.

    checkpoints/
      step-00001000/
        generator.safetensors            a plain state dict (`load_weights` reads it)
        generator.ema.safetensors        the same with averaged weights
        generator.optimizer.safetensors  moments, named "<parameter>:<moment>"
        random.safetensors               states of the random number generators of every process
        state.json                       step, schedule, sampler, facts about the task, validation figures if it has any

Each file is on the disk before the folder gets its name, and its name is what makes it a checkpoint. Nothing is ever
unpickled.
"""

from __future__ import annotations

import json
import math
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as parse_tensors
from safetensors.torch import save as format_tensors
from torch import Tensor, nn

from vocoder.engine.files import sync_folder, write_file
from vocoder.errors import InputError

SHOWN = 3  # keys named in a message about another architecture


def save_tensors(path: Path, tensors: Mapping[str, Tensor], facts: Mapping[str, Any] | None = None) -> None:
    """Write named tensors as safetensors, with facts about them in its header."""
    plain = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    write_file(path, format_tensors(plain, {"facts": json.dumps(facts or {}, sort_keys=True)}))


def load_tensors(path: str | Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Named tensors of a safetensors file, on the CPU, and the facts in its header.

    Raises
    ------
    InputError
        If the file cannot be read, is of another kind (a pickle is refused unread) or cut short.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); a safetensors file is needed") from error
    if data[:2] in (b"PK", b"\x80\x02", b"\x80\x04", b"\x80\x05") and data[8:9] != b"{":
        raise InputError(f"{path}: is a Python pickle, which could run code: refused unread; give a safetensors file")
    header = int.from_bytes(data[:8], "little")
    if len(data) > 8 and data[8:9] != b"{":
        raise InputError(f"{path}: is not a safetensors file")
    if len(data) < 8 or len(data) < 8 + header:
        raise InputError(f"{path}: is cut short ({len(data)} bytes); copy or save it again")
    try:
        tensors = parse_tensors(data)
        text = json.loads(data[8 : 8 + header]).get("__metadata__", {}).get("facts", "{}")
        facts = json.loads(text)
    except (SafetensorError, ValueError, AttributeError) as error:
        raise InputError(f"{path}: is cut short or damaged ({error}); copy or save it again") from error
    return tensors, facts


def load_weights(path: str | Path, module: nn.Module, name: str) -> dict[str, Any]:
    """Load a safetensors state dict into a module; it is left as it was when they do not fit.

    Parameters
    ----------
    path : path of a .safetensors file
    module : nn.Module
    name : str
        What the module is, for the message ("the Fourier vocoder small").

    Returns
    -------
    dict
        The facts that the file holds about itself.

    Raises
    ------
    InputError
        If the file cannot be read or is of another architecture: names the first keys and what the file is of.
    """
    tensors, facts = load_tensors(path)
    put_weights(tensors, module, path, name, facts)
    return facts


def put_weights(
    tensors: Mapping[str, Tensor], module: nn.Module, path: str | Path, name: str, facts: Mapping[str, Any]
) -> None:
    """As `load_weights`, with tensors and facts that were read from `path`, and perhaps changed since."""
    _require_same_keys(tensors, {key: value.shape for key, value in module.state_dict().items()}, path, name, facts)
    module.load_state_dict(tensors)


def _require_same_keys(
    found: Mapping[str, Tensor], wanted: Mapping[str, torch.Size], path: str | Path, name: str, facts: Mapping[str, Any]
) -> None:
    def some(keys: list[str]) -> str:
        return ", ".join(keys[:SHOWN]) + (f" and {len(keys) - SHOWN} more" if len(keys) > SHOWN else "")

    shapes = [
        f"{key} {tuple(found[key].shape)} instead of {tuple(shape)}"
        for key, shape in wanted.items()
        if key in found and found[key].shape != shape
    ]
    parts = {
        "missing": [key for key in wanted if key not in found],
        "unexpected": sorted(key for key in found if key not in wanted),
        "of another shape": shapes,
    }
    wrong = "; ".join(f"{what}: {some(keys)}" for what, keys in parts.items() if keys)
    if wrong:
        of = f" (it is of {json.dumps(facts, sort_keys=True)})" if facts else ""
        raise InputError(f"{path}: is not a checkpoint of {name}: {wrong}{of}")


@dataclass(frozen=True)
class Saved:
    """A whole checkpoint on disk.

    Parameters
    ----------
    path : Path
        Its folder.
    state : dict
        Contents of its state.json: step, decay_start, steps, sampler, facts.
    """

    path: Path
    state: dict[str, Any]

    @property
    def step(self) -> int:
        """Number of steps that have been done."""
        return int(self.state["step"])

    @property
    def figures(self) -> dict[str, float]:
        """Validation figures of these weights; empty if it was saved between validations."""
        return dict(self.state.get("validation") or {})

    def fits(self, decay_start: int, steps: int) -> bool:
        """Whether a run with this schedule can go on from here.

        It can if the schedule is the same, or if neither schedule has begun to decay: the warm-up and the constant
        rate are the same for every length.
        """
        if (self.state["decay_start"], self.state["steps"]) == (decay_start, steps):
            return True
        return self.step <= min(self.state["decay_start"], decay_start)

    def tensors(self, part: str) -> dict[str, Tensor]:
        """Tensors of one of its files."""
        return load_tensors(self.path / f"{part}.safetensors")[0]


class Checkpoints:
    """The checkpoints of one run.

    Parameters
    ----------
    folder : Path
        The run's `checkpoints` folder; made when the first one is saved.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def clean(self) -> None:
        """Remove what a killed process left behind."""
        for path in self.folder.glob(".*"):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()

    def all(self) -> list[Saved]:
        """Whole checkpoints, oldest first."""
        found = []
        for path in sorted(self.folder.glob("step-*")):
            try:
                state = json.loads((path / "state.json").read_text())
                found.append(Saved(path, {**state, "step": int(state["step"])}))
            except (OSError, ValueError, KeyError, TypeError) as error:
                raise InputError(f"{path}: is damaged; remove it to go on from the checkpoint before it") from error
        return sorted(found, key=lambda saved: saved.step)

    def newest(self, decay_start: int, steps: int) -> Saved | None:
        """The newest checkpoint that a run with this schedule can go on from; None when there is no checkpoint at all.

        Raises
        ------
        InputError
            If there are checkpoints, but this schedule can use none of them.
        """
        found = self.all()
        fitting = [saved for saved in found if saved.fits(decay_start, steps)]
        if found and not fitting:
            raise InputError(
                f"{self.folder}: steps={steps} (decay from {decay_start}) can go on from no checkpoint: those of "
                f"steps {', '.join(str(saved.step) for saved in found)} are beyond it or have decayed otherwise; "
                "restore the number of steps or use another run folder"
            )
        return fitting[-1] if fitting else None

    def save(self, parts: Mapping[str, Callable[[], Mapping[str, Tensor]]], state: Mapping[str, Any]) -> Path:
        """Write a checkpoint as a whole or not at all.

        Parameters
        ----------
        parts : mapping of file name (without suffix) to a function that gives its tensors
            Functions, so that only one part is copied to the CPU at a time.
        state : mapping
            JSON; has step, decay_start, steps and facts.

        Raises
        ------
        InputError
            If the disk is full or refuses; the checkpoints before stay whole.
        """
        path = self.folder / f"step-{state['step']:08d}"
        temporary = self.folder / f".saving-{path.name}"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            temporary.mkdir()
            for name, tensors in parts.items():
                facts = {**state.get("facts", {}), "part": name, "step": state["step"]}
                save_tensors(temporary / f"{name}.safetensors", tensors(), facts)
            write_file(temporary / "state.json", json.dumps(dict(state), indent=1).encode())
            sync_folder(temporary)
            if path.exists():  # of an abandoned schedule (see `Saved.fits`)
                self._remove(path)
            os.replace(temporary, path)
            sync_folder(self.folder)
        except OSError as error:
            raise InputError(
                f"{self.folder}: cannot save the checkpoint of step {state['step']} ({error.strerror or error}); "
                "those before it are whole, and the same command goes on from them once there is room"
            ) from error
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
        return path

    def _remove(self, path: Path) -> None:
        # Renamed first: a kill in the middle leaves something that `clean` removes, never half a checkpoint.
        doomed = self.folder / f".removing-{path.name}"
        os.replace(path, doomed)
        shutil.rmtree(doomed)

    def prune(self, keep: int, step: int, decay_start: int, steps: int, best: Saved | None) -> None:
        """Remove checkpoints up to `step`, except the last `keep`, the best one, and the newest before the decay.

        Those after `step` belong to a schedule that was abandoned; they go when the run has passed them.
        """
        past = [saved for saved in self.all() if saved.step <= step]
        path = [saved.step for saved in past if saved.fits(decay_start, steps)]
        kept = {*path[-keep:], *[s for s in path if s <= decay_start][-1:], *([best.step] if best else [])}
        for saved in past:
            if saved.step not in kept:
                self._remove(saved.path)

    def best(self, figure: str, *, lowest: bool) -> Saved | None:
        """The checkpoint with the best validation figure of that name, the older of two equals; None without any."""
        judged = [saved for saved in self.all() if math.isfinite(saved.figures.get(figure, math.nan))]
        return min(judged, key=lambda saved: saved.figures[figure] * (1 if lowest else -1), default=None)


def require_same_facts(found: Mapping[str, Any], wanted: Mapping[str, Any], where: str | Path) -> None:
    """Raise an InputError that names every fact in which a checkpoint and the present task differ, with both values."""
    there, here = _flat(found), _flat(wanted)
    differing = [
        f"{key} {there.get(key, 'absent')} against {here.get(key, 'absent')}"
        for key in sorted(there.keys() | here.keys())
        if there.get(key) != here.get(key)
    ]
    if differing:
        raise InputError(
            f"{where}: is of another task: {', '.join(differing)}; use another run folder or the settings of this one"
        )


def _flat(facts: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in facts.items():
        if isinstance(value, Mapping):
            flat.update(_flat(value, f"{prefix}{key}."))
        else:
            flat[f"{prefix}{key}"] = list(value) if isinstance(value, tuple) else value
    return flat

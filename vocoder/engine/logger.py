"""What a run says: TensorBoard, log.txt and the progress bar. Only the first process speaks."""

from __future__ import annotations

import contextlib
import dataclasses
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from vocoder.errors import InputError


class Meter:
    """Means of what is measured between two log entries, and how fast it went."""

    def __init__(self) -> None:
        self._clear()

    def _clear(self) -> None:
        self._sums: dict[str, float] = {}
        self._counts: dict[str, int] = {}
        self._steps = 0
        self._sound = 0.0
        self._time = 0.0

    def add(self, values: Mapping[str, float], sound: float, seconds: float) -> None:
        """Take in one step: what it measured, the seconds of sound in it, the seconds it took."""
        for name, value in values.items():
            self._sums[name] = self._sums.get(name, 0.0) + value
            self._counts[name] = self._counts.get(name, 0) + 1
        self._steps += 1
        self._sound += sound
        self._time += seconds

    def means(self) -> dict[str, float]:
        """Mean of every value over the steps that measured it, and speed/steps and speed/sound per second."""
        means = {name: total / self._counts[name] for name, total in self._sums.items()}
        if self._time > 0:
            means |= {"speed/steps": self._steps / self._time, "speed/sound": self._sound / self._time}
        return means

    def take(self) -> dict[str, float]:
        """The means; then begin anew."""
        means = self.means()
        self._clear()
        return means


def colours(values: np.ndarray) -> np.ndarray:
    """Perceptual colours whose lightness rises evenly: the cubehelix of Green 2011 (arXiv:1108.5083, equation 2).

    values : (H, W) in [0, 1], clipped
    returns : (H, W, 3) uint8
    """
    light = np.clip(values, 0.0, 1.0)[..., None]
    angle = 2 * np.pi * (0.5 / 3 + 1 - 1.5 * light)  # start 0.5, one and a half turns from blue to red
    swing = 0.5 * light * (1 - light)
    red = -0.14861 * np.cos(angle) + 1.78277 * np.sin(angle)
    green = -0.29227 * np.cos(angle) - 0.90649 * np.sin(angle)
    blue = 1.97294 * np.cos(angle)
    rgb = light + swing * np.concatenate([red, green, blue], axis=-1)
    return np.round(np.clip(rgb, 0.0, 1.0) * 255).astype(np.uint8)


def stacked(panels: Sequence[Any], low: float | None = None, high: float | None = None) -> np.ndarray:
    """Picture of several planes one above the other, on one scale, row 0 of each at its bottom.

    panels : (M, T) arrays or tensors, of one width
    low, high : values shown darkest and brightest; those of all panels by default
    returns : (Σ M + gaps, T, 3) uint8
    """
    planes = [np.asarray(p.detach().float().cpu() if hasattr(p, "detach") else p, dtype=np.float32) for p in panels]
    finite = np.concatenate([plane[np.isfinite(plane)] for plane in planes])
    floor = float(finite.min(initial=np.inf)) if low is None else low
    ceiling = float(finite.max(initial=-np.inf)) if high is None else high
    span = ceiling - floor if np.isfinite(ceiling - floor) and ceiling > floor else 1.0
    rows: list[np.ndarray] = []
    for plane in planes:
        if rows:
            rows.append(np.full((2, plane.shape[1], 3), 255, np.uint8))
        # What is not finite is white, a colour that the map reaches only at the very top.
        shown = np.nan_to_num((plane - floor) / span, nan=1.0, posinf=1.0, neginf=1.0)
        rows.append(colours(shown)[::-1])
    return np.concatenate(rows)


class Logger:
    """Where a run writes; entries belong to `step`, the number of steps done.

    Parameters
    ----------
    folder : Path
        The run: gets tensorboard/ and log.txt.
    step : int
        Where the run begins or goes on; what TensorBoard has beyond it is dropped.
    steps : int
        Where it ends, for the progress bar.
    active : bool
        False in all processes but the first: nothing is written.
    """

    def __init__(self, folder: Path, step: int, steps: int, *, active: bool = True) -> None:
        self.step = step
        self.steps = steps
        self.active = active
        if not active:
            return
        from torch.utils.tensorboard.writer import SummaryWriter
        from tqdm import tqdm

        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._text = open(folder / "log.txt", "a", encoding="utf-8")  # noqa: SIM115  # closed in __exit__
            self._writer = SummaryWriter(str(folder / "tensorboard"), purge_step=step + 1 if step else None)
        except OSError as error:
            raise InputError(f"{folder}: cannot be written ({error.strerror}); choose another run folder") from error
        self._bar = tqdm(
            total=steps,
            initial=step,
            disable=not sys.stderr.isatty(),
            dynamic_ncols=True,
            smoothing=0.05,
            bar_format="{l_bar}{bar}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}{postfix}]",
        )

    def __enter__(self) -> Logger:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self.active:
            return
        self._bar.close()
        # On a full disk the error that ended the run matters, not those of closing what could not be written.
        with contextlib.suppress(OSError, InputError):
            if error is not None:
                self._write(f"{type(error).__name__}: {error}")
        for closing in (self._text.close, self._writer.close):
            with contextlib.suppress(OSError):
                closing()

    def say(self, message: str) -> None:
        """A line for the terminal and log.txt."""
        if self.active:
            self._bar.write(message, file=sys.stderr)
            self._write(message)

    def _write(self, message: str) -> None:
        try:
            self._text.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {message}\n")
            self._text.flush()
        except OSError as error:
            raise InputError(f"{self._text.name}: cannot be written ({error.strerror})") from error

    def scalars(self, values: Mapping[str, float]) -> None:
        """Numbers by name."""
        if self.active:
            for name, value in values.items():
                self._writer.add_scalar(name, value, self.step)

    def picture(self, name: str, *panels: Any, low: float | None = None, high: float | None = None) -> None:
        """Planes (M, T), one above the other in false colours; see `stacked`."""
        if self.active:
            self._writer.add_image(name, stacked(panels, low, high), self.step, dataformats="HWC")

    def sound(self, name: str, wave: Any, rate: int) -> None:
        """A wave (N,) in [-1, 1] at `rate` Hz."""
        if self.active:
            self._writer.add_audio(name, wave.reshape(1, -1), self.step, sample_rate=rate)

    def hyperparameters(self, settings: Mapping[str, Any], figures: Mapping[str, float]) -> None:
        """Settings of the run, beside its final validation figures."""
        if not self.active:
            return
        from torch.utils.tensorboard.summary import hparams

        flat = dict(_flat(settings))
        # SummaryWriter.add_hparams would open a second run folder beside this one.
        for summary in hparams(flat, {f"final/{name}": value for name, value in figures.items()}):
            self._writer._get_file_writer().add_summary(summary)
        self.scalars({f"final/{name}": value for name, value in figures.items()})

    def progress(self, meter: Meter) -> None:
        """Move the bar on by one step."""
        if self.active and not self._bar.disable:
            if self._bar.n + 1 >= self._bar.last_print_n + self._bar.miniters:
                self._bar.set_postfix_str(_summary(meter.means()), refresh=False)
            self._bar.update(1)

    def training(self, means: Mapping[str, float]) -> None:
        """Means over the steps since the last entry; a line of text when there is no terminal for a bar."""
        if not self.active:
            return
        self.scalars(means)
        line = f"step {self.step}/{self.steps} {_summary(means)}"
        if self._bar.disable:
            self.say(line)
        else:
            self._write(line)

    def validation(self, figures: Mapping[str, float]) -> None:
        """Figures of a validation."""
        self.scalars({f"validation/{name}": value for name, value in figures.items()})
        self.say(f"step {self.step} validation " + " ".join(f"{name} {value:.4g}" for name, value in figures.items()))

    def flush(self) -> None:
        """Hand everything to the disk, so that a kill loses nothing before this moment."""
        if self.active:
            self._writer.flush()


def _summary(means: Mapping[str, float]) -> str:
    totals = [f"{name.removesuffix('/total')} {value:.4g}" for name, value in means.items() if name.endswith("/total")]
    speed = f"{means.get('speed/steps', 0.0):.3g} steps/s {means.get('speed/sound', 0.0):.3g} s of sound/s"
    return " ".join([*totals, speed])


def _flat(settings: Any, prefix: str = "") -> dict[str, Any]:
    """Nested settings as one level of names with dots; what TensorBoard cannot show becomes text."""
    if dataclasses.is_dataclass(settings) and not isinstance(settings, type):
        settings = dataclasses.asdict(settings)
    flat: dict[str, Any] = {}
    for key, value in settings.items():
        if isinstance(value, Mapping) or dataclasses.is_dataclass(value):
            flat.update(_flat(value, f"{prefix}{key}."))
        else:
            flat[f"{prefix}{key}"] = value if isinstance(value, (bool, int, float, str)) else str(value)
    return flat

"""Recordings, mels, folders and manifests of them in, rendered sound files out. No torch, but to read a .pt mel."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from specgan.prepare import make_folder
from specgan.runtime.pipeline import Vocoder
from vocoder.errors import InputError
from vocoder.signal import audio
from vocoder.signal.manifest import Recording, read_manifest
from vocoder.signal.spec import MelSpec, preset

MELS = (".npy", ".pt")


def decode(
    source: Path,
    out: Path,
    vocoder: Vocoder,
    *,
    progress: Callable[[Iterable[Any], int], Iterable[Any]] = lambda items, count: items,
) -> list[Path]:
    """Render one input to a sound file, or many to a folder.

    Parameters
    ----------
    source : Path
        A recording (any rate; the mean of its channels), a mel (see `read_mel`), a folder of these, or a manifest.
    out : Path
        A file whose suffix chooses the format; for a folder or a manifest, a folder that gets `<id>.wav`.
    vocoder : Vocoder
    progress : callable
        (items, how many) → the items, for a progress bar.

    Returns
    -------
    list of Path
        The files that were written, at `vocoder.spec.sample_rate`; their comment names the model.

    Raises
    ------
    InputError
        If something cannot be read, rendered or written; what was written before stays, whole.
    """
    if source.is_dir() or source.suffix.lower() == ".jsonl":
        rows = _found(source) if source.is_dir() else read_manifest(source)
        jobs = [(row, out / f"{row.id}.wav") for row in rows]
        _require_inside(jobs, out, source)
    else:
        if out.suffix.lower() not in audio.FORMATS:
            raise InputError(f"{out}: the name of a sound file must end in one of {', '.join(audio.FORMATS)}")
        jobs = [(Recording(source.stem or str(source), source), out)]
    for row, path in progress(jobs, len(jobs)):
        wave = _render(row, vocoder)
        if path != out:
            make_folder(path.parent)
        audio.write(path, wave, vocoder.spec.sample_rate, comment=f"rendered by specgan with {vocoder.name}")
    return [path for _, path in jobs]


def _found(folder: Path) -> list[Recording]:
    """Sounds and mels below a folder."""
    rows: dict[str, Recording] = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in (*audio.FORMATS, *MELS) and path.is_file() and not path.name.startswith("."):
            id = path.relative_to(folder).with_suffix("").as_posix()
            if id in rows:
                raise InputError(f"{path}: would be rendered to the same name as {rows[id].audio}; rename one")
            rows[id] = Recording(id, path)
    if not rows:
        raise InputError(
            f"{folder}: holds no sound and no mel; name a folder with {', '.join((*audio.FORMATS, *MELS))}"
        )
    return list(rows.values())


def _require_inside(jobs: list[tuple[Recording, Path]], out: Path, source: Path) -> None:
    """A manifest's ids are somebody's text: none may lead out of the output folder."""
    for row, path in jobs:
        if not path.resolve().is_relative_to(out.resolve()):
            raise InputError(f"{source}: id {row.id!r} leads out of {out}; ids become names of files")


def _render(row: Recording, vocoder: Vocoder) -> np.ndarray:
    if row.audio.suffix.lower() not in MELS:
        wave = audio.read_mono(row.audio, vocoder.spec.sample_rate, offset=row.start, duration=row.duration)
        return _naming(row.audio, lambda: vocoder.resynthesise(wave))
    mel, spec = read_mel(row.audio)
    spec.require(vocoder.spec, str(row.audio), f"the model {vocoder.name}")
    return _naming(row.audio, lambda: vocoder.render(mel))


def _naming(path: Path, render: Callable[[], np.ndarray]) -> np.ndarray:
    try:
        return render()
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def read_mel(path: Path) -> tuple[np.ndarray, MelSpec]:
    """Read a log-mel and its MelSpec, which lies beside it: `x.json` for `x.npy` and `x.pt`.

    The JSON has all fields of a MelSpec, or a preset: {"preset": "22k-8k"}.

    Parameters
    ----------
    path : Path
        Array (bands, T) or (1, bands, T) of real numbers, as NumPy's .npy or as a tensor in a torch file.

    Returns
    -------
    mel : (bands, T) float32
    spec : MelSpec

    Raises
    ------
    InputError
        If either file is missing, damaged, of another shape than the MelSpec says, or holds a pickle that could
        run code, which is refused unread.
    """
    values = _read_npy(path) if path.suffix.lower() == ".npy" else _read_pt(path)
    spec = _read_spec(path.with_suffix(".json"), path)
    if values.ndim == 3 and values.shape[0] == 1:
        values = values[0]
    if values.ndim != 2 or values.shape[0] != spec.bands or not values.shape[1]:
        raise InputError(f"{path}: has shape {values.shape}, must be (bands, frames) with {spec.bands} bands")
    if values.dtype.kind != "f":
        raise InputError(f"{path}: holds {values.dtype} values, must be floating-point log-mel values")
    if not np.isfinite(values).all():
        raise InputError(f"{path}: has values that are NaN or infinite; compute the mel again")
    return values.astype(np.float32), spec


def _read_npy(path: Path) -> np.ndarray:
    try:
        with path.open("rb") as file:
            return np.lib.format.read_array(file, allow_pickle=False)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (ValueError, EOFError, MemoryError) as error:
        if "allow_pickle" in str(error):
            raise InputError(f"{path}: refused unread, it holds a pickle, which could run code; save numbers") from None
        raise InputError(f"{path}: cut short or not a .npy file; write it with numpy.save again") from None


def _read_pt(path: Path) -> np.ndarray:
    import torch

    try:
        with path.open("rb") as file:
            values = torch.load(file, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    except Exception as error:  # a damaged file makes torch raise nearly anything
        if "weights_only" in str(error).lower():
            raise InputError(f"{path}: refused unread, its pickle could run code; save only the tensor") from None
        raise InputError(f"{path}: cut short or not a torch file; save the tensor again") from None
    if not isinstance(values, torch.Tensor):
        raise InputError(f"{path}: holds a {type(values).__name__}, must hold one tensor, the mel")
    values = values.detach()
    return (values.float() if values.is_floating_point() else values).numpy()


def _read_spec(path: Path, mel: Path) -> MelSpec:
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
    except OSError:
        raise InputError(
            f'{mel}: its MelSpec must lie beside it in {path.name}: all fields, or {{"preset": "22k"}}'
        ) from None
    except ValueError as error:
        raise InputError(f"{path}: not JSON ({error}), must be a MelSpec") from None
    if not isinstance(fields, dict):
        raise InputError(f"{path}: must be a JSON object with the fields of a MelSpec")
    try:
        return preset(str(fields["preset"])) if fields.keys() == {"preset"} else MelSpec.from_dict(fields, str(path))
    except InputError as error:
        raise InputError(str(error) if str(path) in str(error) else f"{path}: {error}") from error

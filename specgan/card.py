"""What a model folder says about itself: the card of a packed run, and the list of models. No torch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from specgan.runtime.model import read_config
from vocoder.signal.spec import PRESETS, MelSpec

COLUMNS = ("name", "MB", "task", "mel", "licence")


def write_card(name: str, spec: MelSpec, network: str, facts: Mapping[str, Any]) -> str:
    """README.md of a packed vocoder, for its author to complete.

    Parameters
    ----------
    name : str
    spec : MelSpec
    network : str
        In words: "fourier small, projections 2".
    facts : mapping
        step, validation (name → figure), data (manifests), licence.
    """
    figures = ", ".join(f"{key} {value:.4g}" for key, value in facts["validation"].items()) or "none"
    return f"""# {name}

A vocoder: it turns a log-mel spectrogram into sound at {spec.sample_rate} Hz.

| | |
|---|---|
| network | {network} |
| mel | {mel_name(spec)} |
| trained | {facts["step"]} steps on {", ".join(facts["data"])} |
| validation | {figures} |
| licence | {facts["licence"]} |

    specgan vocoder decode recording.wav -o again.wav --model {name}

`config.json` has every field of the mel. To train on from here: `initial=FOLDER` with this folder, which has the
weights of the generator and of its critics as safetensors.
"""


def write_voice_card(
    name: str,
    spec: MelSpec,
    networks: Mapping[str, str],
    inventory: Mapping[str, Sequence[str]],
    facts: Mapping[str, Any],
    *,
    weights: bool,
) -> str:
    """README.md of a packed voice, for its author to complete.

    Parameters
    ----------
    name : str
    spec : MelSpec
    networks : mapping
        "generator" and "vocoder", in words.
    inventory : mapping
        "speakers" and "languages".
    facts : mapping
        As for `write_card`.
    weights : bool
        Whether the folder has the weights for fine-tuning.
    """
    figures = ", ".join(f"{key} {value:.4g}" for key, value in facts["validation"].items()) or "none"
    tuning = (
        "To train a voice of your own from here: `recipes/tts/folder/run.sh --from FOLDER` with this folder."
        if weights
        else "It has no weights for training on."
    )
    return f"""# {name}

A voice: it speaks text at {spec.sample_rate} Hz. What it says is synthetic speech; say so where people hear it.

| | |
|---|---|
| speakers | {", ".join(inventory["speakers"])} |
| languages | {", ".join(inventory["languages"])} |
| generator | {networks["generator"]}, behind a regression of durations, pitch, energy and a coarse mel |
| vocoder | {networks["vocoder"]} |
| mel | {mel_name(spec)} |
| trained | {facts["step"]} steps of the GAN, on {", ".join(facts["data"])} |
| validation | {figures} |
| licence | {facts["licence"]} |

    specgan infer --text "Good morning." -o morning.wav --model {name}

{tuning}
"""


def mel_name(spec: MelSpec) -> str:
    """The preset, with what matters most."""
    preset = next((name for name, known in PRESETS.items() if known == spec), "own")
    return f"{preset}: {spec.sample_rate} Hz, {spec.bands} bands to {spec.fmax:g} Hz, {spec.n_fft}/{spec.hop}"


def table(folders: Iterable[Path]) -> str:
    """Name, size, task, mel and licence of model folders, in aligned columns.

    Raises
    ------
    InputError
        If one is damaged.
    """
    rows = [COLUMNS, *(_row(folder) for folder in folders)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def _row(folder: Path) -> tuple[str, ...]:
    config = read_config(folder)
    size = sum(path.stat().st_size for path in folder.iterdir() if path.is_file()) / 1e6
    mel = mel_name(MelSpec.from_dict(config["spec"], str(folder / "config.json")))
    licence = str(config.get("facts", {}).get("licence", "not stated"))
    return folder.name, f"{size:.1f}", config["task"], mel, licence

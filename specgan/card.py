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
    return f"""# {name}

A vocoder: it turns a log-mel spectrogram into sound at {spec.sample_rate} Hz.

{_rows(spec, facts, {"network": network})}

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
    rows = {
        "speakers": ", ".join(inventory["speakers"]),
        "languages": ", ".join(inventory["languages"]),
        "generator": f"{networks['generator']}, behind a regression of durations, pitch, energy and a coarse mel",
        "vocoder": networks["vocoder"],
    }
    return f"""# {name}

A voice: it speaks text at {spec.sample_rate} Hz. What it says is synthetic speech; say so where people hear it.

{_rows(spec, facts, rows)}

    specgan infer --text "Good morning." -o morning.wav --model {name}

{_tuning("To train a voice of your own from here: `recipes/tts/folder/run.sh --from FOLDER`", weights)}
"""


def write_enhancer_card(
    name: str, spec: MelSpec, network: str, vocoder: str, facts: Mapping[str, Any], *, weights: bool
) -> str:
    """README.md of a packed network that takes noise away, for its author to complete.

    Parameters
    ----------
    name : str
    spec : MelSpec
    network, vocoder : str
        In words; the second empty if there is none.
    facts : mapping
        As for `write_card`.
    weights : bool
        Whether the folder has the weights for fine-tuning.
    """
    rendered = "gain on the spectrum of the recording, whose phase stays"
    if vocoder:
        rendered += f"; or vocoder, {vocoder}, which builds the sound anew"
    rows = {"network": f"{network}, which gives a gain for each band of the mel", "renderers": rendered}
    return f"""# {name}

It takes noise, and some of the reverberation, out of recordings of speech; it works at {spec.sample_rate} Hz.

{_rows(spec, facts, rows, "mixed on the fly, and synthesised noise")}

    specgan infer --audio noisy.wav -o clean.wav --model {name}

What is as loud as the speech and sounds like it, such as another speaker, may stay. \
{_tuning("To train on from here: `initial=FOLDER`", weights)}
"""


def write_converter_card(
    name: str,
    spec: MelSpec,
    networks: Mapping[str, str],
    speakers: Sequence[str],
    facts: Mapping[str, Any],
    *,
    weights: bool,
) -> str:
    """README.md of a packed network that changes who speaks, for its author to complete.

    Parameters
    ----------
    name : str
    spec : MelSpec
    networks : mapping
        "generator" and "vocoder", in words.
    speakers : sequence of str
    facts : mapping
        As for `write_card`.
    weights : bool
        Whether the folder has the weights for fine-tuning.
    """
    rows = {"speakers": f"{', '.join(speakers)}; others by a reference of at least 2 s", **networks}
    return f"""# {name}

It gives a recording of speech another speaker, at {spec.sample_rate} Hz: what is said, its timing and its melody stay.
The result is synthetic speech; say so where people hear it, and ask whom you imitate.

{_rows(spec, facts, rows)}

    specgan infer --audio mine.wav --model {name} --to {speakers[0]} -o theirs.wav

{_tuning("To add voices of your own: `recipes/conversion/folder/run.sh --from FOLDER`", weights)}
"""


def write_sounds_card(
    name: str, spec: MelSpec, networks: Mapping[str, str], classes: Sequence[str], facts: Mapping[str, Any]
) -> str:
    """README.md of a packed generator of sounds, for its author to complete.

    Parameters
    ----------
    name : str
    spec : MelSpec
    networks : mapping
        "generator" and "vocoder", in words.
    classes : sequence of str
    facts : mapping
        As for `write_card`.
    """
    return f"""# {name}

It makes new sounds, at {spec.sample_rate} Hz. They are synthetic; say so where that matters.

{_rows(spec, facts, {"sounds": ", ".join(classes), **networks})}

    specgan infer --label "{classes[0]}" --seed 3 -o sound.wav --model {name}

A score of 1 is as near to held-out recordings as recordings are to each other; with a diversity of 1 the sounds differ
as much as recordings do; where novelty is near 0 they are copies of those that it was trained on.
"""


def _rows(spec: MelSpec, facts: Mapping[str, Any], own: Mapping[str, str], how: str = "") -> str:
    """The table of a card: what the model is, then what every card has."""
    data = ", ".join([*dict.fromkeys(facts["data"]), *([how] if how else [])])
    rows = {
        **own,
        "mel": mel_name(spec),
        "trained": f"{facts['step']} steps on {data}",
        "validation": ", ".join(f"{key} {value:.4g}" for key, value in facts["validation"].items()) or "none",
        "licence": facts["licence"],
    }
    return "\n".join(["| | |", "|---|---|", *(f"| {key} | {value} |" for key, value in rows.items())])


def _tuning(how: str, weights: bool) -> str:
    return f"{how} with this folder, which has the weights." if weights else "It has no weights for training on."


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

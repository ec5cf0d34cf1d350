"""The shipped model folders, found by name. No torch."""

from __future__ import annotations

from pathlib import Path

from vocoder.errors import InputError

DEFAULT_VOCODER = "vocoder-22k"


def shipped() -> dict[str, Path]:
    """Name → folder of every model in the package, in alphabetical order."""
    return {path.parent.name: path.parent for path in sorted(Path(__file__).parent.glob("*/config.json"))}


def find(name_or_folder: str | Path) -> Path:
    """The folder of a shipped model, or a folder of the user's.

    A string without a slash is the name of a shipped model if there is one of that name.

    Raises
    ------
    InputError
        If it is neither; the message lists the names that there are.
    """
    models = shipped()
    if str(name_or_folder) in models:
        return models[str(name_or_folder)]
    folder = Path(name_or_folder)
    if folder.is_dir():
        return folder
    names = ", ".join(models) or "none"
    raise InputError(f"there is no model folder and no shipped model {str(name_or_folder)!r}; shipped are: {names}")

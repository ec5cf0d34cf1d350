"""Arguments that several commands take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

CONFIG = Annotated[Path, typer.Argument(metavar="CONFIG", help="YAML file with the settings.")]
SETTINGS = Annotated[list[str] | None, typer.Argument(metavar="[KEY=VALUE]...", help="Settings to change.")]
# not --run, which torchrun would take for an abbreviation of its own --run-path
RUN = Annotated[
    Path | None,
    typer.Option("-o", "--out", help="Folder of the run; one that exists is resumed. Default: exp/CONFIG's name."),
]

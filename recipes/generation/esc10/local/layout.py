"""One folder a class out of ESC-50 as published, or out of folders of classes: links to the clips of ESC-10.

Writes OUT/<class>/<file>, and into OUT/test.txt the ids of the clips whose names begin with 3-, the test fold.

Example: python recipes/generation/esc10/local/layout.py ESC-50 exp/corpus
"""

from __future__ import annotations

import csv
import shutil
import sys
from pathlib import Path

from vocoder.errors import InputError
from vocoder.signal.audio import FORMATS

TEST = "3-"


def clips(data: Path) -> list[tuple[str, Path]]:
    """Class and file of each clip.

    Raises
    ------
    InputError
        If the folder has neither layout, or a clip of the table is missing.
    """
    table = data / "meta" / "esc50.csv"
    if table.is_file():
        with table.open(encoding="utf-8", newline="") as file:
            rows = [row for row in csv.DictReader(file) if row["esc10"] == "True"]
        found = [(row["category"], data / "audio" / row["filename"]) for row in rows]
    else:
        files = sorted(path for path in data.glob("*/*") if path.suffix.lower() in FORMATS)
        found = [(path.parent.name, path) for path in files]
    if missing := [path for _, path in found if not path.is_file()]:
        raise InputError(f"{missing[0]}: is in {table} and not there; fetch the corpus again")
    if not any(path.name.startswith(TEST) for _, path in found):
        raise InputError(f"{data}: has no clip {TEST}…, the test fold; name ESC-50 or folders of its clips")
    return found


def main(data: Path, out: Path) -> None:
    """See the module."""
    found = clips(data)
    shutil.rmtree(out, ignore_errors=True)  # links
    for label, path in found:
        (out / label).mkdir(parents=True, exist_ok=True)
        (out / label / path.name).symlink_to(path.resolve())
    ids = [f"{label}/{path.stem}\n" for label, path in found if path.name.startswith(TEST)]
    (out / "test.txt").write_text("".join(ids), encoding="utf-8")


if __name__ == "__main__":
    try:
        main(*map(Path, sys.argv[1:3]))
    except InputError as error:
        print(f"layout.py: {error}", file=sys.stderr)
        sys.exit(2)

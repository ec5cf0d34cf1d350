"""The progress bar of long work."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import Any

import typer


def progress_bar(label: str) -> Any:
    """A progress bar as (items, how many) → items; none where nobody watches."""

    def bar(items: Iterable[Any], count: int) -> Iterator[Any]:
        if count < 2 or not sys.stderr.isatty():
            yield from items
            return
        with typer.progressbar(items, length=count, label=label, file=sys.stderr, show_pos=True) as shown:
            yield from shown

    return bar

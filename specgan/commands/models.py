"""`specgan models`."""

from __future__ import annotations


def models() -> None:
    """List the shipped models: name, size, task, mel, licence.

    Example: specgan models
    """
    from specgan import card, zoo

    print(card.table(zoo.shipped().values()))

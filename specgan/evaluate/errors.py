"""What can keep a metric from being computed: the sound, or a package that is not there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from vocoder.errors import InputError


class NotMeasurable(ValueError):
    """This metric has no value for this pair; the message is the reason, and a report counts it."""


@contextmanager
def needs(package: str) -> Iterator[None]:
    """Turn a failed import inside the block into an InputError that says how to install `package`."""
    try:
        yield
    except ImportError as error:
        raise InputError(f'{package} is not installed, evaluation needs it: pip install "specgan[eval]"') from error

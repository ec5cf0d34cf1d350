"""What can keep a measure from being computed: the sound, or a package that is not there."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from vocoder.errors import InputError

MODULES = {"setuptools": "pkg_resources"}
"""Packages whose module has another name; setuptools lost pkg_resources, which resemblyzer needs, in version 81."""


class NotMeasurable(ValueError):
    """This measure has no value for this sound; the message is the reason, and a report counts it."""


@contextmanager
def needs(package: str) -> Iterator[None]:
    """Turn a failed import inside the block into an InputError that says how to install `package`."""
    try:
        yield
    except ImportError as error:
        raise InputError(f'{package} is not installed, evaluation needs it: pip install "specgan[eval]"') from error


def missing(packages: Iterable[str]) -> list[str]:
    """Those of the packages that are not installed, each as pip knows it, with a version or without."""

    def absent(package: str) -> bool:
        name = re.split("[<=]", package)[0].replace("-", "_")
        try:
            return importlib.util.find_spec(MODULES.get(name, name)) is None
        except ValueError:  # a module that was put into sys.modules by hand
            return True

    return [package for package in packages if absent(package)]


def pip_line(packages: Iterable[str]) -> str:
    """The command that installs packages."""
    return "pip install " + " ".join(f'"{package}"' if "<" in package else package for package in packages)

"""What the doctor says: a finding, and the recordings that show it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Case:
    """One recording (or part of a model) with a fault.

    Parameters
    ----------
    name : str
        The id of a recording.
    words : str
        What was measured, with units.
    worse : float
        The higher, the worse; cases are shown in this order.
    set : str
        The manifest it stands in; empty if there is none.
    """

    name: str
    words: str
    worse: float = 0.0
    set: str = ""


@dataclass(frozen=True)
class Finding:
    """Something that is wrong, or worth knowing.

    Parameters
    ----------
    check : str
        Name of the check.
    what : str
        In plain words.
    advice : str
        What to do about it.
    serious : bool
        Whether training goes wrong, or figures become false, if nothing is done.
    cases : tuple of Case
        All of them, the worst first; none where the finding is about the whole set.
    unusable : bool
        Whether the recordings had better be left out.
    """

    check: str
    what: str
    advice: str
    serious: bool
    cases: tuple[Case, ...] = ()
    unusable: bool = False


def finding(
    check: str, what: str, advice: str, cases: Iterable[Case], *, serious: bool, unusable: bool = False
) -> list[Finding]:
    """A finding with its cases in order, the worst first; none where there is no case."""
    ordered = tuple(sorted(cases, key=lambda case: (-case.worse, case.set, case.name)))
    return [Finding(check, what, advice, serious, ordered, unusable)] if ordered else []


def percent(many: int, of: int) -> str:
    """ "3 of 40 (7.5 %)"."""
    return f"{many} of {of} ({100 * many / of:.3g} %)" if of else "0"

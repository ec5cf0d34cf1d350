"""A long signal piece by piece: one arithmetic for numpy arrays and torch tensors, mel → wave and back. No torch.

frames   0 ........ first ======= last ........ T
input           start |ctx|=======|ctx| stop         context on either side: what a frame depends on
output                    |=======|                  what comes of the context is thrown away
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeVar

Array = TypeVar("Array", bound=Any)  # a numpy array or a torch tensor: both slice alike

CHUNK = 1024
"""Frames, 12 s at 22 kHz. Shorter pieces waste time on their context, longer ones only take more memory."""


class Piece(NamedTuple):
    """Frames first … last − 1, made from the frames start … stop − 1."""

    first: int
    last: int
    start: int
    stop: int


def plan(frames: int, chunk: int, context: int) -> Iterator[Piece]:
    """Cut `frames` into pieces of `chunk` frames (the last one may be shorter), with `context` more on either side."""
    for first in range(0, frames, chunk):
        last = min(first + chunk, frames)
        yield Piece(first, last, max(first - context, 0), min(last + context, frames))


def rendered(
    render: Callable[[Array], Array], mel: Array, hop: int, context: int, chunk: int = CHUNK
) -> Iterator[Array]:
    """Successive pieces of a wave; together they are `render(mel)`.

    Parameters
    ----------
    render : callable
        Mel (..., T) → wave (..., T·hop).
    mel : array or tensor (..., T)
    hop : int
        Samples a frame.
    context : int
        Frames on either side on which the samples of a frame depend.
    chunk : int
        Frames in a piece.
    """
    for first, last, start, stop in plan(mel.shape[-1], chunk, context):
        yield render(mel[..., start:stop])[..., (first - start) * hop : (last - start) * hop]


def analysed(
    analyse: Callable[[Array], Array], wave: Array, hop: int, context: int, chunk: int = CHUNK
) -> Iterator[Array]:
    """Successive pieces of a mel; together they are `analyse(wave)`.

    Parameters
    ----------
    analyse : callable
        Wave (..., N) → mel (..., T), T = N/hop rounded up.
    wave : array or tensor (..., N)
    hop : int
        Samples a frame.
    context : int
        Hops on either side that a frame reaches into.
    chunk : int
        Frames in a piece.
    """
    for first, last, start, stop in plan(-(-wave.shape[-1] // hop), chunk, context):
        yield analyse(wave[..., start * hop : stop * hop])[..., first - start : last - start]

"""Rendering a mel piece by piece: one piece of arithmetic for numpy arrays and torch tensors. No torch.

frames   0 ........ first ======= last ........ T
input           start |ctx|=======|ctx| stop         context on either side: what a frame depends on
output                    |=======|                  the samples of the context are thrown away
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeVar

Array = TypeVar("Array", bound=Any)  # a numpy array or a torch tensor: both slice alike


class Piece(NamedTuple):
    """Frames first … last − 1, and the frames start … stop − 1 from which they are made."""

    first: int
    last: int
    start: int
    stop: int


def plan(frames: int, chunk: int, context: int) -> Iterator[Piece]:
    """Cut `frames` into pieces of `chunk` frames (the last one shorter), each with `context` frames on either side."""
    for first in range(0, frames, chunk):
        last = min(first + chunk, frames)
        yield Piece(first, last, max(first - context, 0), min(last + context, frames))


def render_pieces(render: Callable[[Array], Array], mel: Array, hop: int, chunk: int, context: int) -> Iterator[Array]:
    """Waves of successive pieces of a mel; together they equal `render(mel)`.

    Parameters
    ----------
    render : callable
        Mel (..., T) → wave (..., T·hop).
    mel : array or tensor (..., T)
    hop : int
        Samples a frame.
    chunk : int
        Frames rendered at once, beside the context.
    context : int
        Frames on each side on which a frame's samples depend.
    """
    for piece in plan(mel.shape[-1], chunk, context):
        wave = render(mel[..., piece.start : piece.stop])
        yield wave[..., (piece.first - piece.start) * hop : (piece.last - piece.start) * hop]

"""Distributions of a measure as an inline SVG picture: every utterance a dot, mean and interval above."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH = 340.0  # user units of the picture; the page stretches it
LEFT, RIGHT = 8.0, 332.0
ROW = 36.0  # height of a system
TEXT = 13.0  # from the top of a row to the baseline of its name
STRIP = 24.0  # from the top of a row to the middle of its dots
SPREAD = 4.5  # how far dots stray from there


@dataclass(frozen=True)
class Strip:
    """One system: its name, the CSS variable of its colour, all values, mean (or median) and its interval."""

    name: str
    colour: str
    values: Sequence[float]
    middle: float | None
    low: float | None
    high: float | None


def ticks(low: float, high: float) -> list[float]:
    """Three to six round numbers (1, 2 or 5 times a power of ten apart) from `low` to `high`."""
    span = high - low
    step = 10.0 ** math.floor(math.log10(span))
    step = next(step * factor for factor in (0.2, 0.5, 1.0, 2.0) if span / (step * factor) < 6)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(index * step, 12) for index in range(first, last + 1)]


def _said(tick: float) -> str:
    return f"{tick:g}".replace("-", "−")


def distribution(title: str, strips: Sequence[Strip]) -> str:
    """SVG for a page; its colours come from the page's styles.

    Parameters
    ----------
    title : str
        Said by screen readers.
    strips : sequence of Strip
        With one value at least among them.
    """
    every = [value for strip in strips for value in strip.values]
    low, high = min(every), max(every)
    if high - low < 1e-9 * max(1.0, abs(high)):
        low, high = low - 0.5, high + 0.5

    def x(value: float) -> float:
        return round(LEFT + (RIGHT - LEFT) * (value - low) / (high - low), 1)

    bottom = ROW * len(strips) + 4
    parts = [f'<svg viewBox="0 0 {WIDTH:g} {bottom + 16:g}" role="img" aria-label="{escape(title)}">']
    for tick in ticks(low, high):
        anchor = "start" if x(tick) < 16 else "end" if x(tick) > WIDTH - 16 else "middle"
        parts.append(f'<path class="axis" d="M{x(tick)} 0V{bottom:g}"/>')
        parts.append(f'<text x="{x(tick)}" y="{bottom + 13:g}" text-anchor="{anchor}">{_said(tick)}</text>')
    for index, strip in enumerate(strips):
        top = ROW * index
        middle = top + STRIP
        # strayed by the golden ratio: neighbours in the list end up far from each other
        dots = "".join(
            f"M{x(value)} {middle + SPREAD * (2 * (place * 0.618034 % 1) - 1):.1f}h0"
            for place, value in enumerate(strip.values)
        )
        parts.append(f'<g style="--c:var(--{strip.colour})"><text x="{LEFT:g}" y="{top + TEXT:g}">')
        parts.append(f'{escape(strip.name)}</text><path class="dots" d="{dots}"/>')
        if strip.low is not None and strip.high is not None:
            parts.append(f'<path class="interval" d="M{x(strip.low)} {middle:g}H{x(strip.high)}"/>')
        if strip.middle is not None:
            parts.append(f'<circle class="middle" cx="{x(strip.middle)}" cy="{middle:g}" r="4"/>')
        parts.append("</g>")
    return "".join(parts) + "</svg>"

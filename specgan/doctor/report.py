"""What the doctor found, as text for people and as JSON for programs. No torch."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from specgan.doctor.examine import Examined
from specgan.doctor.finding import Finding
from specgan.doctor.measure import Measured
from vocoder.signal.files import replacing

SHOWN = 5  # recordings named with each finding


def sentences(findings: Sequence[Finding]) -> list[str]:
    """Lines about findings, the worst recordings with each."""
    lines = []
    for found in findings:
        lines.append(f"{'SERIOUS' if found.serious else 'note   '} {found.check}: {found.what}")
        for case in found.cases[:SHOWN]:
            lines.append(f"          {case.name}: {case.words}")
        if len(found.cases) > SHOWN:
            lines.append(f"          and {len(found.cases) - SHOWN} more")
        lines.append(f"        → {found.advice}")
    return lines


def report(examined: Examined) -> str:
    """The whole report of manifests: what there is, what is wrong, what can be used."""
    lines = []
    for name in dict.fromkeys(one.set for one in examined.measured):
        lines.append(f"{name}: {_summary([one for one in examined.measured if one.set == name])}")
    lines += ["", *sentences(examined.findings)]
    if examined.findings:
        lines.append("")
    serious = sum(found.serious for found in examined.findings)
    notes = len(examined.findings) - serious
    lines.append(f"{_many(serious, 'serious finding')}, {_many(notes, 'note')}")
    lines.append(usable(examined))
    return "\n".join(lines)


def usable(examined: Examined) -> str:
    """How many minutes are left without the recordings that had better be left out, by speaker."""
    left = [one for one in examined.measured if (one.set, one.row.id) not in examined.unusable]
    minutes, of = _minutes(left), _minutes(examined.measured)
    speakers: dict[str, float] = {}
    for one in left:
        if one.row.speaker:
            speakers[one.row.speaker] = speakers.get(one.row.speaker, 0.0) + one.seconds / 60
    words = f"usable: {minutes:.1f} of {of:.1f} minutes"
    if len(speakers) > 1:
        most = sorted(speakers.items(), key=lambda item: -item[1])
        words += " (" + ", ".join(f"{name} {value:.1f}" for name, value in most[:SHOWN])
        words += f", {len(most) - SHOWN} more speakers)" if len(most) > SHOWN else ")"
    if any(one.row.text for one in left):
        words += f"; the shipped voice learned from {SHIPPED[0]:g} minutes of one speaker and {SHIPPED[1]:g} of another"
    return words


SHIPPED = (51.2, 8.3)
"""Minutes of kathleen and of ljspeech that the shipped voice learned from, see its card."""


def write_json(path: Path, examined: Examined) -> None:
    """Everything as JSON: all findings with all their recordings, and what was measured of each recording."""
    left_out = examined.unusable
    data = {
        "serious": examined.serious,
        "minutes": _minutes(examined.measured),
        "usable_minutes": _minutes([one for one in examined.measured if (one.set, one.row.id) not in left_out]),
        "findings": [dataclasses.asdict(found) for found in examined.findings],
        "recordings": [{**_figures(one), "usable": (one.set, one.row.id) not in left_out} for one in examined.measured],
    }
    write(path, data)


def write(path: Path, data: dict[str, Any]) -> None:
    """Write JSON as a whole or not at all; what is not finite becomes null."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(_plain(data), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    if isinstance(value, (float, np.floating)):
        return round(float(value), 6) if np.isfinite(value) else None
    return value


def _figures(one: Measured) -> dict[str, Any]:
    figures: dict[str, Any] = {"set": one.set, "id": one.row.id, "audio": str(one.row.audio), "seconds": one.seconds}
    if one.error:
        return figures | {"error": one.error}
    figures |= {"rate": one.rate, "channels": one.channels.count, "level": one.level, "peak": one.peak}
    figures |= {"offset": one.offset, "clipped": one.clipping.samples}
    if one.spectrum is not None:
        names = ("noise", "snr", "cutoff", "lead", "trail", "inside")
        figures |= {name: getattr(one.spectrum, name) for name in names}
    return figures


def _summary(measured: Sequence[Measured]) -> str:
    rates = sorted({one.rate for one in measured if not one.error})
    speakers = {one.row.speaker for one in measured if one.row.speaker}
    words = f"{_many(len(measured), 'recording')}, {_minutes(measured):.1f} minutes"
    words += "".join(f", {rate} Hz" for rate in rates)
    words += f", {_many(len(speakers), 'speaker')}" if speakers else ""
    spectra = [one.spectrum for one in measured if one.spectrum is not None]
    if spectra:
        levels = np.median([one.level for one in measured if one.spectrum is not None])
        words += f"; medians: level {levels:.0f} dBFS, {np.median([one.snr for one in spectra]):.0f} dB above the noise"
        words += f", sound up to {np.median([one.cutoff for one in spectra]) / 1000:.1f} kHz"
    return words


def _minutes(measured: Sequence[Measured]) -> float:
    return sum(one.seconds for one in measured) / 60


def _many(count: int, what: str) -> str:
    return f"{count} {what}" + ("" if count == 1 else "s")

"""The evaluation as one page: tables, distributions, and every utterance to look at and to listen to, offline."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

from specgan.evaluate.found import Found, read
from specgan.evaluate.markdown import markdown
from specgan.evaluate.media import Media, gather, to_dict, wanted
from specgan.evaluate.plots import Strip, distribution
from vocoder.signal.files import replacing

ARROWS = {True: ("descending", "↑"), False: ("ascending", "↓"), None: ("ascending", "→ 1")}
BETTER = {True: "more is better", False: "less is better", None: "1 is right"}
POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; media-src data:"


def write_html(folder: Path) -> Path:
    """Write FOLDER/card.html: one file that needs no network and nothing beside it.

    Sounds and pictures of all utterances stand in it as long as it stays below 25 MB; else those of the worst ten of
    each measure, and of a sample of the others. The page says so.

    Parameters
    ----------
    folder : Path
        With evaluation.json and, if there are sounds to listen to, sounds/<system>/<utterance>.flac.

    Raises
    ------
    InputError
        If evaluation.json is missing or something else, a sound is damaged, or the page cannot be written.
    """
    found = read(folder / "evaluation.json")
    media = gather(folder / "sounds", found.names, wanted(found.badness(), found.ids))
    page = _page(found, media, folder)
    path = folder / "card.html"
    with replacing(path) as temporary:
        temporary.write_text(page, encoding="utf-8")
    return path


# -- the page -------------------------------------------------------------------------------------------------------


def _page(found: Found, media: Media, folder: Path) -> str:
    resources = files("specgan.evaluate")
    style, script = (resources.joinpath(name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    title = escape(str(found.raw.get("title") or "Evaluation of " + ", ".join(found.judged)))
    measures = "".join(f'<option value="{name}">{escape(m["title"])}</option>' for name, m in found.metrics.items())
    systems = "".join(
        f'<option value="{found.names.index(name)}">{escape(name)}</option>'
        for name in [*found.judged, *(name for name in found.names if name not in found.judged)]
    )
    return Template(resources.joinpath("page.html").read_text(encoding="utf-8")).substitute(
        policy=POLICY,
        title=title,
        style=style,
        origin=_origin(found),
        explained=_explained(found),
        summary=_summary(found),
        notes=_notes(found),
        sections="".join(markdown(text, folder) for text in found.raw.get("sections", ())) + _meanings(found),
        plots=_plots(found),
        kept=_kept(found, media),
        measures=measures,
        systems=systems,
        made=_made(found),
        data=_json(_data(found, media)),
        media=_media(found, media),
        script=script,
    )


def _json(value: object) -> str:
    """JSON that can stand inside a page: no text in it can end the element."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


def _origin(found: Found) -> str:
    """What was judged on what, one line."""
    facts = [f"{len(found.ids)} utterances", f"{found.raw['rate']} Hz"] if "rate" in found.raw else []
    facts += [
        f"{key} {found.raw[key]}"
        for key in ("model", "task", "manifest", "recogniser")
        if isinstance(found.raw.get(key), str)
    ]
    return f'<p class="soft">{escape(" · ".join(facts))}</p>'


def _made(found: Found) -> str:
    """When, and by which command."""
    made, command, version = (found.raw.get(key) for key in ("made", "command", "version"))
    text = "Made by specgan" + (f" {escape(str(version))}" if version else "")
    text += f" on {escape(str(made))}" if made else ""
    return f"{text}{' with:' if command else '.'}" + (
        f"<pre><code>{escape(str(command))}</code></pre>" if command else ""
    )


def _explained(found: Found) -> str:
    bounds = [name for name in found.names if found.bound(name)]
    medians = [found.title(name) for name, metric in found.metrics.items() if metric.get("median")]
    text = "Mean over the utterances" + (f" (of {escape(', '.join(medians))} the median)" if medians else "")
    text += ", with its 95 % bootstrap interval below. ↑ more is better, ↓ less is, → 1 the nearer to 1 the better."
    if bounds:
        text += f" What the scores mean is told by the bounds beside them, in grey: {escape(', '.join(bounds))}."
    return text


def _summary(found: Found) -> str:
    """A table for each group of measures."""
    return "".join(
        (f"<h3>{escape(group)}</h3>" if group else "") + _table(found, metrics, group or "Scores")
        for group, metrics in found.groups.items()
    )


def _table(found: Found, metrics: Sequence[str], label: str) -> str:
    heads = ['<th scope="col"><button data-sort="ascending">system</button></th>']
    for name in metrics:
        better, arrow = ARROWS[found.direction(name)]
        heads.append(f'<th scope="col"><button data-sort="{better}">{escape(found.title(name))} {arrow}</button></th>')
    rows = []
    for system in found.names:
        swatch = f'<span class="swatch" style="--c:var(--{found.colour(system)})"></span>'
        kind = ' class="bound"' if found.bound(system) else ""
        tag = "<small>bound</small>" if found.bound(system) else ""
        cells = [f'<th scope="row" data-value="{escape(system)}">{swatch}{escape(system)}{tag}</th>']
        for name in metrics:
            summary = found.systems[system].get("summary", {}).get(name) or {}
            mean, low, high = (summary.get(key) for key in ("mean", "low", "high"))
            interval = "" if low is None or high is None else f"[{found.shown(name, low)}, {found.shown(name, high)}]"
            value = "" if mean is None else mean
            cells.append(f'<td data-value="{value}">{found.shown(name, mean)}<small>{interval}</small></td>')
        rows.append(f"<tr{kind}>{''.join(cells)}</tr>")
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(label)}"><table>'
        f"<thead><tr>{''.join(heads)}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def _notes(found: Found) -> str:
    """What was left out, and why; what the evaluation itself has to say."""
    notes = [str(note) for note in found.raw.get("notes", ())]
    for system in found.names:
        rows = found.rows(system)
        reasons = Counter((name, reason) for row in rows for name, reason in row.get("left_out", {}).items())
        notes += [
            f"{system}: {found.title(name)} left out for {count} of {len(rows)} ({reason})."
            for (name, reason), count in reasons.items()
        ]
    return f'<ul class="notes">{"".join(f"<li>{escape(note)}</li>" for note in notes)}</ul>' if notes else ""


def _meanings(found: Found) -> str:
    """What the measures are, where they say so."""
    notes = {metric["title"]: metric["note"] for metric in found.metrics.values() if metric.get("note")}
    terms = "".join(f"<dt>{escape(title)}</dt><dd>{escape(note)}</dd>" for title, note in notes.items())
    return f"<details><summary>What the figures are</summary><dl>{terms}</dl></details>" if terms else ""


def _plots(found: Found) -> str:
    figures = []
    for name, metric in found.metrics.items():
        strips = []
        for system in found.names:
            summary = found.systems[system].get("summary", {}).get(name) or {}
            middle, low, high = (summary.get(key) for key in ("mean", "low", "high"))
            if values := found.values(system, name):
                strips.append(Strip(system, found.colour(system), values, middle, low, high))
        if strips:
            better = BETTER[found.direction(name)]
            caption = f"<figcaption>{escape(metric['title'])} <span>{better}</span></figcaption>"
            figures.append(f"<figure>{caption}{distribution(metric['title'], strips)}</figure>")
    return "".join(figures)


def _kept(found: Found, media: Media) -> str:
    if not media.takes:
        return "There are no sounds beside the scores."
    if len(media.takes) == len(found.ids):
        return f"Sounds are {media.format}. Pictures of one utterance have one scale of time and of loudness."
    return (
        f"Sounds and pictures of {len(media.takes)} of the {len(found.ids)} utterances are kept, so that this file can "
        "be passed on: the worst of each measure first, then a sample of the others. "
        f"Sounds are {media.format}. Pictures of one utterance have one scale of time and of loudness."
    )


# -- what the script reads ------------------------------------------------------------------------------------------


def _data(found: Found, media: Media) -> dict[str, Any]:
    by_system = [{row["id"]: row for row in found.rows(system)} for system in found.names]
    return {
        "metrics": {
            name: {"title": metric["title"], "higher_is_better": found.direction(name), "digits": found.digits[name]}
            for name, metric in found.metrics.items()
        },
        "systems": [{"name": name, "colour": found.colour(name)} for name in found.names],
        "media": bool(media.takes),
        "utterances": [
            {
                "id": id,
                "index": index,
                "text": (text := _text(found, id, by_system)),
                "takes": {place: _take(rows[id], text) for place, rows in enumerate(by_system) if id in rows},
            }
            for index, id in enumerate(found.ids)
        ],
    }


def _text(found: Found, id: str, by_system: Sequence[Mapping[str, Mapping[str, Any]]]) -> str:
    rows = [rows[id] for rows in by_system if id in rows]
    texts = (row.get("text") or row.get("details", {}).get("text") for row in rows)
    return next((str(text) for text in texts if text), str(found.raw.get("texts", {}).get(id, "")))


def _take(row: Mapping[str, Any], text: str) -> dict[str, Any]:
    details = row.get("details", {})
    return {
        "values": row["values"],
        "heard": _compared(text, details["heard"], row["values"].get("wer")) if "heard" in details else None,
        "details": [[name, str(value)] for name, value in details.items() if name not in ("heard", "text")],
        "left_out": list(row.get("left_out", {}).items()),
    }


def _compared(text: str, heard: str, wer: float | None) -> list[list[Any]]:
    """The words that were heard, each with whether it is another than in the text; none is if no error was counted."""
    words = heard.split()
    wanted_words, found_words = ([re.sub(r"[^\w']", "", w).lower() for w in some] for some in (text.split(), words))
    same: set[int] = set()
    for block in SequenceMatcher(None, wanted_words, found_words, autojunk=False).get_matching_blocks():
        same.update(range(block.b, block.b + block.size))
    marked = bool(text) and wer != 0
    return [[word, marked and index not in same] for index, word in enumerate(words)]


def _media(found: Found, media: Media) -> str:
    """An element an utterance, read when the utterance is shown: a player for each would be slow to open."""
    index = {id: place for place, id in enumerate(found.ids)}
    return "\n".join(
        f'<script type="application/json" id="media-{index[id]}">'
        + _json({found.names.index(system): to_dict(take) for system, take in takes.items()})
        + "</script>"
        for id, takes in media.takes.items()
    )

"""The little Markdown that a card's sections use, as HTML: headings, tables, lists, code, pictures, paragraphs."""

from __future__ import annotations

import base64
import re
from html import escape
from itertools import groupby
from pathlib import Path

PICTURE = re.compile(r"!\[([^\]]*)\]\(([\w-]+\.png)\)")


def markdown(text: str, folder: Path) -> str:
    """HTML of a section; whatever is not known stands in it as text.

    Parameters
    ----------
    text : str
    folder : Path
        Where its pictures lie (.png), which become part of the page.
    """
    parts, lines = [], iter(text.splitlines())
    plain: list[str] = []
    for line in lines:
        if line.startswith("```"):
            parts.append(_blocks(plain))
            plain = []
            code = [escape(inner) for inner in iter(lambda: next(lines, "```"), "```")]
            parts.append(f"<pre><code>{chr(10).join(code)}</code></pre>")
        elif (picture := PICTURE.fullmatch(line)) and (folder / picture[2]).is_file():
            parts.append(_blocks(plain))
            plain = []
            content = base64.b64encode((folder / picture[2]).read_bytes()).decode("ascii")
            parts.append(f'<img class="wide" alt="{escape(picture[1])}" src="data:image/png;base64,{content}">')
        else:
            plain.append(line)
    return "".join([*parts, _blocks(plain)])


def _kind(line: str) -> str:
    for start, kind in (("|", "table"), ("- ", "list"), ("#", "heading")):
        if line.startswith(start):
            return kind
    return "text" if line.strip() else ""


def _blocks(lines: list[str]) -> str:
    parts = []
    for kind, group in groupby(lines, _kind):
        block = list(group)
        if kind == "heading":
            parts += [f"<h3>{_inline(line.lstrip('# '))}</h3>" for line in block]
        elif kind == "list":
            parts.append(f'<ul class="notes">{"".join(f"<li>{_inline(line[2:])}</li>" for line in block)}</ul>')
        elif kind == "table":
            parts.append(_table(block))
        elif kind == "text":
            parts.append(f"<p>{_inline(' '.join(line.strip() for line in block))}</p>")
    return "".join(parts)


def _table(lines: list[str]) -> str:
    rows = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in lines]
    rows = [row for row in rows if not all(re.fullmatch(r":?-+:?", cell) for cell in row)]
    head = "".join(f'<th scope="col">{_inline(cell)}</th>' for cell in rows[0])
    body = "".join(
        f'<tr><th scope="row">{_inline(first)}</th>{"".join(f"<td>{_inline(cell)}</td>" for cell in rest)}</tr>'
        for first, *rest in rows[1:]
    )
    return f'<div class="scroll" tabindex="0"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _inline(text: str) -> str:
    """Bold and code; links are left as they are written."""
    done = re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))
    return re.sub(r"\*\*([^*]+)\*\*", r"<b>\1</b>", done)

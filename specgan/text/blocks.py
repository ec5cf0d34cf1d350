"""Paragraphs, headings and list items of a plain or Markdown text, without their marks. No torch."""

from __future__ import annotations

import re

_BULLET = re.compile(r"(?:[-*+•‣◦▪●○·–—]|\[[ xX]\])\s+")
_NUMBERED = re.compile(r"\(?(\d{1,3}(?=[.)])|[a-z](?=\)))[.)]\s+(?=\S)")
_HEADING = re.compile(r"#{1,6}\s+")
_QUOTED = re.compile(r"(?:>\s?)+")
_RULE = re.compile(r"[-*_=+~#|:\s]{3,}|`{3,}.*|'{3,}.*")  # a line, a table's rule, the fence of a code block
_LINK = re.compile(r"!?\[([^\[\]]*)\]\((?:[^()\s]|\([^()\s]*\))*(?:\s+\"[^\"]*\")?\)")
# a mark opens before a word and closes behind one, so "2 * 3 * 4" and snake_case are none
_EMPHASIS = re.compile(r"(?<![\w*_~])([*_]{1,3}|~~)(?=[^\s*_~])(.{1,300}?)(?<=[^\s*_~])\1(?![\w*_~])")
_IDEOGRAPH = r"[\u3040-\u30ff\u3400-\u9fff]"
_WRAPPED = re.compile(rf"(?<={_IDEOGRAPH})\n(?={_IDEOGRAPH})")


def blocks(text: str) -> list[str]:
    """Cut where a pause has to be even without a full stop: at blank lines, around headings, before list items.

    Other line ends are where a long line was wrapped. A number or a letter that marks an item stays, with a comma.
    """
    lines = [_QUOTED.sub("", line.strip()) for line in text.split("\n")]
    # "3. Mai" is no item: a number is one if the number before or after it begins a line too
    numbers = {int(match[1]) for match in map(_NUMBERED.match, lines) if match and match[1].isdecimal()}
    found: list[list[str]] = []
    fresh = True  # does the next line begin a block
    in_list = False
    for line in lines:
        if not line or _RULE.fullmatch(line):
            fresh = True
            continue
        heading, bullet, numbered = _HEADING.match(line), _BULLET.match(line), _NUMBERED.match(line)
        if numbered and numbered[1].isdecimal() and not {int(numbered[1]) - 1, int(numbered[1]) + 1} & numbers:
            numbered = None
        listed = bullet or (numbered and (fresh or in_list or found[-1][-1].endswith(":")))
        if heading:
            line = line[heading.end() :].rstrip("# ")
        elif bullet:
            line = line[bullet.end() :]
        elif listed and numbered:
            line = f"{numbered[1]}, {line[numbered.end() :]}"
        if fresh or heading or listed:
            found.append([])
        if line:
            found[-1].append(line)
        in_list = bool(listed) or (in_list and not fresh and not heading)
        fresh = bool(heading)
    return [block for lines in found if (block := _inline(_WRAPPED.sub("", "\n".join(lines))).strip())]


def _inline(text: str) -> str:
    text = _LINK.sub(r"\1", text.replace("\n", " "))
    for _ in range(3):  # marks within marks
        text = _EMPHASIS.sub(r"\2", text)
    return text

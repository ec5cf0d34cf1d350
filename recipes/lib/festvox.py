"""A Festival voice's recordings with the words of its phone labels, to measure an aligner against.

Debian's festvox-ru (N. Shmyrev's Russian voice, 99 minutes) holds the recordings (wav/), their text with stress marks
(etc/txt.done.data) and labels of phones (lab/: end in seconds, a number, phone), made by a rule for every letter and
timed on a grid of 10 ms. Labels name no words: a cheapest path of letters over phones finds them again.

    letters   н  е  в ы | г л я д ы в …        phones   nn i v y | g l a d y v …

Example: python recipes/lib/festvox.py exp/data/festvox-ru/unpacked -o exp/data/festvox-ru
"""

from __future__ import annotations

import argparse
import json
import math
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from specgan.prepare import make_folder
from vocoder.errors import InputError
from vocoder.signal.files import replacing

PAUSE = "pau"
SPEAKER = "nsh"
SOFT = {"я", "ю", "е", "ё", "и", "о"}  # with a glide before them at the beginning and after vowels, ь and ъ
LETTERS = {  # the phones that a letter may be: reduced, softened, voiced and unvoiced by its neighbours
    "а": "a aa ae ay i",
    "о": "a oo ae ay i o",
    "у": "u uu ur",
    "ы": "y yy ae ay",
    "и": "i ii y yy ae ay",
    "э": "e ee i y ae ay",
    "я": "a aa i ae ay",
    "ю": "u uu ur",
    "е": "e ee i y ae ay oo",
    "ё": "oo",
    "б": "b bb p pp",
    "п": "p pp b bb",
    "в": "v vv f ff",
    "ф": "f ff v vv",
    "г": "g gg k kk h hh v vv",
    "к": "k kk g gg h",
    "х": "h hh",
    "д": "d dd t tt",
    "т": "t tt d dd c",
    "з": "z zz s ss zh sh",
    "с": "s ss z zz sh zh sch c",
    "ж": "zh sh",
    "ш": "sh zh",
    "щ": "sch",
    "ч": "ch sh t",
    "ц": "c",
    "л": "l ll",
    "м": "m mm",
    "н": "n nn",
    "р": "r rr",
    "й": "j",
    "ь": "",
    "ъ": "",
}
VOWELS = set("аоуыиэяюеё")
DROPPED, WRONG, CLASH = 0.5, 1.5, 4.0  # costs: a silent consonant; another phone of its kind; one of the other kind


class Word(NamedTuple):
    """A word as it is written (without stress marks), and its begin and end in seconds."""

    text: str
    start: float
    end: float


def phones(path: Path) -> list[tuple[str, float, float]]:
    """Phone, begin and end in seconds of each line of a label file.

    Raises
    ------
    InputError
        If a line is malformed or times go back.
    """
    rows, start, body = [], 0.0, False
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not body:
            body = line.strip() == "#"
            continue
        try:
            time, _, phone = line.split()
            end = float(time)
            if not (math.isfinite(end) and end >= start):
                raise ValueError
        except ValueError:
            raise InputError(f"{path}:{number}: must be end in seconds, a number and a phone, in order") from None
        rows.append((phone, start, end))
        start = end
    if not rows:
        raise InputError(f"{path}: holds no label; lines of end, number and phone follow one of #")
    return rows


def texts(path: Path) -> dict[str, str]:
    """Id → text with + before stressed vowels, from lines ( id "text" )."""
    rows = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        fitting = re.fullmatch(r'\(\s*(\S+)\s+"(.*)"\s*\)\s*', line)
        if not fitting:
            raise InputError(f'{path}:{number}: must be ( id "text" )')
        rows[fitting[1]] = fitting[2]
    return rows


def words(text: str, labels: Sequence[tuple[str, float, float]]) -> tuple[list[Word], float]:
    """Where the words of a text lie, and the cost of the path: 0 when each phone is one its letter can be.

    Parameters
    ----------
    text : str
    labels : sequence of (phone, begin, end)

    Raises
    ------
    InputError
        If a word has a letter that is not Russian, or no phone, or there are more phones than letters can be.
    """
    written = [word for word in text.replace("+", "").split() if any(letter.isalpha() for letter in word)]
    letters = [(letter, number) for number, word in enumerate(written) for letter in word.lower() if letter.isalpha()]
    for letter, number in letters:
        if letter not in LETTERS:
            raise InputError(f"{written[number]!r} is not written in Russian letters")
    path, cost = _path([letter for letter, _ in letters], [number for _, number in letters], [p for p, *_ in labels])
    spans: dict[int, list[int]] = {}
    for letter, first, end in path:
        spans.setdefault(letters[letter][1], []).extend(range(first, end))
    found = []
    for number, word in enumerate(written):
        inside = [index for index in spans.get(number, []) if labels[index][0] != PAUSE]
        if not inside:
            raise InputError(f"{word!r} has no phone")
        found.append(Word(word.strip(",.;:!?\"'-"), labels[min(inside)][1], labels[max(inside)][2]))
    return found, cost


def _path(letters: list[str], owner: list[int], names: list[str]) -> tuple[list[tuple[int, int, int]], float]:
    """The cheapest way to cut phones among letters: (letter, first phone, end) of each, and its cost."""
    count = len(names)
    best = [math.inf] * (count + 1)
    best[0] = 0.0
    back: list[list[int]] = []  # for each letter: how many phones it took to arrive with j of them used
    skips: list[list[int]] = []  # and how many pauses stand before it
    for index, letter in enumerate(letters):
        inside = index > 0 and owner[index] == owner[index - 1]
        ready, skipped = best[:], [0] * (count + 1)
        for j in range(1, count + 1):
            cost = ready[j - 1] + (CLASH if inside else 0.0)
            if names[j - 1] == PAUSE and cost < ready[j]:
                ready[j], skipped[j] = cost, skipped[j - 1] + 1
        best, took = [math.inf] * (count + 1), [0] * (count + 1)
        for j in range(count + 1):
            for many in (0, 1, 2):
                if many <= j and (cost := ready[j - many] + _cost(letter, names[j - many : j])) < best[j]:
                    best[j], took[j] = cost, many
        back.append(took)
        skips.append(skipped)
    j = count
    while j and names[j - 1] == PAUSE:  # behind the last word
        j -= 1
    cost, path = best[j], []
    if cost == math.inf:
        raise InputError(f"{count} labels cannot be those of {len(letters)} letters")
    for index in reversed(range(len(letters))):
        path.append((index, j - back[index][j], j))
        j -= back[index][j]
        j -= skips[index][j]
    return path[::-1], cost


def _cost(letter: str, names: list[str]) -> float:
    vowel, possible = letter in VOWELS, LETTERS[letter].split()
    if not names:
        return CLASH if vowel else DROPPED if possible else 0.0
    if PAUSE in names:
        return math.inf
    if len(names) == 2:
        glide = letter in SOFT and names[0] == "j"
        return _cost(letter, names[1:]) if glide else math.inf
    if names[0] in possible:
        return 0.0
    return WRONG if vowel == (names[0][0] in "aeiouy") else CLASH


def read(folder: Path) -> tuple[list[tuple[Path, str, list[Word]]], list[str]]:
    """Sound file, text without marks and words of each recording of a voice; and what was left out, in words.

    Left out is what has no label file, and a text that its phones do not spell.

    Raises
    ------
    InputError
        If the folder holds no voice, or several.
    """
    tables = sorted(folder.rglob("etc/txt.done.data"))
    if len(tables) != 1:
        raise InputError(f"{folder}: holds {len(tables)} voices with etc/txt.done.data; one is expected")
    voice = tables[0].parent.parent
    rows, left_out = [], []
    for id, text in texts(tables[0]).items():
        labels, sound = voice / "lab" / f"{id}.lab", voice / "wav" / f"{id}.wav"
        if not (labels.is_file() and sound.is_file()):
            left_out.append(f"{id}: has no labels or no sound")
            continue
        try:
            found, cost = words(text, phones(labels))
        except InputError as error:
            left_out.append(f"{id}: {error}")
            continue
        if cost >= CLASH:
            left_out.append(f"{id}: the labels do not spell the text (cost {cost:g})")
            continue
        plain = re.sub(r"[,;:]?\s+-\s+", " — ", text.replace("+", ""))
        rows.append((sound, " ".join(plain.split()), found))
    return rows, left_out


def main(arguments: list[str]) -> int:
    """Write `transcripts.tsv`, which `specgan prepare` reads, and `words.json`: id → [word, begin, end] in seconds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where the package was unpacked")
    parser.add_argument("-o", "--out", type=Path, required=True)
    options = parser.parse_args(arguments)
    rows, left_out = read(options.folder)
    make_folder(options.out)
    table = [f"{os.path.relpath(sound, options.out)}\t{text}\t{SPEAKER}\n" for sound, text, _ in rows]
    with replacing(options.out / "transcripts.tsv") as temporary:
        temporary.write_text("".join(table), encoding="utf-8")
    with replacing(options.out / "words.json") as temporary:
        found = {sound.stem: [[word, round(start, 4), round(end, 4)] for word, start, end in w] for sound, _, w in rows}
        temporary.write_text(json.dumps(found, ensure_ascii=False), encoding="utf-8")
    print(f"{options.out}: {len(rows)} recordings, {sum(len(w) for *_, w in rows)} words; {len(left_out)} left out")
    print("\n".join(left_out[:10]))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except InputError as error:
        print(f"festvox.py: {error}", file=sys.stderr)
        sys.exit(2)

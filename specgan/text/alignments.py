"""A folder of alignments: a TextGrid a recording, and the fundamental frequency of all of them.

<id>.TextGrid        tiers "words" and "phones"; boundaries at whole frames, so that durations come back exactly
pitch.safetensors    id → (T,) fundamental frequency in Hz, 0 where unvoiced
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from specgan.runtime.f0 import fundamental_frequency
from specgan.text.aligner import Aligner, best_path, shortest
from specgan.text.corpus import Corpus
from specgan.text.phonemes import phonemise
from specgan.text.sentences import prepare_text
from specgan.text.symbols import Symbols, Token, is_vowel, tokenise
from specgan.text.textgrid import from_durations, read_textgrid, to_durations, word_intervals, write_textgrid
from vocoder.engine.checkpoint import Checkpoints, load_tensors, load_weights, save_tensors
from vocoder.errors import InputError
from vocoder.signal.manifest import Recording
from vocoder.signal.spec import MelSpec

PITCH = "pitch.safetensors"
LEFT_OUT = "left_out.txt"
FITS = 1.0
"""A transcript fits its sound if its phones are, in the mean of ln over frames, by this much more probable than the
same phones in another order. With a trained aligner right ones reach 1.5 to 3.3, other sentences −1.2 to 0.9."""
UNHEARD = -10.0  # ln of the probability below which it no longer matters how improbable a phone is


def read_aligner(run: Path) -> tuple[Aligner, Symbols, MelSpec]:
    """The aligner of a run's newest checkpoint, averaged weights, in evaluation mode.

    Not of the best: what is validated, the phones on its own best path, an aligner that gives nearly all frames to
    pauses does best, as they all do at first.

    Raises
    ------
    InputError
        If the folder has no checkpoint of an aligner.
    """
    saved = next(iter(Checkpoints(run / "checkpoints").all()[::-1]), None)
    facts = saved.state["facts"] if saved else {}
    if saved is None or facts.get("task") != "alignment":
        raise InputError(f"{run}: is no run of an aligner; `specgan align` makes one")
    spec = MelSpec.from_dict(facts["spec"], str(saved.path))
    symbols = Symbols(tuple(facts["phones"]), tuple(facts["stresses"]))
    aligner = Aligner(spec.bands, symbols, facts["width"])
    load_weights(saved.path / "aligner.ema.safetensors", aligner, f"the aligner of {run}")
    return aligner.eval(), symbols, spec


def groups_of(tokens: Sequence[Token], words: Sequence[str], language: str) -> list[tuple[int, int]]:
    """First and last group of phones (between two pauses) of each word of a transcript.

    espeak-ng runs some words into one ("of the" is ʌvðə) and speaks others as two, and which depends on what follows
    ("to be" is two words at the end of a sentence only). So the phones of every word alone are laid beside those of the
    transcript with the fewest changes (Levenshtein 1966).

    Parameters
    ----------
    tokens : sequence of Token
        Of the transcript.
    words : sequence of str
        Of its normalised text.
    language : str
    """
    said = [
        (token.phone[0], group) for group, span in enumerate(runs(tokens)) for token in tokens[span[0] : span[1] + 1]
    ]
    alone: list[tuple[str, int]] = []
    for number, word in enumerate(words):
        with contextlib.suppress(InputError):  # no phone
            found = tokenise(phonemise(word, language))
            alone += [(token.phone[0], number) for token in found if not token.pause]
    groups: list[list[int]] = [[] for _ in words]
    for i, j in fewest_changes([phone for phone, _ in said], [phone for phone, _ in alone]):
        groups[alone[j][1]].append(said[i][1])
    spans: list[tuple[int, int]] = []
    for group in groups:
        before = spans[-1][1] if spans else 0
        spans.append((min(group), max(group)) if group else (before, before))
    return spans


def fewest_changes(one: Sequence[str], other: Sequence[str]) -> list[tuple[int, int]]:
    """Places in two lists of phones that belong together; a vowel may stand for a vowel, hardly for a consonant."""
    change = np.array([[0 if a == b else 1 if is_vowel(a) == is_vowel(b) else 2 for b in other] for a in one])
    cost = np.add.outer(np.arange(len(one) + 1), np.arange(len(other) + 1))
    for i, j in np.ndindex(len(one), len(other)):
        cost[i + 1, j + 1] = min(cost[i, j] + change[i, j], cost[i, j + 1] + 1, cost[i + 1, j] + 1)
    pairs, i, j = [], len(one), len(other)
    while i and j:
        if cost[i, j] == cost[i, j - 1] + 1:  # first, as words change at their ends
            j -= 1
        elif cost[i, j] == cost[i - 1, j] + 1:
            i -= 1
        else:
            i, j = i - 1, j - 1
            pairs.append((i, j))
    return pairs[::-1]


def runs(tokens: Sequence[Token]) -> list[tuple[int, int]]:
    """First and last token of each group of phones between pauses."""
    found = [list(run) for pause, run in groupby(range(len(tokens)), lambda i: tokens[i].pause) if not pause]
    return [(run[0], run[-1]) for run in found]


def group_labels(words: Sequence[str], groups: Sequence[tuple[int, int]], count: int) -> list[str] | None:
    """What is written on each group: its words; None where the words do not explain the groups."""
    labels: list[list[str]] = [[] for _ in range(count)]
    for word, (first, last) in zip(words, groups, strict=True):
        for group in range(first, last + 1):
            if group < count:
                labels[group].append(word)
    return [" ".join(label) for label in labels] if all(labels) else None


def limits(
    tokens: Sequence[Token], words: Sequence[str], language: str, intervals: Sequence[tuple[str, int, int]], frames: int
) -> np.ndarray:
    """Where a foreign alignment allows each token: (T, L), 0 or −inf.

    The phones of a word lie inside its interval, pauses between words outside of all of them, but for one frame that
    they may take where the words touch.
    """
    allowed = np.full((frames, len(tokens)), -np.inf)
    found = runs(tokens)
    spans: list[list[int]] = [[] for _ in found]
    spoken = [word for word in words if any(map(str.isalnum, word))]
    for (_, start, end), (first, last) in zip(intervals, groups_of(tokens, spoken, language), strict=True):
        for group in range(first, min(last, len(found) - 1) + 1):
            spans[group] += [start, end]
    edges = [(min(span), max(span)) if span else (0, frames) for span in spans]
    for (first, last), (start, end) in zip(found, edges, strict=True):
        allowed[start:end, first : last + 1] = 0
    ends = [0, *(end for _, end in edges)]
    starts = [*(start for start, _ in edges), frames]
    for index, token in enumerate(tokens):
        if token.pause:
            group = sum(last < index for _, last in found)
            allowed[max(ends[group] - 1, 0) : starts[group] + 1, index] = 0
    return allowed


@torch.inference_mode()
def align(corpus: Corpus, aligner: Aligner, folder: Path, foreign: Path | None = None) -> Iterator[float | str]:
    """Align every recording of a corpus and write its TextGrid.

    Parameters
    ----------
    corpus : Corpus
        With the inventory of the aligner.
    aligner : Aligner
    folder : Path
        Gets `<id>.TextGrid`.
    foreign : Path, optional
        Folder of TextGrids by another aligner (the Montreal Forced Aligner), as `<id>.TextGrid` or in a subfolder named
        after the speaker: its words are the limits within which phones are aligned.

    Yields
    ------
    float or str
        One for each recording: how well the transcript fits, see `margin` and `FITS`; or why there is no alignment.
    """
    spec = corpus.spec
    for index, row in enumerate(corpus.rows):
        frames, tokens = int(corpus.frames[index]), corpus.tokens[index]
        if len(tokens) < len(corpus.written[index]):
            lacking = sorted({token.phone for token in corpus.written[index]} - {token.phone for token in tokens})
            yield f"{row.audio}: the aligner does not know the phone {', '.join(lacking)}"
            continue
        batch = corpus.batch([index])
        scores = aligner.scores(aligner(batch.mel), batch.mel, batch.mask, batch.phones, batch.spoken)
        words = " ".join(prepare_text(row.text or "", row.language or "")).split()
        spoken = [word for word in words if any(map(str.isalnum, word))]
        values = scores[0].double().numpy()
        least = shortest(batch.phones, torch.tensor([frames]), aligner.pauses)[0].numpy()
        try:
            if foreign is not None:
                path = foreign_grid(foreign, row.id, row.speaker)
                intervals = word_intervals(read_textgrid(path), words, frames, spec.sample_rate, spec.hop, path)
                durations = best_path(values + limits(tokens, words, row.language or "", intervals, frames))
            else:
                durations = best_path(values, least)
        except InputError as error:
            yield f"{row.audio}: {error}"
            continue
        labels = group_labels(spoken, groups_of(tokens, spoken, row.language or ""), len(runs(tokens)))
        path = folder / f"{row.id}.TextGrid"
        path.parent.mkdir(parents=True, exist_ok=True)
        tiers = from_durations(tokens, labels, durations, spec.sample_rate, spec.hop)
        write_textgrid(path, tiers, frames * spec.hop / spec.sample_rate)
        yield margin(values, durations, least)


def margin(scores: np.ndarray, durations: np.ndarray, least: np.ndarray) -> float:
    """How much better a transcript fits than its own phones backwards, or with its second half first.

    An aligner that has learned little, or that knows other recordings by heart, gives low probabilities to right
    transcripts too; but as low ones to their phones in another order.

    Parameters
    ----------
    scores : (T, L) array
        Log-probability of each token at each frame.
    durations, least : (L,) int arrays
        Frames of each token as aligned, and at least.

    Returns
    -------
    float
        Difference of the mean log-probabilities of a frame.
    """

    def fit(order: np.ndarray, durations: np.ndarray) -> float:
        return float(scores[np.arange(len(scores)), np.repeat(order, durations)].clip(UNHEARD).mean())

    inner = np.arange(1, len(durations) - 1)  # they begin and end with silence all the same
    others = [np.array([0, *middle, len(inner) + 1]) for middle in (inner[::-1], np.roll(inner, len(inner) // 2))]
    best = max(fit(order, best_path(scores[:, order], least[order])) for order in others)
    return fit(np.arange(len(durations)), durations) - best


def foreign_grid(folder: Path, id: str, speaker: str | None) -> Path:
    """The TextGrid of a recording, wherever an aligner put it.

    Raises
    ------
    InputError
        If there is none.
    """
    places = [folder / f"{id}.TextGrid", folder / (speaker or "") / f"{id}.TextGrid"]
    for path in places:
        if path.is_file():
            return path
    raise InputError(f"{places[0]}: no TextGrid of the recording {id!r}")


def write_pitch(corpus: Corpus, folder: Path, progress: Iterable[int]) -> None:
    """Track the fundamental frequency of every recording; `progress` runs over their numbers."""
    spec = corpus.spec
    found = {}
    for index in progress:
        wave = corpus.recordings.read(index)
        frequency, _ = fundamental_frequency(wave, spec.sample_rate, spec.hop, int(corpus.frames[index]))
        found[corpus.rows[index].id] = torch.from_numpy(frequency.astype(np.float32))
    old = read_pitch(folder) if (folder / PITCH).exists() else {}
    save_tensors(folder / PITCH, {**old, **found}, {"fingerprint": spec.fingerprint})


def read_pitch(folder: Path) -> Mapping[str, Tensor]:
    """Fundamental frequency (T,) in Hz of recordings by id; 0 where unvoiced."""
    return load_tensors(folder / PITCH)[0]


def read_left_out(folder: Path) -> dict[str, str]:
    """Recordings that were not aligned, or no good, by id, and why."""
    path = folder / LEFT_OUT
    lines = path.read_text(encoding="utf-8").split("\n") if path.is_file() else []
    return {id: why for id, _, why in (line.partition("\t") for line in lines) if id}


def aligned_rows(rows: Sequence[Recording], folder: Path) -> list[Recording]:
    """The recordings that are not listed as left out."""
    left_out = read_left_out(folder)
    return [row for row in rows if row.id not in left_out]


def read_durations(corpus: Corpus, index: int, folder: Path) -> np.ndarray:
    """Frames (L,) of each token of a recording; they sum to its frames.

    Those of a phone that the corpus passes over are counted to the token before it.

    Raises
    ------
    InputError
        If there is no TextGrid, or it is of another text or recording.
    """
    path = folder / f"{corpus.rows[index].id}.TextGrid"
    if not path.is_file():
        raise InputError(f"{path}: not there; align the corpus again with `specgan align`")
    tokens, spec = corpus.written[index], corpus.spec
    durations = to_durations(read_textgrid(path), tokens, int(corpus.frames[index]), spec.sample_rate, spec.hop, path)
    known = [bool(corpus.symbols.known([token])) for token in tokens]
    return np.add.reduceat(durations, np.flatnonzero(known))

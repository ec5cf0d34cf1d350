"""How far word boundaries found by the aligner lie from labelled ones.

The aligner learns from the training recordings of a corpus, their transcripts and nothing else. The held-out recordings
are then aligned, and each word's beginning and end is compared with the labels. Beside it stand the same words spread
over the recording in proportion to their letters.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from specgan.tasks.alignment import AlignmentConfig, SpeechData
from specgan.text.alignments import align, read_aligner
from specgan.text.corpus import Corpus
from specgan.text.textgrid import read_textgrid
from specgan.train import rows_of, train_aligner
from vocoder.engine.schedule import TrainConfig

Words = Sequence[tuple[str, float, float]]


def spread(words: Words, seconds: float) -> list[tuple[str, float, float]]:
    """The words one after the other over the whole recording, each as long as it has letters."""
    ends = np.cumsum([len(word) for word, _, _ in words]) * seconds / sum(len(word) for word, _, _ in words)
    starts = [0.0, *ends[:-1]]
    return [(word, start, end) for (word, _, _), start, end in zip(words, starts, ends, strict=True)]


def errors(found: Words, labelled: Words) -> np.ndarray:
    """Milliseconds between boundaries found and labelled, (words, 2): beginnings and ends; positive is late."""
    return 1e3 * np.array([[f[1] - w[1], f[2] - w[2]] for f, w in zip(found, labelled, strict=True)])


def row(name: str, differences: np.ndarray) -> str:
    """A line of the table."""
    size = np.abs(differences)
    shares = [f"{100 * (size <= limit).mean():.0f} %" for limit in (20, 50, 100)]
    return f"| {name} | {np.median(size):.0f} | {np.median(differences):+.0f} | {' | '.join(shares)} |"


def main() -> None:
    """Train, align, compare, print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="folder with train, validation and test.jsonl of `specgan prepare`")
    parser.add_argument("words", type=Path, help='labels: {"id": [["word", start s, end s], …]}')
    parser.add_argument("--out", type=Path, required=True, help="folder for the run and the TextGrids")
    parser.add_argument("--steps", type=int, default=700)
    parser.add_argument("--batch", type=int, default=16)
    arguments = parser.parse_args()
    manifests = {name: str(arguments.data / f"{name}.jsonl") for name in ("train", "validation", "test")}
    steps = arguments.steps
    schedule = TrainConfig(steps=steps, warmup=100, ema=0.99, validate_every=max(steps // 5, 1), save_every=100)
    data = SpeechData([manifests["train"]], [manifests["validation"]], arguments.batch)
    if not train_aligner(AlignmentConfig(data=data, train=schedule), arguments.out / "aligner"):
        raise SystemExit("stopped; the same command goes on")
    aligner, symbols, spec = read_aligner(arguments.out / "aligner")
    corpus = Corpus(rows_of([manifests["test"]], "the test set"), spec, symbols)
    failed = [result for result in align(corpus, aligner, arguments.out) if isinstance(result, str)]
    labels = json.loads(arguments.words.read_text(encoding="utf-8"))
    ours, baseline, passed = [], [], 0
    for index, recording in enumerate(corpus.rows):
        path = arguments.out / f"{recording.id}.TextGrid"
        if not path.is_file():
            continue
        found = [(i.label, i.start, i.end) for i in read_textgrid(path)["words"] if i.label]
        wanted = labels[recording.id]
        if len(found) != len(wanted):  # espeak-ng ran two words into one
            passed += 1
            continue
        ours.append(errors(found, wanted))
        baseline.append(errors(spread(wanted, int(corpus.recordings.lengths[index]) / spec.sample_rate), wanted))
    words = sum(map(len, ours))
    print(f"{len(ours)} recordings, {words} words; not alignable: {len(failed)}; words run together: {passed}\n")
    print("| boundaries | median error, ms | median offset, ms | within 20 ms | 50 ms | 100 ms |")
    print("|---|---|---|---|---|---|")
    print(row("aligner", np.concatenate(ours)))
    print(row("words spread by their letters", np.concatenate(baseline)))


if __name__ == "__main__":
    main()

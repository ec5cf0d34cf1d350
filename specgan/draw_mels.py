"""Mels as a voice draws them at the durations, pitch and energy of recordings, for a vocoder to learn to render."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from specgan.prepare import make_folder
from specgan.tasks.acoustic import AlignedCorpus
from specgan.tasks.tts import drawn_of
from specgan.text.alignments import aligned_rows
from specgan.text.corpus import Corpus
from specgan.text.symbols import Symbols
from specgan.trained import read_voice
from vocoder.errors import InputError
from vocoder.signal.files import replacing
from vocoder.signal.manifest import Recording, read_manifest, write_manifest
from vocoder.signal.mels import SPEC


@torch.inference_mode()
def draw_mels(
    run: Path,
    manifests: Sequence[Path],
    folder: Path,
    alignments: Path,
    progress: Callable[[Iterable[Any], int], Iterable[Any]] = lambda items, count: items,
) -> int:
    """Draw the mel of every aligned recording, frame by frame where its sound is.

    Writes `<id>.npy`, float32 (bands, T) with exactly the frames of the recording, and mels.json with the MelSpec, as
    `vocoder.signal.mels.Mels` reads them; and for each manifest one of the same name with the recordings that were
    drawn. Manifests of the same name come together in one. Recordings are drawn one by one, so that no padding touches
    them; the noise of each is seeded by its number.

    Parameters
    ----------
    run : Path
        Of the GAN, or a packed voice with its weights.
    manifests : sequence of Path
    folder : Path
    alignments : Path
        The folder that `specgan align` wrote.
    progress : callable
        (items, how many) → the items, for a progress bar.

    Returns
    -------
    int
        How many were drawn.

    Raises
    ------
    InputError
        If no recording of them is aligned, two have one id, the run is none, or a recording has a speaker or a language
        that the voice has not.
    """
    trained, painter, _ = read_voice(run)
    sets: dict[str, list[Recording]] = {}
    for path in manifests:
        sets.setdefault(path.name, []).extend(aligned_rows(read_manifest(path), alignments))
    rows = [row for part in sets.values() for row in part]
    if not rows:
        raise InputError(f"{alignments}: none of the recordings is aligned")
    if len({row.id for row in rows}) < len(rows):
        raise InputError("the manifests have recordings of one id; ids become names of files, so they must be unique")
    known = trained.inventory
    symbols = Symbols(tuple(known.phones), tuple(known.stresses))
    corpus = AlignedCorpus(
        Corpus(rows, trained.spec, symbols, known.speakers, known.languages), alignments, trained.pitch
    )
    make_folder(folder)
    for name, part in sets.items():
        write_manifest(folder / name, part)
    with replacing(folder / SPEC) as temporary:
        temporary.write_text(json.dumps(trained.spec.to_dict(), indent=1) + "\n", encoding="utf-8")
    for index in progress(range(len(rows)), len(rows)):
        _, drawn = drawn_of(trained.acoustic, painter, corpus.batch([index]), index)
        path = folder / f"{rows[index].id}.npy"
        make_folder(path.parent)
        with replacing(path) as temporary, temporary.open("wb") as file:
            np.save(file, drawn[0, :, : corpus.frames[index]].float().numpy())
    return len(rows)

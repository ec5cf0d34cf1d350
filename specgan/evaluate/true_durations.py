"""What a voice draws at the durations, pitch and energy of recordings: the section about over-smoothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from specgan.evaluate.errors import NotMeasurable
from specgan.evaluate.smoothing import over_smoothing
from specgan.runtime.speech import Voice
from specgan.tasks.acoustic import AlignedCorpus
from specgan.text.alignments import aligned_rows
from specgan.text.corpus import Corpus
from vocoder.engine.logger import stacked
from vocoder.errors import InputError
from vocoder.signal.files import replacing
from vocoder.signal.manifest import Recording

SCALE = 3  # pixels of the picture a band and a frame
PICTURE = "mels.png"
NOTES = """At the durations, pitch and energy of the recordings, over voiced frames; 1 is as the recordings,
below is smoother, above is rougher. Deviation: standard deviation of a mel band; modulation: energy of its movement
above 4 Hz; index: the mean of the deviation and the root of the modulation; noise: white noise in the log-mel (in
nepers) that was found and taken out of the other three.
"""


class Aligned(NamedTuple):
    """One recording at its true durations: log-mels (M, T) and the voiced frames (T,)."""

    id: str
    real: np.ndarray
    coarse: np.ndarray
    drawn: np.ndarray
    voiced: np.ndarray


def at_true_durations(voice: Voice, rows: Sequence[Recording], alignments: Path) -> Iterator[Aligned]:
    """What the voice draws with the durations, pitch and energy of the recordings, beside their own mels."""
    config, model = voice.config, voice.model
    corpus = Corpus(rows, model.spec, config.symbols, config.speakers, config.languages)
    aligned = AlignedCorpus(corpus, alignments, config.pitch)
    for index, row in enumerate(rows):
        batch = aligned.batch([index])
        speaker = batch.speaker.numpy()
        text = model.run("encode", batch.phones.numpy(), batch.stress.numpy(), speaker, batch.language.numpy())[0]
        frames = batch.durations[0].numpy().copy()
        count = int(frames.sum())
        frames[-1] += -count % config.multiple
        planes = [np.repeat(x, frames, axis=-1) for x in (text, batch.pitch.numpy(), batch.energy.numpy())]
        noise = np.random.default_rng(index).standard_normal((1, model.spec.bands, int(frames.sum())), np.float32)
        drawn, coarse = model.run("draw", *(plane.astype(np.float32) for plane in planes), speaker, noise)
        yield Aligned(
            row.id,
            batch.mel[0, :, :count].numpy(),
            coarse[0, :, :count],
            drawn[0, :, :count],
            batch.voiced[0, :count].numpy(),
        )


def section(voice: Voice, rows: Sequence[Recording], alignments: Path, folder: Path) -> str:
    """Markdown about the over-smoothing of a voice; writes its picture into `folder`.

    Raises
    ------
    InputError
        If no row is aligned, or there is nothing to measure in them.
    """
    kept = aligned_rows(rows, alignments)
    if not kept:
        raise InputError(f"{alignments}: has an alignment of no recording of the manifest; run `specgan align` on it")
    mels = list(at_true_durations(voice, kept, alignments))
    try:
        return smoothing_section(mels, voice.model.spec.frame_rate, folder / PICTURE)
    except NotMeasurable as reason:
        raise InputError(f"{alignments}: over-smoothing cannot be measured ({reason})") from reason


def smoothing_section(mels: Sequence[Aligned], frame_rate: float, picture: Path) -> str:
    """Table of the over-smoothing index, and the picture of the first prompt."""
    lines = ["| mel | deviation | modulation | index | noise |", "|---|---|---|---|---|"]
    for name, made in (("real", "real"), ("coarse: without GAN", "coarse"), ("drawn by the GAN", "drawn")):
        found = over_smoothing([(one.real, getattr(one, made), one.voiced) for one in mels], frame_rate)
        figures = (found.deviation, found.modulation, found.index, found.noise)
        lines.append(f"| {name} | " + " | ".join(f"{figure:.3f}" for figure in figures) + " |")
    first = mels[0]
    shown = np.repeat(np.repeat(stacked([first.real, first.coarse, first.drawn]), SCALE, axis=0), SCALE, axis=1)
    with replacing(picture) as temporary:
        Image.fromarray(shown).save(temporary, format="PNG")
    caption = f"{first.id}: real, coarse and generated mel"
    return (
        f"## Over-smoothing\n\n{chr(10).join(lines)}\n\n{NOTES}\n![{caption}]({picture.name})\n\n"
        f"{caption}, at the true durations, on one colour scale.\n"
    )

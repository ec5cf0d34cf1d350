"""Score a voice on its test prompts and on harder sentences, beside its bounds and other systems.

Writes `results/<table>/evaluation.json` (every utterance, with what the recogniser heard), `RESULTS.md` and `mels.png`
into the run folder, and prints RESULTS.md.

Example: python recipes/lib/tts_results.py exp/tts/kathleen/tiny exp/tts/kathleen/tiny/model \
    --test exp/tts/kathleen/tiny/data/kathleen/test.jsonl --alignments exp/tts/kathleen/tiny/alignments \
    --sentences recipes/tts/kathleen/hard_sentences.txt
"""

from __future__ import annotations

import argparse
import dataclasses
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from PIL import Image
from tts_peers import peers

import specgan
from specgan.evaluate import report
from specgan.evaluate.recogniser import Recogniser
from specgan.evaluate.smoothing import over_smoothing
from specgan.evaluate.speech import SPEC, Prompt, Spoken, System, evaluate_speech, speak
from specgan.runtime.pipeline import Vocoder
from specgan.runtime.speech import Voice
from specgan.tasks.acoustic import AlignedCorpus
from specgan.text.alignments import aligned_rows
from specgan.text.corpus import Corpus
from vocoder.engine.logger import stacked
from vocoder.errors import InputError
from vocoder.signal import audio
from vocoder.signal.files import replacing
from vocoder.signal.manifest import Recording, read_manifest
from vocoder.signal.mel import LogMel

RECORDINGS, VOCODED, VOICE, COARSE = "the recordings", "the recordings through the vocoder", "the voice", "without GAN"
SCALE = 3  # pixels of the picture a band and a frame

NOTES = """Word and character error rates are those of the whole set, by Whisper base (beam 5, temperature 0), after the
normalisation of its authors; predicted MOS by distillMOS and DNSMOS (P.835, overall). MCD (13 mel-cepstra, c₀ left
out), F0 and V/UV error are along a time-warped path; MCD counts the band from 8 to 11 kHz, which flite (16 kHz) lacks.
Similarity is the cosine of resemblyzer's embeddings, with the recording of the same prompt and with the mean of the
other recordings. The real-time factor is seconds of one thread per second of sound, warm, the systems taking turns;
that of espeak-ng and flite has the start of the program in it. "Without GAN" has none, because the GAN's mel is drawn
as well and thrown away.
"""
SMOOTHING_NOTES = """At the durations, pitch and energy of the recordings, over voiced frames; 1 is as the recordings,
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


def at_true_durations(voice: Voice, rows: list[Recording], alignments: Path) -> Iterator[Aligned]:
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


def own_systems(voice: Voice, rows: list[Recording]) -> dict[str, System]:
    """The voice, its bounds, and the voice without the GAN; each row by its speaker, other prompts by the first."""
    vocoder, mel = Vocoder(voice.model), LogMel(voice.model.spec)
    manners = {row.id: {"speaker": row.speaker or "speaker", "language": row.language, "seed": 0} for row in rows}

    def manner(prompt: Prompt) -> dict[str, Any]:
        return manners.get(prompt.id, {"seed": 0})

    def vocoded(prompt: Prompt) -> tuple[np.ndarray, int]:
        assert prompt.recording is not None, "test prompts have recordings"
        wave = audio.resample(prompt.recording, SPEC.sample_rate, voice.sample_rate)
        return vocoder.render(mel(torch.from_numpy(wave)[None])[0].numpy())[: len(wave)], voice.sample_rate

    def coarse(prompt: Prompt) -> tuple[np.ndarray, int]:
        pieces = [
            piece for drawn in voice.sentences(prompt.text, **manner(prompt)) for piece in voice.render(drawn.coarse)
        ]
        return np.concatenate(pieces), voice.sample_rate

    return {
        RECORDINGS: lambda prompt: (prompt.recording, SPEC.sample_rate),
        VOCODED: vocoded,
        VOICE: lambda prompt: (voice.speak(prompt.text, **manner(prompt)), voice.sample_rate),
        COARSE: coarse,
    }


def table(
    title: str, systems: dict[str, System], prompts: list[Prompt], recogniser: Recogniser | None, folder: Path
) -> str:
    """Evaluate and write one table; the section about it."""
    spoken: dict[str, list[Spoken]] = speak(systems, prompts)
    if COARSE in spoken:
        spoken[COARSE] = [dataclasses.replace(one, seconds=None) for one in spoken[COARSE]]
    results = evaluate_speech(spoken, prompts, recogniser)
    report.write(results, folder)
    return f"## {title}\n\n{results.markdown()}"


def prompts_of(rows: list[Recording]) -> list[Prompt]:
    """The recordings with their transcripts."""
    found = []
    for row in rows:
        if not row.text:
            raise InputError(f"{row.id}: has no text in the manifest; prepare the corpus with its transcripts")
        wave = audio.read_mono(row.audio, SPEC.sample_rate, offset=row.start, duration=row.duration)
        found.append(Prompt(row.id, row.text, row.text, wave))
    return found


def hard_prompts(path: Path) -> list[Prompt]:
    """Sentences of a file, one a line: as typed, and after a tab what may be heard; lines with # are passed over."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    pairs = [line.partition("\t") for line in lines]
    return [Prompt(f"sentence {n}", typed, heard or typed) for n, (typed, _, heard) in enumerate(pairs, 1)]


def smoothing_section(mels: list[Aligned], frame_rate: float, picture: Path) -> str:
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
        f"## Over-smoothing\n\n{chr(10).join(lines)}\n\n{SMOOTHING_NOTES}\n![{caption}]({picture.name})\n\n"
        f"{caption}, at the true durations, on one colour scale.\n"
    )


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="folder that the results go to")
    parser.add_argument("model", type=Path, help="folder of the packed voice")
    parser.add_argument("--test", type=Path, required=True, help="manifest of the test prompts")
    parser.add_argument("--alignments", type=Path, required=True, help="folder with the alignments of the test prompts")
    parser.add_argument("--sentences", type=Path, help="harder sentences, one a line")
    parser.add_argument(
        "--mini",
        action="store_true",
        help="one prompt, one sentence, no other systems, and only measures that need no network",
    )
    parser.add_argument("--command", default=shlex.join(["python", *sys.argv]), help="what to write above the tables")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    voice = specgan.load(options.model, threads=1)
    rows = read_manifest(options.test)[: 1 if options.mini else None]
    others, missing = ({}, []) if options.mini else peers()
    own, folder = own_systems(voice, rows), options.run / "results"
    recogniser = None if options.mini else Recogniser()
    sections = [f"```\n{options.command}\n```\n"]
    prompts = prompts_of(rows)
    beside = {name: system for name, system in others.items() if not name.startswith("piper")}
    sections.append(table("Test prompts", own | beside, prompts, recogniser, folder / "prompts"))
    if options.sentences:
        sentences = hard_prompts(options.sentences)[: 1 if options.mini else None]
        speakers = {VOICE: own[VOICE]} | others
        sections.append(table("Harder sentences", speakers, sentences, recogniser, folder / "sentences"))
    sections.append("\n".join([NOTES, *missing]) + ("\n" if missing else ""))
    mels = list(at_true_durations(voice, aligned_rows(rows, options.alignments), options.alignments))
    sections.append(smoothing_section(mels, voice.model.spec.frame_rate, options.run / "mels.png"))
    text = "\n".join(sections)
    with replacing(options.run / "RESULTS.md") as temporary:
        temporary.write_text(text, encoding="utf-8")
    print(text)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except InputError as error:
        print(f"tts_results.py: {error}", file=sys.stderr)
        sys.exit(2)

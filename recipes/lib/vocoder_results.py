"""Score a trained vocoder on its test sets, beside the bounds: the recording itself, and Griffin-Lim from the same mel.

Writes `results/<set>/evaluation.json` (every utterance) and `RESULTS.md` into the run folder, and prints the latter.

Example: python recipes/lib/vocoder_results.py exp/vocoder/folder/small exp/vocoder/folder/small/data/*/test.jsonl
"""

from __future__ import annotations

import argparse
import copy
import shlex
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from specgan.evaluate import report
from specgan.runtime.pipeline import Vocoder
from specgan.torch_backend import TorchVocoder
from vocoder.decode import read_run
from vocoder.errors import InputError
from vocoder.generators import FourierVocoder
from vocoder.signal import audio
from vocoder.signal.files import replacing
from vocoder.signal.manifest import read_manifest
from vocoder.signal.mel import LogMel, griffin_lim
from vocoder.signal.spec import MelSpec

ITERATIONS = 60

System = Callable[[np.ndarray], np.ndarray]


class Timed:
    """A system that counts the seconds it took and the samples it made."""

    def __init__(self, system: System) -> None:
        self.system, self.seconds, self.samples = system, 0.0, 0

    def __call__(self, wave: np.ndarray) -> np.ndarray:
        began = time.perf_counter()
        made = self.system(wave)
        self.seconds += time.perf_counter() - began
        self.samples += len(made)
        return made


def other(folder: Path, spec: MelSpec) -> System:
    """A run on torch, or a model folder on ONNX Runtime, as it was trained or packed."""
    if (folder / "config.json").is_file():
        vocoder = Vocoder.load(folder)
    else:
        trained = read_run(folder)
        vocoder = Vocoder(TorchVocoder(folder.name, trained.generator, trained.spec))
    vocoder.spec.require(spec, str(folder), "the run that is evaluated")
    return vocoder.resynthesise


def systems(run: Path, projections: list[int], beside: list[Path]) -> tuple[MelSpec, dict[str, System]]:
    """Name in the table → wave (N,) to wave (N,), the bounds first."""
    trained = read_run(run)
    spec, mel = trained.spec, LogMel(trained.spec)

    def griffin(wave: np.ndarray) -> np.ndarray:
        return griffin_lim(mel(torch.from_numpy(wave)[None]), spec, ITERATIONS)[0, : len(wave)].numpy()

    found: dict[str, System] = {
        "the recording": lambda wave: wave,
        f"Griffin-Lim, {ITERATIONS} iterations": griffin,
    } | {folder.name: other(folder, spec) for folder in beside}
    if not isinstance(trained.generator, FourierVocoder):
        return spec, found | {run.name: Vocoder(TorchVocoder(run.name, trained.generator, spec)).resynthesise}
    for count in projections:
        generator = copy.deepcopy(trained.generator)
        generator.projections = count
        model = TorchVocoder(run.name, generator, spec)
        found[f"{run.name}, {count} {'projection' if count == 1 else 'projections'}"] = Vocoder(model).resynthesise
    return spec, found


def score(name: str, manifest: Path, spec: MelSpec, found: dict[str, System], folder: Path) -> str:
    """Evaluate one test set; the section about it."""
    waves = [
        (row.id, audio.read_mono(row.audio, spec.sample_rate, offset=row.start, duration=row.duration))
        for row in read_manifest(manifest)
    ]
    timed = {system: Timed(render) for system, render in found.items()}
    results = report.evaluate_vocoder(timed, waves, spec.sample_rate)
    report.write(results, folder)
    speeds = "; ".join(
        f"{system}: {timer.samples / spec.sample_rate / timer.seconds:.0f}"
        for system, timer in list(timed.items())[1:]  # the recording itself takes no time
    )
    threads = f"threads: {torch.get_num_threads()}"
    return f"## {name}\n\n{results.markdown()}\nTimes faster than real time ({threads}): {speeds}.\n"


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="folder of the run")
    parser.add_argument("tests", type=Path, nargs="+", help="manifests; the name of the folder is that of the set")
    parser.add_argument("--projections", type=int, nargs="+", default=[2], help="of a Fourier vocoder")
    parser.add_argument("--beside", type=Path, nargs="+", default=[], help="runs or model folders to compare with")
    parser.add_argument("--command", default=shlex.join(["python", *sys.argv]), help="what to write above the tables")
    options = parser.parse_args(arguments)
    spec, found = systems(options.run, options.projections, options.beside)
    sections = [f"```\n{options.command}\n```\n"]
    for path in options.tests:
        name = path.parent.name
        sections.append(score(name, path, spec, found, options.run / "results" / name))
    text = "\n".join(sections)
    with replacing(options.run / "RESULTS.md") as temporary:
        temporary.write_text(text, encoding="utf-8")
    print(text)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except InputError as error:
        print(f"vocoder_results.py: {error}", file=sys.stderr)
        sys.exit(2)

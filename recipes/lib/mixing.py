"""Sounds that recipes of enhancement need.

test    speech and noise → mixtures at fixed SNRs: OUT/test.jsonl, whose rows have the clean recording as `audio`, the
        noisy one as `source`, and the SNR as `label`
pairs   noisy and clean recordings of the same names → the same, OUT/test.jsonl, of recorded or published mixtures
rest    noisy speech less the clean speech of the same name → the noise: OUT/<name>.flac
noises  synthesised noises: OUT/noise-NN.flac

Example: python recipes/lib/mixing.py test --speech a/test.jsonl --noise b/test.jsonl --out mixtures
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from specgan.mixing.mixtures import fixed
from specgan.mixing.noises import Synthesised
from vocoder.errors import InputError
from vocoder.signal import audio
from vocoder.signal.dataset import Recordings
from vocoder.signal.manifest import Recording, read_manifest, write_manifest


def test(options: argparse.Namespace) -> None:
    """Write the mixtures of a test set; the same call gives the same ones."""
    rows = [row for path in options.speech for row in read_manifest(path)]
    speech = Recordings(rows, options.rate)
    found = [row for path in options.noise for row in read_manifest(path)]
    noise = Recordings(found, options.rate) if found else Synthesised(options.rate)
    made: list[Recording] = []
    for index, snr, mixture in fixed(speech, noise, options.snrs, options.seed):
        if not options.every_snr and snr != options.snrs[index % len(options.snrs)]:
            continue
        name = f"{rows[index].id}_{snr:g}dB"
        paths = [options.out / kind / f"{name}.flac" for kind in ("clean", "noisy")]
        for path, wave in zip(paths, (mixture.clean, mixture.noisy), strict=True):
            path.parent.mkdir(parents=True, exist_ok=True)
            audio.write(path, wave, options.rate)
        fields = {"id": name, "audio": paths[0], "source": paths[1], "label": f"{snr:g} dB"}
        made.append(dataclasses.replace(rows[index], start=0.0, duration=None, **fields))
    write_manifest(options.out / "test.jsonl", made)
    print(f"{options.out / 'test.jsonl'}: {len(made)} mixtures of {len(rows)} recordings")


def pairs(options: argparse.Namespace) -> None:
    """Write pairs as a test set."""
    made = []
    for name, _, *waves in _pairs(options, options.rate):
        paths = [options.out / kind / f"{name}.flac" for kind in ("noisy", "clean")]
        for path, wave in zip(paths, waves, strict=True):
            path.parent.mkdir(parents=True, exist_ok=True)
            audio.write(path, np.clip(wave, -1, 1), options.rate)
        made.append(Recording(name, paths[1], source=paths[0]))
    write_manifest(options.out / "test.jsonl", made)
    print(f"{options.out / 'test.jsonl'}: {len(made)} pairs")


def rest(options: argparse.Namespace) -> None:
    """Write the noise of pairs."""
    options.out.mkdir(parents=True, exist_ok=True)
    count = 0
    for name, rate, noisy, clean in _pairs(options):
        audio.write(options.out / f"{name}.flac", np.clip(noisy - clean, -1, 1), rate)
        count += 1
    print(f"{options.out}: the noise of {count} recordings")


def _pairs(options: argparse.Namespace, rate: int | None = None) -> Iterator[tuple[str, int, np.ndarray, np.ndarray]]:
    """Name, rate, noisy and clean wave, at the rate of the files if None."""
    paths = sorted(options.noisy.glob("*.wav"))
    if not paths:
        raise InputError(f"{options.noisy}: holds no wav")
    for path in paths:
        hertz = rate or audio.info(path).rate
        noisy, clean = (audio.read_mono(place, hertz) for place in (path, options.clean / path.name))
        if len(noisy) != len(clean):
            raise InputError(f"{path}: has {len(noisy)} samples, its clean recording {len(clean)}; they must be pairs")
        yield path.stem, hertz, noisy, clean


def noises(options: argparse.Namespace) -> None:
    """Write synthesised noises."""
    options.out.mkdir(parents=True, exist_ok=True)
    source = Synthesised(options.rate)
    for number in range(options.count):
        audio.write(options.out / f"noise-{number:02d}.flac", np.clip(source.read(number), -1, 1), options.rate)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=int, default=16_000, help="Hz")
    commands = parser.add_subparsers(required=True)
    one = commands.add_parser("test", help="mixtures at fixed SNRs")
    one.add_argument("--speech", type=Path, nargs="+", required=True, help="manifests")
    one.add_argument("--noise", type=Path, nargs="*", default=[], help="manifests; without any it is synthesised")
    one.add_argument("--snrs", type=float, nargs="+", default=[0.0, 5.0, 10.0, 15.0], help="dB")
    one.add_argument("--every-snr", action="store_true", help="each recording at all SNRs, not at one in turn")
    one.add_argument("--seed", type=int, default=1)
    one.set_defaults(run=test)
    two, four = (
        commands.add_parser("rest", help="noise of pairs"),
        commands.add_parser("pairs", help="pairs as test set"),
    )
    for command, run in ((two, rest), (four, pairs)):
        command.add_argument("--noisy", type=Path, required=True, help="folder of wavs")
        command.add_argument("--clean", type=Path, required=True, help="folder of wavs")
        command.set_defaults(run=run)
    three = commands.add_parser("noises", help="synthesised noises")
    three.add_argument("--count", type=int, default=8)
    three.set_defaults(run=noises)
    for command in (one, two, three, four):
        command.add_argument("--out", type=Path, required=True, help="folder")
    options = parser.parse_args(arguments)
    options.run(options)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except InputError as error:
        print(f"mixing.py: {error}", file=sys.stderr)
        sys.exit(2)

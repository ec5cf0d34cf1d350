"""Other systems that take noise away, as far as they can be tried without their packages."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from vocoder.signal import audio
from vocoder.signal.manifest import Recording, write_manifest

SCRIPT = Path(__file__).parents[2] / "recipes" / "lib" / "enhancement_peers.py"


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    """One recording of 1000 samples in noise."""
    for name, value in (("clean", 0.25), ("noisy", 0.5)):
        audio.write(tmp_path / f"{name}.wav", np.full(1000, value, np.float32), 16_000)
    path = tmp_path / "test.jsonl"
    write_manifest(path, [Recording("one", tmp_path / "clean.wav", source=tmp_path / "noisy.wav")])
    return path


@pytest.fixture
def peers(monkeypatch: pytest.MonkeyPatch):
    """The script as a module."""
    monkeypatch.syspath_prepend(str(SCRIPT.parent))
    spec = importlib.util.spec_from_file_location("enhancement_peers", SCRIPT)
    assert spec is not None and spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


def test_the_noisy_recording_is_what_a_system_gets(peers, manifest, tmp_path, monkeypatch, capsys) -> None:
    half = {"half": ("numpy", lambda: lambda wave: (wave / 2, 16_000)), "none": ("no-such-package", None)}
    monkeypatch.setattr(peers, "PEERS", half)
    assert peers.main([str(manifest), "--out", str(tmp_path / "out")]) == 0
    wave, rate = audio.read(tmp_path / "out/half/one.wav")
    assert rate == 16_000
    assert wave[0] == pytest.approx(np.full(1000, 0.25), abs=1e-4)
    assert json.loads((tmp_path / "out/half/seconds.json").read_text()).keys() == {"one"}
    said = capsys.readouterr()
    assert said.out == f"--beside half={tmp_path}/out/half\n"
    assert said.err == "none is not installed and left out; `--help` says how to.\n"


def test_a_recording_without_noise_is_one_line(tmp_path: Path, manifest: Path) -> None:
    write_manifest(manifest, [Recording("one", tmp_path / "clean.wav")])
    done = subprocess.run([sys.executable, SCRIPT, manifest, "--out", tmp_path / "out"], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr == (f"enhancement_peers.py: {manifest}: one has no noisy recording; its row needs a `source`\n")
    assert not (tmp_path / "out").exists()

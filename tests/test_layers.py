"""Imports run one way, and speaking needs no torch."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LEAVES = ("vocoder.errors", "vocoder.precision")
TEXT = tuple(f"specgan.text.{name}" for name in ("lexicon", "normalise", "phonemes", "sentences", "symbols"))
LIGHT = tuple(f"vocoder.signal.{name}" for name in ("audio", "chunks", "containers", "files", "manifest", "spec"))

# a package (the most specific first) and what of the project its modules may import
ALLOWED = {
    "vocoder.signal": ("vocoder.signal", *LEAVES),
    "vocoder.engine": ("vocoder.engine", *LEAVES),
    "vocoder.errors": (),
    "vocoder.precision": (),
    "vocoder": ("vocoder",),
    "specgan.runtime": ("specgan.runtime", "specgan.zoo", "vocoder.errors", *TEXT, *LIGHT),
    "specgan.zoo": ("vocoder.errors",),
    "specgan": ("specgan", "vocoder"),
}


def module_name(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for package in ("vocoder", "specgan") for path in (ROOT / package).rglob("*.py")}


def inside(name, package):
    return name == package or name.startswith(package + ".")


def imported(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            # `from package import module` names a module, `from module import function` does not
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield full if full in MODULES else node.module


@pytest.mark.parametrize("name", sorted(MODULES))
def test_imports_run_one_way(name):
    allowed = next(names for package, names in ALLOWED.items() if inside(name, package))
    for other in imported(MODULES[name]):
        if other.partition(".")[0] in ("vocoder", "specgan", "recipes", "tests"):
            assert any(inside(other, package) for package in allowed), f"{name} imports {other}"


def test_only_one_module_reads_sound_files():
    users = {name for name, path in MODULES.items() if {"soundfile", "soxr"} & set(imported(path))}
    assert users == {"vocoder.signal.audio"}


def test_importing_what_speaking_needs_brings_no_torch():
    light = [name for name in MODULES if inside(name, "specgan.runtime") or inside(name, "specgan.zoo")]
    light += [*TEXT, *LIGHT, "specgan", "specgan.cli", "specgan.decode", "specgan.infer"]
    program = (
        "import importlib, sys\n"
        f"for name in {light!r}: importlib.import_module(name)\n"
        "heavy = {'torch', 'librosa', 'scipy', 'onnx', 'safetensors', 'omegaconf', 'numba'} & set(sys.modules)\n"
        "sys.exit(f'brings {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr

"""Whether a model folder is whole and does what it says: `specgan doctor --model`. No torch, except where it is there
and the weights for fine-tuning are."""

from __future__ import annotations

import dataclasses
import importlib.util
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from specgan.card import mel_name
from specgan.doctor.finding import Finding
from specgan.doctor.report import sentences, write
from specgan.doctor.weights import broken_tensors
from specgan.runtime.model import Model
from specgan.runtime.pipeline import Vocoder
from specgan.zoo import find
from vocoder.errors import InputError
from vocoder.signal.spec import MelSpec

FRAMES, TOKENS = 64, 12  # of what functions are tried with; 64 is a multiple of what any network halves
FAR = 0.5
"""Mean distance in ln between a mel and the mel of what is rendered of it. The shipped models have 0.1 to 0.2; with
the mel of the preset 22k-8k the shipped vocoder has 0.7 to 0.8."""
AGREE = 0.02
"""Of the root mean square, between ONNX Runtime and torch. Half-precision weights make 0.0006 or less."""
CRITICS = {"vocoder": "discriminator", "tts": "critics"}
"""By task, the file that holds the critics which fine-tuning goes on with."""


@dataclass
class Checked:
    """A model or a run: facts, and what is wrong.

    Attributes
    ----------
    facts : dict
        What it is, by name, in the order in which it is said.
    findings : list of Finding
    """

    facts: dict[str, Any] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    @property
    def serious(self) -> bool:
        """Whether anything serious was found."""
        return any(found.serious for found in self.findings)

    def add(self, check: str, what: str, advice: str, *, serious: bool) -> None:
        """Another finding."""
        self.findings.append(Finding(check, what, advice, serious))

    def text(self) -> str:
        """The report in words."""
        width = max(map(len, self.facts))
        facts = [f"{name.ljust(width)}  {value}" for name, value in self.facts.items()]
        ordered = sorted(self.findings, key=lambda found: not found.serious)
        return "\n".join([*facts, *sentences(ordered), "" if self.findings else "nothing wrong was found"]).rstrip()

    def write(self, path: Path) -> None:
        """The same as JSON."""
        findings = [dataclasses.asdict(found) for found in self.findings]
        write(path, {"serious": self.serious, "facts": self.facts, "findings": findings})


def examine_model(name_or_folder: str | Path) -> Checked:
    """Check a shipped model, a model folder or the folder of a run.

    Raises
    ------
    InputError
        If there is none, or its config.json cannot be read.
    """
    folder = Path(name_or_folder)
    if (folder / "checkpoints").is_dir() or (folder / "config.yaml").is_file():
        from specgan.doctor.run import examine_run

        return examine_run(folder)
    model = Model(find(name_or_folder))
    checked = Checked(_facts(model))
    working = _functions(model, checked)
    renderer = model if "render" in working else _named_vocoder(model, checked)
    if renderer is not None:
        _round_trip(model, renderer, working, checked)
    _weights(model, working, checked)
    if not (model.folder / "README.md").is_file():
        advice = "Say what it was trained on, and its licence."
        checked.add("card", "there is no card (README.md)", advice, serious=False)
    return checked


def _facts(model: Model) -> dict[str, Any]:
    config, facts = model.config, model.config.get("facts") or {}
    sizes = {path.name: path.stat().st_size / 1e6 for path in sorted(model.folder.iterdir()) if path.is_file()}
    said = {
        "model": f"{model.name} ({model.folder})",
        "task": model.task,
        "format": config["format_version"],
        "mel": f"{mel_name(model.spec)}; fingerprint {model.spec.fingerprint}",
        "functions": ", ".join(model.functions),
        "size": f"{sum(sizes.values()):.1f} MB: " + ", ".join(f"{name} {size:.1f}" for name, size in sizes.items()),
    }
    for key in ("speakers", "languages"):
        if isinstance(config.get(key), list):
            said[key] = ", ".join(map(str, config[key]))
    data = ", ".join(map(str, facts.get("data", []))) or "not said"
    said["trained"] = f"on {data}; {facts.get('step', 'steps not said')}" + (" steps" if "step" in facts else "")
    if figures := facts.get("validation"):
        said["validation"] = ", ".join(f"{name} {value:.4g}" for name, value in figures.items())
    said["licence"] = facts.get("licence", "not stated")
    return said


# -- what it does -----------------------------------------------------------------------------------------------------


def _functions(model: Model, checked: Checked) -> set[str]:
    """Run every function on noise; which of them work."""
    working = set()
    for name, function in model.functions.items():
        try:
            inputs = _inputs(model, name)
            outputs = model.run(name, *inputs)
        except InputError as error:
            checked.add(name, f"the function {name} cannot be loaded: {error}", "Export the model again.", serious=True)
            continue
        except Exception as error:  # ONNX Runtime's have no common class
            reason = " ".join(str(error).split())[:200]
            what = f"the function {name} does not run on the inputs that config.json promises: {reason}"
            checked.add(name, what, "Export the model again.", serious=True)
            continue
        wrong = _wrong_outputs(model.spec, function, inputs, outputs)
        if wrong:
            checked.add(name, f"the function {name} gives {wrong}", "Export the model again.", serious=True)
        else:
            working.add(name)
    return working


def _length(word: Any, spec: MelSpec) -> int:
    if isinstance(word, int):
        return word
    return {"frames": FRAMES, "T": FRAMES, "samples": FRAMES * spec.hop, "N": FRAMES * spec.hop}.get(word, TOKENS)


def _inputs(model: Model, name: str) -> list[np.ndarray]:
    """Noise of the shapes in config.json, in the types that the file takes; whole numbers are 0 or 1."""
    import onnxruntime

    shapes = model.functions[name]["inputs"]
    path = model.folder / f"{name}.onnx"
    if not path.is_file():
        raise InputError(f"{model.folder}: lacks {path.name}; export or fetch the model again")
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    types = {entry.name: entry.type for entry in session.get_inputs()}
    rng = np.random.default_rng(0)
    inputs = []
    for key, shape in shapes.items():
        size = [_length(word, model.spec) for word in shape]
        if "int" in types.get(key, ""):
            inputs.append(np.full(size, int(len(size) > 1), np.int64))
        elif key == "mel":
            inputs.append((_silence(model.spec) / 2 + rng.standard_normal(size)).astype(np.float32))
        elif key == "wave":
            inputs.append((0.05 * rng.standard_normal(size)).astype(np.float32))
        else:
            inputs.append(rng.uniform(0, 1, size).astype(np.float32))
    return inputs


def _silence(spec: MelSpec) -> float:
    return float(np.log(spec.floor) if spec.log_base == "e" else np.log10(spec.floor))


def _wrong_outputs(spec: MelSpec, function: Any, inputs: list[np.ndarray], outputs: list[np.ndarray]) -> str:
    """What is wrong with outputs, in words; nothing where all is right."""
    named = dict(zip(function["inputs"], inputs, strict=True))
    lengths = {word: FRAMES for word in ("frames", "T")} | {word: FRAMES * spec.hop for word in ("samples", "N")}
    for key, shape in function["inputs"].items():
        lengths |= {word: size for word, size in zip(shape, named[key].shape, strict=True) if isinstance(word, str)}
    if len(outputs) != len(function["outputs"]):
        return f"{len(outputs)} arrays, must be {len(function['outputs'])}"
    for (key, shape), found in zip(function["outputs"].items(), outputs, strict=True):
        wanted = tuple(lengths.get(word, word) if isinstance(word, str) else word for word in shape)
        fits = len(wanted) == found.ndim and all(
            isinstance(size, str) or size == own for size, own in zip(wanted, found.shape, strict=True)
        )
        if not fits:
            return f"{key} of shape {found.shape}, must be {wanted}"
        if not np.isfinite(found).all():
            return f"{key} with values that are NaN or infinite"
    return ""


def _named_vocoder(model: Model, checked: Checked) -> Model | None:
    """The vocoder that a model without one of its own speaks through; None where it names none that fits."""
    name = model.config.get("vocoder")
    if name is None:
        return None
    try:
        found = Model(find(name))
        model.spec.require(found.spec, f"the model {model.name}", f"the vocoder {name}")
    except InputError as error:
        checked.add("vocoder", str(error), "Export the model with a vocoder of its own mel.", serious=True)
        return None
    checked.facts["vocoder"] = found.name
    return found


def _round_trip(model: Model, renderer: Model, working: set[str], checked: Checked) -> None:
    """Whether what is rendered of a mel has that mel: the model and what renders it must be of one MelSpec."""
    analyser = Vocoder(model) if "mel" in working else _shipped(model.spec)
    if analyser is None:
        what = "whether its mel fits its vocoder could not be told: neither it nor a shipped model can make such mels"
        checked.add("round trip", what, "Listen to it.", serious=False)
        return
    if model.task == "tts" and {"encode", "draw"} <= working:
        from specgan.runtime.speech import Voice

        voice = Voice(model)
        mel = voice.draw("1, 2, 3.").mel  # espeak-ng reads figures in every language
    else:
        mel = analyser.analyse(_buzz(model.spec))
    again = analyser.analyse(Vocoder(renderer).render(mel))
    distance = float(np.abs(again - mel).mean())
    unit = np.log(10.0) if model.spec.log_base == "10" else 1.0
    what = f"the mel of what it renders is {distance * unit:.2f} in ln from the mel that it was given"
    checked.facts["round trip"] = what
    if distance * unit > FAR:
        advice = "The vocoder is of another mel, or hardly trained; export with its own."
        checked.add("round trip", f"{what}, more than {FAR:g}", advice, serious=True)


def _shipped(spec: MelSpec) -> Vocoder | None:
    shipped = Vocoder.load()
    return shipped if shipped.spec == spec else None


def _buzz(spec: MelSpec) -> np.ndarray:
    """A second of something like a voice: a buzz that glides from 100 to 200 Hz, and a hiss, by turns."""
    time = np.arange(spec.sample_rate) / spec.sample_rate
    phase = 2 * np.pi * (100 * time + 50 * time**2)
    harmonics = sum(np.cos(n * phase) / n for n in range(1, 1 + int(min(4000, spec.sample_rate / 2) / 200)))
    hiss = np.random.default_rng(0).standard_normal(len(time))
    turn = np.sin(2 * np.pi * 3 * time)
    wave = np.where(turn > 0, 0.1 * turn * harmonics, 0.03 * turn * hiss)
    return wave.astype(np.float32)


# -- what fine-tuning needs -------------------------------------------------------------------------------------------


def _weights(model: Model, working: set[str], checked: Checked) -> None:
    files = sorted(model.folder.glob("*.safetensors"))
    for path in files:
        try:
            broken = broken_tensors(path)
        except InputError as error:
            checked.add("weights", str(error), "Copy or pack them again.", serious=True)
            continue
        if broken:
            what = f"{path.name} has weights that are NaN or infinite: {', '.join(broken[:3])}"
            checked.add("weights", what, "Pack an earlier checkpoint.", serious=True)
    names = {path.stem for path in files}
    critics = CRITICS.get(model.task, "critics")
    there = ["weights"] * bool(files) + ["critics"] * (critics in names)
    checked.facts["fine-tuning"] = (" and ".join(there) or "neither weights nor critics") + " to go on with"
    if not files:
        what = "there are no weights (*.safetensors): it can be used, but nothing can be trained on from it"
        checked.add("weights", what, "Pack it with its weights, or fetch them, if that is wanted.", serious=False)
    elif critics not in names:
        what = f"there is no {critics}.safetensors: critics of a fine-tuning begin anew, and err at first"
        checked.add("critics", what, "Pack it with them, if its run has any.", serious=False)
    renders = model.task in CRITICS and "generator" in names and "render" in working
    if renders and importlib.util.find_spec("torch"):
        _agree(model, checked)


def _agree(model: Model, checked: Checked) -> None:
    """Whether the weights render what the ONNX file renders."""
    from specgan.torch_backend import load, load_voice

    mel = _inputs(model, "render")
    try:
        network = load_voice(model.folder) if model.task == "tts" else load(model.folder)
        wave, eager = model.run("render", *mel)[0], network.run("render", *mel)[0]
    except InputError as error:
        checked.add("weights", str(error), "Pack it again.", serious=True)
        return
    difference = float(np.sqrt(np.square(wave - eager).mean() / max(float(np.square(wave).mean()), 1e-20)))
    what = f"what generator.safetensors renders is {difference:.2g} of its amplitude from what render.onnx renders"
    checked.facts["weights"] = what
    if difference > AGREE:
        checked.add("weights", what, "Pack it again; one of them is of another checkpoint.", serious=True)

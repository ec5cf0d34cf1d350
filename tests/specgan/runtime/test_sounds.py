import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
import soundfile

import specgan
from specgan.cli import main
from specgan.pack import pack
from specgan.runtime.sounds import Sounds
from vocoder.errors import InputError
from vocoder.signal.spec import preset

SAMPLES = 32 * 256


@pytest.fixture(scope="module")
def folder(tiny_sounds, tmp_path_factory):
    out = tmp_path_factory.mktemp("packed") / "noises"
    said = pack(tiny_sounds.run, out, licence="CC0", vocoder=tiny_sounds.vocoder)
    assert "2 classes, step 60" in said and "objective relativistic" in said
    return out


@pytest.fixture(scope="module")
def sounds(folder):
    return Sounds.load(folder)


def test_the_same_seed_makes_the_same_sound_and_others_differ(sounds, folder):
    assert sounds.labels == ("fall", "hiss") and sounds.seconds == pytest.approx(SAMPLES / 22_050)
    wave = sounds.make("hiss", 3)
    assert wave.shape == (SAMPLES,) and wave.dtype == np.float32 and 0.001 < np.abs(wave).max() <= 1
    assert np.array_equal(wave, Sounds.load(folder).make("hiss", 3))
    assert not np.allclose(wave, sounds.make("hiss", 4), atol=1e-3)
    fall, hiss = (np.mean([sounds.draw(label, seed).mean() for seed in range(3)]) for label in sounds.labels)
    assert hiss > fall + 1  # it is louder, in most bands by far
    assert wave[0] == wave[-1] == 0


def test_torch_makes_the_same(tiny_sounds, sounds, folder):
    packed, run = (specgan.load(place, backend="torch") for place in (folder, tiny_sounds.run))
    for label in sounds.labels:
        mel = sounds.draw(label, 5)
        assert np.abs(packed.draw(label, 5) - mel).max() < 1e-3
        assert np.abs(run.draw(label, 5) - mel).max() < 0.05  # its weights are not rounded
        assert np.abs(packed.render(mel) - sounds.render(mel)).max() < 1e-3


def test_a_loud_sound_is_made_softer_not_clipped(sounds):
    mel = sounds.draw("hiss", 0)
    soft, loud = (sounds.render(mel + gain) for gain in (-3.0, 8.0))
    assert np.abs(soft).max() < 1 and np.abs(loud).max() == 1
    assert (np.abs(loud) > 0.999).sum() <= 2


def test_the_folder_says_what_it_is(folder):
    config = json.loads((folder / "config.json").read_text())
    assert config["classes"] == ["fall", "hiss"] and config["facts"]["licence"] == "CC0"
    assert config["functions"]["draw"]["inputs"] == {"latent": [1, 8], "label": [1], "noise": [1, 80, 32]}
    card = (folder / "README.md").read_text()
    assert "synthetic" in card and 'infer --label "fall"' in card and "score" in card
    assert {path.name for path in folder.iterdir()} == {
        "config.json", "README.md", "draw.onnx", "render.onnx", "painter.safetensors", "critic.safetensors",
        "generator.safetensors",
    }  # fmt: skip


def test_making_sounds_needs_no_torch(folder, tmp_path):
    out = tmp_path / "out"
    words = ["infer", "--model", str(folder), "--label", "fall", "--seed", "7", "--count", "2", "-o", str(out)]
    program = f"import sys; from specgan.cli import main; print(main({words}), 'torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "0 False", done.stderr
    assert sorted(path.name for path in out.iterdir()) == ["fall-7.wav", "fall-8.wav"]


def test_the_command_writes_what_was_asked_for(folder, sounds, tmp_path, capsys):
    out = tmp_path / "a.wav"
    assert main(["infer", "--model", str(folder), "--label", "hiss", "--seed", "3", "--save-mel", "-o", str(out)]) == 0
    assert "0.4 s of sound by noises" in capsys.readouterr().out
    wave, rate = soundfile.read(out, dtype="float32")
    assert rate == 22_050 and np.allclose(wave, sounds.make("hiss", 3), atol=1e-4)
    with soundfile.SoundFile(out) as file:
        assert "synthetic sound (hiss)" in file.comment
    assert np.load(tmp_path / "a.npy").shape == (80, 32) and (tmp_path / "a.png").is_file()
    assert json.loads((tmp_path / "a.json").read_text()) == preset("22k").to_dict()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--label", "rain"], "has no sound 'rain'; it has fall, hiss"),
        ([], "give --label; it has fall, hiss"),
        (["--label", "hiss", "--seed", "-1"], "the seed is -1"),
        (["--label", "hiss", "--count", "0"], "--count is 0"),
        (["--label", "hiss", "--count", "2"], "name a folder"),
        (["--label", "hiss", "--text", "hello"], "which takes --label"),
    ],
)
def test_the_command_refuses(words, said, folder, tmp_path, capsys):
    assert main(["infer", "--model", str(folder), "-o", str(tmp_path / "x.wav"), *words]) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_class_of_its_own_needs_no_label(sounds):
    sounds = Sounds(sounds.model)
    sounds.labels = ("only",)
    assert sounds.choose(None) == 0


@pytest.mark.parametrize(
    ("change", "said"),
    [({"classes": []}, "classes must be"), ({"latent": 0}, "latent is 0"), ({"task": "tts"}, "for the task tts")],
)
def test_a_damaged_config_is_refused(change, said, folder, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    config = json.loads((copy / "config.json").read_text()) | change
    (copy / "config.json").write_text(json.dumps(config))
    with pytest.raises(InputError, match=said):
        Sounds.load(copy)


def test_packing_needs_a_vocoder_for_the_mel(tiny_sounds, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(tiny_sounds.run, run)
    for path in run.glob("checkpoints/*/state.json"):
        text = path.read_text()
        assert '"sample_rate": 22050' in text
        path.write_text(text.replace('"sample_rate": 22050', '"sample_rate": 24000'))
    with pytest.raises(InputError, match="vocoder"):
        pack(run, tmp_path / "out")

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from specgan import export as exporting
from specgan import folder, torch_backend
from specgan.export import export
from specgan.runtime.pipeline import Vocoder
from vocoder.errors import InputError
from vocoder.generators import FourierVocoder
from vocoder.hifigan import HiFiGAN, HiFiGANConfig
from vocoder.signal import audio
from vocoder.signal.mel import LogMel
from vocoder.signal.spec import preset

SPEC = preset("22k")
SPEECH = Path(__file__).parent.parent / "fixtures/kathleen/wavs/arctic_a0004.flac"
CARD = "# Toy\n\nTrained on nothing, so it says nothing.\n"


def fourier(seed=0):
    torch.manual_seed(seed)
    model = FourierVocoder(SPEC, "tiny", 2)
    with torch.no_grad():
        model.momentum.fill_(0.7)
        for parameter in model.parameters():  # so that no bias and no scale is at its trivial initial value
            parameter.add_(0.02 * torch.randn_like(parameter))
    return model.eval()


def hifigan():
    torch.manual_seed(0)
    return HiFiGAN(HiFiGANConfig("1", (8, 8, 4), (16, 16, 8), 32, (3, 5), ((1, 3), (1, 3)))).eval()


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Model folders by generator and precision."""
    base = tmp_path_factory.mktemp("models")
    export(fourier(), SPEC, base / "half", CARD, {"licence": "CC0-1.0"})
    export(fourier(), SPEC, base / "single", CARD, half=False)
    export(hifigan(), preset("22k-8k"), base / "hifigan", CARD)
    return base


@pytest.fixture(scope="module")
def mel():
    wave = audio.read_mono(SPEECH, SPEC.sample_rate, duration=1.5)
    return LogMel(SPEC)(torch.from_numpy(wave)[None])


@pytest.mark.parametrize(("name", "tolerance"), [("half", 1e-3), ("single", 1e-4)])
@pytest.mark.parametrize("frames", [1, 2, 3, 37, 101])
def test_exported_and_eager_fourier_vocoder_agree(folders, mel, name, tolerance, frames):
    with torch.no_grad():
        expected = fourier()(mel[:, :, 20 : 20 + frames])[0].numpy()
    found = Vocoder.load(folders / name, threads=1).render(mel[0, :, 20 : 20 + frames].numpy())
    assert found.shape == (frames * SPEC.hop,)
    np.testing.assert_allclose(found, expected, atol=tolerance, rtol=0)


def test_exported_and_eager_hifigan_agree(folders, mel):
    with torch.no_grad():
        expected = hifigan()(mel)[0].numpy()
    np.testing.assert_allclose(Vocoder.load(folders / "hifigan").render(mel[0].numpy()), expected, atol=1e-3, rtol=0)
    assert expected.std() > 1e-3


@pytest.mark.parametrize("samples", [1, 255, 256, 512, 20_000])
def test_the_exported_mel_is_the_one_mel(folders, samples):
    wave = audio.read_mono(SPEECH, SPEC.sample_rate, offset=0.5)[:samples]
    expected = LogMel(SPEC)(torch.from_numpy(wave)[None])[0].numpy()
    found = Vocoder.load(folders / "half").analyse(wave)
    np.testing.assert_allclose(found, expected, atol=1e-3, rtol=0)  # 1e-4 of its range of 11.5
    np.testing.assert_allclose(np.exp(found), np.exp(expected), atol=1e-5, rtol=0)


def test_chunked_and_whole_agree_on_onnx_runtime(folders, mel):
    whole, pieces = Vocoder.load(folders / "half", 1), Vocoder.load(folders / "half", 1)
    pieces.chunk = 50
    wave = whole.render(mel[0].numpy())
    np.testing.assert_allclose(pieces.render(mel[0].numpy()), wave, atol=1e-5, rtol=0)
    np.testing.assert_allclose(pieces.analyse(wave), whole.analyse(wave), atol=1e-5, rtol=0)


def test_torch_runs_the_same_functions(folders, mel):
    for name in ("half", "hifigan"):
        onnx, torch_ = Vocoder.load(folders / name), Vocoder(torch_backend.load(folders / name))
        assert (torch_.name, torch_.spec) == (onnx.name, onnx.spec)
        assert torch_.model.receptive_field == onnx.model.receptive_field
        wave = onnx.render(mel[0].numpy())
        np.testing.assert_allclose(torch_.render(mel[0].numpy()), wave, atol=1e-3, rtol=0)
        np.testing.assert_allclose(torch_.analyse(wave), onnx.analyse(wave), atol=1e-3, rtol=0)
    with pytest.raises(InputError, match="has no function 'draw'; it has mel, render"):
        torch_.model.run("draw", wave)


def test_the_folder_says_what_it_holds(folders):
    config = json.loads((folders / "half/config.json").read_text())
    assert config["format_version"] == 1 and config["task"] == "vocoder"
    assert config["generator"] == {"name": "fourier", "size": "tiny", "projections": 2}
    assert config["receptive_field"] == fourier().receptive_field
    assert config["spec"] == SPEC.to_dict()
    assert config["functions"]["render"] == {
        "inputs": {"mel": [1, 80, "frames"]},
        "outputs": {"wave": [1, "samples"]},
    }
    assert config["facts"] == {"licence": "CC0-1.0"}
    assert (folders / "half/README.md").read_text() == CARD
    assert Vocoder.load(folders / "hifigan").spec.fmax == 8000.0


def test_the_weights_are_stored_in_half_but_for_the_first_and_last_layer(folders):
    model = fourier()
    blocks = sum(parameter.numel() for parameter in model.blocks.parameters())
    others = sum(parameter.numel() for parameter in model.parameters()) - blocks
    inverse_of_the_mel = 4 * SPEC.bins * SPEC.bands
    size = (folders / "half/render.onnx").stat().st_size
    assert 0 < size - (2 * blocks + 4 * others + inverse_of_the_mel) < 450_000  # DFT kernels, small vectors, the graph
    assert (folders / "half/mel.onnx").stat().st_size < 400_000
    assert (folders / "single/render.onnx").stat().st_size > size + 1.9 * blocks


def test_the_files_name_no_folder_of_the_machine_that_made_them(folders):
    root = str(Path(exporting.__file__).parent.parent).encode()
    for path in folders.rglob("*.onnx"):
        assert root not in path.read_bytes() and b"site-packages" not in path.read_bytes()


def test_the_network_exported_is_left_as_it_was(tmp_path, monkeypatch):
    monkeypatch.setattr(exporting, "graph", lambda *_: b"")
    for model in (fourier(), hifigan()):
        before = {name: value.clone() for name, value in model.state_dict().items()}
        export(model, SPEC, tmp_path / type(model).__name__, CARD)
        assert before.keys() == model.state_dict().keys()
        assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_a_failure_leaves_nothing(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(exporting, "graph", lambda *_: b"graph")
    monkeypatch.setattr(folder, "save_tensors", full)
    with pytest.raises(InputError, match="cannot be written: No space left on device"):
        export(fourier(), SPEC, tmp_path / "model", CARD)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot be written"):
        export(fourier(), SPEC, tmp_path / "file/model", CARD)
    (tmp_path / "model").mkdir()
    with pytest.raises(InputError, match="is there already"):
        export(fourier(), SPEC, tmp_path / "model", CARD)


def test_other_networks_are_refused(tmp_path):
    with pytest.raises(InputError, match="a Linear is no generator"):
        export(torch.nn.Linear(2, 2), SPEC, tmp_path / "model", CARD)


@pytest.mark.parametrize("facts", [{"name": "wavenet"}, {"name": "fourier", "size": "tiny"}, None])
def test_torch_refuses_a_network_it_does_not_know(folders, tmp_path, facts):
    config = json.loads((folders / "half/config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, "generator": facts}))
    with pytest.raises(InputError, match=r"config\.json: generator is .* names no network"):
        torch_backend.load(tmp_path)


def test_a_recording_is_rendered_where_there_is_no_torch(folders, tmp_path):
    program = (
        "import sys\n"
        "for name in ('torch', 'onnx', 'librosa', 'scipy', 'safetensors'): sys.modules[name] = None\n"
        "import numpy as np\n"
        "from specgan.runtime.pipeline import Vocoder\n"
        "from vocoder.signal import audio\n"
        f"vocoder = Vocoder.load({str(folders / 'half')!r})\n"
        f"wave = audio.read_mono({str(SPEECH)!r}, vocoder.spec.sample_rate, duration=1.001)\n"
        f"np.save({str(tmp_path / 'out.npy')!r}, vocoder.resynthesise(wave))\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
    wave = audio.read_mono(SPEECH, SPEC.sample_rate, duration=1.001)
    with torch.no_grad():
        expected = fourier()(LogMel(SPEC)(torch.from_numpy(wave)[None]))[0, : len(wave)].numpy()
    np.testing.assert_allclose(np.load(tmp_path / "out.npy"), expected, atol=1e-3, rtol=0)

"""Published checkpoints: every spelling is read, and nothing that they hold is run."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch import nn

from vocoder.errors import InputError
from vocoder.hifigan import HiFiGAN, HiFiGANConfig
from vocoder.published import read_published
from vocoder.signal.spec import preset

# The fields of the published config of V1 that describe the model and not its training.
V1 = {
    "resblock": "1",
    "upsample_rates": [8, 8, 2, 2],
    "upsample_kernel_sizes": [16, 16, 4, 4],
    "upsample_initial_channel": 512,
    "resblock_kernel_sizes": [3, 7, 11],
    "resblock_dilation_sizes": [[1, 3, 5], [1, 3, 5], [1, 3, 5]],
    "segment_size": 8192,
    "num_mels": 80,
    "n_fft": 1024,
    "hop_size": 256,
    "win_size": 1024,
    "sampling_rate": 22050,
    "fmin": 0,
    "fmax": 8000,
    "fmax_for_loss": None,
}
SMALL = V1 | {"upsample_initial_channel": 32}


def write_config(folder: Path, fields: object = SMALL) -> Path:
    path = folder / "config.json"
    path.write_text(json.dumps(fields))
    return path


def network(seed: int = 0) -> HiFiGAN:
    torch.manual_seed(seed)
    made = HiFiGAN(HiFiGANConfig.from_published(SMALL, "here"))
    with torch.no_grad():  # so that weight_g is not simply the norm of weight_v
        for name, parameter in made.named_parameters():
            if name.endswith("weight_g"):
                parameter.uniform_(0.5, 1.5)
    return made


def refused(checkpoint: Path, config: Path, *words: str) -> str:
    """Reading must fail with one line that holds these words."""
    with pytest.raises(InputError) as caught:
        read_published(checkpoint, config)
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 1200
    for word in words:
        assert word in message, message
    return message


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "before torch 1.6"])
def test_a_published_file_comes_back_bit_for_bit(tmp_path, zipped):
    state = network().state_dict()
    torch.save({"generator": state}, tmp_path / "g_02500000", _use_new_zipfile_serialization=zipped)
    read, spec = read_published(tmp_path / "g_02500000", write_config(tmp_path))
    assert list(read.state_dict()) == list(state)
    assert all(torch.equal(value, state[name]) for name, value in read.state_dict().items())
    assert all(parameter.requires_grad and not parameter.is_meta for parameter in read.parameters())
    assert spec == preset("22k-8k")


def test_v1_of_the_published_config_is_v1():
    assert HiFiGANConfig.from_published(V1, "here") == HiFiGANConfig.version("v1")


def test_dilations_beyond_those_that_the_published_code_uses_are_left_out():
    rows = [[1, 3, 5], [1, 3, 5], [1, 3, 5, 7]]
    single = HiFiGANConfig.from_published(V1 | {"resblock": "2", "resblock_dilation_sizes": rows}, "here")
    assert single.resblock_dilation_sizes == ((1, 3),) * 3
    pairs = HiFiGANConfig.from_published(V1 | {"resblock_dilation_sizes": rows}, "here")
    assert pairs.resblock_dilation_sizes == ((1, 3, 5),) * 3


def with_torchs_parametrisation(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    names = {"weight_g": "parametrizations.weight.original0", "weight_v": "parametrizations.weight.original1"}
    return {f"{(parts := name.rpartition('.'))[0]}.{names.get(parts[2], parts[2])}": v for name, v in state.items()}


@pytest.mark.parametrize("spelling", ["published", "parametrised", "folded"])
@pytest.mark.parametrize("kind", ["torch", "safetensors"])
def test_every_spelling_sounds_the_same(tmp_path, spelling, kind):
    made = network()
    mel = torch.randn(1, 80, 4)
    with torch.no_grad():
        expected = made(mel)
    state = dict(made.state_dict())
    if spelling == "parametrised":
        state = with_torchs_parametrisation(state)
    elif spelling == "folded":
        state = dict(made.fold().state_dict())
    path = tmp_path / "generator"
    if kind == "torch":
        torch.save({"generator": state}, path)
    else:
        safetensors.torch.save_file(state, path)
    read, _ = read_published(path, write_config(tmp_path))
    with torch.no_grad():
        torch.testing.assert_close(read(mel), expected, atol=1e-6, rtol=0)


def test_torchs_own_parametrisation_writes_the_names_that_are_read(tmp_path):
    layer = nn.utils.parametrizations.weight_norm(nn.Conv1d(2, 3, 5))
    renamed = with_torchs_parametrisation({"x.bias": 0, "x.weight_g": 0, "x.weight_v": 0})
    assert {f"x.{name}" for name in layer.state_dict()} == renamed.keys()


def test_a_dead_channel_of_a_folded_checkpoint_stays_silent_and_finite(tmp_path):
    state = dict(network().fold().state_dict())
    state["conv_pre.weight"][3] = 0
    torch.save({"generator": state}, tmp_path / "g")
    read, _ = read_published(tmp_path / "g", write_config(tmp_path))
    assert torch.count_nonzero(read.conv_pre.weight[3]) == 0
    assert all(torch.isfinite(layer).all() for layer in read.fold().state_dict().values())


def test_half_precision_weights_are_widened(tmp_path):
    torch.save({"generator": {name: value.half() for name, value in network().state_dict().items()}}, tmp_path / "g")
    read, _ = read_published(tmp_path / "g", write_config(tmp_path))
    assert {parameter.dtype for parameter in read.parameters()} == {torch.float32}


class Malicious:
    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple:
        return os.system, (f"touch {self.trace}",)


@pytest.mark.parametrize("writer", ["zip", "before torch 1.6", "plain pickle"])
def test_a_pickle_that_would_run_code_is_refused_unread(tmp_path, writer):
    trace, path = tmp_path / "trace", tmp_path / "g_00000001"
    content = {"generator": network().state_dict(), "extra": Malicious(trace)}
    if writer == "plain pickle":
        path.write_bytes(pickle.dumps({"generator": Malicious(trace)}, protocol=2))
        with path.open("rb") as file:  # the file does what it is feared for
            pickle.load(file)
        assert trace.exists()
        trace.unlink()
    else:
        torch.save(content, path, _use_new_zipfile_serialization=writer == "zip")
    refused(path, write_config(tmp_path), str(path), "refused unread", "system")
    assert not trace.exists()


def test_a_whole_pickled_network_is_refused_by_name(tmp_path):
    torch.save({"generator": nn.Linear(2, 2)}, tmp_path / "g")
    refused(tmp_path / "g", write_config(tmp_path), "torch.nn.modules.linear.Linear", "safetensors")


@pytest.mark.parametrize("kind", ["zip", "before torch 1.6", "safetensors"])
@pytest.mark.parametrize("kept", [0, 3, 9, 40, 0.5, 0.999])
def test_a_file_cut_short_is_refused(tmp_path, kind, kept):
    path = tmp_path / "g"
    if kind == "safetensors":
        safetensors.torch.save_file(network().state_dict(), path)
    else:
        torch.save({"generator": network().state_dict()}, path, _use_new_zipfile_serialization=kind == "zip")
    whole = path.read_bytes()
    path.write_bytes(whole[: kept if isinstance(kept, int) else int(kept * len(whole))])
    refused(path, write_config(tmp_path), str(path))


@pytest.mark.parametrize(
    "content", [b"this is a text and no checkpoint", bytes(range(256)) * 8, b"RIFF\0\0\0\0WAVEfmt "]
)
def test_what_is_no_checkpoint_is_refused(tmp_path, content):
    (tmp_path / "g").write_bytes(content)
    refused(tmp_path / "g", write_config(tmp_path), str(tmp_path / "g"), "not a checkpoint")


def test_missing_files_and_folders_are_refused(tmp_path):
    config = write_config(tmp_path)
    refused(tmp_path / "absent", config, "absent", "cannot be read")
    refused(tmp_path, config, "cannot be read")
    refused(tmp_path / "g", tmp_path / "absent.json", "absent.json", "cannot be read")


def test_the_discriminators_file_is_recognised(tmp_path):
    torch.save({"mpd": {"a": torch.ones(1)}, "msd": {}, "optim_g": {}, "steps": 5}, tmp_path / "do_00000005")
    refused(tmp_path / "do_00000005", write_config(tmp_path), "discriminators", "g_")


@pytest.mark.parametrize(
    ("content", "word"),
    [
        ({"model": {"a": torch.ones(1)}, "step": 3}, 'no "generator" among its keys, which are model, step'),
        ([torch.ones(1)], "holds a list"),
        ({"generator": [1, 2]}, "not a state dictionary"),
        ({"generator": {}}, "not a state dictionary"),
        ({"generator": {"conv_pre.bias": 3}}, "conv_pre.bias"),
        ({"generator": {"conv_pre.bias": torch.ones(3, dtype=torch.int64)}}, "conv_pre.bias"),
        ({"generator": {"conv_pre.bias": torch.ones(3, device="meta")}}, "no values"),
    ],
)
def test_other_contents_are_refused(tmp_path, content, word):
    torch.save(content, tmp_path / "g")
    refused(tmp_path / "g", write_config(tmp_path), word)


def test_another_architecture_is_named_by_its_first_differences(tmp_path):
    torch.save({"generator": network().state_dict()}, tmp_path / "g")
    config = write_config(tmp_path, SMALL | {"upsample_initial_channel": 64})
    words = ("config.json describes", "conv_post.weight_v is 1×2×7 and should be 1×4×7", "more")
    refused(tmp_path / "g", config, *words)
    config = write_config(tmp_path, SMALL | {"resblock": "2"})
    refused(tmp_path / "g", config, "it lacks resblocks.0.convs.0.bias 16")
    torch.save({"generator": network().state_dict() | {"extra": torch.ones(2, 3)}}, tmp_path / "g")
    assert refused(tmp_path / "g", write_config(tmp_path)).endswith("it has extra 2×3 too much")


@pytest.mark.parametrize("name", sorted(V1.keys() - {"segment_size", "fmax_for_loss"}))
def test_every_field_of_the_config_is_needed_and_training_ones_are_not(tmp_path, name):
    torch.save({"generator": network().state_dict()}, tmp_path / "g")
    kept = {key: value for key, value in SMALL.items() if key not in (name, "segment_size", "fmax_for_loss")}
    refused(tmp_path / "g", write_config(tmp_path, kept), "config.json", f"lacks {name}")
    read_published(tmp_path / "g", write_config(tmp_path, kept | {name: SMALL[name]}))


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({"resblock": 1}, "resblock is 1"),
        ({"upsample_rates": 8}, "upsample_rates is 8"),
        ({"upsample_rates": [8, 8, 2, 2.0]}, "upsample_rates[3] is 2.0"),
        ({"upsample_rates": [8, 8, 2, 0]}, "upsample_rates[3] is 0"),
        ({"upsample_rates": [8, 8, 2]}, "equally long"),
        ({"upsample_rates": [8, 4, 2, 2]}, "upsample_rates multiply to 128 and hop_size is 256"),
        ({"upsample_initial_channel": True}, "upsample_initial_channel is True"),
        ({"upsample_initial_channel": 10**12}, "upsample_initial_channel is 1000000000000"),
        ({"upsample_initial_channel": 8}, "halved 4 times"),
        ({"resblock_dilation_sizes": [1, 3, 5]}, "resblock_dilation_sizes[0] is 1"),
        ({"resblock_dilation_sizes": [[1], [], [1]]}, "resblock_dilation_sizes[1] is []"),
        ({"resblock_dilation_sizes": {}}, "resblock_dilation_sizes is {}"),
        ({"num_mels": "80"}, "num_mels is '80'"),
        ({"win_size": 800}, "win_size is 800 and n_fft 1024"),
        ({"n_fft": None}, "n_fft is None"),
        ({"fmax": "8k"}, "fmax is '8k'"),
        ({"fmax": 12_000}, "fmax 12000.0"),
        ({"fmin": None}, "fmin is None"),
        ({"fmin": float("nan")}, "fmin nan"),
        ({"fmax": 10**400}, "config.json"),
    ],
)
def test_wrong_values_in_the_config_are_refused(tmp_path, changed, word):
    refused(tmp_path / "g", write_config(tmp_path, SMALL | changed), str(tmp_path / "config.json"), word)


@pytest.mark.parametrize("text", ["", "{", '{"resblock": }', "[1]", "7", "[" * 100_000, "\ufeff{}"])
def test_what_is_no_json_object_is_refused(tmp_path, text):
    (tmp_path / "config.json").write_text(text)
    refused(tmp_path / "g", tmp_path / "config.json", "config.json", "JSON")


def test_a_null_fmax_means_half_the_sampling_rate(tmp_path):
    torch.save({"generator": network().state_dict()}, tmp_path / "g")
    _, spec = read_published(tmp_path / "g", write_config(tmp_path, SMALL | {"fmax": None}))
    assert spec == preset("22k")

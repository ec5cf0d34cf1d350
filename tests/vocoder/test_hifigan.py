"""The HiFi-GAN generator: its published keys, its arithmetic written out again, lengths and context."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

from vocoder.errors import InputError
from vocoder.hifigan import HiFiGAN, HiFiGANConfig, WeightNorm

TINY_1 = HiFiGANConfig("1", (4, 2), (8, 4), 8, (3, 5), ((1, 3), (1, 2)), bands=5)
TINY_2 = HiFiGANConfig("2", (3, 2), (7, 2), 8, (3, 7), ((1, 2), (3, 1)), bands=5)
NARROW_1 = HiFiGANConfig("1", (8, 8, 2, 2), (16, 16, 4, 4), 16, (3, 7, 11), ((1, 3, 5),) * 3, bands=4)
NARROW_3 = HiFiGANConfig("2", (8, 8, 4), (16, 16, 8), 8, (3, 5, 7), ((1, 2), (2, 6), (3, 12)), bands=4)


def lively(config: HiFiGANConfig, seed: int = 0) -> HiFiGAN:
    """A generator in double precision with weights large enough that every part of it is heard."""
    torch.manual_seed(seed)
    network = HiFiGAN(config).double()
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.endswith("weight_g"):
                parameter.uniform_(1, 2)
            elif name.endswith("bias"):
                parameter.normal_(0, 0.1)
    return network


def published_shapes(version: str) -> dict[str, tuple[int, ...]]:
    """Keys and shapes by the naming rules of the published checkpoints, with nothing from the package."""
    channels = {"v1": 512, "v2": 128, "v3": 256}[version]
    ups = {"v1": (16, 16, 4, 4), "v2": (16, 16, 4, 4), "v3": (16, 16, 8)}[version]
    blocks = {"v1": (3, 7, 11), "v2": (3, 7, 11), "v3": (3, 5, 7)}[version]
    lists = {"convs": 2} if version == "v3" else {"convs1": 3, "convs2": 3}
    shapes: dict[str, tuple[int, ...]] = {}

    def layer(name: str, v: tuple[int, int, int], biases: int) -> None:
        shapes.update({f"{name}.bias": (biases,), f"{name}.weight_g": (v[0], 1, 1), f"{name}.weight_v": v})

    layer("conv_pre", (channels, 80, 7), channels)
    for i, kernel in enumerate(ups):
        layer(f"ups.{i}", (channels, channels // 2, kernel), channels // 2)
        channels //= 2
        for j, size in enumerate(blocks):
            for convs, count in lists.items():
                for n in range(count):
                    layer(f"resblocks.{i * len(blocks) + j}.{convs}.{n}", (channels, channels, size), channels)
    layer("conv_post", (1, channels, 7), 1)
    return shapes


@pytest.mark.parametrize("version", ["v1", "v2", "v3"])
def test_keys_and_shapes_are_the_published_ones(version):
    with torch.device("meta"):
        state = HiFiGAN(HiFiGANConfig.version(version)).state_dict()
    assert {name: tuple(value.shape) for name, value in state.items()} == published_shapes(version)


@pytest.mark.parametrize(
    ("version", "parameters", "published"),
    # Worked out by hand, V1: conv_pre 80·512·7 + 512; ups 512·256·16 + 256, 256·128·16 + 128, 128·64·4 + 64,
    # 64·32·4 + 32; residual blocks 126·C² + 18·C for C = 256, 128, 64, 32; conv_post 32·7 + 1.
    # The paper's table 1 gives millions, cut to two digits.
    [("v1", 13_926_017, 13.92), ("v2", 925_985, 0.92), ("v3", 1_462_273, 1.46)],
)
def test_folded_parameter_counts_are_those_of_the_paper(version, parameters, published):
    with torch.device("meta"):
        network = HiFiGAN(HiFiGANConfig.version(version)).fold()
    count = sum(parameter.numel() for parameter in network.parameters())
    assert count == parameters
    assert math.floor(count / 1e4) / 100 == published
    assert network.hop == 256


def straightforward(state: dict[str, np.ndarray], config: HiFiGANConfig, mel: np.ndarray) -> np.ndarray:
    """The generator for one mel (M, T), as loops over samples in numpy."""

    def weight(name: str) -> np.ndarray:
        v = state[f"{name}.weight_v"]
        return np.stack(
            [g * row / np.sqrt((row**2).sum()) for g, row in zip(state[f"{name}.weight_g"], v, strict=True)]
        )

    def conv(name: str, x: np.ndarray, dilation: int = 1) -> np.ndarray:
        w, b = weight(name), state[f"{name}.bias"]
        half = dilation * (w.shape[2] - 1) // 2
        padded = np.pad(x, ((0, 0), (half, half)))
        taps = [padded[:, t : t + dilation * w.shape[2] : dilation] for t in range(x.shape[1])]
        return np.stack([np.einsum("oik,ik->o", w, tap[:, : w.shape[2]]) + b for tap in taps], axis=1)

    def up(name: str, x: np.ndarray, rate: int) -> np.ndarray:
        w, b = weight(name), state[f"{name}.bias"]
        kernel = w.shape[2]
        y = np.zeros((w.shape[1], (x.shape[1] - 1) * rate + kernel))
        for t in range(x.shape[1]):
            y[:, t * rate : t * rate + kernel] += np.einsum("iok,i->ok", w, x[:, t])
        cut = (kernel - rate) // 2
        return y[:, cut : y.shape[1] - cut] + b[:, None]

    def leaky(x: np.ndarray, slope: float) -> np.ndarray:
        return np.where(x > 0, x, slope * x)

    x = conv("conv_pre", mel)
    for i, rate in enumerate(config.upsample_rates):
        x = up(f"ups.{i}", leaky(x, 0.1), rate)
        outputs = []
        for j, dilations in enumerate(config.resblock_dilation_sizes):
            y, block = x, f"resblocks.{i * len(config.resblock_dilation_sizes) + j}"
            for n, dilation in enumerate(dilations):
                if config.resblock == "1":
                    inner = conv(f"{block}.convs1.{n}", leaky(y, 0.1), dilation)
                    y = y + conv(f"{block}.convs2.{n}", leaky(inner, 0.1))
                else:
                    y = y + conv(f"{block}.convs.{n}", leaky(y, 0.1), dilation)
            outputs.append(y)
        x = np.mean(outputs, axis=0)
    return np.tanh(conv("conv_post", leaky(x, 0.01)))[0]


@pytest.mark.parametrize("config", [TINY_1, TINY_2], ids=["resblock 1", "resblock 2"])
def test_output_equals_the_equations_written_out(config):
    network = lively(config)
    mel = torch.randn(2, config.bands, 9, dtype=torch.float64)
    with torch.no_grad():
        wave = network(mel).numpy()
    state = {name: value.numpy() for name, value in network.state_dict().items()}
    expected = np.stack([straightforward(state, config, one) for one in mel.numpy()])
    assert wave.shape == (2, 9 * network.hop)
    assert expected.std() > 0.05
    np.testing.assert_allclose(wave, expected, atol=1e-10)


@pytest.mark.parametrize("frames", [1, 7, 32])
@pytest.mark.parametrize("config", [TINY_2, NARROW_1, NARROW_3], ids=["odd rate", "V1", "V3"])
def test_a_mel_of_t_frames_becomes_exactly_t_hops(config, frames):
    with torch.no_grad():
        assert HiFiGAN(config)(torch.randn(2, config.bands, frames)).shape == (
            2,
            frames * math.prod(config.upsample_rates),
        )


@pytest.mark.parametrize(
    "conv", [nn.Conv1d(6, 4, 5, padding=4, dilation=2), nn.ConvTranspose1d(6, 4, 8, 3, padding=2)], ids=["conv", "up"]
)
def test_weight_norm_and_its_gradients_equal_torchs(conv):
    ours = WeightNorm(conv)
    theirs = nn.utils.parametrizations.weight_norm(conv, dim=0)
    norm = theirs.parametrizations.weight
    with torch.no_grad():
        ours.weight_g.uniform_(0.5, 2)
        norm.original0.copy_(ours.weight_g)
    x, y = torch.randn(2, 6, 20), theirs(torch.zeros(2, 6, 20))
    y = torch.randn_like(y)
    (ours(x) * y).sum().backward()
    (theirs(x) * y).sum().backward()
    torch.testing.assert_close(ours(x), theirs(x), atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(ours.weight_g.grad, norm.original0.grad, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(ours.weight_v.grad, norm.original1.grad, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("config", [NARROW_1, NARROW_3], ids=["V1", "V3"])
def test_folding_changes_the_keys_and_not_the_sound(config):
    network = lively(config).float()
    mel = torch.randn(1, config.bands, 6)
    with torch.no_grad():
        before = network(mel)
        assert network.fold() is network
        after = network(mel)
    assert before.std() > 0.05
    torch.testing.assert_close(after, before, atol=1e-6, rtol=0)
    assert {name.rpartition(".")[2] for name in network.state_dict()} == {"weight", "bias"}


def test_weights_start_from_the_frameworks_default_as_the_published_ones_did():
    torch.manual_seed(0)
    network = HiFiGAN(HiFiGANConfig.version("v2"))
    # uniform within ±1/√(inputs · kernel); a transposed convolution counts its outputs
    assert network.conv_pre.weight_v.std().item() == pytest.approx((3 * 80 * 7) ** -0.5, rel=0.02)
    assert network.ups[0].weight_v.std().item() == pytest.approx((3 * 64 * 16) ** -0.5, rel=0.02)
    assert network.resblocks[0].convs1[0].weight_v.std().item() == pytest.approx((3 * 64 * 3) ** -0.5, rel=0.02)
    for module in network.modules():
        if isinstance(module, WeightNorm):
            torch.testing.assert_close(module.weight, module.weight_v)


@pytest.mark.parametrize("config", [TINY_1, TINY_2, NARROW_1, NARROW_3], ids=["tiny 1", "tiny 2", "V1", "V3"])
def test_receptive_field_is_the_reach_of_the_gradient(config):
    network = lively(config)
    reach = network.receptive_field
    middle = reach + 2
    mel = torch.randn(1, config.bands, 2 * middle + 1, dtype=torch.float64, requires_grad=True)
    network(mel)[0, middle * network.hop : (middle + 1) * network.hop].square().sum().backward()
    touched = torch.nonzero(mel.grad[0].abs().sum(0)).flatten()
    assert max(middle - touched.min().item(), touched.max().item() - middle) == reach


@pytest.mark.parametrize("config", [NARROW_1, NARROW_3], ids=["V1", "V3"])
def test_chunks_with_the_receptive_field_around_them_equal_the_whole(config):
    network = lively(config).float().fold()
    mel = torch.randn(1, config.bands, 71)
    parts = []
    with torch.no_grad():
        whole = network(mel)
        for start in range(0, 71, 16):
            left, right = min(start, network.receptive_field), min(start + 16, 71)
            wave = network(mel[:, :, start - left : right + network.receptive_field])
            parts.append(wave[:, left * network.hop : (left + right - start) * network.hop])
    torch.testing.assert_close(torch.cat(parts, 1), whole, atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({"resblock": "3"}, "resblock"),
        ({"upsample_rates": (8, 8)}, "equally long"),
        ({"upsample_kernel_sizes": (16, 16, 5, 4)}, "kernel size 5"),
        ({"upsample_kernel_sizes": (4, 16, 4, 4)}, "kernel size 4"),
        ({"resblock_kernel_sizes": (3, 6, 11)}, "odd"),
        ({"upsample_initial_channel": 8}, "halved"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(changed, word):
    sizes = vars(HiFiGANConfig.version("v1")) | changed
    with pytest.raises(InputError, match=word):
        HiFiGANConfig(**sizes)


def test_an_unknown_version_lists_the_known_ones():
    with pytest.raises(InputError, match="v1, v2, v3"):
        HiFiGANConfig.version("v4")

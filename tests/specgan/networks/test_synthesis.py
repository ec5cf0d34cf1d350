from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from specgan.networks.layers import Block
from specgan.networks.synthesis import LAYERS, PictureCritic, SynthesisNet
from vocoder.errors import InputError


def draws(net: SynthesisNet, seed: int, count: int = 2) -> tuple[torch.Tensor, torch.Tensor]:
    """Latents and noise."""
    generator = torch.Generator().manual_seed(seed)
    return (
        torch.randn(count, net.latent, generator=generator),
        torch.randn(count, 1, net.bands, net.frames, generator=generator),
    )


@pytest.mark.parametrize("layers", LAYERS)
def test_it_draws_by_class_latent_and_noise_and_learns_two_pictures(layers):
    torch.manual_seed(0)
    net = SynthesisNet(16, 32, 4, 2, layers=layers)
    label = torch.tensor([0, 1])
    wanted = torch.stack([torch.linspace(-1, 1, 32).expand(16, 32), torch.linspace(1, -1, 16)[:, None].expand(16, 32)])
    wanted = wanted[:, None]
    optimizer = torch.optim.AdamW(net.parameters(), lr=2e-3)
    for step in range(50):
        latent, noise = draws(net, step)
        loss = F.mse_loss(net(latent, label, noise), wanted)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    # the best picture that knows no class is off by half the variance of their difference
    assert loss < 0.25 * F.mse_loss(wanted, wanted.mean(dim=0, keepdim=True).expand_as(wanted))
    net.eval()
    latent, noise = draws(net, 99)
    base = net(latent, label, noise)
    assert torch.equal(base, net(latent, label, noise))
    other_latent, other_noise = draws(net, 100)
    assert not torch.allclose(base, net(other_latent, label, noise), atol=1e-4)
    assert torch.allclose(base, net(latent, label, other_noise), atol=1e-6) == (layers == "dcgan")


def test_plain_layers_have_no_norm_and_a_block_without_one_hears_how_loud_it_is():
    norms = (nn.LayerNorm, nn.BatchNorm2d, nn.GroupNorm, nn.InstanceNorm2d)
    assert not any(isinstance(module, norms) for module in SynthesisNet(16, 16, 4, 1).modules())
    x = torch.randn(1, 8, 4, 4)
    for norm in (True, False):
        block = Block(8, 4, norm=norm)
        nn.init.zeros_(block.depthwise.bias)
        branch = [block(k * x, torch.zeros(1, 4), None) - k * x for k in (1, 100)]
        assert torch.allclose(*branch, atol=1e-3) == norm


def test_it_refuses_what_it_cannot_draw():
    for arguments, said in (
        ((20, 32, 4, 1), "multiples of 16"),
        ((16, 30, 4, 1), "multiples of 16"),
        ((16, 16, 4, 1, "huge"), "tiny, small"),
        ((16, 16, 4, 1, "tiny", "wavelets"), "plain, normalised, dcgan"),
    ):
        with pytest.raises(InputError, match=said):
            SynthesisNet(*arguments)


def trained_critic(norm: str) -> tuple[PictureCritic, Callable[[], torch.Tensor]]:
    """A critic that has learned which noise is of class 0 (rising in time) and which of class 1 (falling)."""
    torch.manual_seed(0)
    critic = PictureCritic(16, 32, 2, 8, norm)
    slope = torch.linspace(-1, 1, 32).expand(1, 16, 32)

    def pictures() -> torch.Tensor:
        return torch.stack([slope, -slope] * 4) + 0.5 * torch.randn(8, 1, 16, 32)

    label = torch.tensor([0, 1] * 4)
    optimizer = torch.optim.AdamW(critic.parameters(), lr=5e-3)
    for _ in range(60):
        right, wrong = critic(pictures(), label).logits[0], critic(pictures(), 1 - label).logits[0]
        loss = F.softplus(-right).mean() + F.softplus(wrong).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return critic, pictures


@pytest.mark.parametrize("norm", ["none", "spectral", "batch"])
def test_the_critic_learns_what_belongs_to_a_class(norm):
    critic, pictures = trained_critic(norm)
    label = torch.tensor([0, 1] * 4)
    judged = critic(pictures(), label)
    assert [logits.shape for logits in judged.logits] == [(8, 1), (8, 1, 2, 4)] and len(judged.features[0]) == 6
    assert (judged.logits[0] > critic(pictures(), 1 - label).logits[0]).float().mean() > 0.8
    stretches = [torch.linalg.matrix_norm(layer.weight.flatten(1), 2).item() for layer in critic.trunk]
    assert all(abs(stretch - 1) < 0.05 for stretch in stretches) == (norm == "spectral")
    # batch norm alone makes a sound's score depend on the others (the spectral norm changes a little at each pass)
    x = pictures()
    louder = torch.cat([x[:2], 10 * x[2:]])
    assert torch.allclose(critic(x, label).logits[0][:2], critic(louder, label).logits[0][:2], atol=0.1) == (
        norm != "batch"
    )

import math

import pytest
import torch

from vocoder.engine.losses import (
    OBJECTIVES,
    clip_weights,
    feature_matching,
    gradient_norm_penalty,
    gradient_penalty,
    objective,
)
from vocoder.errors import InputError

LOG2 = math.log(2)


def softplus(x):
    return math.log1p(math.exp(x))


# by hand, for one real logit of 2 and one fake logit of −0.5
BY_HAND = {
    "minimax": (softplus(-2) + softplus(-0.5), -softplus(-0.5)),
    "non-saturating": (softplus(-2) + softplus(-0.5), softplus(0.5)),
    "lsgan": (1.0 + 0.25, 2.25),
    "hinge": (0.0 + 0.5, 0.5),
    "wgan": (-0.5 - 2.0, 0.5),
    "relativistic": (softplus(-2.5), softplus(2.5)),
}


@pytest.mark.parametrize("name", OBJECTIVES)
def test_values_by_hand(name):
    real, fake = [torch.tensor([2.0])], [torch.tensor([-0.5])]
    discriminator, generator = BY_HAND[name]
    assert objective(name).discriminator(real, fake).item() == pytest.approx(discriminator, rel=1e-6)
    assert objective(name).generator(fake, real).item() == pytest.approx(generator, rel=1e-6)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_sub_discriminators_count_alike_whatever_their_size(name):
    real, fake = [torch.tensor([2.0]), torch.full((3, 7), 0.1)], [torch.tensor([-0.5]), torch.full((3, 7), 0.3)]
    game = objective(name)
    singles = [game.discriminator([r], [f]).item() for r, f in zip(real, fake, strict=True)]
    assert game.discriminator(real, fake).item() == pytest.approx(sum(singles) / 2, rel=1e-5)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_both_sides_pull_in_opposite_directions(name):
    real, fake = torch.tensor([0.3], requires_grad=True), torch.tensor([0.2], requires_grad=True)
    objective(name).discriminator([real], [fake]).backward()
    assert real.grad < 0 < fake.grad  # a step against the gradient raises the real logit and lowers the fake one
    fake.grad = None
    objective(name).generator([fake], [real.detach()]).backward()
    assert fake.grad < 0


def test_minimax_vanishes_where_non_saturating_does_not():
    sure = torch.tensor([-20.0], requires_grad=True)  # the discriminator is certain that this is a fake
    gradients = {}
    for name in ("minimax", "non-saturating"):
        (gradients[name],) = torch.autograd.grad(objective(name).generator([sure], [sure]), sure)
    assert abs(gradients["minimax"]) < 1e-8 and gradients["non-saturating"].item() == pytest.approx(-1.0)


def test_hinge_is_zero_beyond_the_margin():
    assert objective("hinge").discriminator([torch.tensor([1.5])], [torch.tensor([-2.0])]) == 0


def test_feature_matching_by_hand_and_reals_are_constants():
    real = [[torch.tensor([1.0, 2.0], requires_grad=True)], [torch.zeros(3, requires_grad=True)]]
    fake = [[torch.tensor([2.0, 5.0], requires_grad=True)], [torch.full((3,), 4.0, requires_grad=True)]]
    loss = feature_matching(fake, real)
    assert loss.item() == pytest.approx((2.0 + 4.0) / 2)  # layers count alike: means 2 and 4
    loss.backward()
    assert real[0][0].grad is None and fake[0][0].grad is not None


def test_feature_matching_needs_the_same_layers():
    with pytest.raises(ValueError):
        feature_matching([[torch.zeros(1)]], [[torch.zeros(1), torch.zeros(1)]])


def test_gradient_norm_penalty_by_hand_and_differentiable():
    weight = torch.tensor([3.0, 4.0], requires_grad=True)
    points = torch.randn(5, 2, requires_grad=True)
    penalty = gradient_norm_penalty([points @ weight], points)
    assert penalty.item() == pytest.approx(25.0)  # D(x) = w·x has gradient w everywhere
    penalty.backward()
    torch.testing.assert_close(weight.grad, 2 * torch.tensor([3.0, 4.0]))


def test_wgan_gp_by_hand():
    weight = torch.tensor([3.0, 4.0])
    real, fake = torch.randn(5, 2), torch.randn(5, 2)
    assert gradient_penalty(lambda x: [x @ weight], real, fake).item() == pytest.approx(16.0)  # (5 − 1)²
    assert gradient_penalty(lambda x: [x @ weight / 5], real, fake).item() == pytest.approx(0.0, abs=1e-10)


def test_wgan_gp_points_lie_between_reals_and_fakes_and_follow_the_seed():
    seen = []

    def critic(x):
        seen.append(x.detach())
        return [x.square().sum(dim=1)]

    real, fake = torch.zeros(64, 2), torch.tensor([1.0, 2.0]).expand(64, 2)
    values = [gradient_penalty(critic, real, fake, torch.Generator().manual_seed(s)).item() for s in (7, 7, 8)]
    assert values[0] == values[1] != values[2]
    torch.testing.assert_close(seen[0][:, 1], 2 * seen[0][:, 0])
    assert seen[0].min() >= 0 and seen[0][:, 0].max() <= 1 and seen[0][:, 0].std() > 0.2


def test_weights_are_clipped():
    layer = torch.nn.Linear(4, 4)
    with torch.no_grad():
        layer.weight.fill_(5.0)
        layer.bias.fill_(-0.001)
    clip_weights(layer, 0.01)
    assert layer.weight.max().item() == pytest.approx(0.01) and layer.bias.min().item() == pytest.approx(-0.001)


def test_an_unknown_objective_lists_those_there_are():
    with pytest.raises(InputError, match="minimax, non-saturating, lsgan, hinge, wgan, relativistic"):
        objective("ragan")


@pytest.mark.parametrize("name", OBJECTIVES)
def test_each_objective_teaches_a_generator_the_mean_of_its_data(name):
    # data around (2, −1), a generator that can only shift noise: it must come near, starting 2.2 away
    random = torch.Generator().manual_seed(0)
    mean = torch.tensor([2.0, -1.0])
    shift = torch.nn.Parameter(torch.zeros(2))
    torch.manual_seed(0)
    critic = torch.nn.Sequential(torch.nn.Linear(2, 32), torch.nn.LeakyReLU(0.2), torch.nn.Linear(32, 1))
    game = objective(name)
    generator_step = torch.optim.Adam([shift], lr=0.02, betas=(0.0, 0.9))
    critic_step = torch.optim.Adam(critic.parameters(), lr=0.01, betas=(0.0, 0.9))
    path = []
    for _ in range(500):
        real = mean + 0.5 * torch.randn(64, 2, generator=random)
        fake = shift + 0.5 * torch.randn(64, 2, generator=random)
        points, false_points = real.requires_grad_(), fake.detach().requires_grad_()
        on_real, on_fake = [critic(points)], [critic(false_points)]
        loss = game.discriminator(on_real, on_fake)
        if name == "wgan":
            loss = loss + 10 * gradient_penalty(lambda x: [critic(x)], real.detach(), fake.detach(), random)
        else:
            loss = loss + 0.1 * (gradient_norm_penalty(on_real, points) + gradient_norm_penalty(on_fake, false_points))
        critic_step.zero_grad()
        loss.backward()
        critic_step.step()
        generator_step.zero_grad()
        game.generator([critic(fake)], [critic(real.detach())]).backward()
        generator_step.step()
        path.append(shift.detach().clone())
    # the iterates may circle the equilibrium, their mean must be there
    away = (torch.stack(path[-300:]).mean(dim=0) - mean).norm().item()
    assert away < 0.5, f"{name}: still {away:.2f} away"

import pytest
import torch
from torchmetrics.functional.image import structural_similarity_index_measure

from specgan.losses import balanced_feature_matching, masked_l1, structural_dissimilarity
from vocoder.engine.losses import feature_matching

MASK = (torch.arange(40) < torch.tensor([[40], [25]]))[:, None]


def pair(seed=0):
    generator = torch.Generator().manual_seed(seed)
    real = torch.randn(2, 1, 20, 40, generator=generator)
    return real + 0.5 * torch.randn(real.shape, generator=generator), real


def test_masked_l1_by_hand():
    fake = torch.tensor([[1.0, 2, 90], [3, 90, 90]])[:, None, None].expand(2, 1, 5, 3)
    mask = torch.tensor([[[True, True, False]], [[True, False, False]]])
    assert masked_l1(fake, torch.zeros(2, 1, 5, 3), mask) == 2  # of 1, 2 and 3
    assert masked_l1(fake, torch.zeros(2, 1, 5, 3)) == pytest.approx((1 + 2 + 3 + 3 * 90) / 6)


def reference(fake, real, low, high):
    """torchmetrics' 1 − SSIM, without the border where it reflects."""
    _, full = structural_similarity_index_measure(fake - low, real - low, data_range=high - low, return_full_image=True)
    return 1 - full[..., 5:-5, 5:-5].mean()


def test_ssim_agrees_with_torchmetrics():
    fake, real = pair()
    for low, high in ((-3.0, 3.0), (0.0, 10.0)):
        ours = structural_dissimilarity(fake, real, low=low, high=high)
        assert ours.item() == pytest.approx(reference(fake, real, low, high).item(), abs=1e-5)


def test_masked_ssim_is_that_of_the_real_frames():
    fake, real = pair()
    whole = reference(fake[:1], real[:1], -3.0, 3.0)
    short = reference(fake[1:, ..., :25], real[1:, ..., :25], -3.0, 3.0)
    wanted = (30 * whole + 15 * short) / 45  # an utterance of T frames has T − 10 windows
    fake[1, ..., 25:] = 1e3
    assert structural_dissimilarity(fake, real, MASK).item() == pytest.approx(wanted.item(), abs=1e-5)


def test_ssim_of_equal_pictures_is_0_and_of_opposite_ones_more_than_1():
    _, real = pair()
    assert structural_dissimilarity(real, real).item() == pytest.approx(0, abs=1e-6)
    assert structural_dissimilarity(-real, real).item() > 1.5


def test_ssim_of_utterances_shorter_than_its_window_is_0():
    fake, real = pair()
    fake.requires_grad_()
    assert structural_dissimilarity(fake[..., :8], real[..., :8]) == 0
    nothing = structural_dissimilarity(fake, real, MASK & (torch.arange(40) < 8))
    nothing.backward()
    assert nothing == 0 and fake.grad.abs().max() == 0


def test_ssim_gradients_lead_to_the_real_picture():
    fake, real = pair()
    fake = torch.nn.Parameter(fake)
    optimizer = torch.optim.Adam([fake], 0.05)
    first = structural_dissimilarity(fake, real)
    for _ in range(60):
        optimizer.zero_grad()
        structural_dissimilarity(fake, real).backward()
        optimizer.step()
    assert structural_dissimilarity(fake, real) < 0.1 * first


def test_feature_matching_is_left_alone_while_it_is_small_and_capped_above():
    fake, real = [[torch.tensor([3.0])]], [[torch.tensor([1.0])]]  # distance 2
    assert balanced_feature_matching(fake, real, torch.tensor(5.0)) == 2
    assert balanced_feature_matching(fake, real, torch.tensor(0.5)) == 0.5
    assert balanced_feature_matching(fake, real, torch.tensor(0.5), weight=2.0) == 1
    assert balanced_feature_matching(real, real, torch.tensor(0.5)) == 0


def test_capped_feature_matching_has_the_direction_of_the_plain_one_and_l1_gets_none():
    feature, target = torch.randn(50, requires_grad=True), torch.randn(50)
    l1 = torch.tensor(0.01, requires_grad=True)
    balanced = balanced_feature_matching([[feature]], [[target]], l1)
    (scaled,) = torch.autograd.grad(balanced, feature, retain_graph=True)
    plain = feature_matching([[feature]], [[target]])
    (unscaled,) = torch.autograd.grad(plain, feature)
    torch.testing.assert_close(scaled, unscaled * 0.01 / plain.item())
    assert torch.autograd.grad(balanced, l1, allow_unused=True) == (None,)

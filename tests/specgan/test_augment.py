import pytest
import torch

from specgan.augment import GAIN, HOLE, SHIFT, augmented


def columns(seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Pictures whose values count the frames from 100, as they are and changed."""
    picture = (100 + torch.arange(64.0)).expand(50, 1, 32, 64)
    return picture, augmented(picture, torch.Generator().manual_seed(seed))


def test_pictures_are_shifted_louder_or_softer_and_have_holes_but_nothing_else():
    before, after = columns(0)
    for real, changed in zip(before[:, 0], after[:, 0], strict=True):
        shown = changed != 0
        rows, frames = shown.any(dim=1), shown.any(dim=0)
        assert torch.equal(shown, rows[:, None] & frames[None])
        assert (~rows).sum() <= round(HOLE * 32) + 1
        assert (~frames).sum() <= round(HOLE * 64) + 1 + SHIFT * 64
        # one number for the whole picture: shift (whole frames) plus gain
        moved = (changed - real)[shown]
        assert torch.allclose(moved, moved[0].expand_as(moved), atol=1e-4)
        shift = moved[0].round()
        assert abs(shift) <= SHIFT * 64 and abs(moved[0] - shift) <= GAIN + 1e-4


def test_every_place_is_changed_at_some_time_and_the_same_seed_changes_the_same():
    _, first = columns(1)
    assert torch.equal(first, columns(1)[1]) and not torch.equal(first, columns(2)[1])
    assert ((first == 0).float().mean(dim=0) > 0).all()
    assert ((first != 0).float().mean(dim=0) > 0.2).all()


def test_gradients_reach_what_is_shown_once():
    picture = torch.randn(4, 1, 32, 64, requires_grad=True)
    changed = augmented(picture, torch.Generator().manual_seed(3))
    changed.sum().backward()
    assert set(picture.grad.unique().tolist()) <= {0.0, *range(1, 9)}  # at the ends a frame may stand for those outside
    shown = (changed != 0).sum()
    assert picture.grad.sum() == pytest.approx(float(shown))

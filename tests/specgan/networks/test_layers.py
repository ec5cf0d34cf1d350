import torch
import torch.nn.functional as F
from torch import nn

from specgan.networks.layers import Block, WindowedAttention, coarser, masked, normalise


def test_normalise_is_a_layer_norm_over_the_channels_of_each_bin():
    x = torch.randn(2, 6, 5, 7)
    wanted = nn.LayerNorm(6, elementwise_affine=False)(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
    torch.testing.assert_close(normalise(x), wanted)
    # a layer norm of the whole picture, or of a channel, would carry a change elsewhere
    changed = x.clone()
    changed[:, :, 0, 0] += 1 + torch.randn(2, 6)
    difference = (normalise(changed) - normalise(x)).abs().sum(dim=1)
    assert (difference[:, 0, 0] > 0.1).all() and difference.flatten(1)[:, 1:].max() == 0


def test_masks_at_a_lower_rate_keep_frames_that_are_partly_real():
    mask = torch.tensor([1.0, 1, 1, 0, 0, 0]).reshape(1, 1, 1, 6)
    assert coarser(mask, 2).flatten().tolist() == [1, 1, 0]
    assert coarser(mask, 1) is mask
    assert coarser(None, 2) is None


def test_masking_is_the_same_in_either_memory_layout():
    x = torch.randn(2, 4, 3, 6)
    mask = (torch.arange(6) < torch.tensor([[4], [6]])).float()[:, None, None]
    wanted = x.clone()
    wanted[0, :, :, 4:] = 0
    inner = x.to(memory_format=torch.channels_last)
    assert torch.equal(masked(x, mask), wanted)
    assert torch.equal(masked(inner, mask), wanted)
    assert masked(inner, mask).is_contiguous(memory_format=torch.channels_last)


def test_a_block_follows_its_formula():
    torch.manual_seed(0)
    block, x, style = Block(4, 3), torch.randn(2, 4, 8, 8), torch.randn(2, 3)
    nn.init.normal_(block.norm.film.weight)
    nn.init.normal_(block.scale)
    scale, shift = block.norm.film(style).split(4, dim=1)
    h = F.layer_norm(block.depthwise(x).permute(0, 2, 3, 1), (4,))
    h = h * (1 + scale[:, None, None]) + shift[:, None, None]
    h = F.linear(h, block.widen.weight[:, :, 0, 0], block.widen.bias)
    h = F.linear(h[..., :8] * h[..., 8:], block.narrow.weight[:, :, 0, 0], block.narrow.bias)
    torch.testing.assert_close(block(x, style, None), x + (h * block.scale.flatten()).permute(0, 3, 1, 2))


def attention(window=2):
    """One whose queries are all zero, whose values are channel 0, and which adds them to band 0 of channel 0."""
    layer = WindowedAttention(2, 1, 1, window, head=2)
    with torch.no_grad():
        layer.scale.fill_(1)
        for parameter in (layer.fold.weight, layer.fold.bias, layer.unfold.weight, layer.unfold.bias):
            parameter.zero_()
        layer.fold.weight[4, 0] = 1  # value 0 is channel 0
        layer.unfold.weight[0, 0] = 1
    return layer


def test_attention_without_preference_is_the_mean_of_the_window():
    x = torch.randn(1, 2, 1, 9)
    value = normalise(x)[0, 0, 0]
    added = (attention()(x, torch.zeros(1, 1), None) - x)[0, 0, 0]
    wanted = torch.stack([value[max(0, t - 2) : t + 3].mean() for t in range(9)])
    torch.testing.assert_close(added, wanted)


def test_attention_does_not_look_at_masked_frames_and_leaves_them_alone():
    x = torch.randn(1, 2, 1, 9)
    mask = (torch.arange(9) < 5).float().reshape(1, 1, 1, 9)
    value = normalise(x)[0, 0, 0, :5]
    added = (attention()(x, torch.zeros(1, 1), mask) - x)[0, 0, 0]
    wanted = torch.stack([value[max(0, t - 2) : t + 3].mean() for t in range(5)])
    torch.testing.assert_close(added[:5], wanted)
    assert added[5:].abs().max() == 0


def test_attention_can_prefer_a_distance():
    layer, x = attention(), torch.randn(1, 2, 1, 9)
    with torch.no_grad():
        layer.distance[0, 1] = 50  # one frame back
    added = (layer(x, torch.zeros(1, 1), None) - x)[0, 0, 0]
    torch.testing.assert_close(added[1:], normalise(x)[0, 0, 0, :-1])

import numpy as np
import onnxruntime
import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from specgan.networks.layers import StyledNorm
from specgan.networks.unet import SpecUNet
from vocoder.errors import InputError


def awake(**settings):
    """A network of random weights everywhere, so that nothing is hidden by a zero start."""
    torch.manual_seed(0)
    net = SpecUNet(bands=16, planes=2, style=5, **settings).eval()
    for module in net.modules():
        if isinstance(module, StyledNorm):
            nn.init.normal_(module.film.weight, std=0.3)
    for name, parameter in net.named_parameters():
        if name.endswith(("scale", "distance")):
            nn.init.normal_(parameter)
    nn.init.normal_(net.paint.weight, std=0.1)
    return net.requires_grad_(False)


@pytest.mark.parametrize(
    ("size", "millions", "gigaflops"), [("tiny", (1.4, 1.7), (0.9, 1.2)), ("small", (5.8, 6.8), (3.5, 4.5))]
)
def test_size_and_cost_for_a_second_of_sound(size, millions, gigaflops):
    net = SpecUNet(80, 3, 64, size)
    assert millions[0] < sum(p.numel() for p in net.parameters()) / 1e6 < millions[1]
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        net(torch.zeros(1, 3, 80, 344), torch.zeros(1, 64))
    seconds = 344 * 256 / 22_050
    assert gigaflops[0] < counter.get_total_flops() / 1e9 / seconds < gigaflops[1]


def test_a_residual_starts_as_plane_0_exactly():
    planes = torch.randn(2, 3, 16, 12)
    assert torch.equal(SpecUNet(16, 3, 4)(planes, torch.randn(2, 4)), planes[:, :1])


def test_gains_are_in_0_to_1_one_for_each_source():
    drawn = awake(head="gain", sources=3)(5 * torch.randn(2, 2, 16, 8), torch.randn(2, 5))
    assert drawn.shape == (2, 3, 16, 8)
    assert 0 < drawn.min() < 0.4 and 0.6 < drawn.max() < 1
    assert not torch.allclose(drawn[:, 0], drawn[:, 1], atol=0.01)


def test_direct_does_not_add_plane_0():
    residual, direct = awake(head="residual"), awake(head="direct")
    direct.load_state_dict(residual.state_dict())
    planes, style = torch.randn(1, 2, 16, 8), torch.randn(1, 5)
    torch.testing.assert_close(residual(planes, style), planes[:, :1] + direct(planes, style))


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_padding_changes_nothing(layout):
    net = awake(head="direct").to(memory_format=layout)
    planes, style = torch.randn(2, 2, 16, 120), torch.randn(2, 5)
    mask = (torch.arange(120) < torch.tensor([[52], [119]]))[:, None]
    padded = net(planes.to(memory_format=layout), style, mask)
    assert padded[0, :, :, 52:].abs().max() == 0
    torch.testing.assert_close(padded[:1, :, :, :52], net(planes[:1, :, :, :52], style[:1]), atol=1e-5, rtol=0)
    planes[1, :, :, 119] = 1e3  # the padded part of a coarse frame that is partly real
    torch.testing.assert_close(net(planes.to(memory_format=layout), style, mask), padded, atol=1e-5, rtol=0)


def test_a_mask_of_ones_is_no_mask():
    net, planes, style = awake(), torch.randn(2, 2, 16, 40), torch.randn(2, 5)
    torch.testing.assert_close(net(planes, style, torch.ones(2, 1, 40, dtype=torch.bool)), net(planes, style))


def test_chunks_with_their_context_are_the_whole():
    net, style = awake(head="direct"), torch.randn(1, 5)
    field, chunk = net.receptive_field, 60
    assert field % net.multiple == 0 and chunk % net.multiple == 0
    planes = torch.randn(1, 2, 16, 3 * field + 20)
    whole = net(planes, style)
    for start in range(0, planes.shape[-1], chunk):
        begin, end = max(0, start - field), min(planes.shape[-1], start + chunk + field)
        part = net(planes[..., begin:end], style)[..., start - begin :][..., :chunk]
        torch.testing.assert_close(part, whole[..., start : start + chunk], atol=1e-5, rtol=0)


def test_the_receptive_field_is_enough_and_not_much_more():
    net, style = awake(head="direct"), torch.randn(1, 5)
    field = net.receptive_field
    for frame in range(field + 40, field + 44):  # one of each place in a coarse frame
        planes = torch.randn(1, 2, 16, 2 * field + 100, requires_grad=True)
        net(planes, style)[..., frame].sum().backward()
        seen = planes.grad.abs().sum(dim=(0, 1, 2)).nonzero().flatten()
        reach = max(frame - int(seen.min()), int(seen.max()) - frame)
        assert 0.85 * field < reach <= field


def step(net, planes, style, target, optimizer):
    loss = (net(planes, style) - target).abs().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


@pytest.mark.parametrize("head", ["residual", "direct", "gain"])
def test_gradients_reach_every_parameter(head):
    torch.manual_seed(0)
    net = SpecUNet(16, 2, 5, head=head)
    optimizer = torch.optim.Adam(net.parameters(), 1e-3)
    planes, style, target = torch.randn(2, 2, 16, 16), torch.randn(2, 5), torch.rand(2, 1, 16, 16)
    for _ in range(2):  # behind a correction that starts at zero, only the second step has gradients
        step(net, planes, style, target, optimizer)
    for name, parameter in net.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().max() > 0, name


def test_style_has_no_effect_at_first_and_some_after_training():
    torch.manual_seed(0)
    net = SpecUNet(16, 1, 5, head="direct")
    optimizer = torch.optim.Adam(net.parameters(), 1e-3)
    planes, style = torch.randn(2, 1, 16, 16), torch.randn(2, 5)
    assert torch.equal(net(planes, style), net(planes, torch.zeros(2, 5)))
    step(net, planes, style, torch.randn(2, 1, 16, 16), optimizer)
    assert (net(planes, style) - net(planes, torch.zeros(2, 5))).abs().max() > 1e-3


def test_it_learns_to_restore_a_smoothed_mel(speech):
    torch.manual_seed(0)
    real, smooth = (mel[..., :32] for mel in speech)
    net = SpecUNet(80, 1, 1)
    optimizer = torch.optim.Adam(net.parameters(), 1e-3)
    for index in range(40):
        rows = torch.arange(3 * index, 3 * index + 3) % (len(real) - 8)
        step(net, smooth[rows], torch.zeros(3, 1), real[rows], optimizer)
    with torch.no_grad():  # pieces that it has not seen
        restored = net(smooth[-8:], torch.zeros(8, 1))
    assert (restored - real[-8:]).abs().mean() < 0.85 * (smooth[-8:] - real[-8:]).abs().mean()


def test_mixed_precision_and_the_other_layout_give_nearly_the_same():
    net, planes, style = awake(head="direct"), torch.randn(2, 2, 16, 32), torch.randn(2, 5)
    mask = (torch.arange(32) < torch.tensor([[20], [32]]))[:, None]
    exact = net(planes, style, mask)
    with torch.autocast("cpu", torch.bfloat16):
        half = net.to(memory_format=torch.channels_last)(planes.to(memory_format=torch.channels_last), style, mask)
    error = (half.float() - exact).square().mean().sqrt()
    assert error < 0.05 * exact.std()


def test_onnx_of_any_length(tmp_path):
    net = awake()
    example = (torch.randn(1, 2, 16, 24), torch.randn(1, 5))
    frames = {3: torch.export.Dim.DYNAMIC}
    program = torch.onnx.export(
        net, example, dynamo=True, verbose=False, input_names=["planes", "style"], dynamic_shapes=(frames, None)
    )
    program.save(tmp_path / "net.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "net.onnx")
    for length in (16, 300):
        planes, style = torch.randn(1, 2, 16, length), torch.randn(1, 5)
        (drawn,) = session.run(None, {"planes": planes.numpy(), "style": style.numpy()})
        np.testing.assert_allclose(drawn, net(planes, style).numpy(), atol=1e-4)


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"size": "huge"}, "tiny, small"),
        ({"head": "mask"}, "residual, direct, gain"),
        ({"bands": 84}, "multiple of 8"),
        ({"sources": 2}, "'gain'"),
    ],
)
def test_errors_say_what_would_be_right(settings, word):
    with pytest.raises(InputError, match=word):
        SpecUNet(**{"bands": 16, "planes": 1, "style": 1, **settings})


def test_a_length_that_is_no_multiple_is_refused():
    with pytest.raises(InputError, match="multiple of 4"):
        awake()(torch.zeros(1, 2, 16, 30), torch.zeros(1, 5))

import pytest
import torch
from torch import nn

from specgan.networks.discriminators import WINDOWS, MelCritics, PatchCritic, windows
from vocoder.engine.losses import OBJECTIVES, gradient_norm_penalty
from vocoder.errors import InputError

MASK = (torch.arange(200) < torch.tensor([[200], [130], [65]]))[:, None]


def frame_numbers():
    return torch.arange(200.0).expand(3, 1, 4, 200) + 1000 * torch.arange(3.0).reshape(3, 1, 1, 1)


def test_windows_are_the_same_place_in_every_tensor_and_inside_the_mask():
    generator = torch.Generator().manual_seed(0)
    mels, voiced = frame_numbers(), torch.where(MASK[:, :, None], 1.0, torch.nan).expand(3, 2, 4, 200)
    starts = []
    for _ in range(50):
        first, second, inside = windows([mels, -mels, voiced], 64, MASK, generator)
        assert first.shape == (3, 1, 4, 64) and inside.shape == (3, 2, 4, 64)
        assert torch.equal(first, -second)
        assert not inside.isnan().any()
        assert (first.diff(dim=-1) == 1).all()
        starts.append(first[:, 0, 0, 0] - 1000 * torch.arange(3.0))
    places = torch.stack(starts)
    assert places[:, 0].min() < 20 and places[:, 0].max() > 116  # of 0 to 136
    assert set(places[:, 2].tolist()) == {0.0, 1.0}  # 65 frames have two windows of 64


def test_windows_of_the_same_seed_are_the_same_and_carry_gradients_to_their_place_only():
    mels = frame_numbers().requires_grad_()
    (one,) = windows([mels], 32, MASK, torch.Generator().manual_seed(3))
    (two,) = windows([mels], 32, MASK, torch.Generator().manual_seed(3))
    assert torch.equal(one, two)
    one.sum().backward()
    assert mels.grad.sum() == one.numel()
    assert torch.equal(mels.grad[1, 0, 0].nonzero().flatten(), one[1, 0, 0].detach().long() - 1000)


def test_windows_shrink_to_the_shortest_utterance():
    (cut,) = windows([frame_numbers()], 128, MASK)
    assert cut.shape[-1] == 65


def test_parts_cover_the_band_and_overlap_by_half():
    assert MelCritics(80, 0, 0).ranges == [(0, 80), (0, 40), (20, 60), (40, 80)]
    assert MelCritics(81, 0, 0).ranges[-1] == (40, 81)


@pytest.mark.parametrize("frames", WINDOWS)
def test_every_head_of_every_critic_is_heard(frames):
    critics = MelCritics(80, 2, 3, width=8).eval()  # in training, the spectral norm is a little different at each pass
    mel, source, label = torch.randn(2, 1, 80, frames), torch.randn(2, 2, 80, frames), torch.tensor([0, 2])
    for arguments, heads in (((mel,), 1), ((mel, source), 2), ((mel, None, label), 2), ((mel, source, label), 3)):
        judgement = critics(*arguments)
        assert len(judgement.logits) == 4 * heads and len(judgement.features) == 4
    whole = critics(mel, source, label)
    # the unconditional heads see neither; the others see their own condition only
    no_source, no_label = critics(mel, -source, label), critics(mel, source, torch.tensor([1, 1]))
    for k in range(0, 12, 3):
        differs = [
            [not torch.allclose(whole.logits[k + head], other.logits[k + head], atol=1e-4) for head in range(3)]
            for other in (no_source, no_label)
        ]
        assert differs == [[False, True, False], [False, False, True]]


def test_the_projection_is_the_inner_product_with_the_class():
    torch.manual_seed(0)
    critic = PatchCritic(4, 0, 3, spectral=False)
    mel = torch.randn(1, 1, 32, 32)
    logits = [critic(mel, None, torch.tensor([label]))[0][1] for label in (0, 1)]
    features = critic(mel, None, torch.tensor([0]))[1][-1]
    difference = critic.embedding.weight[0] - critic.embedding.weight[1]
    torch.testing.assert_close(logits[0] - logits[1], (difference[:, None, None] * features).sum(1, keepdim=True))


def test_spectral_norm_can_be_left_out():
    names = [name for name, _ in MelCritics(80, 1, 2, width=8, spectral_norm=False).named_modules()]
    assert not any("parametrizations" in name for name in names)
    critics = MelCritics(80, 1, 2, width=8)
    mel, source, label = torch.randn(2, 1, 80, 32), torch.randn(2, 1, 80, 32), torch.tensor([0, 1])
    for _ in range(20):  # each forward pass is one power iteration
        critics(mel, source, label)
    for layer in critics.modules():
        if isinstance(layer, (nn.Conv2d, nn.Embedding)):
            norm = torch.linalg.matrix_norm(layer.weight.detach().flatten(1), ord=2)
            assert norm == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("name", sorted(OBJECTIVES))
def test_every_objective_trains_every_parameter(name):
    torch.manual_seed(0)
    critics = MelCritics(80, 1, 2, width=4)
    real, fake = torch.randn(2, 1, 80, 32), torch.randn(2, 1, 80, 32, requires_grad=True)
    source, label = torch.randn(2, 1, 80, 32), torch.tensor([0, 1])
    judged = [critics(mel, source, label).logits for mel in (real, fake)]
    OBJECTIVES[name].generator(judged[1], judged[0]).backward(retain_graph=True)
    assert fake.grad.abs().max() > 0
    critics.zero_grad()
    OBJECTIVES[name].discriminator(*judged).backward()
    for name, parameter in critics.named_parameters():
        # a bias that all logits share cancels between reals and fakes where only their difference counts
        shared = name.endswith((".alone.1.bias", ".joint.1.bias", ".classed.1.bias"))
        assert parameter.grad.isfinite().all(), name
        assert shared or parameter.grad.abs().max() > 0, name


def test_r1_reaches_the_weights():
    critics = MelCritics(80, 1, 2, width=4, spectral_norm=False)
    real = torch.randn(2, 1, 80, 32, requires_grad=True)
    judgement = critics(real, torch.randn(2, 1, 80, 32), torch.tensor([0, 1]))
    gradient_norm_penalty(judgement.logits, real).backward()
    for critic in critics.critics:
        assert critic.trunk[0].weight.grad.abs().max() > 0
        assert critic.embedding.weight.grad.abs().max() > 0


@pytest.mark.parametrize("spectral", [True, False])
def test_critics_learn_to_tell_real_from_smoothed(speech, spectral):
    torch.manual_seed(0)
    real, smooth = (mel[..., :32] for mel in speech)
    critics = MelCritics(80, 0, 0, width=8, spectral_norm=spectral)
    optimizer = torch.optim.Adam(critics.parameters(), 2e-3, betas=(0.5, 0.9))
    for index in range(25):
        rows = torch.arange(8 * index, 8 * index + 8) % (len(real) - 16)
        loss = OBJECTIVES["hinge"].discriminator(critics(real[rows]).logits, critics(smooth[rows]).logits)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():  # pieces that they have not seen
        judged = [critics(mel[-16:]).logits for mel in (real, smooth)]
    for ahead, behind in zip(*judged, strict=True):
        assert (ahead.mean(dim=(1, 2, 3)) > behind.mean(dim=(1, 2, 3))).float().mean() > 0.85


def test_source_heads_learn_whether_a_mel_belongs_to_its_source(speech):
    torch.manual_seed(0)
    real, smooth = (mel[..., :32] for mel in speech)
    critics = MelCritics(80, 1, 0, width=8)
    optimizer = torch.optim.Adam(critics.parameters(), 2e-3, betas=(0.5, 0.9))

    def judge(rows, shift):
        return critics(real[rows], smooth[rows.roll(shift)]).logits[1::2]

    for index in range(40):
        rows = torch.arange(8 * index, 8 * index + 8) % (len(real) - 16)
        loss = OBJECTIVES["hinge"].discriminator(judge(rows, 0), judge(rows, 3))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    last = torch.arange(len(real) - 16, len(real))
    with torch.no_grad():
        right, wrong = (sum(logit.mean(dim=(1, 2, 3)) for logit in judge(last, shift)) for shift in (0, 3))
    assert (right > wrong).float().mean() > 0.75


def test_conditions_without_a_head_are_refused():
    critics, mel = MelCritics(80, 0, 0, width=4), torch.randn(1, 1, 80, 32)
    with pytest.raises(InputError, match="source_planes is 0"):
        critics(mel, mel)
    with pytest.raises(InputError, match="classes is 0"):
        critics(mel, None, torch.tensor([0]))
    with pytest.raises(InputError, match="32 or more"):
        MelCritics(24, 0, 0)

from pathlib import Path

import librosa
import numpy as np
import pytest
import soundfile
import torch

from vocoder.discriminators import MultiPeriod, MultiResolution, MultiScale, SubBandCQT, build
from vocoder.errors import InputError
from vocoder.signal.stft import STFT

SPEECH = Path(__file__).parents[1] / "fixtures" / "kathleen" / "wavs" / "arctic_a0001.flac"
NAMES = ["multi-period", "multi-period-full", "multi-scale", "multi-resolution", "sub-band-cqt"]


def parameters(module):
    return sum(p.numel() for p in module.parameters() if p.requires_grad)


def test_multi_period_by_hand():
    width = 256
    # kernel 5 down to width, 5 flat, 3 to one; weight norm adds one length for each output channel
    widths = [(1, 8, 5), (8, 32, 5), (32, 128, 5), (128, 256, 5), (256, 256, 5), (256, 1, 3)]
    expected = 5 * sum(i * o * k + 2 * o for i, o, k in widths)
    assert parameters(MultiPeriod(width)) == expected


def test_full_width_critics_have_the_size_of_the_published_ones():
    # Kong 2020: MPD 41.1 M and MSD 29.6 M parameters
    assert parameters(build("multi-period-full", 22_050)) / 1e6 == pytest.approx(41.1, abs=0.05)
    assert parameters(build("multi-scale", 22_050)) / 1e6 == pytest.approx(29.6, abs=0.05)


def test_periods_are_columns():
    critic = MultiPeriod(32, periods=(3,))
    view = critic.view(torch.arange(8.0)[None], 0)
    assert view.shape == (1, 1, 3, 3)
    assert view[0, 0].tolist() == [[0, 1, 2], [3, 4, 5], [6, 7, 6]]  # the end is reflected


def test_scales_are_averages():
    critic = MultiScale()
    wave = torch.ones(1, 64)
    assert torch.equal(critic.view(wave, 0)[:, 0], wave)
    half = critic.view(wave, 1)[0, 0]
    assert len(half) == 33 and torch.equal(half[1:-1], torch.ones(31))


def test_resolutions_show_real_and_imaginary_parts_at_unit_scale():
    critic = MultiResolution(resolutions=(256, 1024))
    wave = torch.randn(1, 44_000, generator=torch.Generator().manual_seed(0))
    for index, n_fft in enumerate((256, 1024)):
        view = critic.view(wave, index)
        assert view.shape[1:3] == (2, n_fft // 2 + 1)
        inner = view[:, :, 2:-2, 4:-4]
        assert inner.square().sum(dim=1).mean().item() == pytest.approx(1.0, abs=0.03)
    real, _ = STFT(256, 64)(torch.nn.functional.pad(wave, (0, -44_000 % 64)))
    torch.testing.assert_close(critic.view(wave, 0)[:, 0] * (0.375 * 256) ** 0.5, real)


def test_constant_q_octaves_lie_side_by_side():
    critic = SubBandCQT(22_050, width=4, bins_per_octave=(24,))
    wave = 0.5 * torch.sin(2 * torch.pi * 440.0 * torch.arange(22_050) / 22_050)[None]
    spectrum = critic._transform(wave, 0)
    assert spectrum.shape[0:2] == (1, 2) and spectrum.shape[3] == 8 * 24
    middle = spectrum[0, :, spectrum.shape[2] // 2].square().sum(dim=0)
    assert middle.argmax() == round(24 * torch.log2(torch.tensor(440.0 / 32.703)).item())


def test_the_constant_q_transform_is_librosas():
    wave = soundfile.read(SPEECH, dtype="float32")[0]
    found = SubBandCQT(22_050, width=4, bins_per_octave=(24,))._transform(torch.from_numpy(wave)[None], 0)[0]
    expected = np.abs(
        librosa.cqt(wave, sr=22_050, hop_length=256, fmin=32.703, n_bins=8 * 24, bins_per_octave=24, scale=True)
    )
    difference = found.square().sum(dim=0).sqrt().numpy().T - expected
    inner = slice(8, -8)  # the ends are padded differently
    assert np.linalg.norm(difference[:, inner]) < 0.03 * np.linalg.norm(expected[:, inner])


@pytest.mark.parametrize("name", NAMES)
def test_every_critic_returns_one_type_and_its_score_depends_on_the_wave(name):
    torch.manual_seed(0)
    critic = build(name, 22_050)
    wave = (0.1 * torch.randn(1, 16_384)).requires_grad_()
    judgement = critic(wave)
    assert len(judgement.logits) == len(judgement.features) == len(critic.stacks)
    assert all(f.dim() in (3, 4) and f.shape[0] == 1 for group in judgement.features for f in group)
    (gradient,) = torch.autograd.grad(sum(logit.mean() for logit in judgement.logits), wave)
    assert torch.isfinite(gradient).all() and (gradient != 0).float().mean() > 0.5


def test_unknown_critics_are_refused():
    with pytest.raises(InputError, match="multi-period, multi-period-full"):
        build("mpd", 22_050)


@pytest.mark.parametrize("name", ["multi-period", "multi-resolution"])
def test_critics_learn_to_tell_noise_from_a_buzz(name):
    torch.manual_seed(0)
    critic = MultiPeriod(128, (2, 3)) if name == "multi-period" else MultiResolution(8, (256, 512))
    optimizer = torch.optim.AdamW(critic.parameters(), lr=2e-3, betas=(0.8, 0.9))
    random = torch.Generator().manual_seed(1)
    time = torch.arange(2048) / 22_050

    def sample():
        pitch = 100 + 200 * torch.rand(8, 1, generator=random)
        start = torch.rand(8, 1, generator=random)
        buzz = sum(torch.sin(2 * torch.pi * k * (pitch * time + start)) for k in (1, 2, 3, 4)) * 0.1
        return buzz, 0.14 * torch.randn(8, 2048, generator=random)

    def right(real, fake):
        return sum(
            (a.mean(dim=(1, 2, 3)) > 0).float().mean() + (b.mean(dim=(1, 2, 3)) < 0).float().mean()
            for a, b in zip(real.logits, fake.logits, strict=True)
        ).item() / (2 * len(real.logits))

    for _ in range(100):
        real, fake = (critic(x) for x in sample())
        loss = sum(
            torch.relu(1 - a).mean() + torch.relu(1 + b).mean() for a, b in zip(real.logits, fake.logits, strict=True)
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        assert right(*(critic(x) for x in sample())) > 0.9

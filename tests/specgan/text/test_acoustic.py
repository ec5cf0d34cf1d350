"""The network between phonemes and the coarse mel: expansion by durations, padding, reach, gradients."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from specgan.text.acoustic import Acoustic, AcousticConfig, Inventory, expand, level, token_means
from specgan.text.aligner import MEL_MEAN, MEL_STD

INVENTORY = Inventory(["", "^", ".", "a", "b", "c"], ["", "ˈ"], ["anna", "ben"], ["de", "en"])
BANDS = 16


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return Acoustic(BANDS, INVENTORY, AcousticConfig(width=24, encoder=2, predictor=1, decoder=2)).eval()


def spoken_of(lengths):
    return (torch.arange(max(lengths)) < torch.tensor(lengths)[:, None])[:, None]


# -- durations --------------------------------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 5), min_size=1, max_size=8), st.integers(0, 4))
def test_expansion_is_repetition(durations, behind):
    values = torch.randn(1, 3, len(durations), generator=torch.Generator().manual_seed(len(durations)))
    frames = sum(durations) + behind
    expected = np.pad(np.repeat(values.numpy(), durations, axis=2), ((0, 0), (0, 0), (0, behind)))
    np.testing.assert_array_equal(expand(values, torch.tensor([durations]), frames), expected)
    np.testing.assert_array_equal(expand(values[:, 0], torch.tensor([durations]), frames), expected[:, 0])


def test_expansion_of_a_padded_batch():
    values = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 9.0]])  # the second row has two tokens
    durations = torch.tensor([[2, 0, 3], [1, 2, 0]])
    assert expand(values, durations, 5).tolist() == [[1, 1, 3, 3, 3], [4, 5, 5, 0, 0]]


def test_means_over_the_counted_frames_of_each_token():
    values = torch.tensor([[1.0, 3.0, 5.0, 100.0, 7.0, 8.0], [2.0, 4.0, 6.0, 8.0, 50.0, 50.0]])
    counted = torch.tensor([[1, 1, 1, 0, 1, 1], [1, 0, 1, 1, 0, 0]], dtype=torch.bool)
    durations = torch.tensor([[2, 0, 2, 1, 1], [1, 1, 2, 0, 0]])
    assert token_means(values, durations, counted).tolist() == [[2, 0, 5, 7, 8], [2, 0, 7, 0, 0]]


def test_means_do_not_lose_precision_over_a_long_recording():
    values = torch.full((1, 100_000), 1000.0)
    values[0, -10:] = 0.001
    means = token_means(values, torch.tensor([[99_990, 10]]), torch.ones(1, 100_000, dtype=torch.bool))
    assert means[0, 1].item() == pytest.approx(0.001, rel=1e-3)


def test_energy_is_the_mean_of_the_bands_in_the_units_of_the_network():
    mel = torch.full((1, 4, 3), MEL_MEAN)
    mel[0, :, 1] = torch.tensor([0.0, 2.0, 4.0, 6.0]) * MEL_STD + MEL_MEAN
    torch.testing.assert_close(level(mel), torch.tensor([[0.0, 3.0, 0.0]]))


# -- the network ------------------------------------------------------------------------------------------------------


def ids(lengths):
    """Phones and stresses; what stands behind the end is anything."""
    generator = torch.Generator().manual_seed(1)
    phones = torch.randint(1, 6, (len(lengths), max(lengths)), generator=generator)
    return phones, torch.randint(0, 2, phones.shape, generator=generator)


@torch.no_grad()
def test_a_padded_batch_encodes_each_row_as_if_alone(network):
    lengths = [9, 4, 13]
    phones, stress = ids(lengths)
    speaker, language = torch.tensor([0, 1, 0]), torch.tensor([1, 1, 0])
    together = network.encode(phones, stress, speaker, language, spoken_of(lengths))
    for row, length in enumerate(lengths):
        one = slice(row, row + 1)
        alone = network.encode(phones[one, :length], stress[one, :length], speaker[one], language[one])
        for name in alone._fields:
            found, wanted = getattr(together, name)[one, ..., :length], getattr(alone, name)
            torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5, msg=name)
    assert (together.durations > 0).all()


@torch.no_grad()
def test_a_padded_batch_decodes_each_row_as_if_alone(network):
    lengths = [30, 11, 52]
    generator = torch.Generator().manual_seed(2)
    text, pitch, energy = (torch.randn(3, *shape, 52, generator=generator) for shape in ((24,), (), ()))
    speaker = torch.tensor([0, 1, 1])
    together = network.decode(text, pitch, energy, speaker, spoken_of(lengths))
    for row, length in enumerate(lengths):
        one = slice(row, row + 1)
        alone = network.decode(text[one, :, :length], pitch[one, :length], energy[one, :length], speaker[one])
        torch.testing.assert_close(together[one, :, :length], alone, rtol=1e-4, atol=1e-4)


def test_a_frame_depends_on_those_within_the_receptive_field_and_on_no_other(network):
    reach, frames = network.receptive_field, 41
    text = torch.randn(1, 24, frames, requires_grad=True)
    pitch, energy = (torch.randn(1, frames, requires_grad=True) for _ in range(2))
    network.decode(text, pitch, energy, torch.tensor([0]))[0, :, 20].sum().backward()
    assert 0 < reach < 20
    for tensor in (text, pitch, energy):
        touched = tensor.grad.reshape(-1, frames).abs().sum(0).nonzero().flatten()
        assert 20 - reach <= touched.min() and touched.max() <= 20 + reach
    assert touched.min() == 20 - reach and touched.max() == 20 + reach  # of the energy: no wider than it has to be


def test_gradients_reach_every_parameter(network):
    network.train()
    phones, stress = ids([12, 12])
    encoded = network.encode(phones, stress, torch.tensor([0, 1]), torch.tensor([0, 1]))
    durations = torch.full(phones.shape, 3)
    text, pitch, energy = (expand(x, durations, 36) for x in (encoded.text, encoded.pitch, encoded.energy))
    mel = network.decode(text, pitch.detach(), energy.detach(), torch.tensor([0, 1]))
    (mel.square().mean() + sum(x.square().mean() for x in encoded[1:])).backward()
    network.eval()
    missing = [name for name, weight in network.named_parameters() if weight.grad is None or not weight.grad.any()]
    assert missing == []
    network.zero_grad(set_to_none=True)


def test_prosody_does_not_shape_the_encodings(network):
    phones, stress = ids([7])
    encoded = network.encode(phones, stress, torch.tensor([0]), torch.tensor([0]))
    (encoded.durations.sum() + encoded.pitch.sum() + encoded.energy.sum()).backward()
    assert network.phones.weight.grad is None and network.encoder.norm.weight.grad is None
    assert network.speaker.weight.grad.any() and network.predict.weight.grad.any()
    network.zero_grad(set_to_none=True)


@torch.no_grad()
def test_who_speaks_and_how_it_is_stressed_is_heard(network):
    phones, stress = ids([7])
    anna, ben, german = torch.tensor([0]), torch.tensor([1]), torch.tensor([0])
    one, other = (network.encode(phones, stress, speaker, german) for speaker in (anna, ben))
    assert torch.equal(one.text, other.text) and not torch.allclose(one.durations, other.durations)
    assert not torch.allclose(network.encode(phones, 1 - stress, anna, german).text, one.text)
    assert not torch.allclose(network.encode(phones, stress, anna, 1 - german).text, one.text)
    frames = torch.zeros(1, 7)
    mels = [network.decode(one.text, frames, frames, speaker) for speaker in (anna, ben)]
    assert not torch.allclose(*mels)

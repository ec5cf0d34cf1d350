import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vocoder.errors import InputError
from vocoder.signal.spec import PRESETS, MelSpec, preset


def test_presets_are_those_of_the_design():
    table = {name: (s.sample_rate, s.n_fft, s.hop, s.bands, s.fmax) for name, s in PRESETS.items()}
    assert table == {
        "22k": (22_050, 1024, 256, 80, 11_025.0),
        "22k-8k": (22_050, 1024, 256, 80, 8_000.0),
        "16k": (16_000, 512, 128, 80, 8_000.0),
        "44k": (44_100, 2048, 512, 128, 22_050.0),
    }


@pytest.mark.parametrize("name", PRESETS)
def test_fields_survive_a_round_trip_and_keep_the_fingerprint(name):
    spec = preset(name)
    again = MelSpec.from_dict(spec.to_dict())
    assert again == spec and again.fingerprint == spec.fingerprint


def test_every_field_changes_the_fingerprint():
    spec = MelSpec()
    changes = {
        "sample_rate": 24_000, "n_fft": 2048, "hop": 128, "bands": 100, "fmin": 20.0, "fmax": 8_000.0,
        "mel_scale": "htk", "mel_norm": "none", "log_base": "10", "floor": 1e-4, "padding": "constant",
    }  # fmt: skip
    assert changes.keys() | {"window"} == spec.to_dict().keys()  # one window is known so far
    prints = {dataclasses.replace(spec, **{name: value}).fingerprint for name, value in changes.items()}
    assert len(prints | {spec.fingerprint}) == len(changes) + 1


def test_a_mismatch_names_every_differing_field_and_both_values():
    with pytest.raises(InputError) as error:
        preset("22k").require(preset("16k"), "the vocoder a", "the mel b.npy")
    message = str(error.value)
    for part in ("the vocoder a", "the mel b.npy", "sample_rate 22050 against 16000", "n_fft 1024 against 512",
                 "hop 256 against 128", "fmax 11025.0 against 8000.0"):  # fmt: skip
        assert part in message
    assert "bands" not in message and "\n" not in message


def test_an_equal_spec_is_accepted():
    preset("22k").require(MelSpec.from_dict(preset("22k").to_dict()), "a", "b")


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"hop": 255}, "hop"),
        ({"hop": 1024}, "hop"),
        ({"fmax": 12_000.0}, "fmax"),
        ({"fmin": -1.0}, "fmin"),
        ({"fmin": 11_025.0}, "fmin"),
        ({"bands": 0}, "bands"),
        ({"mel_scale": "bark"}, "mel_scale"),
        ({"floor": 0.0}, "floor"),
    ],
)
def test_values_out_of_range_are_refused(change, word):
    with pytest.raises(InputError, match=word):
        dataclasses.replace(MelSpec(), **change)


@pytest.mark.parametrize("change", [{"hop": "256"}, {"hop": 256.0}, {"hop": True}, {"fmax": "8000"}])
def test_fields_of_a_wrong_type_are_refused(change):
    with pytest.raises(InputError, match=r"config\.json: .*must be"):
        MelSpec.from_dict(MelSpec().to_dict() | change, "config.json")


def test_unknown_and_missing_fields_are_named():
    fields = MelSpec().to_dict() | {"hop_size": 256}
    del fields["hop"]
    with pytest.raises(InputError, match=r"hop.*hop_size"):
        MelSpec.from_dict(fields)


def test_an_unknown_preset_lists_those_there_are():
    with pytest.raises(InputError, match="22k, 22k-8k, 16k, 44k"):
        preset("24k")


@given(st.integers(1, 100_000), st.sampled_from(sorted(PRESETS)))
def test_frames_cover_the_samples_and_no_more(samples, name):
    spec = preset(name)
    frames = spec.frames(samples)
    assert (frames - 1) * spec.hop < samples <= frames * spec.hop

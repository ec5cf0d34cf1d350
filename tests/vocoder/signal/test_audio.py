"""Sound files: exact values, round trips, resampling against theory, and one line for every bad file."""

from __future__ import annotations

import io
import re
import resource
import struct
import warnings
import wave
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from vocoder.errors import InputError
from vocoder.signal import audio

SPEECH = Path(__file__).parents[2] / "fixtures" / "kathleen" / "wavs" / "arctic_a0004.flac"
RATE = 22_050


@pytest.fixture(scope="module")
def speech() -> np.ndarray:
    return soundfile.read(SPEECH, dtype="float32")[0]


def wav_bytes(data: bytes, *, kind=1, bits=16, channels=1, rate=RATE, size=None, order="<") -> bytes:
    """A wav file made by hand; `size` is what the header says about the data."""
    frame = channels * bits // 8
    body = struct.pack(f"{order}4sIHHIIHH", b"fmt ", 16, kind, channels, rate, rate * frame, frame, bits)
    body += struct.pack(f"{order}4sI", b"data", len(data) if size is None else size) + data
    return struct.pack(f"{order}4sI4s", b"RIFF" if order == "<" else b"RIFX", 4 + len(body), b"WAVE") + body


def refused(path: Path, *words: str) -> None:
    """Reading is an InputError of one line that names the file and says these words."""
    with warnings.catch_warnings(), pytest.raises(InputError) as caught:
        warnings.simplefilter("error")
        audio.read(path)
    message = str(caught.value)
    assert "\n" not in message and str(path) in message
    for word in words:
        assert word in message


def amplitude(wave: np.ndarray, frequency: float, rate: int) -> float:
    """Amplitude of a tone in the middle of a wave, by least squares."""
    wave = wave[len(wave) // 4 : -len(wave) // 4]
    phase = 2 * np.pi * frequency * np.arange(len(wave)) / rate
    basis = np.stack([np.sin(phase), np.cos(phase)], axis=1)
    return float(np.hypot(*np.linalg.lstsq(basis, wave.astype(np.float64), rcond=None)[0]))


# reading


@pytest.mark.parametrize(
    ("data", "kind", "bits"),
    [
        (bytes([128, 192, 0]), 1, 8),
        (struct.pack("<3h", 0, 2**14, -(2**15)), 1, 16),
        (bytes([0, 0, 0, 0, 0, 0x40, 0, 0, 0x80]), 1, 24),
        (struct.pack("<3i", 0, 2**30, -(2**31)), 1, 32),
        (struct.pack("<3f", 0, 0.5, -1), 3, 32),
        (struct.pack("<3d", 0, 0.5, -1), 3, 64),
    ],
)
def test_wav_of_8_to_64_bits_has_full_scale_at_one(tmp_path, data, kind, bits):
    path = tmp_path / "a.wav"
    path.write_bytes(wav_bytes(data, kind=kind, bits=bits))
    wave, rate = audio.read(path)
    assert rate == RATE and wave.dtype == np.float32
    np.testing.assert_array_equal(wave, [[0.0, 0.5, -1.0]])


def test_channels_come_first_and_mono_is_their_mean(tmp_path):
    path = tmp_path / "a.wav"
    path.write_bytes(wav_bytes(struct.pack("<6h", 2**14, 0, 2**13, 2**14, 0, 0), channels=3))
    wave, _ = audio.read(path)
    np.testing.assert_array_equal(wave, [[0.5, 0.5], [0.0, 0.0], [0.25, 0.0]])
    np.testing.assert_array_equal(audio.read_mono(path, RATE), [0.25, np.float32(0.5 / 3)])
    assert audio.info(path) == (RATE, 3, 2)


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".ogg", ".mp3"])
@pytest.mark.parametrize("channels", [1, 2])
def test_speech_survives_every_format(tmp_path, speech, suffix, channels):
    path = tmp_path / f"a{suffix}"
    wave = np.stack([speech, -0.5 * speech][:channels])
    audio.write(path, wave, RATE)
    assert audio.info(path) == audio.Info(RATE, channels, len(speech))
    back, rate = audio.read(path)
    assert rate == RATE and back.shape == wave.shape
    if suffix in (".wav", ".flac"):
        np.testing.assert_array_equal(back[0], wave[0])
    else:
        assert 10 * np.log10((wave**2).sum() / ((back - wave) ** 2).sum()) > 12


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".ogg", ".mp3"])
def test_a_segment_is_that_part_of_the_whole(tmp_path, speech, suffix):
    path = tmp_path / f"a{suffix}"
    audio.write(path, speech, RATE)
    whole = audio.read_mono(path, RATE)
    for first, count in [(0, 100), (12_345, 5000), (len(speech) - 700, 700)]:
        part = audio.read_mono(path, RATE, offset=first / RATE, duration=count / RATE)
        np.testing.assert_array_equal(part, whole[first : first + count])
    np.testing.assert_array_equal(audio.read_mono(path, RATE, offset=1.0), whole[RATE:])


@pytest.mark.parametrize(
    ("offset", "duration"), [(-0.1, None), (9.0, None), (0.0, 9.0), (2.0, 1.0), (0.0, 0.0), (0.0, -1.0)]
)
def test_a_segment_outside_the_file_is_refused(offset, duration):
    with pytest.raises(InputError, match=f"{SPEECH.name}.*not inside the file, which has 2.34961 s"):
        audio.read(SPEECH, offset=offset, duration=duration)


def test_a_rate_resamples_on_reading(speech):
    wave, rate = audio.read(SPEECH, 16_000)
    assert rate == 16_000
    np.testing.assert_array_equal(wave[0], audio.resample(speech, RATE, 16_000))


# bad files


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".ogg", ".mp3"])
@pytest.mark.parametrize(
    "content", [b"not sound at all\n" * 99, b"\0" * 4096, "A text".encode("utf-16"), b"RI", b"ID3"]
)
def test_what_is_not_sound_is_refused_without_noise(tmp_path, capfd, suffix, content):
    path = tmp_path / f"a{suffix}"
    path.write_bytes(content)
    refused(path, "not a sound file", "wav, flac, ogg or mp3")
    assert capfd.readouterr() == ("", "")


def test_missing_empty_and_folder_are_refused(tmp_path):
    refused(tmp_path / "none.wav", "no such file")
    refused(tmp_path, "is a folder")
    empty = tmp_path / "a.flac"
    empty.touch()
    refused(empty, "0 bytes")
    (tmp_path / "b.wav").write_bytes(wav_bytes(b""))
    refused(tmp_path / "b.wav", "0 samples")


@pytest.mark.parametrize(
    ("name", "subtype"), [("a.wav", "PCM_16"), ("a.wav", "DOUBLE"), ("a.flac", None), ("a.ogg", None), ("a.mp3", None)]
)
@pytest.mark.parametrize("cut", [-1, -30, 0.9, 0.5, 0.1, 120])
def test_a_cut_file_is_refused(tmp_path, capfd, speech, name, subtype, cut):
    path = tmp_path / name
    audio.write(path, speech, RATE, subtype=subtype)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(cut * len(whole)) if isinstance(cut, float) else cut])
    refused(path, "truncated or damaged")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_wav_header_cannot_promise_more_than_is_there(tmp_path, order):
    path = tmp_path / "a.wav"
    path.write_bytes(wav_bytes(b"\1\0" * 100, size=202, order=order))
    refused(path, "promises 202 bytes of sound and 200 are there")
    path.write_bytes(wav_bytes(b"\1\0" * 100, size=200, order=order))
    assert audio.info(path).samples == 100
    path.write_bytes(wav_bytes(b"")[:30])
    refused(path, "ends before its sound begins")


@pytest.mark.parametrize("size", [0xFFFF_FFFF, 0x7FFF_F000])
def test_a_wav_that_came_through_a_pipe_is_whole(tmp_path, size):
    path = tmp_path / "a.wav"
    path.write_bytes(wav_bytes(b"\0\x40" * 100, size=size))
    np.testing.assert_array_equal(audio.read(path)[0], np.full((1, 100), 0.5))


def test_a_64_bit_wav_header_is_read_and_checked(tmp_path, speech):
    path = tmp_path / "a.wav"
    soundfile.write(path, speech, RATE, format="RF64", subtype="PCM_16")
    assert path.read_bytes()[:4] == b"RF64"
    np.testing.assert_array_equal(audio.read(path)[0][0], speech)
    path.write_bytes(path.read_bytes()[:-2])
    refused(path, "truncated")


def without_count(path: Path) -> bytes:
    """An mp3 without its first frame, which holds the count of the others and no sound."""
    whole = path.read_bytes()
    assert whole[13:17] in (b"Xing", b"Info")
    first = re.search(rb"\xff[\xf2\xf3]", whole[2:])
    return whole[2 + first.start() :]


def test_an_mp3_without_a_count_is_counted(tmp_path, speech):
    path = tmp_path / "a.mp3"
    soundfile.write(path, speech, RATE, bitrate_mode="CONSTANT", compression_level=0.5)
    sound = without_count(path)
    path.write_bytes(sound)
    found = audio.info(path)
    # MPEG 2 layer III has 576 samples a frame; the encoder's delay and padding are no longer cut off
    assert found.samples % 576 == 0 and len(speech) <= found.samples < len(speech) + 4 * 576
    assert audio.read(path)[0].shape == (1, found.samples)
    path.write_bytes(b"ID3\4\0\0\0\0\1\1" + b"\0" * 129 + sound)  # a tag of 1·128 + 1 bytes in front
    assert audio.info(path) == found
    path.write_bytes(sound[:-1])
    refused(path, "last frame is cut")
    soundfile.write(path, speech, RATE, bitrate_mode="VARIABLE", compression_level=0.5)
    path.write_bytes(without_count(path))
    refused(path, "variable bit rate", "convert it")


def test_a_flac_that_does_not_say_its_length_is_refused(tmp_path):
    path = tmp_path / "a.flac"
    flac = bytearray(SPEECH.read_bytes())
    flac[21] &= 0xF0  # the 36 bits of STREAMINFO that hold the number of samples
    flac[22:26] = bytes(4)
    path.write_bytes(flac)
    refused(path, "does not say its length")


@pytest.mark.parametrize("suffix", [".flac", ".ogg", ".mp3"])
def test_a_damaged_middle_is_refused(tmp_path, capfd, speech, suffix):
    path = tmp_path / f"a{suffix}"
    audio.write(path, np.tile(speech, 8), RATE)
    sound = bytearray(path.read_bytes())
    sound[len(sound) // 3 : len(sound) // 2] = bytes(len(sound) // 2 - len(sound) // 3)
    path.write_bytes(sound)
    refused(path, "truncated or damaged")


def test_an_ogg_cut_between_two_pages_is_refused(tmp_path, speech):
    path = tmp_path / "a.ogg"
    audio.write(path, speech, RATE)
    whole = path.read_bytes()
    path.write_bytes(whole[: whole.rindex(b"OggS")])
    refused(path, "last page is not the end of the stream")


def test_a_chunk_of_odd_length_before_the_sound_is_passed_over(tmp_path):
    path = tmp_path / "a.wav"
    whole = wav_bytes(b"\0\x40" * 100, size=202)
    note = struct.pack("<4sI", b"note", 3) + b"abc\0"  # three bytes and one to make them even
    path.write_bytes(whole[:36] + note + whole[36:])
    refused(path, "promises 202 bytes of sound and 200 are there")


def test_no_channels_is_refused(tmp_path):
    path = tmp_path / "a.wav"
    path.write_bytes(wav_bytes(b"\0\0", channels=0))
    refused(path, "hannel")


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e300])
def test_samples_that_are_not_finite_are_refused(tmp_path, bad):
    path = tmp_path / "a.wav"
    path.write_bytes(wav_bytes(struct.pack("<3d", 0, bad, 0), kind=3, bits=64))
    refused(path, "NaN or infinite")


def test_silence_is_allowed_with_a_warning(tmp_path):
    path = tmp_path / "a.wav"
    audio.write(path, np.zeros(100), RATE)
    with pytest.warns(UserWarning, match=r"a\.wav: silent recording"):
        wave, _ = audio.read(path)
    assert wave.shape == (1, 100) and not wave.any()
    audio.write(path, np.full(100, 2.0**-14), RATE)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        audio.read(path)


# writing


@given(st.lists(st.integers(-(2**23), 2**23 - 1), min_size=1, max_size=50))
@settings(max_examples=25, deadline=None)
@pytest.mark.filterwarnings("ignore:.*silent")
def test_24_bits_round_trip_exactly(tmp_path_factory, values):
    path = tmp_path_factory.mktemp("audio") / "a.wav"
    wave = np.array(values, np.float32) / 2**23
    audio.write(path, wave, RATE, subtype="PCM_24")
    np.testing.assert_array_equal(soundfile.read(path, dtype="int32")[0] >> 8, values)
    np.testing.assert_array_equal(audio.read(path)[0][0], wave)


@pytest.mark.parametrize(
    ("name", "subtype", "step"),
    [("a.wav", "PCM_U8", 2**-7), ("a.wav", None, 2**-15), ("a.flac", "PCM_S8", 2**-7), ("a.wav", "PCM_32", 2**-24),
     ("a.wav", "FLOAT", 0), ("a.wav", "DOUBLE", 0)],
)  # fmt: skip
def test_quantisation_rounds_to_the_nearest(tmp_path, name, subtype, step):
    wave = np.random.default_rng(0).uniform(-1, 1 - 2**-7, 5000).astype(np.float32)
    audio.write(tmp_path / name, wave, RATE, subtype=subtype)
    error = np.abs(audio.read(tmp_path / name)[0][0].astype(np.float64) - wave)
    assert error.max() <= step / 2
    assert error.mean() >= step / 5 or step < 2**-20


def test_what_is_too_loud_is_clipped_with_a_warning(tmp_path):
    path = tmp_path / "a.wav"
    with pytest.warns(UserWarning, match=r"a\.wav: clipped, the wave reaches 3 of full scale"):
        audio.write(path, np.array([0.0, 2.0, -3.0, 0.25]), RATE)
    np.testing.assert_array_equal(soundfile.read(path, dtype="int16")[0], [0, 32767, -32768, 8192])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        audio.write(path, np.array([1.0, -1.0]), RATE)


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".ogg", ".mp3"])
def test_a_comment_is_stored_and_long_sound_can_be_written(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    noise = np.random.default_rng(0).normal(0, 0.1, 1_500_000)
    audio.write(path, noise, RATE, comment="made by a test")
    assert audio.info(path).samples == len(noise)
    with soundfile.SoundFile(path) as file:
        assert file.comment == "made by a test"


def unwritable(path: Path, word: str, **settings) -> None:
    before = sorted(path.parent.iterdir()) if path.parent.is_dir() else None
    arguments = {"wave": np.zeros(10), "rate": RATE} | settings
    with pytest.raises(InputError) as caught:
        audio.write(path, **arguments)
    assert word in str(caught.value) and str(path) in str(caught.value) and "\n" not in str(caught.value)
    assert before is None or sorted(path.parent.iterdir()) == before


def test_what_cannot_be_written_is_one_line_and_leaves_nothing(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "folder.wav").mkdir()
    unwritable(tmp_path / "a", ".wav, .flac, .ogg, .mp3")
    unwritable(tmp_path / "a.aac", ".wav, .flac, .ogg, .mp3")
    unwritable(tmp_path / "none" / "a.wav", "not a folder")
    unwritable(tmp_path / "file" / "a.wav", "not a folder")
    unwritable(tmp_path / "folder.wav", "is a folder")
    unwritable(tmp_path / "a.wav", "'MP3'", subtype="MP3")
    unwritable(tmp_path / "a.mp3", "at 96000 Hz", rate=96_000)
    unwritable(tmp_path / "a.wav", "NaN", wave=np.array([0.0, np.nan]))
    unwritable(tmp_path / "a.wav", "shape (0,)", wave=np.zeros(0))
    unwritable(tmp_path / "a.wav", "shape (1, 2, 3)", wave=np.zeros((1, 2, 3)))


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".ogg", ".mp3"])
def test_a_full_disk_leaves_the_old_file_whole(tmp_path, speech, suffix):
    path = tmp_path / f"a{suffix}"
    audio.write(path, speech[:1000], RATE)
    before = path.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))  # no file may grow beyond this
    try:
        with pytest.raises(InputError, match="cannot be written"):
            audio.write(path, speech, RATE)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == before and [p.name for p in tmp_path.iterdir()] == [path.name]


# piece by piece


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".ogg", ".mp3"])
def test_pieces_make_the_file_that_the_whole_makes(tmp_path, speech, suffix):
    whole, pieces = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
    audio.write(whole, speech, RATE, comment="by a test")
    with audio.writing(pieces, RATE, comment="by a test") as put:
        for piece in np.split(speech, [1, 1, 700, 30_000]):
            put(piece)
    lossless = suffix in (".wav", ".flac")  # the others' encoders look at what they are given at once
    np.testing.assert_allclose(audio.read(pieces)[0], audio.read(whole)[0], rtol=0, atol=0 if lossless else 1e-3)
    with soundfile.SoundFile(pieces) as file:
        assert file.comment == "by a test"


def test_stereo_pieces(tmp_path, speech):
    wave = np.stack([speech, -0.5 * speech])
    with audio.writing(tmp_path / "a.wav", RATE, channels=2) as put:
        put(wave[:, :999])
        put(wave[:, 999:])
    np.testing.assert_array_equal(soundfile.read(tmp_path / "a.wav", dtype="float32")[0].T[0], speech)
    mono = pytest.raises(InputError, match=r"a piece has shape \(1, 9\), must be \(2, samples\)")
    with mono, audio.writing(tmp_path / "b.wav", RATE, channels=2) as put:
        put(speech[:9])
    assert not (tmp_path / "b.wav").exists()


def test_a_file_appears_only_when_its_last_piece_is_in(tmp_path, speech):
    path = tmp_path / "a.wav"
    audio.write(path, speech[:10], RATE)
    with pytest.raises(KeyboardInterrupt), audio.writing(path, RATE) as put:
        put(speech)
        assert audio.info(path).samples == 10
        raise KeyboardInterrupt
    assert audio.info(path).samples == 10 and len(list(tmp_path.iterdir())) == 1
    with pytest.raises(InputError, match="no samples"), audio.writing(path, RATE):
        assert audio.info(path).samples == 10
    with pytest.raises(InputError, match="NaN or infinite"), audio.writing(path, RATE) as put:
        put(speech)
        put(np.array([0, np.nan]))
    assert audio.info(path).samples == 10 and len(list(tmp_path.iterdir())) == 1


def test_clipping_in_pieces_is_one_warning_of_the_highest_peak(tmp_path):
    warned = pytest.warns(UserWarning, match=r"a\.wav: clipped, the wave reaches 3 of full scale")
    with warned as caught, audio.writing(tmp_path / "a.wav", RATE) as put:
        put(np.array([0.5, 2.0]))
        put(np.array([-3.0, 0.25]))
    assert len(caught) == 1
    np.testing.assert_array_equal(soundfile.read(tmp_path / "a.wav", dtype="int16")[0], [16384, 32767, -32768, 8192])


class Pipe(io.RawIOBase):
    """Remembers what it is given, and cannot go back."""

    def __init__(self) -> None:
        self.given: list[bytes] = []

    def write(self, data) -> int:
        self.given.append(bytes(data))
        return len(data)


@pytest.mark.parametrize("comment", [None, "odd", "even", "schön"])
def test_a_pipe_gets_each_piece_at_once_and_is_a_wav_of_open_length(tmp_path, speech, comment):
    pipe = Pipe()
    with audio.piping(pipe, RATE, comment=comment) as put:
        assert pipe.given == []
        for index, piece in enumerate(np.split(speech, [100, 5000]), 1):
            put(piece)
            assert len(pipe.given) == index
    path = tmp_path / "a.wav"
    path.write_bytes(b"".join(pipe.given))
    whole = tmp_path / "b.wav"
    audio.write(whole, speech, RATE)
    np.testing.assert_array_equal(audio.read(path)[0], audio.read(whole)[0])
    assert audio.info(path) == (RATE, 1, len(speech))
    with soundfile.SoundFile(path) as file:
        assert file.comment == (comment or "")
    with wave.open(str(path)) as file:  # Python's own reader takes it too
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (RATE, 1, 2)
        assert file.readframes(len(speech)) == path.read_bytes()[-2 * len(speech) :]


# resampling and level


@pytest.mark.parametrize(
    ("from_rate", "to_rate"), [(48_000, 22_050), (44_100, 16_000), (22_050, 16_000), (96_000, 8_000)]
)
def test_resampling_keeps_what_fits_and_removes_what_would_alias(from_rate, to_rate):
    time = np.arange(from_rate) / from_rate
    for fraction in (0.05, 0.5, 0.9):
        frequency = fraction * to_rate / 2
        tone = audio.resample(np.sin(2 * np.pi * frequency * time), from_rate, to_rate)
        assert abs(20 * np.log10(amplitude(tone, frequency, to_rate))) < 0.1
    for fraction in (1.0, 1.05, 1.3):
        frequency = fraction * to_rate / 2
        alias = audio.resample(np.sin(2 * np.pi * frequency * time), from_rate, to_rate)[500:-500]
        assert audio.level(alias) < -80


def test_resampling_upwards_adds_no_image_and_no_delay():
    time = np.arange(16_000) / 16_000
    made = audio.resample(np.sin(2 * np.pi * 7000 * time), 16_000, 22_050)
    ideal = np.sin(2 * np.pi * 7000 * np.arange(22_050) / 22_050)
    assert audio.level((made - ideal)[500:-500]) < -60
    assert amplitude(made, 9000, 22_050) < 1e-4  # the mirror image of 7000 Hz about 8000 Hz


@given(
    st.integers(1, 3000),
    st.sampled_from([8000, 16_000, 22_050, 44_100, 48_000]),
    st.sampled_from([8000, 16_000, 22_050, 44_100]),
)
@settings(max_examples=40, deadline=None)
def test_resampled_length_is_the_nearest(samples, from_rate, to_rate):
    wave = audio.resample(np.ones((2, samples), np.float32), from_rate, to_rate)
    assert wave.dtype == np.float32 and wave.shape == (2, audio.resampled_length(samples, from_rate, to_rate))
    assert abs(wave.shape[1] - samples * to_rate / from_rate) <= 0.5


def test_level_is_in_db_of_full_scale():
    assert audio.level(np.ones(10)) == 0
    assert audio.level(np.full((2, 10), 0.1)) == pytest.approx(-20)
    assert audio.level(np.sin(2 * np.pi * np.arange(1000) / 100)) == pytest.approx(-3.0103, abs=1e-4)
    assert audio.level(np.zeros(10)) == -np.inf


# streams


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".ogg", ".mp3", ".opus"])
def test_blocks_are_the_channels_piece_by_piece(tmp_path, suffix):
    wave = np.random.default_rng(0).uniform(-0.5, 0.5, (2, 150_001)).astype(np.float32)
    audio.write(tmp_path / f"a{suffix}", wave, 48_000)
    whole, _ = audio.read(tmp_path / f"a{suffix}")
    for channel in (0, 1):
        pieces = list(audio.blocks(tmp_path / f"a{suffix}", channel))
        assert len(pieces) == 3 and np.array_equal(np.concatenate(pieces), whole[channel])


@pytest.mark.parametrize("to_rate", [16_000, 22_050, 44_100, 48_000, 7_999])
def test_resampling_block_by_block_is_resampling_the_whole(to_rate):
    wave = np.random.default_rng(0).uniform(-0.5, 0.5, (2, 30_011)).astype(np.float32)
    whole = audio.resample(wave, 22_050, to_rate)
    for given_wave, wanted in ((wave, whole), (wave[0], whole[0])):
        pieces = np.split(given_wave, [5, 5, 7_000, 7_001, 29_000], axis=-1)
        np.testing.assert_array_equal(np.concatenate(list(audio.resampled(pieces, 22_050, to_rate)), axis=-1), wanted)
    assert list(audio.resampled([], 22_050, to_rate)) == []


def test_a_sample_type_goes_over_where_the_format_has_it(tmp_path):
    for subtype, out, wanted in (
        ("PCM_24", "b.wav", "PCM_24"),
        ("PCM_24", "b.flac", "PCM_24"),
        ("FLOAT", "b.flac", "PCM_24"),
        ("FLOAT", "b.mp3", None),
        ("PCM_U8", "b.flac", None),
        ("ULAW", "b.wav", None),
    ):
        soundfile.write(tmp_path / "a.wav", np.zeros(100), RATE, subtype)
        assert audio.sample_type(tmp_path / "a.wav", tmp_path / out) == wanted


@pytest.mark.parametrize(
    "head",
    [
        b"\0\0\0\x20ftypM4A ",
        b"\x1aE\xdf\xa3\x01\0\0\0",
        b"RIFF\x80\0\0\0AVI ",
        b"0&\xb2u\x8ef\xcf\x11",
        b"FLV\x01",
        b"\0\0\x01\xba",
    ],
)
def test_a_video_is_refused_with_the_way_to_its_sound(tmp_path, head):
    (tmp_path / "film.bin").write_bytes(head + bytes(200))
    refused(tmp_path / "film.bin", "a video", "ffmpeg -i film.bin -vn sound.wav")

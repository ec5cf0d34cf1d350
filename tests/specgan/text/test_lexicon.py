import pytest

from specgan.text.lexicon import Lexicon
from specgan.text.normalise import normalise
from specgan.text.phonemes import phonemise
from vocoder.errors import InputError


def lexicon_file(folder, text):
    path = folder / "names.txt"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_a_file_is_read_and_found_in_without_regard_to_capitals(tmp_path):
    path = lexicon_file(
        tmp_path,
        "\ufeff#\n\nGaither\tɡˈeɪðɚ\r\nNew  York\t nuː  jˈɔːɹk \n  # more\nthree-D\tθɹˈiːdˈiː\nÉmile’s\temˈiːlz\n",
    )
    lexicon = Lexicon.read(path)
    assert lexicon.find("gaither") == lexicon.find("GAITHER") == "ɡˈeɪðɚ"
    assert lexicon.find("new york") == "nuː jˈɔːɹk"
    assert lexicon.find("E\u0301MILE'S") == "emˈiːlz"
    assert lexicon.find("York") is None and lexicon.find("") is None


def test_the_longest_entry_is_taken_and_no_word_is_lost():
    lexicon = Lexicon({"new york": "A".lower(), "new york city": "b", "york": "c"})
    text = "New York City and new  York, old York"
    assert lexicon.split(text) == [("New York City", "b"), ("and new York, old", None), ("York", "c")]
    assert lexicon.split("new york") == [("new york", "a")]
    assert Lexicon({}).split("some words") == [("some words", None)] and lexicon.split("") == []


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("Anna ˈænə", "no tab"),
        ("Anna", "no tab"),
        ("\tˈænə", "'' is no word"),
        ("Anna\t", "pronunciation of 'Anna' is empty"),
        ("Anna\tAE1 N AH0", "has 'A'; write IPA"),
        ("Anna\tˈæn.ə", "has '.'"),
        ("Anna\tˈˌ", "no phoneme"),
        ("3D\tθɹˈiːdˈiː", "'3D' has '3'; write it as it is read"),
        ("Dr.\tdˈɑːktɚ", "has '.'"),
        ("ANNE\tˈæn", "stands already in line 1"),
    ],
)
def test_a_bad_line_is_named(tmp_path, line, message):
    path = lexicon_file(tmp_path, f"Anne\tˈæn\n\n{line}\n")
    with pytest.raises(InputError) as caught:
        Lexicon.read(path)
    assert str(caught.value).startswith(f"{path}:3: ") and message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(InputError, match=r"absent.txt: the lexicon cannot be read: No such file"):
        Lexicon.read(tmp_path / "absent.txt")
    with pytest.raises(InputError, match="not UTF-8 text: byte 1 "):
        Lexicon.read(lexicon_file(tmp_path, b"a\xff\t\n"))


def test_an_entry_reaches_the_voice(tmp_path):
    lexicon = Lexicon.read(lexicon_file(tmp_path, "three-D\ttɹiːdiː\nhermione\thɚmˈaɪəniː\n"))
    said = phonemise(normalise("HERMIONE saw it in 3D!", "en"), "en", lexicon)
    assert said.startswith("hɚmˈaɪəniː ") and said.endswith(" tɹiːdiː!")

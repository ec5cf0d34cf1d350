from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specgan.text.phonemes import phonemise
from specgan.text.symbols import PAUSES, PUNCTUATION, STRESSES, TONES, Symbols, Token, tokenise
from vocoder.errors import InputError


def written(tokens):
    """Phones with their stress or tone, as one reads them."""
    return [token.stress + token.phone for token in tokens]


def test_phones_stresses_and_pauses_of_a_sentence():
    tokens = tokenise("həlˈoʊ, wˈɜːld.")
    assert [token.phone for token in tokens] == ["^", "h", "ə", "l", "o", "ʊ", ",", "w", "ɜː", "l", "d", "."]
    assert [token.stress for token in tokens] == ["", "", "", "", "ˈ", "", "", "", "ˈ", "", "", ""]
    assert [token.pause for token in tokens] == [True, *[False] * 5, True, *[False] * 4, True]


@pytest.mark.parametrize(
    ("ipa", "phones"),
    [
        ("ɑ̃", ["ɑ̃"]),
        ("ã", ["ã"]),  # one code point, and a letter with its tilde behind it
        ("a\u0303", ["a\u0303"]),
        ("ç", ["ç"]),  # a letter of its own, however it is written
        ("c\u0327", ["ç"]),
        ("prʲivʲ", ["p", "rʲ", "i", "vʲ"]),
        ("tʰaːː", ["tʰ", "aːː"]),
        ("t͡s", ["t", "s"]),  # a tie joins nothing here
        ("n̩", ["n̩"]),
        ("lə- mɔ̃d", ["l", "ə", " ", "m", "ɔ̃", "d"]),
        ("ːa", ["a"]),  # a modifier of nothing
        ("e͡ɪ", ["e", "ɪ"]),
    ],
)
def test_a_phone_is_a_letter_with_its_modifiers(ipa, phones):
    assert [token.phone for token in tokenise(ipa)] == ["^", *phones_decomposed(phones), "."]


def phones_decomposed(phones):
    return ["a\u0303" if phone == "ã" else phone for phone in phones]


def test_a_stress_before_the_consonants_is_the_vowels():
    assert written(tokenise("ˈwɜːld ˌstɹɛŋθ")) == ["^", "w", "ˈɜː", "l", "d", " ", "s", "t", "ɹ", "ˌɛ", "ŋ", "θ", "."]
    assert written(tokenise("ˈst wɛ")) == ["^", "s", "t", " ", "w", "ɛ", "."]  # and of no other word's


def test_a_tone_is_its_vowels():
    assert written(tokenise("ni214χˈɑu214 tɕˈi55n")) == [
        "^",
        "n",
        "214i",
        "χ",
        "ˈɑ",
        "214u",
        " ",
        "tɕ"[0],
        "ɕ",
        "ˈ55i",
        "n",
        ".",
    ]


@pytest.mark.parametrize(
    ("ipa", "pauses"),
    [
        ("a b", "^ ."),
        ("a, b", "^,."),
        ("a ,b", "^,."),
        ("a  \n b?", "^ ?"),
        ("a", "^."),
        ("a ", "^."),
        (", a", "^."),
        ("a?! b", "^?."),
        ("a — b…", "^—…"),
    ],
)
def test_between_two_words_is_a_space_or_a_mark(ipa, pauses):
    assert "".join(token.phone for token in tokenise(ipa) if token.pause) == pauses


@pytest.mark.parametrize("ipa", ["", " ", ".", "ˈ", "ː", "?!", "12", "-"])
def test_without_a_phone_there_is_nothing_to_say(ipa):
    with pytest.raises(InputError, match="no phoneme; write IPA"):
        tokenise(ipa)


LETTERS = st.sampled_from([*"pbtdkgszʃʒmnŋlɹwjhaeiouəɛɪʊɜʌæɑɔ", "ː", "ʲ", "̃", "ˈ", "ˌ", " ", *PUNCTUATION, "1", "5"])


@given(st.lists(LETTERS, max_size=30).map("".join))
def test_any_notation_has_one_start_one_end_and_single_pauses(ipa):
    try:
        tokens = tokenise(ipa)
    except InputError:
        return
    assert tokens[0] == Token("^") and tokens[-1].phone in PUNCTUATION
    assert not any(first.pause and second.pause for first, second in pairwise(tokens[1:]))
    assert not any(token.pause and token.stress for token in tokens)
    assert tokens[1].phone == "^" or not tokens[1].pause
    again = tokenise(
        "".join(token.stress.strip(TONES) + token.phone + token.stress.strip(STRESSES) for token in tokens[1:])
    )
    assert [token.phone for token in again] == [token.phone for token in tokens]  # written out it is read the same


@pytest.mark.parametrize("language", ["en", "de", "nl", "ru", "cmn", "fr", "hi", "vi"])
def test_what_espeak_says_has_few_kinds_of_phones(language):
    text = {"ru": "Съешь ещё этих мягких булок", "cmn": "我们今天去北京大学学习中文", "hi": "नमस्ते आप कैसे हैं"}
    tokens = tokenise(phonemise(text.get(language, "Franz jagt im verwahrlosten taxi quer durch"), language))
    assert {token.phone for token in tokens if not token.pause}.isdisjoint(PAUSES + TONES + STRESSES + "()-'")
    assert any(token.stress for token in tokens)


def test_ids_of_an_inventory_and_back():
    tokens = tokenise("həlˈoʊ, wˈɜːld.")
    symbols = Symbols.of([tokens, tokenise("ˌaː?")])
    assert symbols.phones[0] == symbols.stresses[0] == ""
    assert set(PAUSES) | {"h", "ə", "l", "o", "ʊ", "w", "ɜː", "d", "aː"} == set(symbols.phones) - {""}
    phones, stresses, unknown = symbols.ids(tokens)
    assert unknown == [] and 0 not in phones
    assert [Token(symbols.phones[p], symbols.stresses[s]) for p, s in zip(phones, stresses, strict=True)] == tokens


def test_a_phone_that_the_model_lacks_is_read_without_its_modifiers_or_named():
    symbols = Symbols.of([tokenise("ba")])
    phones, stresses, unknown = symbols.ids(tokenise("bʲaː55 xyxb"))
    assert [symbols.phones[phone] for phone in phones] == ["^", "b", "a", " ", "b", "."]
    assert stresses == [0] * 6 and unknown == ["x", "y"]
    assert [token.phone for token in symbols.known(tokenise("bʲaː xyb"))] == ["^", "bʲ", "aː", " ", "b", "."]


def test_the_inventory_is_the_same_in_any_order():
    one, two = tokenise("bˈa"), tokenise("kˌi")
    assert Symbols.of([one, two]) == Symbols.of([two, one, one])

import re
import subprocess
import sys
import unicodedata
import warnings
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from specgan.text.normalise import normalise
from vocoder.errors import InputError

TABLE = Path(__file__).with_name("english.txt").read_text(encoding="utf-8")
CASES = [line.split(" | ") for line in TABLE.splitlines() if " | " in line and not line.startswith("# What")]
LANGUAGES = ["en", "en-gb", "de", "nl", "fr", "es", "it", "pt", "ru", "uk", "pl", "cs", "sv", "fi", "cmn", "ja", "hi"]

# text that the rules are about, which blind letters would seldom hit upon
RULED = r"""
Dr. St. Mr. Henry VIII I X V. J. R. U.S.A. e.g. i.e. etc. No. 5 7 12 1984 2,000 3.14 0 00 1/2 May 3rd 1st 90s '90s 's am
p.m. 14:30 $ £ € ¢ % ° C km m/s ^2 - – — + = & @ # * _ ** ( ) [ ] { } " ' ’ “ ” … ... . , ; : ! ? / \ | < > ~ www. .com
a.b x@y.z well-known don't 'em dogs' the Chapter IV. é ß Ω µ ½ ² 好 я 1. - 2) > 3 a) z.B. 3,5 € 5° 年 °C kΩ ' ''
"""
UNSEEN = ["\n", "\n\n", "\u0301", "\u200d", "\u200c", "\x07", "😀", "\ufeff", "[](x)"]
PIECES = st.sampled_from([*RULED.split(), *UNSEEN])
ANYTHING = st.one_of(
    st.text(max_size=40), st.lists(st.one_of(PIECES, st.just(" "), st.characters()), max_size=12).map("".join)
)


def quietly(text, language):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return normalise(text, language)


def test_the_table_is_long_enough():
    assert len(CASES) >= 120 and all(len(case) == 2 for case in CASES)


@pytest.mark.parametrize(("written", "said"), CASES)
def test_what_is_written_and_what_is_said(written, said):
    assert normalise(written.replace("\\n", "\n"), "en") == said


@pytest.mark.parametrize(("written", "said"), CASES)
def test_what_is_said_stays(written, said):
    assert normalise(said, "en") == said


@given(ANYTHING, st.sampled_from(LANGUAGES))
@settings(max_examples=400, deadline=None)
@example("[](x)", "en")
@example("Dr\n\nSmith", "en")
@example("Dr...", "de")
def test_any_text_becomes_words_and_marks_and_stays_so(text, language):
    try:
        said = quietly(text, language)
    except InputError:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert normalise(said, language) == said
    assert said == " ".join(said.split()) and not re.search(r" [.,;:!?…—]|^[.,;:!?…—]", said)
    assert not re.search(r"[.,;:!?…—]{2}|(?<![^ .,;:!?…—])-|-(?![^ .,;:!?…—])", said)
    rest = said if language.startswith("en") else re.sub(r"\d[\d.,:]*%?", "", said)
    assert not re.search(r"[^\w\s.,;:!?…—'\-]|\d|_", "".join(c for c in rest if unicodedata.category(c)[0] not in "MC"))


WORDS = st.lists(
    st.sampled_from(["the", "cat", "don't", "well-known", "NASA", "Anna", "Élan", "over", "a"]), min_size=1, max_size=20
)
MARKS = st.sampled_from(
    [" ", ", ", ". ", "! ", " — ", " (", ") ", ' "', "\n", "\n\n", "… ", "; ", " *", "* ", " / ", "\n- ", "\n# "]
)


@given(WORDS, st.lists(MARKS, min_size=20, max_size=20), st.sampled_from(["en", "de", "fr", "el"]))
@settings(max_examples=150, deadline=None)
def test_no_word_is_lost(words, marks, language):
    text = "".join(word + mark for word, mark in zip(words, marks, strict=False))
    assert re.findall(r"[\w'-]+", normalise(text, language)) == words


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("105", "one hundred and five"),
        ("3/5/2024", "the third of May twenty twenty-four"),
        ("2024-05-03", "the third of May twenty twenty-four"),
        ("5 km", "five kilometres"),
    ],
)
def test_the_english_of_england(written, said):
    assert normalise(written, "en-gb") == said


@pytest.mark.parametrize(
    ("language", "written", "said"),
    [
        ("de", "Am 3. Mai 1984 um 14:30 Uhr", "Am dritten Mai neunzehnhundertvierundachtzig um vierzehn Uhr dreißig"),
        ("de", "3,50 € (z. B. 50%).", "drei Euro fünfzig Cent, zum Beispiel fünfzig Prozent."),
        ("de", "1.234 Bücher, -5,5 Grad", "eintausendzweihundertvierunddreißig Bücher, minus fünf Komma fünf Grad"),
        ("de", "Ich war 3. Dann kam er & sie.", "Ich war drei. Dann kam er und sie."),
        ("de", "vom 3.5.2024", "vom dritten fünften zweitausendvierundzwanzig"),
        ("de", "10-20", "zehn bis zwanzig"),
        ("nl", "Op de 3e dag kostte het € 3,50.", "Op de derde dag kostte het drie euro vijftig cent."),
        ("nl", "'s avonds", "'s avonds"),
        ("fr", "Le 1er mai, M. Dupont", "Le premier mai, Monsieur Dupont"),
        ("fr", "1 234,5 %", "mille deux cent trente-quatre virgule cinq pour cent"),
        ("es", "¿Cuánto? El Sr. López, 3º.", "Cuánto? El señor López, tercero."),
        ("it", "Costa 3,25 €", "Costa tre euro venticinque centesimi"),
        ("pt", "R$ 3 ou 50%", "três reais ou cinquenta por cento"),
        ("ru", "21% 3,5% 5%", "двадцать один процент три целых пять десятых процента пять процентов"),
        ("ru", "т. е. 3-й дом, 50 руб.", "то есть третий дом, пятьдесят рублей."),
        ("uk", "3%", "три відсотка"),
        ("pl", "np. 50%", "na przykład pięćdziesiąt procent"),
        ("sv", "t.ex. 3,5 €", "till exempel tre komma fem euro"),
        ("cs", "3,5 %", "tři celá pět procent"),
        ("fi", "5 €", "viisi euroa"),
        ("cmn", "1984年，50%！你好。", "一九八四年, 百分之50! 你好."),
        ("ja", "「はい」、50%です。", "はい, 50 パーセントです."),
        ("el", "3,5 μήλα; Ναι.", "3,5 μήλα? Ναι."),
        ("hi", "ठीक है। ३ सेब", "ठीक है. 3 सेब"),
        ("ar", "مرحبا، كيف حالك؟", "مرحبا, كيف حالك?"),
    ],
)
def test_other_languages(language, written, said):
    assert normalise(written, language) == said


@pytest.mark.parametrize("language", ["de", "nl", "fr", "es", "it", "pt", "ru", "uk", "pl", "cs", "sv", "fi"])
def test_figures_of_languages_that_have_rules_are_all_read(language):
    text = (
        "0 1 12 123 1984 1.234.567 1 234 567 3,5 0,05 50% 3,5 % 5 € $3,50 £2 007 -5 10-20 3. 12345678901234567890 14:30"
    )
    assert not re.search(r"[\d%€$£]", normalise(text, language))


def test_what_cannot_be_spoken_is_named_once():
    with pytest.warns(UserWarning) as caught:
        assert normalise("a😀b \x07c 😀 я好 d\ud800", "en") == "a b c d"
    (warning,) = caught
    assert str(warning.message) == (
        "characters that cannot be spoken are skipped: "
        r"😀 (U+1F600), '\x07' (U+0007), я (U+044F), 好 (U+597D), '\ud800' (U+D800)"
    )
    assert Path(warning.filename).name == "normalise.py"


def test_of_many_characters_ten_are_named():
    with pytest.warns(UserWarning, match=r"я \(U\+044F\).* and 3 more$") as caught:
        normalise("яюэьыъщшчцхфу a", "en")
    assert str(caught[0].message).count("U+") == 10


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("ru", "привет hello"),
        ("cmn", "你好 hello"),
        ("el", "γειά"),
        ("hi", "क्‍ष"),  # a joiner between letters
        ("fa", "می‌خواهم"),
        ("en", "naïve café Dvořák Ångström"),
        ("vi", "Việt Nam"),
    ],
)
def test_what_can_be_spoken_stays_without_a_warning(language, text):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert normalise(text, language) == text


def test_what_has_no_form_is_left_out_without_a_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert (
            normalise("\ufeffsoft\u00adly\u200b \u202aspoken\u202c ❤".replace("❤", "\ufe0f"), "en") == "softly spoken"
        )


@pytest.mark.parametrize("text", ["", "  ", "\n", "...", "— ?!", "***", "( )", "-", "''", "[](x)", "✨"])
def test_a_text_without_words_is_refused(text):
    with pytest.raises(InputError, match="the text has no words to speak"):
        quietly(text, "en")


def test_composed_and_decomposed_letters_are_the_same():
    assert normalise("cafe\u0301", "fr") == normalise("café", "fr") == "café"
    assert normalise("ｈｅｌｌｏ ﬁre", "en") == "hello fire"


def test_numbers_are_what_imports_the_library_of_numbers():
    program = (
        "import sys\n"
        "from specgan.text.sentences import prepare_text\n"
        "prepare_text('Dr. Smith said: hello, world!', 'en'), prepare_text('Guten Tag', 'de')\n"
        "print({'num2words', 'numpy', 'torch', 'specgan.text.english_rules'} & set(sys.modules))\n"
        "prepare_text('5', 'en')\n"
        "print({'num2words', 'numpy', 'torch'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "set()\n{'num2words'}\n", done.stderr

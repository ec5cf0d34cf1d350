import ctypes
import json
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import espeakng_loader
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specgan.text import phonemes
from specgan.text.lexicon import Lexicon
from specgan.text.phonemes import phonemise
from vocoder.errors import InputError

SPOKEN = {
    "en-us": "Hello, world! This isn't the well-known story of Henry the eighth; it was long ago, in the archive.",
    "en-gb": "The water in the bath was hot; I'd rather drink it.",
    "de": "Guten Tag, wie geht es Ihnen? Das Mädchen aß sechsundzwanzig Äpfel — ohne zu fragen.",
    "nl": "Goedemorgen, het regent vandaag; de schaatsers gaan naar huis.",
    "ru": "Привет, как дела? Сегодня хорошая погода, и мы идём гулять.",
    "cmn": "你好, 世界! 我们今天去北京.",
    "fr-fr": "Bonjour, le monde! Les enfants sont-ils arrivés?",
    "es": "Hola, cómo estás? El perro corre rápido.",
    "it": "Ciao, come stai? Gli spaghetti sono buoni.",
    "pl": "Dzień dobry, jak się masz?",
    "sv": "God morgon, hur mår du?",
    "fi": "Hyvää päivää, mitä kuuluu?",
    "pt-br": "Bom dia, tudo bem?",
    "uk": "Привіт, як справи?",
    "tr": "Günaydın, nasılsın?",
    "vi": "Xin chào, bạn khỏe không?",
    "ja": "こんにちは, せかい.",
    "ko": "안녕하세요, 반갑습니다.",
    "hi": "नमस्ते, आप कैसे हैं?",
    "ar": "مرحبا, كيف حالك?",
    "el": "Καλημέρα, τι κάνεις?",
}


@pytest.fixture(scope="module")
def reference():
    """What phonemizer, another program around the same library, says; in a process of its own."""
    program = f"""
import json, sys
from phonemizer.backend import EspeakBackend
from phonemizer.backend.espeak.wrapper import EspeakWrapper
from phonemizer.separator import Separator
EspeakWrapper.set_library({espeakng_loader.get_library_path()!r})
EspeakWrapper.set_data_path({espeakng_loader.get_data_path()!r})
said = {{}}
for language, text in json.load(sys.stdin).items():
    backend = EspeakBackend(language, preserve_punctuation=True, with_stress=True, language_switch="remove-flags")
    said[language] = backend.phonemize([text], separator=Separator(word=" ", phone=""), strip=True)[0]
json.dump(said, sys.stdout)
"""
    done = subprocess.run([sys.executable, "-c", program], input=json.dumps(SPOKEN), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("language", sorted(set(SPOKEN) - {"cmn", "vi"}))
def test_as_phonemizer(reference, language):
    said = reference[language].replace(" — ", "— ")  # a dash is a mark like the others here
    assert phonemise(SPOKEN[language], language) == said


@pytest.mark.parametrize("language", ["cmn", "vi"])
def test_as_phonemizer_but_for_the_tones(reference, language):
    ours, theirs = phonemise(SPOKEN[language], language), reference[language]
    for written, letter in phonemes._MANDARIN.items():
        theirs = theirs.replace(written, letter)
    assert re.sub(r"[\dɜ]+", "", ours) == re.sub(r"[\dɜ]+", "", theirs) and re.search(r"\d", ours)


def test_mandarin_has_its_five_tones():
    assert phonemise("妈 麻 马 骂 吗", "cmn") == "mˈɑ55 mˈɑ35 mˈɑ214 mˈɑ51 mˈɑ11"
    assert phonemise("中国", "zh") == "tʂˈoŋ55 kˈuo35"


def test_vietnamese_has_its_six_tones():
    assert re.findall(r"aː(\d?)", phonemise("ma má mà mả mã mạ", "vi")) == ["", "3", "2", "4", "5", "6"]


def test_the_notation():
    assert phonemise("Hello, world.", "en") == "həlˈoʊ, wˈɜːld."
    assert phonemise("Wait… what?! No — yes", "en") == "wˈeɪt… wˌʌt? nˈoʊ— jˈɛs"
    assert phonemise("...hello ... there...", "en") == "həlˈoʊ… ðˈɛɹ…"


def test_punctuation_within_a_number_is_no_pause():
    assert phonemise("3,5", "el") == "trˈia kˈoma pˈente"
    assert phonemise("3, 5", "el") == "trˈia, pˈente"


def test_letters_joined_by_hyphens_are_spelled():
    assert phonemise("at seven A-M in the U-S-A", "en").split()[2:] == ["ˈeɪˈɛm", "ɪnðə", "jˈuːˈɛsˈeɪ"]


def test_english_is_american_and_english_of_england_is_not():
    assert phonemise("water", "en") == phonemise("water", "en-us") == phonemise("water", "EN_us") == "wˈɔːɾɚ"
    assert phonemise("water", "en-gb") == "wˈɔːtə"


@pytest.mark.parametrize(
    ("alias", "language"), [("zh", "cmn"), ("no", "nb"), ("fr-fr", "fr"), ("pt-pt", "pt"), ("de-at", "de")]
)
def test_other_names_of_a_language(alias, language):
    text = {"cmn": "你好", "nb": "hvordan", "fr": "bonjour", "pt": "obrigado", "de": "Straße"}[language]
    assert phonemise(text, alias) == phonemise(text, language)


def test_every_language_that_espeak_lists_is_spoken():
    phonemise("a", "en")
    library = phonemes._library()

    class Voice(ctypes.Structure):  # espeak_VOICE of speak_lib.h, up to what is needed
        _fields_ = (("name", ctypes.c_char_p), ("languages", ctypes.c_void_p))

    library.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(Voice))
    voices = library.espeak_ListVoices(None)
    codes = set()
    for voice in iter(iter(voices).__next__, None):
        if not voice:
            break
        place = voice.contents.languages
        while ctypes.string_at(place, 1) != b"\0":  # a priority, a code and a nought each; a nought behind the last
            code = ctypes.string_at(place + 1)
            codes.add(code.decode().lower())
            place += len(code) + 2
    assert len(codes) > 100
    for code in sorted(codes):
        phonemes._set_voice(library, code)


def test_a_language_that_nobody_speaks():
    with pytest.raises(InputError, match="does not speak the language 'xx-yy'"):
        phonemise("hello", "xx-yy")
    assert phonemise("hello", "en") == "həlˈoʊ"  # and the next call is none the worse for it


@pytest.mark.parametrize("text", ["", "  ", "?!", "…", "\0"])
def test_nothing_to_say(text):
    with pytest.raises(InputError, match="no words"):
        phonemise(text, "en")


def test_the_lexicon_comes_first():
    lexicon = Lexicon({"New York": "nuː jˈɔːɹk", "gaither": "ɡˈeɪðɚ"})
    assert phonemise("I was in New York, and Gaither sang.", "en", lexicon) == (
        "aɪ wʌz ɪn nuː jˈɔːɹk, ænd ɡˈeɪðɚ sˈæŋ."
    )  # "in" has the weak form that it has within a sentence
    assert phonemise("Gaither's", "en", lexicon) == phonemise("Gaither's", "en")  # another word
    assert phonemise("New, York", "en", lexicon) == phonemise("New, York", "en")  # not across a pause


def test_many_threads_say_what_one_says():
    work = [(f"{text} {number}", language) for number in range(3) for language, text in SPOKEN.items()]
    alone = [phonemise(*item) for item in work]
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(lambda item: phonemise(*item), work * 3)) == alone * 3


@given(st.text(max_size=60))
@settings(max_examples=150, deadline=None)
def test_any_text_is_spoken_or_refused(text):
    try:
        ipa = phonemise(text, "en")
    except InputError:
        return
    assert ipa == " ".join(ipa.split()) and not re.search(r" [.,;:!?…—]|[.,;:!?…—]{2}|^[.,;:!?…—]|[()\x1f]", ipa)


def test_no_system_espeak_is_used():
    program = (
        "from specgan.text.phonemes import phonemise\n"
        "print(phonemise('water', 'en'))\n"
        "print(*{line.split()[-1] for line in open('/proc/self/maps') if 'espeak' in line and '.so' in line})"
    )
    bare = {"PATH": "", "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, encoding="utf-8", env=bare)
    said, *libraries = done.stdout.split()
    assert said == "wˈɔːɾɚ" and len(libraries) == 1 and "espeakng_loader" in libraries[0], done.stderr

"""Numbers, percentages, money and abbreviations in words, in languages other than English. No torch.

The rows are those languages whose words from num2words were read over; in all others the figures stay for espeak-ng.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from specgan.text.numbers import spell, spell_digits, spell_integer


@dataclass(frozen=True)
class _Language:
    comma: str  # the word for the decimal comma; empty where num2words names the fraction
    minus: str
    percent: str  # one form, or three: of one, of two to four, of many
    ampersand: str
    to: str = "—"  # between the ends of a range
    clock: str = ""  # the word between hours and minutes
    thousands: str = ""  # what groups thousands, besides the space
    ordinal: str = ""  # how an ordinal is written behind the figures
    abbreviations: tuple[tuple[str, str], ...] = ()  # what is written, as a pattern, and what is said


_MONTHS_DE = "Januar|Februar|März|April|Mai|Juni|Juli|August|September|Oktober|November|Dezember"
_LANGUAGES = {
    "de": _Language(
        "Komma", "minus", "Prozent", "und", "bis", "Uhr", ".",
        rf"\.(?=\s(?:{_MONTHS_DE}|Jahrhundert|Weltkrieg|Klasse|Stock|Platz|Mal|Tag|Geburtstag|Kapitel)\b)",
        (
            (r"z\. ?B\.", "zum Beispiel"), (r"d\. ?h\.", "das heißt"), (r"u\. ?a\.", "unter anderem"),
            (r"usw\.", "und so weiter"), (r"bzw\.", "beziehungsweise"), (r"ggf\.", "gegebenenfalls"),
            (r"evtl\.", "eventuell"),
            (r"Dr\.", "Doktor"), (r"Prof\.", "Professor"), (r"Hr\.", "Herr"), (r"Nr\.", "Nummer"), (r"ca\.", "circa"),
            (r"Str\.", "Straße"), (r"St\.", "Sankt"),
        ),
    ),
    "nl": _Language(
        "komma", "min", "procent", "en", "tot", "uur", ".", r"(?:ste|de|e)\b",
        (
            (r"bijv\.|bv\.", "bijvoorbeeld"), (r"d\. ?w\. ?z\.", "dat wil zeggen"), (r"enz\.", "enzovoort"),
            (r"o\. ?a\.", "onder andere"), (r"[Dd]hr\.", "de heer"), (r"[Mm]evr\.", "mevrouw"), (r"[Dd]r\.", "dokter"),
            (r"[Pp]rof\.", "professor"), (r"nr\.", "nummer"), (r"ca\.", "circa"),
        ),
    ),
    "fr": _Language(
        "virgule", "moins", "pour cent", "et", "à", "heures", ordinal=r"(?:ers?|re|ème|eme|e)\b",
        abbreviations=(
            (r"M\.(?= [A-Z][a-zà-ÿ])", "Monsieur"), (r"Mme\.?(?= [A-Z])", "Madame"), (r"Dr\.", "docteur"),
            (r"etc\.", "et cetera"), (r"c\.-à-d\.", "c'est-à-dire"), (r"p\. ?ex\.", "par exemple"),
        ),
    ),
    "es": _Language(
        "coma", "menos", "por ciento", "y", "a", "", ".", r"(?:°|\.?[oa]\b|er\b)",
        (
            (r"Sr\.", "señor"), (r"Sra\.", "señora"), (r"Dr\.", "doctor"), (r"Dra\.", "doctora"),
            (r"etc\.", "etcétera"),
            (r"p\. ?ej\.", "por ejemplo"), (r"Ud\.", "usted"), (r"Uds\.", "ustedes"),
        ),
    ),
    "it": _Language(
        "virgola", "meno", "per cento", "e", "a", "", ".", r"(?:°|[oa]\b)",
        ((r"ecc\.", "eccetera"), (r"Dott\.", "dottor"), (r"Sig\.", "signor"), (r"Sig\.ra", "signora")),
    ),
    "pt": _Language(
        "vírgula", "menos", "por cento", "e", "a", "", ".", r"(?:°|[oa]\b)",
        ((r"Sr\.", "senhor"), (r"Sra\.", "senhora"), (r"Dr\.", "doutor"), (r"etc\.", "et cetera")),
    ),
    "ru": _Language(
        "", "минус", "процент|процента|процентов", "и", ordinal=r"-(?:ый|ой|й)\b",
        abbreviations=(
            (r"т\. ?е\.", "то есть"), (r"т\. ?к\.", "так как"), (r"т\. ?д\.", "так далее"),
            (r"т\. ?п\.", "тому подобное"),
            (r"руб\.", "рублей"), (r"(?<=\d )г\.", "года"), (r"ул\.", "улица"),
            (r"гг\.", "годы"), (r"г\.(?= [А-Я])", "город"), (r"им\.", "имени"),
        ),
    ),
    "uk": _Language("", "мінус", "відсоток|відсотка|відсотків", "і", ordinal=r"-й\b"),
    "pl": _Language(
        "przecinek", "minus", "procent", "i", "do",
        abbreviations=((r"np\.", "na przykład"), (r"itd\.", "i tak dalej"), (r"itp\.", "i tym podobne")),
    ),
    "cs": _Language("celá", "minus", "procent", "a", "až",
        abbreviations=((r"např\.", "například"), (r"atd\.", "a tak dále"))),
    "sv": _Language(
        "komma", "minus", "procent", "och", "till", ordinal=r":[ae]\b",
        abbreviations=((r"t\. ?ex\.", "till exempel"), (r"bl\. ?a\.", "bland annat"), (r"osv\.", "och så vidare")),
    ),
    "fi": _Language("pilkku", "miinus", "prosenttia", "ja",
        abbreviations=((r"esim\.", "esimerkiksi"), (r"jne\.", "ja niin edelleen"))),
}  # fmt: skip
_CODES = {"€": "EUR", "$": "USD", "£": "GBP"}
_UNKNOWN_MONEY = {  # of which num2words does not know the words
    "sv": {"€": "euro", "$": "dollar", "£": "pund"}, "ru": {"£": "фунтов"}, "pl": {"£": "funtów"},
    "cs": {"$": "dolarů", "£": "liber"},
}  # fmt: skip
_PERCENT = {"ja": "パーセント", "ko": "퍼센트", "hi": "प्रतिशत"}
_CHINESE = "〇一二三四五六七八九"


def expand(text: str, language: str) -> str:
    """A paragraph with its numbers in words."""
    base = language.split("-")[0]
    if base in ("cmn", "zh"):
        text = re.sub(r"\d{4}(?=\s?年)", lambda match: "".join(_CHINESE[int(digit)] for digit in match[0]), text)
        return re.sub(r"(\d+(?:\.\d+)?)\s?%", r"百分之\1", text)
    if base == "el":
        return text.replace(";", "?")
    row = _LANGUAGES.get(base)
    if row is None:
        return re.sub(r"(?<=\d)\s?%", f" {_PERCENT[base]}", text) if base in _PERCENT else text
    if "." in text:
        for written, said in row.abbreviations:  # at the end of the text the full stop is a sentence's as well
            text = re.sub(rf"(?<![\w.])(?:{written})(?=\s*$)", f"{said}.", text)
            text = re.sub(rf"(?<![\w.])(?:{written})", said, text)
    text = re.sub(r"\s?&\s?", f" {row.ampersand} ", text)
    return _figures(text, base, row) if re.search(r"\d", text) else text


def _figures(text: str, language: str, row: _Language) -> str:
    group = f"[{row.thousands} ]" if row.thousands else " "
    amount = rf"(?:\d{{1,3}}(?:{group}\d{{3}})+(?!\d)|\d+)(?:,\d+|\.\d\d?(?![.\d]))?(?!\d)"

    def plain(written: str) -> str:
        return re.sub(r"[ .](?=\d{3})", "", written).replace(".", ",")

    def number(written: str) -> str:
        return _number(plain(written), language, row)

    def money(written: str, sign: str) -> str:
        name = _UNKNOWN_MONEY.get(language, {}).get(sign, sign)
        return _money(plain(written), sign, language) or f"{number(written)} {name}"

    if row.clock:
        text = re.sub(
            rf"\b([01]?\d|2[0-4])[:.h]([0-5]\d)\s?{row.clock}\b|\b([01]?\d|2[0-4])[:h]([0-5]\d)\b(?!:)",
            lambda m: f"{m[1] or m[3]} {row.clock} {int(m[2] or m[4]) or ''}",
            text,
        )
    text = re.sub(r"(?<=\d)\s?[-–]\s?(?=\d)(?!\d+-)", f" {row.to} ", text)
    if language == "de":
        text = _german(text)
    text = re.sub(r"(?<![^\s(])-(?=[€$£]?\d)", f"{row.minus} ", text)
    if row.ordinal:
        text = re.sub(rf"(?<![\d.,])(\d{{1,9}}){row.ordinal}", lambda m: spell(int(m[1]), language, "ordinal"), text)
    text = re.sub(rf"R\$\s?({amount})", r"\1 reais", text)
    text = re.sub(rf"([€$£])\s?({amount})", lambda m: money(m[2], m[1]), text)
    text = re.sub(rf"({amount})\s?([€$£])", lambda m: money(m[1], m[2]), text)
    text = re.sub(rf"({amount})\s?%", lambda m: f"{number(m[1])} {_percent(plain(m[1]), row)}", text)
    text = re.sub(amount, lambda m: f" {number(m[0])} ", text)
    return re.sub(r"\d+", lambda m: f" {spell_integer(m[0], language)} ", text)


def _german(text: str) -> str:
    """Ordinals in the form that stands behind a preposition, dates in figures, years by hundreds."""
    ordinal = _LANGUAGES["de"].ordinal
    led = r"\b(am|vom|zum|dem|den|beim|im|seit|bis)\s"

    def oblique(match: re.Match[str]) -> str:
        return f"{match[1]} {spell(int(match[2]), 'de', 'ordinal')}n"

    def date(match: re.Match[str]) -> str:
        lead, day, month, when = match.groups()
        end = "n" if lead else "r"
        words = " ".join(spell(int(number), "de", "ordinal") + end for number in (day, month))
        return f"{lead or ''} {words} {when}"

    text = re.sub(rf"(?i:{led})?(?<![\d.])(\d\d?)\.(\d\d?)\.(\d{{4}})(?!\d)", date, text)
    text = re.sub(rf"(?i:{led})(\d{{1,3}}){ordinal}", oblique, text)
    year = r"(?<![\d.,])1[1-9]\d\d(?!\d|[.,]\d|\s?[€$£%])"
    return re.sub(year, lambda match: spell(int(match[0]), "de", "year"), text)


def _number(written: str, language: str, row: _Language) -> str:
    whole, comma, decimals = written.partition(",")
    if not comma:
        return spell_integer(whole, language)
    if not row.comma and len(written) < 12:  # "three whole and five tenths": the form depends on the number
        from num2words import num2words

        return str(num2words(str(Decimal(written.replace(",", "."))), lang=language))
    return f"{spell_integer(whole, language)} {row.comma} {spell_digits(decimals, language)}"


def _percent(written: str, row: _Language) -> str:
    one, *more = row.percent.split("|")
    if not more:
        return one
    few, many = more
    if "," in written or (written[-1] in "234" and written[-2:-1] != "1"):
        return few
    return one if written[-1] == "1" and written[-2:-1] != "1" else many


def _money(written: str, sign: str, language: str) -> str | None:
    """Units and hundredths, or None if num2words has no words for this currency."""
    from num2words import num2words

    if not re.fullmatch(r"\d{1,12}(,\d\d)?", written):
        return None
    value = Decimal(written.replace(",", ".")).quantize(Decimal("0.01"))
    try:
        words = str(num2words(value, lang=language, to="currency", currency=_CODES[sign], separator=" |"))
    except (NotImplementedError, TypeError, KeyError):  # num2words lacks the currency or its forms in this language
        return None
    units, _, hundredths = words.partition("|")
    return f"{units} {hundredths}" if value % 1 else units

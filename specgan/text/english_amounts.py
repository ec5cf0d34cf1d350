"""English money, percentages, units and fractions in words. No torch."""

from __future__ import annotations

import re

from specgan.text.english_numbers import NUMBER, Rule, ends_sentence, is_one, number
from specgan.text.numbers import spell, spell_integer

# sign or code: one, many, a hundredth, hundredths
_CURRENCIES = {
    "$": ("dollar", "dollars", "cent", "cents"),
    "£": ("pound", "pounds", "penny", "pence"),
    "€": ("euro", "euros", "cent", "cents"),
    "¥": ("yen", "yen", "", ""),
    "₹": ("rupee", "rupees", "paisa", "paise"),
    "₽": ("rouble", "roubles", "kopeck", "kopecks"),
    "₩": ("won", "won", "", ""),
    "₴": ("hryvnia", "hryvnias", "kopiyka", "kopiykas"),
    "₺": ("lira", "lira", "kurush", "kurush"),
    "¢": ("cent", "cents", "", ""),
    "USD": ("U-S dollar", "U-S dollars", "cent", "cents"),
    "EUR": ("euro", "euros", "cent", "cents"),
    "GBP": ("pound", "pounds", "penny", "pence"),
    "JPY": ("yen", "yen", "", ""),
    "CHF": ("Swiss franc", "Swiss francs", "centime", "centimes"),
}
_DOLLARS = {"US": "U-S ", "C": "Canadian ", "CA": "Canadian ", "A": "Australian ", "AU": "Australian "}
_DOLLARS |= {"NZ": "New Zealand ", "HK": "Hong Kong "}
_SCALES = {"k": "thousand", "K": "thousand", "m": "million", "M": "million", "mn": "million", "MM": "million"}
_SCALES |= {"bn": "billion", "b": "billion", "B": "billion", "tn": "trillion", "T": "trillion"}
_SCALES |= {word: word for word in ("hundred", "thousand", "million", "billion", "trillion")}

_PREFIXES = {"k": "kilo", "M": "mega", "G": "giga", "T": "tera", "m": "milli"}
_UNITS: dict[str, tuple[str, str]] = {}  # how it is written: one, many
for _names, _one, _many in (
    ("km", "kilometre", ""), ("m", "metre", ""), ("cm", "centimetre", ""), ("mm", "millimetre", ""),
    ("nm", "nanometre", ""), ("µm", "micrometre", ""), ("mi", "mile", ""), ("ft", "foot", "feet"),
    ("yd yds", "yard", ""),
    ("kg", "kilogram", ""), ("g", "gram", ""), ("mg", "milligram", ""), ("µg", "microgram", ""),
    ("lb lbs", "pound", ""),
    ("oz", "ounce", ""), ("kph", "kilometre per hour", "kilometres per hour"),
    ("mph", "mile per hour", "miles per hour"),
    ("mpg", "mile per gallon", "miles per gallon"), ("kbps", "kilobit per second", "kilobits per second"),
    ("Mbps", "megabit per second", "megabits per second"), ("Gbps", "gigabit per second", "gigabits per second"),
    ("rpm", "R-P-M", "R-P-M"), ("fps", "frame per second", "frames per second"), ("dpi", "D-P-I", "D-P-I"),
    ("kB KB", "kilobyte", ""), ("MB", "megabyte", ""), ("GB", "gigabyte", ""), ("TB", "terabyte", ""),
    ("Hz", "hertz", "hertz"), ("kHz", "kilohertz", "kilohertz"), ("MHz", "megahertz", "megahertz"),
    ("GHz", "gigahertz", "gigahertz"), ("W", "watt", ""), ("kW", "kilowatt", ""), ("MW", "megawatt", ""),
    ("GW", "gigawatt", ""), ("kWh", "kilowatt hour", ""), ("V", "volt", ""), ("mV", "millivolt", ""),
    ("kV", "kilovolt", ""),
    ("mA", "milliamp", ""), ("mAh", "milliamp hour", ""), ("dB", "decibel", ""), ("px", "pixel", ""),
    ("ms", "millisecond", ""), ("µs", "microsecond", ""), ("ns", "nanosecond", ""), ("s sec secs", "second", ""),
    ("min mins", "minute", ""), ("h hr hrs", "hour", ""), ("yr yrs", "year", ""), ("wk wks", "week", ""),
    ("l L", "litre", ""), ("ml mL", "millilitre", ""), ("cl", "centilitre", ""), ("gal", "gallon", ""),
    ("cal", "calorie", ""), ("kcal", "kilocalorie", ""), ("kJ", "kilojoule", ""), ("Pa", "pascal", ""),
    ("hPa", "hectopascal", ""), ("kPa", "kilopascal", ""), ("psi", "P-S-I", "P-S-I"), ("ha", "hectare", ""),
    ("tbsp", "tablespoon", ""), ("tsp", "teaspoon", ""),
    ("sq ft", "square foot", "square feet"), ("sq mi", "square mile", ""), ("in.", "inch", "inches"), ("Ω", "ohm", ""),
):  # fmt: skip
    _UNITS |= {name: (_one, _many or _one + "s") for name in ([_names] if " " in _one[:7] else _names.split())}
_PER = "second|minute|hour|day|night|week|month|year|person|head|share|mile|pound|gallon|hr|mo|yr|kg|lb|sq ft|GB|MB|kWh"


_NOUN = re.compile(r"[\s-](?!(?:in|to|on|and|or|for|at|is|of|a|per|was|from)\b)[a-z]")


def _money(match: re.Match[str], language: str) -> str:
    country, sign, low, amount, scale = match.groups()
    one, many, cent, cents = _CURRENCIES[sign]
    prefix = _DOLLARS.get(country or "", "")
    # "a $5 bill" is five dollar, not five dollars
    noun = re.match(
        r"[\s-](?!(?:in|to|on|and|or|for|at|is|of|a|per|was|from)\b)[a-z]", match.string[match.end() : match.end() + 9]
    )
    article = re.search(r"\ban?\s+$", match.string[max(0, match.start() - 8) : match.start()], re.IGNORECASE)
    lower = f"{number(low, language)} to " if low else ""
    if scale:
        return f"{lower}{number(amount, language)} {_SCALES[scale]} {prefix}{one if noun and article else many}"
    whole, _, hundredths = amount.replace(",", "").partition(".")
    if low or not cent or len(hundredths) not in (0, 2):
        return f"{lower}{number(amount, language)} {prefix}{one if is_one(amount) and not low else many}"
    parts = []
    if int(whole or 0) or not int(hundredths or 0):
        single = is_one(whole) or (noun and article)
        parts.append(f"{spell_integer(whole or '0', language)} {prefix}{one if single else many}")
    if int(hundredths or 0):
        parts.append(f"{spell(int(hundredths), language)} {cent if int(hundredths) == 1 else cents}")
    return " and ".join(parts)


def _money_behind(match: re.Match[str], language: str) -> str:
    one, many, _, _ = _CURRENCIES[match[2]]
    return f"{number(match[1], language)} {one if is_one(match[1]) else many}"


def _money_code(match: re.Match[str], language: str) -> str:
    one, many, _, _ = _CURRENCIES[match[1]]
    return f"{number(match[2], language)} {one if is_one(match[2]) else many}"


def _percent(match: re.Match[str], language: str) -> str:
    return f"{number(match[1], language)} percent"


def _degrees(match: re.Match[str], language: str) -> str:
    scale = {"C": " Celsius", "F": " Fahrenheit", None: ""}[match[2]]
    return f"{number(match[1], language)} degree{'' if is_one(match[1]) else 's'}{scale}"


def _unit(match: re.Match[str], language: str) -> str:
    amount, gap, name, power, below, dot = match.groups()
    one, many = _UNITS[name]
    words = one if gap == "-" or is_one(amount) else many
    if power:
        words = f"{'square' if power == '2' else 'cubic'} {words}"
    if below:
        words += f" per {_UNITS[below][0]}"
    if language != "en-gb":
        words = words.replace("metre", "meter").replace("litre", "liter")
    stop = "." if dot and ends_sentence(match.string, match.end()) else ""
    return f"{number(amount, language)}{'-' if gap == '-' else ' '}{words}{stop}"


def _feet(match: re.Match[str], language: str) -> str:
    return f"{spell_integer(match[1], language)} foot {spell_integer(match[2], language)}"


def _inches(match: re.Match[str], language: str) -> str:
    before = match.string[max(0, match.start() - 300) : match.start()]
    if before.count('"') % 2:  # it closes a quotation
        return match[0]
    single = is_one(match[1]) or before.endswith((" a ", " an ", "A "))
    return f"{number(match[1], language)} inch{'' if single else 'es'}"


def _fraction(match: re.Match[str], language: str) -> str:
    whole, top, bottom = match[1], int(match[2]), int(match[3])
    numbers = f"{spell_integer(match[2], language)} %s {spell_integer(match[3], language)}"
    if not whole:
        if (top, bottom) in ((24, 7), (9, 11), (20, 20), (50, 50)):
            return numbers.replace(" %s", "")
        if bottom in (10, 100) and top > 1 and not re.match(r"\s+of\b", match.string[match.end() : match.end() + 9]):
            return numbers % "out of"
    if not (2 <= bottom <= 20 or bottom == 100) or (top > bottom and bottom > 10):
        return (f"{spell_integer(whole, language)} " if whole else "") + numbers % "over"
    name = {2: "half", 4: "quarter"}.get(bottom) or spell(bottom, language, "ordinal")
    part = f"{spell(top, language)} {name if top == 1 else 'halves' if bottom == 2 else name + 's'}"
    if not whole:
        return part
    if top == 1 and bottom in (2, 4):
        part = f"a {name}"
    return f"{spell_integer(whole, language)} and {part}"


_NAMES = "|".join(re.escape(name) for name in sorted(_UNITS, key=len, reverse=True))
_SIGNS = "".join(sign for sign in _CURRENCIES if len(sign) == 1 and sign != "¢")
_CODES = "|".join(sign for sign in _CURRENCIES if len(sign) == 3)

SIGN_OR_NUMBER = rf"[{_SIGNS}]?(?:{NUMBER})"

RULES: list[Rule] = [
    (
        re.compile(
            rf"(?:(?<!\w)(US|CA|C|AU|A|NZ|HK))?([{_SIGNS}])\s?(?:({NUMBER})\sto\s[{_SIGNS}]?)?({NUMBER})"
            rf"(?:[\s-]?({'|'.join(sorted(_SCALES, key=len, reverse=True))})(?!\w))?"
        ),
        _money,
    ),
    (re.compile(rf"({NUMBER})\s?([{_SIGNS}¢]|(?:{_CODES})\b)"), _money_behind),
    (re.compile(rf"\b({_CODES})\s?({NUMBER})"), _money_code),
    (re.compile(rf"(?<=\w)\s?/\s?(?=(?:{_PER})\b)"), lambda match, language: " per "),
    (re.compile(rf"({NUMBER})\s?%"), _percent),
    (re.compile(rf"({NUMBER})\s?°\s?([CF])?(?![\w])"), _degrees),
    (re.compile(r"(?<![\w.,'])(\d{1,2})'\s?(\d{1,2})(?:\"|'')?(?!\w)"), _feet),
    (re.compile(rf"({NUMBER})\"(?!\w)"), _inches),
    (
        re.compile(
            rf"(?<![\w.,])({NUMBER})(\s?|-)({_NAMES})(?:\^([23]))?(?:/(km|m|s|h|hr|min|kg|g|l|L|ml)(?!\w))?"
            r"(?![\w'&]|-\d)(\.(?!\w))?"
        ),
        _unit,
    ),
    (re.compile(r"(?<![\w./,])(?:(\d+)[\s-])?(\d{1,4})/(\d{1,4})(?![\w/]|\.\d)"), _fraction),
]

"""English abbreviations, initials, acronyms and Roman numerals in words. No torch."""

from __future__ import annotations

import re

from specgan.text.english_numbers import ends_sentence, starts_sentence
from specgan.text.numbers import spell

# before a name: they never end a sentence
_TITLES = {
    "Mr": "Mister", "Mrs": "Missus", "Ms": "Ms", "Dr": "Doctor", "Drs": "Doctors", "Prof": "Professor",
    "Rev": "Reverend",
    "Hon": "Honourable", "Gen": "General", "Col": "Colonel", "Maj": "Major", "Capt": "Captain", "Cmdr": "Commander",
    "Lt": "Lieutenant", "Sgt": "Sergeant", "Cpl": "Corporal", "Pvt": "Private", "Adm": "Admiral", "Gov": "Governor",
    "Sen": "Senator", "Rep": "Representative", "Pres": "President", "Supt": "Superintendent", "Messrs": "Messieurs",
    "Mme": "Madame", "Mlle": "Mademoiselle", "Fr": "Father", "Mt": "Mount", "Ft": "Fort",
}  # fmt: skip
_ABBREVIATIONS = {
    "Jr": "Junior", "Sr": "Senior", "Esq": "Esquire", "Inc": "Incorporated", "Ltd": "Limited", "Co": "Company",
    "Corp": "Corporation", "Bros": "Brothers", "Dept": "Department", "dept": "department", "Univ": "University",
    "Assn": "Association", "Assoc": "Association", "Ave": "Avenue", "Blvd": "Boulevard", "Rd": "Road", "Ln": "Lane",
    "Hwy": "Highway", "Pkwy": "Parkway", "Sq": "Square", "etc": "et cetera", "vs": "versus", "approx": "approximately",
    "est": "established", "misc": "miscellaneous", "incl": "including", "excl": "excluding", "vol": "volume",
    "Vol": "Volume", "Jan": "January", "Feb": "February", "Apr": "April", "Aug": "August", "Sept": "September",
    "Sep": "September", "Oct": "October", "Nov": "November", "Dec": "December", "Mon": "Monday", "Tues": "Tuesday",
    "Tue": "Tuesday",
    "Wed": "Wednesday", "Thurs": "Thursday", "Thu": "Thursday", "Fri": "Friday", "tel": "telephone", "ext": "extension",
    "lbs": "pounds", "hrs": "hours", "mins": "minutes", "secs": "seconds", "Govt": "Government", "govt": "government",
    "cont": "continued", "intl": "international",
}  # fmt: skip
_PHRASES = [
    (re.compile(rf"(?<![\w.]){pattern}", re.IGNORECASE), words)
    for pattern, words in (
        (r"e\.\s?g\b\.?,?", "for example,"),
        (r"i\.\s?e\b\.?,?", "that is,"),
        (r"et al\.", "et al"),
        (r"a\.k\.a\.", "also known as"),
        (r"Ph\.\s?D\.", "P-H-D"),
        (r"(B|M)\.\s?Sc\.", r"\1-S-C"),
    )
]
_TITLE = re.compile(rf"\b(Mr|Mrs|Ms|Messrs|(?:{'|'.join(_TITLES)})(?=\.\s?[A-Z\"']))\.")
_DRIVE = re.compile(r"\b(?:([A-Z][a-z]+ )|)Dr\.(?!\w)")
_SAINT = re.compile(r"\bSt(\.|\b)(?!\w|-|')")
_ABBREVIATION = re.compile(rf"\b({'|'.join(_ABBREVIATIONS)})\.(?!\w)")
_INITIALS = re.compile(r"(?<![\w.'-])((?:[A-Za-z]\.){2,}(?!\w)|(?:[A-Z]\.\s?){2,}(?![a-z]))('s)?")
_INITIAL = re.compile(r"(?<![\w'-])([A-Z])\.\s?(?=[A-Z])")
_PLURAL = re.compile(r"\b([A-Z]{2,})s\b")
_SPELLED = re.compile(r"\b(NYC|FAQ|ER|BA|MA|PA|LAX|ETA|GIS|EST|PST|SOS|IPO)\b")  # espeak-ng takes them for words

_ROMAN = r"(?=[IVXL])(?:XL|LX{0,3}|X{0,3})(?:IX|IV|V?I{0,3})(?!\w)"
_PARTS = (
    "Chapter|Part|Book|Volume|Act|Scene|Section|War|Type|Phase|Title|Bowl|Article|Appendix|Unit|Lesson|Level|Stage|Class|"
    "Episode|Canto|Psalm|Mark|Apollo|Figure|Table|Verse|Grade|Category|Schedule|Saturn|Division|Page"
)
_RULERS = (
    "Henry|Edward|George|William|Charles|James|Richard|Elizabeth|Mary|Louis|Philip|Paul|Pius|Benedict|Gregory|Leo|Innocent|"
    "Clement|Alexander|Nicholas|Catherine|Peter|Ivan|Frederick|Wilhelm|Napoleon|Francis|Ferdinand|Ramses|Ramesses|Ptolemy|"
    "Cleopatra|Gustav|Christian|Carl|Haakon|Olav|Harald|Albert|Leopold|Juan|Felipe|Alfonso|Otto|Rudolf|Maximilian|Franz|"
    "Sigismund|Urban|Boniface|Adrian|Sixtus|Julius|Robert|David|Constantine|Theodosius|Darius|Xerxes|Murad|Mehmed|Selim|"
    "Suleiman|Amenhotep|Thutmose|Seti|John|Stephen|Victor|Umberto|Pedro|Joseph|Karl|Friedrich|Isabella|Margaret"
)
_CHAPTER = re.compile(rf"\b((?i:{_PARTS}))\s({_ROMAN}|(?=[ivx]{{2,}}\b|v\b)x{{0,3}}(?:ix|iv|v?i{{0,3}})\b)(?![-'])")
_TITLED = "King|Queen|Pope|Emperor|Empress|Tsar|Czar|Prince|Sultan|Pharaoh"
_REIGN = re.compile(rf"\b((?:{_TITLED})\s[A-Z][a-z]+|{_RULERS})\s({_ROMAN})(?!-|'\B)")
_CENTURY = re.compile(rf"\b({_ROMAN})(?=\s[Cc]entur(?:y|ies)\b)")
_NUMERAL = re.compile(r"(?<![\w.'-])(?=[IVX]{2})(X{0,3}(?:IX|IV|V?I{0,3}))(?![\w'-])")
_ALONE = re.compile(r"\s*(?:$|[.,;:)!?]|of\b)")
_VALUES = {"I": 1, "V": 5, "X": 10, "L": 50}


def expand_words(text: str) -> str:
    """Abbreviations, initials and Roman numerals of a text without figures."""
    text = re.sub(r"(?<=\w) '?[nN]'(?= \w)", " and", text)
    if "." in text:
        for pattern, words in _PHRASES:
            text = pattern.sub(words, text)
        text = _TITLE.sub(lambda match: _TITLES[match[1]], text)
        text = _DRIVE.sub(_drive, text)
        text = _ABBREVIATION.sub(_abbreviation, text)
    text = _SAINT.sub(_saint, text)
    text = _REIGN.sub(_reign, text)
    text = _INITIALS.sub(_initials, text)
    text = _INITIAL.sub(_initial, text)
    text = _CHAPTER.sub(_chapter, text)
    text = _CENTURY.sub(lambda match: _spelled(match[1], "ordinal"), text)
    text = _NUMERAL.sub(lambda match: _spelled(match[1], "cardinal"), text)
    text = _PLURAL.sub(r"\1's", text)
    return _SPELLED.sub(lambda match: "-".join(match[1]), text)


def _stop(ends: bool) -> str:
    return "." if ends else ""


def _drive(match: re.Match[str]) -> str:
    """Behind a name a drive, else a doctor without a name."""
    street = f"{match[1]}Drive" if match[1] else "doctor"
    return street + _stop(ends_sentence(match.string, match.end()))


def _saint(match: re.Match[str]) -> str:
    ends = starts_sentence(match.string, match.end())
    if not ends and re.compile(r"\s?[A-Z]").match(match.string, match.end()):
        return "Saint"
    return "Street" + _stop(ends and match[1] == ".")


def _abbreviation(match: re.Match[str]) -> str:
    ends = (ends_sentence if match[1] == "etc" else starts_sentence)(match.string, match.end())
    return _ABBREVIATIONS[match[1]] + _stop(ends)


def _initials(match: re.Match[str]) -> str:
    letters = "-".join(letter.upper() for letter in match[1] if letter.isalpha())
    if match[2]:
        return letters + match[2]
    return letters + _stop(starts_sentence(match.string, match.end())) + " " * match[1].endswith(" ")


def _initial(match: re.Match[str]) -> str:
    """The point behind an initial goes, but not one that ends a sentence: "Plan B. The", "than I. John"."""
    behind_word = match[1] == "I" and match.string[max(0, match.start() - 2) : match.start()].strip().islower()
    return match[1] + _stop(behind_word or starts_sentence(match.string, match.end())) + " "


def _chapter(match: re.Match[str]) -> str:
    part, numeral = match.groups()
    # "the book I read", "Part I."
    if numeral == "I" and part != "War" and not (part[0].isupper() and _ALONE.match(match.string, match.end())):
        return match[0]
    return f"{part} {_spelled(numeral, 'cardinal')}"


def _reign(match: re.Match[str]) -> str:
    name, numeral = match.groups()
    # "with Henry I was", "John V. Smith"
    if len(numeral) == 1 and " " not in name:
        following = re.compile(r"\.?\s[A-Z]").match(match.string, match.end())
        if following and not starts_sentence(match.string, following.end() - 1):
            return match[0]
        if numeral == "I" and not _ALONE.match(match.string, match.end()):
            return match[0]
    return f"{name} the {_spelled(numeral, 'ordinal')}"


def _spelled(numeral: str, kind: str) -> str:
    values = [_VALUES[letter] for letter in numeral.upper()]
    number = sum(-v if v < after else v for v, after in zip(values, [*values[1:], 0], strict=True))
    return spell(number, "en-us", kind)

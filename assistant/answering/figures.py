"""The hard facts of a sentence: numbers, amounts, dates, units and codes, in English and Norwegian.

Written so that two sentences can be compared whatever their conventions: `1,000`, `1 000` and `one thousand` are one
number, `1. oktober 2026` and `October 1, 2026` one date, `a year` and `12 months` one time. Patterns only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

_MONTHS: Mapping[str, int] = {
    name: number
    for number, names in enumerate(
        (
            "january januar jan", "february februar feb", "march mars mar", "april apr", "may mai", "june juni jun",
            "july juli jul", "august aug", "september sept sep", "october oktober oct okt", "november nov",
            "december desember dec des",
        ),
        start=1,
    )
    for name in names.split()
}  # fmt: skip
MONTH_NAMES = frozenset(_MONTHS)
_MONTH = rf"(?P<month>(?:{'|'.join(sorted(_MONTHS, key=len, reverse=True))})\b\.?)"
_YEAR = r"(?P<year>(?:19|20)\d\d)"
_DATES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"\b(?P<year>(?:19|20)\d\d)-(?P<number>\d{2})(?:-(?P<day>\d{2}))?\b",
        r"\b(?P<day>\d{1,2})\.\s?(?P<number>\d{1,2})\.\s?(?P<year>(?:19|20)\d\d)\b",
        rf"\b(?P<day>\d{{1,2}})(?:\.|st|nd|rd|th)?(?: of)? {_MONTH},?(?: {_YEAR})?\b",
        rf"\b{_MONTH} (?P<day>\d{{1,2}})(?:st|nd|rd|th)?\b(?!\d)(?:,? {_YEAR}\b)?",
        rf"\b{_MONTH},?(?: of| i)? {_YEAR}\b",
        rf"\b{_YEAR}\b(?![,.]\d)",
    )
)
# `may` the verb and `mar` in other words: a month alone counts only where it is written as a name.
_MONTH_ALONE = re.compile(
    r"\b(?P<month>January|February|April|June|July|August|September|October|November|December|januar|februar|mars|"
    r"april|"
    r"mai|juni|juli|august|september|oktober|november|desember|(?<=in )March|(?<=by )March|(?<=in )May|(?<=by )May)\b"
)
_QUARTERS = re.compile(
    r"\b(?:Q(?P<digit>[1-4])\b|(?P<word>first|second|third|fourth|første|andre|tredje|fjerde|[1-4]\.) (?:quarter|"
    r"kvartal)\b)",
    re.IGNORECASE,
)
_ORDINAL_WORDS = {
    "first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8, "ninth": 9,
    "tenth": 10, "første": 1, "andre": 2, "tredje": 3, "fjerde": 4, "femte": 5, "sjette": 6, "sjuende": 7,
    "syvende": 7, "åttende": 8, "niende": 9, "tiende": 10,
}  # fmt: skip

_NUMBER_WORDS: Mapping[str, Mapping[str, float]] = {
    "en": {
        "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
        "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16, "seventeen": 17,
        "eighteen": 18, "nineteen": 19, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60,
        "seventy": 70, "eighty": 80, "ninety": 90, "hundred": 100, "thousand": 1000, "dozen": 12, "half": 0.5,
        "twice": 2, "double": 2, "zero": 0, "one": 1, "once": 1, "pair": 2, "triple": 3, "thrice": 3, "quarter": 0.25,
    },
    "nb": {
        "to": 2, "tre": 3, "fire": 4, "fem": 5, "seks": 6, "sju": 7, "syv": 7, "åtte": 8, "ni": 9, "ti": 10,
        "elleve": 11, "tolv": 12, "tretten": 13, "fjorten": 14, "femten": 15, "seksten": 16, "sytten": 17,
        "atten": 18, "nitten": 19, "tjue": 20, "tyve": 20, "tretti": 30, "tredve": 30, "førti": 40, "femti": 50,
        "seksti": 60, "sytti": 70, "åtti": 80, "nitti": 90, "hundre": 100, "tusen": 1000, "halv": 0.5, "halve": 0.5,
        "halvparten": 0.5, "dobbelt": 2, "doble": 2, "null": 0, "én": 1, "ett": 1, "par": 2, "dusin": 12,
        "begge": 2, "tredobbelt": 3, "kvart": 0.25,
    },
}  # fmt: skip
# These are read only where a source says them: in a claim they are as often an article or a turn of phrase.
_SOFT_WORDS = frozenset("one once én ett pair par double doble quarter kvart".split())
_TENS = ("tjue", "tretti", "førti", "femti", "seksti", "sytti", "åtti", "nitti")
_ONES = ("en", "én", "ett", "to", "tre", "fire", "fem", "seks", "sju", "syv", "åtte", "ni")
_NORWEGIAN_COMPOUNDS: Mapping[str, float] = {
    ten + one: _NUMBER_WORDS["nb"][ten] + {"en": 1, "én": 1, "ett": 1}.get(one, _NUMBER_WORDS["nb"].get(one, 0))
    for ten in _TENS
    for one in _ONES
}
_SCALES: Mapping[str, float] = {
    "thousand": 1e3, "tusen": 1e3, "million": 1e6, "millions": 1e6, "millioner": 1e6, "mill": 1e6, "m": 1e6,
    "mn": 1e6, "billion": 1e9, "billions": 1e9, "bn": 1e9, "milliard": 1e9, "milliarder": 1e9, "mrd": 1e9,
    "k": 1e3, "hundred": 100, "hundre": 100,
}  # fmt: skip
# Units by what they measure: two with the same name can be compared after multiplication.
_UNITS: Mapping[str, tuple[str, float]] = {
    form: (name, factor)
    for name, factor, forms in (
        ("day", 1, "day days dag dager dagar døgn dagers dagen dagene"),
        ("working day", 1, "virkedag virkedager arbeidsdag arbeidsdager workday workdays"),
        ("day", 7, "week weeks uke uker veke veker ukers ukene uken uka fortnight"),
        ("month", 1, "month months måned måneder månader månad måneders måneden månedene"),
        ("month", 12, "year years yr yrs år års årene året"),
        ("month", 120, "decade decades tiår"),
        ("minute", 1, "minute minutes min minutt minutter minutters minuttene"),
        ("minute", 60, "hour hours hr hrs time timer timene"),
        ("second", 1, "second seconds sekund sekunder"),
        ("%", 1, "% percent pct prosent pst"),
        ("percentage point", 1, "prosentpoeng"),
        ("gram", 1, "g gram grams"),
        ("gram", 1000, "kg kilo kilos kilogram kilograms"),
        ("gram", 0.001, "mg milligram milligrams"),
        ("gram", 453.592, "lb lbs pound-weight pounds"),
        ("gram", 1_000_000, "tonn tonne tonnes tons"),
        ("metre", 1, "m meter meters metre metres"),
        ("metre", 1000, "km kilometer kilometers kilometre kilometres"),
        ("metre", 0.01, "cm centimeter centimeters centimetre centimetres"),
        ("metre", 0.001, "mm millimeter millimeters millimetre millimetres"),
        ("metre", 1609.34, "mile miles"),
        ("metre", 0.3048, "foot feet fot"),
        ("metre", 0.0254, "inch inches tomme tommer"),
        ("litre", 1, "l liter liters litre litres"),
        ("litre", 0.001, "ml milliliter milliliters millilitre millilitres"),
        ("litre", 3.785, "gallon gallons"),
        ("degree C", 1, "°c celsius"),
        ("degree F", 1, "°f fahrenheit"),
        ("person", 1, "persons people personer mennesker innbyggere inhabitants"),
        ("employee", 1, "employee employees ansatt ansatte arbeidstakere arbeidstaker workers"),
        ("full-time equivalent", 1, "årsverk ftes fte"),
        ("square metre", 1, "kvadratmeter m²"),
        ("square metre", 1_000_000, "kvadratkilometer km²"),
    )
    for form in forms.split()
}  # fmt: skip
_CURRENCIES: Mapping[str, str] = {
    "$": "USD", "us$": "USD", "usd": "USD", "dollar": "USD", "dollars": "USD", "€": "EUR", "eur": "EUR", "euro": "EUR",
    "euros": "EUR", "£": "GBP", "gbp": "GBP", "nok": "NOK", "kr": "NOK", "kroner": "NOK", "krone": "NOK",
    "kronor": "SEK", "sek": "SEK", "dkk": "DKK", "cent": "cent", "cents": "cent", "øre": "øre", "pund": "GBP",
}  # fmt: skip
_SIGN = r"(?:US\$|USD|EUR|NOK|GBP|SEK|DKK|[$€£]|kr\.?(?=\s?\d))"
_DIGITS = r"\d{1,3}(?:(?:[,.]|[ \u00a0\u202f])\d{3}(?!\d))+(?:[.,]\d+)?|\d+(?:[.,]\d+)?|(?<=\s)\.\d+"
_AMOUNT = re.compile(
    rf"(?P<sign>{_SIGN})?\s?(?<![\w.])(?P<digits>{_DIGITS})(?P<ordinal>(?:st|nd|rd|th)\b)?"
    r"(?:\s?(?P<scale>thousand|tusen|millions?|millioner|mill\b\.?|mn\b|billions?|bn\b|milliard(?:er)?|mrd\b\.?|"
    r"[kMm](?![\w²])))?",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W\d_]+(?:[-'’][^\W\d_]+)*|[%°$€£][A-Za-z]?|m²|km²")
_AFTER = re.compile(r"(?:\.(?=\s[a-zæøå]))?[\s\u00a0-]{0,2}([^\W\d_]+(?:-[^\W\d_]+)*|%|°[CF]|[$€£])\.?")
_RANGE_TO = re.compile(r"\s?(?:-|–|—|to|til|and|og|or|eller)\s?(?=[$€£]?\d)")
_RATE = re.compile(
    r"(?:\b(?:per|each|every|a|an|i|hver|hvert|kvar|om|pr\.?)\s|/)(?P<unit>hour|day|week|month|year|timen?|"
    r"dag(?:en)?|uken?|uka|"
    r"måneden?|året?)\b|\b(?P<adverb>hourly|daily|weekly|monthly|annual(?:ly)?|yearly|daglige?|ukentlige?|"
    r"månedlige?|årlige?)\b",
    re.IGNORECASE,
)
_EACH_TIME = re.compile(r"(?:each|every|an?) time", re.IGNORECASE)
_RATE_NAMES = (
    ("hour", "hour"), ("time", "hour"), ("dai", "day"), ("day", "day"), ("dag", "day"), ("week", "week"),
    ("uke", "week"), ("uka", "week"), ("month", "month"), ("måned", "month"), ("annual", "year"),
    ("year", "year"), ("år", "year"),
)  # fmt: skip
_AT_LEAST = re.compile(
    r"(?:\b(?:at least|minimum(?: of)?|not less than|no less than|no fewer than|more than|over|above|exceed(?:s|"
    r"ing)?|minst|"
    r"mer enn|meir enn|flere enn|over|minimum|ikke mindre enn|from|fra)|[>≥])\s+(?:\w+\s+)?(?:[$€£]|US\$|USD|NOK|"
    r"kr\.?)?\s*$",
    re.IGNORECASE,
)
_AT_MOST = re.compile(
    r"(?:\b(?:at most|maximum(?: of)?|up to|no more than|not more than|no later than|not exceed(?:ing)?|less than|"
    r"fewer than|under|"
    r"below|within|høyst|maksimum|maksimalt|inntil|opptil|opp til|mindre enn|færre enn|ikke mer enn|ikke overstige|"
    r"under|innen)"
    r"|[<≤])\s+(?:\w+\s+)?(?:[$€£]|US\$|USD|NOK|kr\.?)?\s*$",
    re.IGNORECASE,
)
# `from 5 to 10` and `over 5 months` are not bounds in the way that a false claim turns round.
_SOFT_BOUND = re.compile(r"\b(?:from|fra|over|under|within|innen|above|below)\s+(?:\w+\s+)?\S*\s*$", re.IGNORECASE)

_LABELS: Mapping[str, str] = {
    form: name
    for name, forms in {
        "class": "class classes klasse klasser klassen klassene",
        "phase": "phase phases fase faser fasen fasene",
        "type": "type types typer typen typene",
        "part": "part parts del deler delen delene",
        "section": "section sections seksjon paragraf paragrafen paragraph § §§",
        "article": "article articles artikkel artikler artikkelen artiklene",
        "form": "form forms skjema blankett",
        "chapter": "chapter chapters kapittel",
        "level": "level levels nivå",
        "schedule": "schedule",
        "title": "title",
        "annex": "annex vedlegg appendix tillegg",
        "category": "category kategori",
        "tier": "tier",
        "table": "table tabell",
        "rule": "rule rules regel regler",
        "version": "version versjon",
        "grade": "grade grad",
        "group": "group groups gruppe grupper gruppen",
        "area": "area areas område områder området",
    }.items()
    for form in forms.split()
}
_LABELLED = re.compile(
    rf"(?<!\w)(?P<label>{'|'.join(sorted(map(re.escape, _LABELS), key=len, reverse=True))})[\s\u00a0]?"
    r"(?P<codes>(?-i:(?:\d+(?:[.-]\d+)*[a-zA-Z]?(?:\(\w{1,3}\))*|[IVX]{1,4}[a-c]?|[A-H]))(?![\w%])"
    r"(?:(?:,\s?|\s?(?:and|or|og|eller|to|til|–|-)\s?)(?:\d+(?:[.-]\d+)*[a-zA-Z]?(?:\(\w{1,3}\))*|[IVX]{1,4}[a-c]?|"
    r"[A-H])(?![\w%]))*)",
    re.IGNORECASE,
)
_ONE_CODE = re.compile(r"\d+(?:[.-]\d+)*[a-zA-Z]?(?:\(\w{1,3}\))*|[IVX]{1,4}[a-c]?|[A-H]")
_ROMAN = {
    "i": "1",
    "ii": "2",
    "iii": "3",
    "iv": "4",
    "v": "5",
    "vi": "6",
    "vii": "7",
    "viii": "8",
    "ix": "9",
    "x": "10",
}
# Letters and digits in one token, or digits with brackets, slashes or several dots.
_CODE = re.compile(
    r"(?<![\w$€£])(?:(?=[\w()./-]*\d)(?=[\w()./-]*[A-Za-z])[A-Za-z0-9]+(?:[-./]?(?:\(\w{1,4}\)|[A-Za-z0-9]+))*|"
    r"\d+(?:\.\d+){2,}|\d{2,4}/\d{2,4}|\d+(?:\s?\(\w{1,3}\))+)(?!\w)"
)
_NOT_A_CODE = re.compile(
    r"\d+(?:st|nd|rd|th|s|-?åring\w*|-?år\w*|-?tall\w*|kg|mg|km|cm|mm|ml|g|m|k|mill|x)|\d+-[a-zæøå]+", re.IGNORECASE
)


_NAMED_BEFORE = re.compile(r"\b(?:the|these|those|all|de|disse|alle|begge)\s+$", re.IGNORECASE)
# A number in words up to this may only count what the source lists.
_COUNTED = 5


@dataclass(frozen=True, slots=True)
class Number:
    """A number with what it counts.

    Attributes:
        values: What the digits can mean, in the unit's base: `1.000` is 1000 in Norwegian and 1 in English.
        plain: The same as they are written, before the unit.
        listed: It counts what was named before: `each of the three`.
        in_range: A date follows that it may share month and year with: `from 1 to 15 March 2026`.
        unit: Name of the unit, a currency code, or None.
        bound: `min`, `max` or empty.
        soft: Read only where a source says it: `one`, `both`.
    """

    values: frozenset[float]
    unit: str | None
    bound: str
    words: str
    soft: bool = False
    plain: frozenset[float] = frozenset()
    listed: bool = False
    in_range: bool = False


@dataclass(frozen=True, slots=True)
class Day:
    """A date of any precision."""

    year: int | None
    month: int | None
    day: int | None
    words: str


@dataclass(frozen=True, slots=True)
class Figures:
    """What can be counted, dated or looked up in one text.

    Attributes:
        labels: `class:2`, `section:513g`: a word that numbers, with its number.
        codes: Tokens of letters and digits, without hyphens, dots and brackets.
        rates: What something is said to be per: `month`.
        weekdays: From 0, Monday.
        units: Every unit and currency that the text names, with a number or without.
    """

    numbers: tuple[Number, ...]
    dates: tuple[Day, ...]
    labels: tuple[str, ...]
    codes: tuple[str, ...]
    rates: frozenset[str]
    units: frozenset[str] = frozenset()
    weekdays: frozenset[int] = frozenset()


@lru_cache(maxsize=4096)
def figures(text: str, language: str) -> Figures:
    """Return the figures of a text; `language` decides which words are numbers (`nb`, also for Nynorsk, or `en`)."""
    text = _PATHWAY.sub(r"\1(k)", text.replace("\t", " ; "))
    taken: list[tuple[int, int]] = []
    dates = list(_dates(text, taken))
    labels = list(_labels(text, taken))
    codes = list(_codes(text, taken))
    rates = frozenset(_rate(match) for match in _RATE.finditer(text) if not _EACH_TIME.fullmatch(match[0]))
    numbers = tuple([*_digits(text, taken), *_spelt(text, "en" if language == "en" else "nb")])
    named = [word[0].lower().strip(".") for word in _WORD.finditer(text)]
    units = frozenset(
        _CURRENCIES.get(word) or _UNITS[word][0] for word in named if word in _CURRENCIES or word in _UNITS
    )
    return Figures(numbers, tuple(dates), tuple(labels), tuple(codes), rates, units, _weekdays(text))


def unsupported_figure(claim: Figures, source: Figures) -> str | None:
    """Return the first figure of a claim that its source does not hold, as written, or None."""
    for date in claim.dates:
        if not _has_date(date, source):
            return date.words
    for label in claim.labels:
        if not _has_label(label, source):
            return label
    for code in claim.codes:
        if not _has_code(code, source):
            return code
    small = {value for other in source.numbers for value in other.plain if value <= _COUNTED}
    for number in claim.numbers:
        # `each of the three`, where the source names three things and counts none.
        if number.listed and not small:
            continue
        if not number.soft and not _has_number(number, source):
            return number.words
    if claim.weekdays - source.weekdays:
        return "weekday"
    if claim.rates - source.rates and (source.rates or claim.rates - {"day", "year", "month", "week"}):
        return ", ".join(sorted(claim.rates - source.rates))
    return None


def _free(start: int, end: int, taken: Sequence[tuple[int, int]]) -> bool:
    return all(end <= first or start >= last for first, last in taken)


def _dates(text: str, taken: list[tuple[int, int]]) -> Iterator[Day]:
    for pattern in _DATES:
        for match in pattern.finditer(text):
            if not _free(*match.span(), taken):
                continue
            parts = match.groupdict()
            if match[0] == parts.get("year") and _is_amount(text, match):
                continue
            month = (
                int(parts["number"])
                if parts.get("number")
                else _MONTHS.get((parts.get("month") or "").lower().strip("."))
            )
            if (
                parts.get("month")
                and parts["month"].lower() in ("may", "mar", "jan", "des")
                and not parts["month"][0].isupper()
            ):
                continue
            day = int(parts["day"]) if parts.get("day") else None
            if (month is not None and not 1 <= month <= 12) or (day is not None and not 1 <= day <= 31):
                continue
            taken.append(match.span())
            yield Day(int(parts["year"]) if parts.get("year") else None, month, day, match[0])
    for match in _MONTH_ALONE.finditer(text):
        if _free(*match.span(), taken):
            taken.append(match.span())
            yield Day(None, _MONTHS[match["month"].lower()], None, match[0])


def _is_amount(text: str, match: re.Match[str]) -> bool:
    """Return whether four digits count something: `2000 kroner`, `$2000`; a year is followed by no unit."""
    if re.search(rf"{_SIGN}\s?$", text[: match.start()], re.IGNORECASE):
        return True
    following = _AFTER.match(text, match.end())
    word = following[1].lower() if following else ""
    return word in _CURRENCIES or (word in _UNITS and _UNITS[word][0] not in ("month", "minute") and len(word) > 1)


def _labels(text: str, taken: list[tuple[int, int]]) -> Iterator[str]:
    for match in _QUARTERS.finditer(text):
        taken.append(match.span())
        word = (match["digit"] or match["word"]).lower().strip(".")
        yield f"quarter:{_ORDINAL_WORDS.get(word, word)}"
    for match in _LABELLED.finditer(text):
        if not _free(*match.span(), taken):
            continue
        taken.append(match.span())
        for code in _ONE_CODE.findall(match["codes"]):
            yield f"{_LABELS[match['label'].lower()]}:{_bare(code)}"


def _bare(code: str) -> str:
    lowered = re.sub(r"[-./()\s]", "", code).lower()
    roman = re.fullmatch(r"([ivx]+)([a-c]?)", lowered)
    return _ROMAN.get(roman[1], roman[1]) + roman[2] if roman and roman[1] in _ROMAN else lowered


# `510k` is a pathway, and no half a million.
_PATHWAY = re.compile(r"\b(\d{3})k\b", re.IGNORECASE)


def _codes(text: str, taken: list[tuple[int, int]]) -> Iterator[str]:
    for match in _CODE.finditer(text):
        if _free(*match.span(), taken) and not _NOT_A_CODE.fullmatch(match[0]):
            taken.append(match.span())
            # `E-2-visum` and `510(k)-exempt` are a code with a word behind it.
            yield _bare(re.sub(r"-[a-zæøå]{3,}$", "", match[0]))


_WEEKDAYS = tuple(
    re.compile(rf"\b(?:{names})\b", re.IGNORECASE)
    for names in (
        "mondays?|mandag(?:er|en)?", "tuesdays?|tirsdag(?:er|en)?", "wednesdays?|onsdag(?:er|en)?",
        "thursdays?|torsdag(?:er|en)?", "fridays?|fredag(?:er|en)?", "saturdays?|lørdag(?:er|en)?",
        "sundays?|søndag(?:er|en)?",
    )
)  # fmt: skip


def _weekdays(text: str) -> frozenset[int]:
    return frozenset(number for number, pattern in enumerate(_WEEKDAYS) if pattern.search(text))


def _rate(match: re.Match[str]) -> str:
    word = (match["unit"] or match["adverb"]).lower()
    return next(name for start, name in _RATE_NAMES if word.startswith(start))


def _digits(text: str, taken: Sequence[tuple[int, int]]) -> Iterator[Number]:
    matches = [match for match in _AMOUNT.finditer(text) if _free(match.start("digits"), match.end("digits"), taken)]
    units: list[tuple[str | None, float]] = []
    for match in matches:
        unit = _CURRENCIES.get(match["sign"].lower().strip(". ")) if match["sign"] else None
        units.append((unit, 1.0) if unit else _unit_after(text, match.end()))
    for place in range(len(matches) - 2, -1, -1):  # `3 to 6 months`: the first takes the unit of the second
        between = text[matches[place].end() : matches[place + 1].end("digits")]
        if units[place][0] is None and _RANGE_TO.match(between) and len(between) < 16:
            units[place] = units[place + 1]
    for match, (unit, factor) in zip(matches, units, strict=True):
        scale = _SCALES.get((match["scale"] or "").lower().strip("."), 1.0)
        plain = frozenset(round(value * scale, 6) for value in _values(match["digits"]))
        values = frozenset(round(value * factor, 6) for value in plain)
        yield Number(
            values, "ordinal" if match["ordinal"] else unit, _bound(text, match.start()), match[0].strip(), plain=plain
        )


def _opens_range(text: str, end: int) -> bool:
    return bool(re.match(r"\.?(?:st|nd|rd|th)?\s?(?:-|–|—|to|til|and|og|or|eller|,)\s?\d", text[end : end + 12]))


def _values(digits: str) -> set[float]:
    """Return what digits can mean: as thousands where the groups fit, as decimals where one mark stands."""
    bare = re.sub(r"[\s\u00a0\u202f]", "", digits)
    found: set[float] = set()
    if re.fullmatch(r"\d{1,3}(?:[,.]\d{3})+", bare):
        found.add(float(re.sub(r"[,.]", "", bare)))
    if re.fullmatch(r"\d+", bare):
        found.add(float(bare))
    if re.fullmatch(r"\d+[.,]\d+", bare):
        found.add(float(bare.replace(",", ".")))
    mixed = re.fullmatch(r"(\d{1,3}(?:([,.])\d{3})+)([.,])(\d+)", bare)
    if mixed and mixed[2] != mixed[3]:
        found.add(float(f"{re.sub(r'[,.]', '', mixed[1])}.{mixed[4]}"))
    spaced = re.fullmatch(r"(\d+)[.,](\d+)", bare)
    if spaced and digits != bare:
        found.add(float(f"{spaced[1]}.{spaced[2]}"))
    return found or {float(re.sub(r"[^\d]", "", bare))}


def _unit_after(text: str, end: int) -> tuple[str | None, float]:
    """Return the unit that follows a number, at most two words away, and its factor."""
    position = end
    for step in range(3):
        match = _AFTER.match(text, position)
        if match is None:
            return None, 1.0
        word = match[1].lower()
        if word in _CURRENCIES:
            return _CURRENCIES[word], 1.0
        if word in ("business", "working") and re.match(r"\s(?:days?)\b", text[match.end() :]):
            return "working day", 1.0
        if word in ("percentage", "per") and re.match(r"\s(?:points?|cent)\b", text[match.end() :]):
            return ("percentage point", 1.0) if word == "percentage" else ("%", 1.0)
        if word in _UNITS and not (step and word in ("m", "g", "l", "min", "time", "second", "people")):
            return _UNITS[word]
        ending = next(
            (form for form in ("dager", "uker", "måneder", "timer", "prosent", "minutter") if word.endswith(form)), None
        )
        if ending:
            return _UNITS[ending]
        last = word.rsplit("-", 1)[-1]
        if "-" in word and last in _UNITS:
            return _UNITS[last]
        if word in (
            "to",
            "and",
            "or",
            "of",
            "til",
            "og",
            "eller",
            "av",
            "in",
            "i",
            "on",
            "på",
            "for",
            "is",
            "er",
            "the",
            "per",
        ):
            return None, 1.0
        position = match.end()
        if text[position - 1 : position] == ".":
            return None, 1.0
    return None, 1.0


def _bound(text: str, start: int) -> str:
    before = text[max(0, start - 40) : start]
    if _AT_MOST.search(before):
        return "max"
    return "min" if _AT_LEAST.search(before) and not _SOFT_BOUND.search(before) else ""


def _spelt(text: str, language: str) -> Iterator[Number]:
    """Yield numbers written as words, also `a year` and `et år`, which count one."""
    names = {**_NUMBER_WORDS[language], **(_NORWEGIAN_COMPOUNDS if language == "nb" else {})}
    tokens = list(_WORD.finditer(text))
    place = 0
    while place < len(tokens):
        token = tokens[place]
        word = token[0].lower()
        following = tokens[place + 1][0].lower() if place + 1 < len(tokens) else ""
        if (
            word in _ONE
            and following in _UNITS
            and _UNITS[following][0] in ("month", "day", "minute")
            and following != "time"
        ):
            name, factor = _UNITS[following]
            soft = word in _ARTICLES
            yield Number(frozenset({factor}), name, "", f"{token[0]} {following}", soft, frozenset({1.0}))
            place += 2
            continue
        end, value = _spelt_value(tokens, place, names)
        if value is None:
            place += 1
            continue
        bound = _bound(text, token.start())
        if word in _HALVES:
            yield Number(frozenset({50.0}), "%", bound, token[0], plain=frozenset({50.0, 0.5}))
        else:
            unit, factor = _unit_after(text, tokens[end].end())
            if unit is None and end + 2 < len(tokens) and tokens[end + 1][0].lower() in ("to", "til", "or", "eller"):
                last, other = _spelt_value(tokens, end + 2, names)
                if other is not None:  # `three to six months`: the first takes the unit of the second
                    unit, factor = _unit_after(text, tokens[last].end())
            soft = word in _SOFT_WORDS and end == place
            listed = unit is None and value <= _COUNTED and bool(_NAMED_BEFORE.search(text[: token.start()]))
            yield Number(frozenset({value * factor}), unit, bound, token[0], soft, frozenset({value}), listed)
        place = end + 1


_ARTICLES = frozenset("a an en et ei ein eit".split())
_ONE = _ARTICLES | {"one", "ett", "én"}
_HALVES = frozenset("half halv halve halvparten".split())


def _spelt_value(tokens: Sequence[re.Match[str]], place: int, names: Mapping[str, float]) -> tuple[int, float | None]:
    """Return where a number in words ends, and its value: `two hundred and fifty`; None where none begins."""
    total = current = 0.0
    end = place - 1
    position = place
    while position < len(tokens):
        word = tokens[position][0].lower()
        parts = word.split("-")
        if word in ("hundred", "hundre") or (word in _SCALES and len(word) > 2 and end >= place):
            current = (current or 1) * _SCALES.get(word, names.get(word, 1))
            if current >= 1000:
                total, current = total + current, 0.0
        elif word in names or all(part in names for part in parts):
            if end >= place and current and current < 20:
                break  # `two three`: two numbers
            current += names[word] if word in names else sum(names[part] for part in parts)
        elif word in ("and", "og") and end >= place and (current or total) >= 100 and position + 1 < len(tokens):
            if tokens[position + 1][0].lower().split("-")[0] not in names:
                break
            position += 1
            continue
        else:
            break
        end = position
        position += 1
    return (end, total + current) if end >= place else (place, None)


def _has_date(date: Day, source: Figures) -> bool:
    for other in source.dates:
        pairs = ((date.year, other.year), (date.month, other.month), (date.day, other.day))
        if all(mine is None or mine == theirs for mine, theirs in pairs):
            return True
    # Parts that the source writes apart: `from 1 to 15 March 2026`.
    years = {other.year for other in source.dates} | {value for number in source.numbers for value in number.values}
    if date.month is None and date.day is None:
        return date.year in years
    months = {other.month for other in source.dates if other.day is None}
    bare = {value for number in source.numbers if number.in_range for value in number.plain}
    same_month = {other for other in source.dates if other.month == date.month}
    if date.day is not None and date.day in bare and same_month:
        return date.year is None or date.year in years
    if date.day is None and date.year is not None:
        # `in March 2026` of `15 March` under a heading that names the year.
        return (
            bool(same_month)
            and date.year in years
            and not any(other.year not in (None, date.year) for other in same_month)
        )
    if date.day is not None:
        exact = any(other.day == date.day and other.year in (None, date.year) for other in same_month)
        return exact and date.year in years
    return date.month in months


def _has_label(label: str, source: Figures) -> bool:
    if label in source.labels:
        return True
    name, code = label.split(":", 1)
    others = {one.split(":", 1)[1] for one in source.labels if one.startswith(f"{name}:")}
    if others:
        return False
    if code in source.codes:
        return True
    return code.isdigit() and any(float(code) in number.values for number in source.numbers if number.unit is None)


def _has_code(code: str, source: Figures) -> bool:
    labelled = {one.split(":", 1)[1] for one in source.labels}
    if code in source.codes or code in labelled:
        return True
    # `class IIa` of `Class IIa`, `21 CFR 807` of `807.92`: a shorter form of a code of the source.
    return len(code) >= 4 and any(
        one.startswith(code) and not one[len(code)].isalpha() for one in source.codes if len(one) > len(code)
    )


def _has_number(number: Number, source: Figures) -> bool:
    for other in source.numbers:
        same_unit = bool(number.unit and other.unit)
        if not (number.values & other.values if same_unit else number.plain & other.plain):
            continue
        if same_unit and number.unit != other.unit:
            continue
        # A table names the unit once, in the head of the column.
        if number.unit and other.unit is None and number.unit not in source.units:
            continue
        if {number.bound, other.bound} == {"min", "max"}:
            continue
        return True
    if number.unit in (None, "ordinal", "month", "day"):
        for date in source.dates:
            if date.year in number.plain or date.day in number.plain:
                return True
    if number.unit is None:
        return any(one.split(":", 1)[1] == f"{value:g}" for one in source.labels for value in number.plain)
    return False

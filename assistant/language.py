"""Which language a text is in, its words and stems, and the Norwegian-English lexicon.

Knows no models: everything here is lists, rules and the Snowball stemmers, so it costs nothing at start.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from itertools import chain
from pathlib import Path

import snowballstemmer

from assistant.domain import Language

LEXICON_PATH = Path(__file__).with_name("lexicon.tsv")
GLOSSARY_PATH = Path(__file__).with_name("glossary.tsv")
"""Terms of the library's glossary, written by `docs/sources/build.py`; looked up after the lexicon."""

ORDINARY_WORDS_PATH = Path(__file__).with_name("ordinary_words.txt")
"""What the library's documents write with a small letter, written by `docs/sources/words.py`."""

LONGEST_PHRASE_WORDS = 5

# Function words. They tell the language, and they are left out of the word search, where they carry no meaning.
ENGLISH_WORDS = frozenset(
    """
    a about after all also am an and any are as at be because been before being between both but by can could
    did do does doing done for from further get gets getting got had has have having he her here hers him his
    how i if in into is isn't it its itself just may me might mine more most must my no nor not of off on once
    one only onto or other our ours out over own per same shall she should so some such than that the their
    theirs them then there these they this those through to too under until up upon us very was we were what
    when where whether which while who whom whose why will with within without would you your yours please tell
    want need know there's what's who's it's let's we're i'm don't doesn't am any anyone someone something
    anything much many
    """.split()
)
BOKMAAL_WORDS = frozenset(
    """
    alle alt at av bak bare begge ble bli blir blitt da de deg dem den denne der dere deres det dette di din ditt du
    eller en enn er et etter for fordi fra få får ha hadde han hans har henne hennes her hos hun hva hvem hver
    hvilke hvilken hvilket hvis hvor hvordan hvorfor i ikke ikkje inn jeg kan kom kunne man mange med meg mellom
    men mer mest min mine mitt mot mye må måtte ned noe noen nok nå når og også om opp oss over på samme seg
    selv si sin sine sitt skal skulle slik som så til under ut uten var ved vi vil ville vår være vært å
    egentlig gjerne litt vet fins finnes
    """.split()
)
NYNORSK_WORDS = frozenset(
    """
    eg ikkje kva kven kvar kvifor korleis kor når dei dykk dykkar frå vere vore vert blei noko nokon nokre berre
    me hjå ein eit eitt eigen sjølv difor òg meir mykje kunne skulle ville hjelper finst gjer gjera ho hennar
    deira mitt våre kvart kvar kvarandre tidlegare fleire annan anna medan sidan då
    """.split()
)
_ONLY_NYNORSK = NYNORSK_WORDS - BOKMAAL_WORDS - ENGLISH_WORDS - {"hjelper", "våre"}
# Many function words are alike in both: these are written otherwise in Nynorsk.
_ONLY_BOKMAAL = frozenset(
    """
    jeg ikke hva hvem hver hvilke hvilken hvilket hvor hvordan hvorfor noe noen fra være vært hun henne hennes hans
    deres dere dem en et ett mye blir ble blitt også uten mer selv finnes fins
    """.split()
)
# `de` is Latin or French as often in English questions: de novo, de minimis.
_ONLY_NORWEGIAN = (BOKMAAL_WORDS | NYNORSK_WORDS) - ENGLISH_WORDS - {"de"}
_ONLY_ENGLISH = ENGLISH_WORDS - BOKMAAL_WORDS - NYNORSK_WORDS
STOP_WORDS: Mapping[Language, frozenset[str]] = {
    "en": ENGLISH_WORDS,
    "nb": BOKMAAL_WORDS | NYNORSK_WORDS,
    "nn": BOKMAAL_WORDS | NYNORSK_WORDS,
}

# `510(k)`, `513 (g)` and `510k` are one code and become one token.
_CODE = re.compile(r"\b(\d{2,4})\s?\(([a-z])\)(?:\((\d+)\))?")
# One country, many spellings; `us` in lower case is a pronoun unless an article or preposition says otherwise.
_COUNTRY = re.compile(
    r"\bU\.\s?S\.(?:\s?A\.)?|\bUSA?\b|\b[Uu]nited [Ss]tates(?: of America)?\b|\b(?<=the )us\b|\b(?<=in )us\b"
)
# What every text holds that it fits: a quick look, since most texts hold none of it.
_PERHAPS_COUNTRY = ("U.", "US", "nited", " us")
# The last hyphen does not break a line; NFKC makes the one before it from that.
# The programme's own name is one word, the same in both languages, so that `next year` has nothing to do with it.
_PROGRAMME = re.compile(r"\bUSA (?:next|neste)\b", re.IGNORECASE)
_WORD = re.compile(r"[^\W_]+(?:[-'’‐‑][^\W_]+)*")
_PARTS = re.compile(r"[-'’‐‑]")
# Words that none of these patterns changes or divides, and that are written as they are compared.
_PLAIN = re.compile(r"(?:(?!(?:us|usa|united) )[a-zæøå]+ )+")
# Endings that only one of the languages has; they settle questions without a single function word.
_NORWEGIAN_ENDING = re.compile(
    r"\w{3,}(?:else|sjon|het|ene|ende|skap|ering|eringen|asjon|lig|elig|isk|ologi|dag|krav|er)$"
)
_ENGLISH_ENDING = re.compile(r"\w{3,}(?:tion|ing|ment|ness|ity|ies|ance|ence|able|ical|ed|ly|s)$")


def detect_language(text: str) -> Language:
    """Return the language of `text` among English, Bokmål and Nynorsk; English for a text that tells nothing.

    Counts function words of one language only; the letters æ, ø and å and typical endings break ties.
    """
    words = [word.lower() for word in _WORD.findall(text)]
    norwegian = sum(word in _ONLY_NORWEGIAN for word in words) * 2.0
    english = sum(word in _ONLY_ENGLISH for word in words) * 2.0
    norwegian += 1.5 * sum(any(letter in word for letter in "æøå") for word in words)
    if abs(norwegian - english) < 2:
        lexicon = load_lexicon()
        # A Norwegian word among English names is a Norwegian's question; the other way round is rare.
        norwegian += 2.5 * sum(
            lexicon.knows_norwegian(word) and not lexicon.knows_english(word)
            for word in words
            if word not in ENGLISH_WORDS
        )
        english += sum(lexicon.knows_english(word) for word in words if word not in BOKMAAL_WORDS)
        norwegian += 0.4 * sum(bool(_NORWEGIAN_ENDING.match(word)) for word in words)
        english += 0.4 * sum(bool(_ENGLISH_ENDING.match(word)) for word in words)
    if norwegian <= english:
        return "en"
    nynorsk = sum(word in _ONLY_NYNORSK for word in words)
    bokmaal = sum(word in _ONLY_BOKMAAL for word in words)
    return "nn" if nynorsk > bokmaal else "nb"


def words(text: str) -> list[str]:
    """Return the lower-case words of `text` in order; a code such as `510(k)` is one word, `510k`.

    A hyphenated word gives its parts and then the joined form, so that `start-up` meets `startup`.
    """
    if _PLAIN.fullmatch(f"{text} "):  # most entries of the lexicon, which is read before a first answer
        return text.split()
    folded = unicodedata.normalize("NFKC", text)
    if "next" in (small := folded.lower()) or "neste" in small:
        folded = _PROGRAMME.sub(" usanext usa ", folded)
    if any(look in folded for look in _PERHAPS_COUNTRY):
        folded = _COUNTRY.sub(" usa ", folded)
    folded = folded.lower()
    if "(" in folded:
        folded = _CODE.sub(r"\1\2", folded)
    found: list[str] = []
    for word in _WORD.findall(folded):
        if word.isalnum():  # nearly all
            found.append(word)
            continue
        parts = _PARTS.split(word)
        if len(parts) == 2 and parts[1] in ("s", "t"):  # a genitive or a contraction, not a compound
            found.append(parts[0])
        else:
            found.extend(parts)
            found.append("".join(parts))
    return found


# Forms that no stemmer joins with their base, in both languages.
_IRREGULAR: Mapping[Language, Mapping[str, str]] = {
    "en": {
        form: base
        for base, forms in {
            "lead": "led", "begin": "began begun", "pay": "paid", "make": "made", "sell": "sold", "buy": "bought",
            "take": "took taken", "give": "gave given", "hold": "held", "meet": "met", "run": "ran",
            "write": "wrote written",
            "grow": "grew grown growth", "choose": "chose chosen choice", "bring": "brought", "build": "built",
            "spend": "spent", "send": "sent", "lose": "lost loss", "mean": "meant", "say": "said", "tell": "told",
            "know": "knew known", "see": "saw seen", "speak": "spoke spoken", "think": "thought", "teach": "taught",
            "understand": "understood", "keep": "kept", "child": "children", "woman": "women", "man": "men",
            "person": "people", "decide": "decision", "sale": "sales",
        }.items()
        for form in forms.split()
    },
    "nb": {
        form: base
        for base, forms in {
            "gi": "gir ga gav gitt", "få": "får fikk fått", "ta": "tar tok tatt", "skrive": "skrev skrevet",
            "selge": "solgte solgt", "velge": "valgte valgt valg", "hjelpe": "hjalp hjulpet hjelp",
            "gå": "går gikk gått",
            "stor": "større størst største", "gammel": "eldre eldst eldste", "god": "bedre best beste", "bok": "bøker",
            "mann": "menn", "eie": "eier eies eide eid", "bety": "betyr betydde betydd", "spørre": "spurte spurt",
            "sette": "satte satt", "si": "sier sa sagt", "gjøre": "gjør gjorde gjort", "ligge": "lå ligget",
            "stå": "står sto stod stått", "dra": "drar dro dratt", "finne": "fant funnet", "bli": "blir ble blitt",
            "se": "ser så sett", "legge": "la lagt", "vite": "vet visste", "nå": "når nådde nådd",
            "bygge": "bygg bygde bygd",
        }.items()
        for form in forms.split()
    },
}  # fmt: skip


@cache
def _stemmer(name: str) -> snowballstemmer.stemmer:
    return snowballstemmer.stemmer(name)


# British spellings to American ones, so that `licence` meets `license` and `labelling` meets `labeling`.
_BRITISH = (
    (re.compile(r"(?<=\w{3})is(e[ds]?|ing|ations?|ers?)$"), r"iz\1"),
    (re.compile(r"(?<=\w{3})our(s|ed|ing|able|al)?$"), r"or\1"),
    (re.compile(r"(?<=[aeiou])ll(ed|ing|er|ers)$"), r"l\1"),
    (re.compile(r"(licen|defen|offen)c(e[ds]?|ing)$"), r"\1s\2"),
    (re.compile(r"^(cent|fib|lit)re(s?)$"), r"\1er\2"),
    (re.compile(r"^(program)me(s?)$"), r"\1\2"),
)


# What every word holds that one of them fits: a quick look, since most words hold none of it.
_PERHAPS_BRITISH = re.compile(r"is[eia]|our|ll|enc|[tb]re|mme")


def _american(word: str) -> str:
    if not _PERHAPS_BRITISH.search(word):
        return word
    for pattern, spelling in _BRITISH:
        word = pattern.sub(spelling, word)
    return word


@lru_cache(maxsize=200_000)
def stem(word: str, language: Language) -> str:
    """Return the Snowball stem of a lower-case word, or of its base when it is irregular; Nynorsk counts as Bokmål."""
    if language == "en":
        return str(_stemmer("english").stemWord(_american(_IRREGULAR["en"].get(word, word))))
    if language == "nn" and len(word) > 5 and word.endswith("ar"):
        word = f"{word[:-2]}er"  # `kostar` is Bokmål's `koster`
    return str(_stemmer("norwegian").stemWord(_IRREGULAR["nb"].get(word, word)))


def content_words(text: str, language: Language) -> list[str]:
    """Return the words that carry meaning, in order and with repeats; empty for function words only."""
    stop_words = STOP_WORDS[language]
    return [word for word in words(text) if word not in stop_words]


def stems(text: str, language: Language) -> list[str]:
    """Return the stems of the content words of `text`, in order and with repeats."""
    return [stem(word, language) for word in content_words(text, language)]


# A part of a compound has at least so many letters, so that endings are not taken for words.
_PART_LETTERS = 4
_JOINTS = ("", "s", "e")


@lru_cache(maxsize=200_000)
def compound_parts(word: str) -> tuple[str, ...]:
    """Return the stems of the two parts of a Norwegian compound that the lexicon knows, such as helse and klynge.

    Empty for a word that is no such compound. The longest first part wins; a joining s or e belongs to neither.
    """
    known = load_lexicon().norwegian_words
    for length in range(len(word) - _PART_LETTERS, _PART_LETTERS - 1, -1):
        first, rest = word[:length], word[length:]
        for joint in _JOINTS:
            if not first.endswith(joint):
                continue
            bare = first[: len(first) - len(joint)]
            if len(bare) >= _PART_LETTERS and bare in known and stem(rest, "nb") in known:
                return (stem(bare, "nb"), stem(rest, "nb"))
    return ()


# A passage that answers one question is looked at for the next ones as well.
@lru_cache(maxsize=16_384)
def index_stems(text: str, language: Language) -> tuple[str, ...]:
    """Return what a text is found by: its stems and, in Norwegian, the parts of its compounds after each of them."""
    if language == "en":
        return tuple(stems(text, language))
    found: list[str] = []
    for word in content_words(text, language):
        found.append(stem(word, language))
        found.extend(compound_parts(word))
    return tuple(found)


@dataclass(frozen=True)
class Lexicon:
    """Norwegian-English word pairs, looked up by stem.

    Attributes:
        to_english: Stems of a Norwegian word or phrase to the stems of its English words or phrases.
        to_norwegian: The same, the other way round.
        norwegian_words: Norwegian single words, as entries and as stems: what compounds are made of.
        glosses: Stems of a Norwegian word or phrase to its most usual English one, as written.
    """

    to_english: Mapping[tuple[str, ...], tuple[tuple[str, ...], ...]]
    to_norwegian: Mapping[tuple[str, ...], tuple[tuple[str, ...], ...]]
    norwegian_words: frozenset[str] = frozenset()
    glosses: Mapping[tuple[str, ...], str] = field(default_factory=dict)

    def knows_norwegian(self, word: str) -> bool:
        """Return whether the lower-case word is a Norwegian entry."""
        return (stem(word, "nb"),) in self.to_english

    def knows_english(self, word: str) -> bool:
        """Return whether the lower-case word is an English entry."""
        return (stem(word, "en"),) in self.to_norwegian

    def gloss(self, text: str) -> str:
        """Return a Norwegian text word by word in English, without function words; unknown words stay as they are.

        A compound that is no entry is given by its parts. Reads badly, but an English embedding model understands it.
        """
        tokens = [(word, stem(word, "nb")) for word in content_words(text, "nb")]
        found: list[str] = []
        position = 0
        while position < len(tokens):
            for length in range(LONGEST_PHRASE_WORDS, 0, -1):
                key = tuple(part for _, part in tokens[position : position + length])
                if len(key) == length and key in self.glosses:
                    found.append(self.glosses[key])
                    position += length
                    break
            else:
                word = tokens[position][0]
                parts = [self.glosses.get((part,), "") for part in compound_parts(word)]
                found.append(" ".join(parts) if all(parts) and parts else word)
                position += 1
        return " ".join(found)

    def translate(self, text: str, source: Language) -> list[tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]]:
        """Return, for each known word or phrase of `text`, its source stems and the stems of its translations.

        The longest phrase wins and its words are not looked up again; unknown words are left out.
        """
        table = self.to_english if source != "en" else self.to_norwegian
        stop_words = STOP_WORDS[source]
        tokens = [(word, stem(word, source)) for word in words(text)]
        found: list[tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]] = []
        position = 0
        while position < len(tokens):
            for length in range(LONGEST_PHRASE_WORDS, 0, -1):
                window = tokens[position : position + length]
                key = tuple(part for _, part in window)
                if len(window) == length and key in table and not (length == 1 and window[0][0] in stop_words):
                    found.append((key, table[key]))
                    position += length
                    break
            else:
                position += 1
        return found


def _stem_phrase(phrase: str, language: Language) -> tuple[str, ...]:
    return tuple(stem(word, language) for word in words(phrase))


def _content_phrase(norwegian: str) -> tuple[str, ...]:
    """Return the stems of a term as `gloss` meets them, without function words; with them where one word remains."""
    content = tuple(stem(word, "nb") for word in content_words(norwegian, "nb"))
    return content if len(content) > 1 else _stem_phrase(norwegian, "nb")


def read_lexicon(lines: Iterable[str]) -> Lexicon:
    """Read `norwegian<TAB>english1; english2` lines; comments start with `#`, a line without a tab is skipped."""
    to_english: dict[tuple[str, ...], list[tuple[str, ...]]] = {}
    to_norwegian: dict[tuple[str, ...], list[tuple[str, ...]]] = {}
    single: set[str] = set()
    glosses: dict[tuple[str, ...], str] = {}
    for line in lines:
        if line.startswith("#") or "\t" not in line:
            continue
        norwegian, english = line.rstrip("\n").split("\t", 1)
        source = _stem_phrase(norwegian, "nb")
        if len(source) == 1:
            single.update((norwegian.lower(), source[0]))
        for key in (source, _content_phrase(norwegian)):
            glosses.setdefault(key, english.split(";")[0].strip())
        for phrase in english.split(";"):
            target = _stem_phrase(phrase.strip(), "en")
            if not source or not target:
                continue
            _append_new(to_english.setdefault(source, []), target)
            _append_new(to_norwegian.setdefault(target, []), source)
    return Lexicon(_frozen(to_english), _frozen(to_norwegian), frozenset(single), glosses)


def _append_new(entries: list[tuple[str, ...]], entry: tuple[str, ...]) -> None:
    if entry not in entries:
        entries.append(entry)


def _frozen(
    table: Mapping[tuple[str, ...], Sequence[tuple[str, ...]]],
) -> dict[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    return {key: tuple(values) for key, values in table.items()}


@cache
def lexicon_digest() -> str:
    """Return the sha256 of lexicon and glossary: another one glosses and translates otherwise."""
    return hashlib.sha256(LEXICON_PATH.read_bytes() + GLOSSARY_PATH.read_bytes()).hexdigest()


@cache
def load_lexicon() -> Lexicon:
    """Return the lexicon and the glossary that ship with the assistant as one, read once."""
    with LEXICON_PATH.open(encoding="utf-8") as lexicon, GLOSSARY_PATH.open(encoding="utf-8") as glossary:
        return read_lexicon(chain(lexicon, glossary))


@cache
def ordinary_words() -> frozenset[str]:
    """Return words of both languages that are no names, in lower case."""
    return frozenset(ORDINARY_WORDS_PATH.read_text(encoding="utf-8").split())

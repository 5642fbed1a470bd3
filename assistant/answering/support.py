"""Does this quote carry this sentence? The judge of what a language model writes, one sentence at a time.

Four questions, each of which alone can remove a sentence: do its figures and codes stand in the quote (`figures`),
do its names, does it hold as far as the quote does (`polarity`), and is the rest of it said there too. The last one
is a number: how many of its words the quote holds, in its own language or the other, and how near the two lie for
the embedding model. Its weights and threshold are learned (`support.json`, which names the run). Heading and title
of a quote speak with it.

Knows no model: vectors are made by functions that are passed in.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from assistant.answering import figures, polarity
from assistant.answering.quoting import Found, find
from assistant.domain import Chunk, Language
from assistant.language import (
    BOKMAAL_WORDS,
    ENGLISH_WORDS,
    NYNORSK_WORDS,
    compound_parts,
    content_words,
    detect_language,
    load_lexicon,
    ordinary_words,
    stem,
    words,
)
from assistant.sentences import sentence_spans
from assistant.tuning import SupportTuning, load_support_tuning

# One vector, or several in rows.
Vector = npt.NDArray[np.float32]
Reason = Literal["quote", "language", "leans", "markup", "figure", "name", "polarity", "coverage"]

FEATURES = (
    "covered",
    "covered_with_heading",
    "uncovered_run",
    "weakest_clause",
    "cosine",
    "other_language",
    "cosine_other_language",
)
# A sentence that opens like this is not understood without the one before it.
_LEANS = re.compile(
    r"(?:It|Its|They|Their|He|She|His|Her|This|That|These|Those|Such|Both|Otherwise|Then|However|Therefore|Thus|"
    r"In addition|"
    r"Den|Det|De|Han|Hun|Dette|Denne|Disse|Deres|Slike?|Begge|Ellers|Da|Derfor|Dermed|Imidlertid|I tillegg|Ho|Dei|"
    r"Deira)\b"
)
_LEANS_SELDOM = re.compile(r"(?:Det (?:er|finnes|finst|kreves|må|kan|skal)|It (?:is|takes|costs)) \w+")
_LEANS_FREELY = re.compile(
    r"De (?:fleste|fire|tre|to|som|amerikanske|norske)|Den (?:som|amerikanske|norske)|That (?:is|means)\b"
)
_CITATION = re.compile(r"\s?\[\s?P?\d{1,2}\s?\]|\s?\(P\d{1,2}\)")
_CLAUSES = re.compile(
    r"[;:]\s|,\s|\s[–—-]\s|\s(?=(?:and|but|while|whereas|og|men|mens|which|who|som)\s)", re.IGNORECASE
)
# Decided by hand on the tuning half, as are the shares and lengths below; `python -m eval support` says what they cost.
_CLAUSE_WORDS = 3
_UNHELD_WORDS = 2
# What is hung on behind the last comma.
_APPENDED = re.compile(r",\s+([^,]+?)[.!?]*$")
_APPENDED_WORDS = 5
_SHORT_SHARE = 0.65
# Endings of words that are no names; `-et` and `-en` are left out, since authorities and towns end so too.
_ORDINARY_ENDING = {
    "en": re.compile(r"(?:ings?|tions?|ments?|ness|ever|ly|ities|ancy|ency)$"),
    "nb": re.compile(r"(?:ene|erne|ingen|ing|elsen?|heten?|sjon|sjonen|ligere|enes|leg|lig|lige)$"),
}
_COGNATE_LETTERS = 5
_COGNATE_SHARE = 0.7
_CAPITALISED = re.compile(r"(?<![\w.])(?:[A-ZÆØÅ][\w]*(?:[-'’.&/][\w]+)*|[a-z]+[A-Z]\w*)")
_SENTENCE_START = re.compile(r"^[\s\"'“”«»(]*$|[.:!?]\s+[\"'“«(]*$")
# Words that are written with a capital and name nothing that could be swapped.
_NO_NAMES = frozenset(
    """
    i mr mrs ms dr the a an in on of for and or to by at from with english norwegian norsk engelsk monday tuesday
    wednesday thursday friday saturday sunday ceo cto board
    """.split()
)
# A sentence may open with these, whatever its source says.
_OPENERS = frozenset(
    """
    companies company firms firm manufacturers manufacturer founders founder applicants applicant businesses business
    startups however additionally also therefore thus first second third finally moreover furthermore overall
    generally typically instead according under during while although when where if unless because since before after
    once until both each every all any most many some several such no not only even then there here yes note among
    between within without regardless despite vær selskaper selskapet selskap bedrifter bedriften bedrift gründere
    gründer produsenter produsenten produsent søkere søkeren virksomheter virksomheten dermed derfor imidlertid
    videre dessuten likevel først deretter til slutt ifølge under både hver alle noen flere ingen bare selv også da
    når hvis dersom fordi siden etter før blant mellom innen uten samtidig generelt vanligvis
    """.split()
)
# A country, its people and its adjective in both languages: any of them names it.
_COUNTRIES = tuple(
    frozenset(names.split())
    for names in (
        "usa american america americans amerikansk amerikanske amerika amerikanerne amerikanere us",
        "norway norwegian norwegians norge noreg norsk norske nordmenn",
        "sweden swedish sverige svensk svenske",
        "denmark danish danmark dansk danske",
        "finland finnish finsk finske",
        "germany german tyskland tysk tyske",
        "france french frankrike fransk franske",
        "uk britain british kingdom storbritannia britisk britiske england engelsk",
        "china chinese kina kinesisk kinesiske",
        "russia russian russland russisk russiske",
        "korea korean nordkorea sørkorea koreansk",
        "iran iranian iransk",
        "japan japanese japansk japanske",
        "canada canadian kanadisk kanadiske",
        "switzerland swiss sveits sveitsisk sveitsiske",
        "spain spanish spania spansk spanske",
        "italy italian italia italiensk italienske",
        "netherlands dutch nederland nederlandsk nederlandske",
        "poland polish polen polsk polske",
        "iceland icelandic island islandsk islandske",
        "europe european europa europeisk europeiske",
        "eu union unionen eus",
        "india indian indisk indiske",
        "australia australian australsk australske",
    )
)
_NAME_RUN = re.compile(r"(?:[A-ZÆØÅ][\w-]*(?: (?:and|of|the|for|og|&) | ))+[A-ZÆØÅ][\w-]*")
_UNITED_STATES = re.compile(r"\b(?:[Tt]he )?U(?:nited )?S(?:tates)?(?:A| of America)?\b(?! (?:next|neste)!?)")
_UNITED_KINGDOM = re.compile(r"\b(?:[Tt]he )?United Kingdom\b")
# An address, a domain or a telephone number: it stands in the quote letter by letter, or it is invented.
_CONTACT = re.compile(
    r"[\w.+-]+@[\w-]+(?:\.[\w-]+)*|\b(?:[\w-]+\.)+(?:com|org|net|no|eu|io|info|example|gov|edu|co|us|test|dev|app|ai|me|biz)\b"
    r"|\+\d[\d ().-]{6,}\d",
    re.IGNORECASE,
)
# Those who decide and act, by a common noun; `agency` and `authority` may stand for any of them.
_SAME_INSTITUTIONS = tuple(
    re.compile(rf"\b(?:{names})")
    for names in (
        r"ministr(?:y|ies)|departement|department",
        r"directorate|direktorat",
        r"(?:\w*tilsyn(?:et|a|ene)?\b|inspectorate)",
        r"municipal|kommune(?!styre)",
        r"count(?:y|ies)\b|fylke",
        r"courts?\b|domstol|(?:ting|lag|høyeste)?rett(?:en)?\b",
        r"police|politi",
        r"parliament|storting",
        r"congress|kongress",
        r"senat",
        r"commission|kommisjon",
        r"committee|komite|utvalg",
        r"tribunal|nemnd",
        r"governor|guvernør",
        r"statsforvalter|fylkesmann",
        r"king\b|konge",
        r"prosecut|påtale|statsadvokat",
        r"universit",
        r"hospital|sykehus",
        r"bank",
        r"insurer|forsikringsselskap",
        r"employers?\b|arbeidsgiver",
        r"employees?\b|arbeidstaker|ansatt",
        r"municipal council|kommunestyre",
        r"styre[t]?\b|board",
    )
)
_INSTITUTIONS = re.compile("|".join(pattern.pattern for pattern in _SAME_INSTITUTIONS), re.IGNORECASE)
_MARKUP = re.compile(r"\]\(|<[a-z/!][^>]*>|!\[|`{2}|\*\*|https?://|www\.", re.IGNORECASE)
_WEB = re.compile(r"(?:https?://|www\.)[^\s<>)\]]+", re.IGNORECASE)
# Force and denial are judged by `polarity`, numbers by `figures`: they are no words to be found again.
_JUDGED_ELSEWHERE = frozenset(
    """
    must shall should may might can could required require requires requirement need needs needed have has mandatory
    optional not never no none without cannot yet also however therefore thus both either whether such while per each
    every only already must skal må bør kan kunne kreves krever krav trenger behøver plikter ikke aldri ingen uten
    ennå også både enten hver bare allerede imidlertid derfor dermed ifølge according states means dvs including
    includes include blant annet innebærer
    """.split()
)


@dataclass(frozen=True, slots=True)
class Ground:
    """What a sentence is said to rest on: quoted words, and what stands above them.

    Attributes:
        above: Title, heading, the line that introduces a list, the names of a table's columns.
        before: The sentence before, where the quote is not understood without it.
        vectors: One unit vector for each quoted unit; empty where the library has none yet.
    """

    words: str
    above: str
    language: Language
    before: str = ""
    vectors: tuple[Vector, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the judge says of one sentence.

    Attributes:
        reason: Why it is not shown, or None: `quote`, one is not in the passage it names; `leans`, it is not understood
            without a sentence that was left out; the others name the check that failed.
        detail: The figure, name or clause that failed.
        score: How sure the judge is that the rest is covered, 0 to 1.
        features: What the score was made of.
        found: Where the quotes stand; empty where one was not found.
    """

    reason: Reason | None
    detail: str
    score: float = 0.0
    features: Mapping[str, float] = field(default_factory=dict)
    found: tuple[Found, ...] = ()

    @property
    def supported(self) -> bool:
        """Whether the quote carries the sentence."""
        return self.reason is None


class SupportJudge:
    """Judges what was written, claim by claim, with one embedding model and one set of learned numbers."""

    def __init__(
        self,
        embed: Callable[[Sequence[str]], Vector],
        unit_vectors: Callable[[Chunk], Sequence[Vector | None]] = lambda chunk: (),
        tuning: SupportTuning | None = None,
    ) -> None:
        """Take what gives vectors.

        Args:
            embed: Texts to unit vectors.
            unit_vectors: The vectors of a chunk's units that are known already, in order; none where it gives nothing.
            tuning: The numbers that ship with the assistant when not given.
        """
        self._embed = embed
        self._unit_vectors = unit_vectors
        self._tuning = tuning or load_support_tuning()

    def claim(
        self,
        claim: str,
        language: Language,
        quotes: Sequence[tuple[Chunk | None, str]],
        *,
        after_lost: bool = False,
    ) -> Iterator[tuple[str, Verdict]]:
        """Yield each sentence of a claim with its verdict; every sentence rests on all quotes.

        Args:
            quotes: Each with the chunk that it is said to stand in, or None for one that does not exist.
            after_lost: The sentence before the claim was left out.
        """
        found = [find(words, chunk) if chunk is not None else None for chunk, words in quotes]
        held = tuple(one for one in found if one is not None)
        grounds = [self._ground(one) for one in held]
        lost = after_lost
        for sentence in _sentences(claim):
            if not held or len(held) < len(found):
                verdict = Verdict("quote", "")
            elif is_in_other_language(sentence, language):
                verdict = Verdict("language", "")
            elif lost and leans(sentence):
                verdict = Verdict("leans", "")
            else:
                verdict = judge(sentence, language, grounds, self._embed, self._tuning)
            lost = not verdict.supported
            yield sentence, replace(verdict, found=held)

    def features(self, claim: str, language: Language, quotes: Sequence[tuple[Chunk, str]]) -> Mapping[str, float]:
        """Return what the score of a claim, taken as one sentence, is made of; empty where a quote is not found."""
        grounds = [self._ground(one) for chunk, words in quotes if (one := find(words, chunk))]
        return covering(claim, language, grounds, self._embed) if len(grounds) == len(quotes) else {}

    def _ground(self, found: Found) -> Ground:
        known = self._unit_vectors(found.chunk)
        vectors = tuple(vector for position in found.positions if known and (vector := known[position]) is not None)
        whole = len(vectors) == len(found.units)
        return Ground(found.words, found.above, found.chunk.language, found.before, vectors if whole else ())


def _sentences(text: str) -> list[str]:
    bare = _CITATION.sub("", text.strip().strip('"“”').strip("*_ "))
    return [sentence for start, end in sentence_spans(bare) if (sentence := bare[start:end].strip())]


def leans(sentence: str) -> bool:
    """Return whether a sentence is not understood without the one before it."""
    return bool(_LEANS.match(sentence)) and not _LEANS_SELDOM.match(sentence) and not _LEANS_FREELY.match(sentence)


def is_in_other_language(sentence: str, language: Language) -> bool:
    """Return whether a sentence is plainly in the other language: by its function words, and by more than one."""
    found = detect_language(sentence)
    if (found == "en") == (language == "en"):
        return False
    said = words(sentence)
    norwegian = sum(word in (BOKMAAL_WORDS | NYNORSK_WORDS) - ENGLISH_WORDS for word in said)
    english = sum(word in ENGLISH_WORDS - BOKMAAL_WORDS - NYNORSK_WORDS for word in said)
    return norwegian >= english + 2 if language == "en" else english >= norwegian + 2


def judge(
    sentence: str,
    language: Language,
    grounds: Sequence[Ground],
    embed: Callable[[Sequence[str]], Vector],
    tuning: SupportTuning,
) -> Verdict:
    """Return whether the grounds, taken together, carry the sentence.

    Args:
        embed: Texts to unit vectors; asked once, for the sentence and for quotes that have no vector.
    """
    everything = " ".join(f"{ground.above} {ground.before} {ground.words}" for ground in grounds)
    if _carries_markup(sentence, everything):
        return Verdict("markup", "")
    source_language = grounds[0].language
    source = figures.figures(everything.replace("\t", " ; "), _field(source_language))
    if missing := figures.unsupported_figure(figures.figures(sentence, _field(language)), source):
        return Verdict("figure", missing)
    if unknown := unknown_name(sentence, language, everything, source_language):
        return Verdict("name", unknown)
    links = _Links(sentence, language, everything, source_language)
    if other := _other_institution(sentence, language, everything, source_language, links):
        return Verdict("name", other)
    if differs := _differs(sentence, language, grounds, links):
        return Verdict("polarity", differs)
    features = _features(sentence, language, grounds, links, embed)
    if alone := _unheld_clause(sentence, language, grounds, links):
        return Verdict("coverage", alone, 0.0, features)
    score = 1 / (1 + math.exp(-(tuning.bias + sum(tuning.weights[name] * features[name] for name in FEATURES))))
    return Verdict(None if score >= tuning.threshold else "coverage", "", score, features)


def covering(
    sentence: str, language: Language, grounds: Sequence[Ground], embed: Callable[[Sequence[str]], Vector]
) -> dict[str, float]:
    """Return the features of the score: how much of a sentence its grounds say."""
    everything = " ".join(f"{ground.above} {ground.before} {ground.words}" for ground in grounds)
    return _features(sentence, language, grounds, _Links(sentence, language, everything, grounds[0].language), embed)


def _field(language: Language) -> Language:
    return "en" if language == "en" else "nb"


def _carries_markup(sentence: str, source: str) -> bool:
    """Return whether a sentence holds a link, an image, HTML or a way to reach somebody that its source does not."""
    bare = _WEB.sub(lambda match: "" if match[0].rstrip(".,;:") in source else match[0], sentence)
    if any(match[0].rstrip(".,;:").lower() not in source.lower() for match in _CONTACT.finditer(bare)):
        return True
    return bool(_MARKUP.search(bare))


# ---- Names ----


def unknown_name(sentence: str, language: Language, source: str, source_language: Language) -> str | None:
    """Return the first name of a sentence that its source does not hold, or None.

    A word that opens the sentence counts as a name unless it is an ordinary one: known to the lexicon, or a usual
    opener.
    """
    present = set(words(source)) | set(words(_plain_letters(source)))
    present |= {word.removesuffix("s") for word in present}
    for group in _COUNTRIES:
        if present & group:
            present |= group
    present_stems = {stem(word, source_language) for word in present}
    initials = _initials(source)
    same = _field(language) == _field(source_language)
    written_as_names = {
        word
        for match in _CAPITALISED.finditer(source)
        for word in words(match[0])
        if not (_SENTENCE_START.search(source[: match.start()]) and _is_ordinary(word, source_language))
    }
    # The country and the programme have many spellings, some of them of several words.
    folded = _UNITED_STATES.sub("USA", _UNITED_KINGDOM.sub("UK", sentence))
    for match in _CAPITALISED.finditer(folded):
        token = match[0]
        opens = bool(_SENTENCE_START.search(folded[: match.start()]))
        # Of a compound with a hyphen the parts with a capital are names: `ESTA-besøk`.
        capital = [part for part in re.split(r"[-'’/]", token) if any(map(str.isupper, part))]
        parts = [word for part in capital for word in words(part) if not word.isdigit()]
        if any(character.isdigit() for character in token) or token.lower() in figures.MONTH_NAMES:
            continue
        for word in parts or []:
            if word in _NO_NAMES or len(word) < 2:
                continue
            stands = word in present or {stem(word, source_language), stem(word, language)} & present_stems
            if stands and not (same and word not in written_as_names and _in_name(folded, match)):
                continue
            if not stands and word.endswith("s") and word[:-1] in present:
                continue
            if "".join(parts) in present - {word} or _spelt_out(token, folded, match.end(), source, initials):
                continue
            if _translated(word, language, present_stems, source_language):
                continue
            if opens and not token.isupper() and _is_ordinary(word, language):
                continue
            return token
    return None


def _plain_letters(text: str) -> str:
    """Return a text without accents, as names are often written: `Zürich`, `Zurich`."""
    bare = (letter for letter in unicodedata.normalize("NFD", text) if not unicodedata.combining(letter))
    return "".join(bare)


def _in_name(text: str, match: re.Match[str]) -> bool:
    """Return whether a word stands in a name of several: `State` in `Department of State`."""
    before = text[: match.start()]
    return bool(re.search(r"[A-ZÆØÅ][\w-]+ (?:of |and |the |for |og )?$", before)) and not _SENTENCE_START.search(
        before
    )


def _initials(text: str) -> str:
    """Return the first letters of the words of a text, in order, in lower case: an acronym is a run of them."""
    return "".join(
        word[0]
        for word in re.findall(r"[^\W\d_]+", text.lower())
        if word not in ("and", "of", "the", "for", "og", "for")
    )


def _spelt_out(token: str, sentence: str, end: int, source: str, initials: str) -> bool:
    """Return whether an acronym's words stand in the source, or a name's acronym does."""
    if token.isupper() and 3 <= len(token) <= 6:
        return token.lower() in initials or any(_shortens(token, run) for run in _NAME_RUN.findall(source))
    around = sentence[max(0, end - 80) : end + 80]
    for run in _NAME_RUN.findall(around):
        short = "".join(word[0] for word in run.removeprefix("The ").split() if word[0].isupper())
        if token in run and len(short) >= 3 and re.search(rf"\b{re.escape(short)}\b", source):
            return True
    return False


def _shortens(acronym: str, name: str) -> bool:
    """Return whether an acronym stands for a name and leaves out one of its words at most: CMS."""
    letters = [word[0] for word in name.removeprefix("The ").split() if word[0].isupper()]
    if not letters or (letters[0], letters[-1]) != (acronym[0], acronym[-1]) or len(letters) > len(acronym) + 1:
        return False
    rest = iter(letters)
    return all(letter in rest for letter in acronym)


def _translated(word: str, language: Language, present: set[str], source_language: Language) -> bool:
    if _field(language) == _field(source_language):
        return False
    return any(all(part in present for part in target) for target in _translations(word, language))


def _translations(word: str, language: Language) -> tuple[tuple[str, ...], ...]:
    lexicon = load_lexicon()
    table = lexicon.to_norwegian if language == "en" else lexicon.to_english
    found = table.get((stem(word, language),), ())
    if language != "en" and not found:
        for part in compound_parts(word):
            found += table.get((part,), ())
    return found


def _is_ordinary(word: str, language: Language) -> bool:
    if any(word in group for group in _COUNTRIES):
        return False
    lexicon = load_lexicon()
    knows = lexicon.knows_english if language == "en" else lexicon.knows_norwegian
    if len(word) > 6 and _ORDINARY_ENDING["en" if language == "en" else "nb"].search(word):
        return True
    if word in _OPENERS or word in ordinary_words() or not content_words(word, language) or knows(word):
        return True
    return language != "en" and bool(compound_parts(word))


def _other_institution(
    sentence: str, language: Language, source: str, source_language: Language, links: _Links
) -> str | None:
    """Return who acts in a sentence where its source names another by a common noun: a court for a ministry."""
    there = [stem(word, source_language) for word in content_words(source, source_language)]
    if not _INSTITUTIONS.search(source):
        return None
    for match in _INSTITUTIONS.finditer(sentence):
        word = words(match[0])[-1]
        if not links.holds(stem(word, language), there) and not _names_same(match[0], source):
            return match[0]
    return None


def _names_same(word: str, source: str) -> bool:
    """Return whether a source names the same institution in either language."""
    lowered = word.lower()
    return any(pattern.search(lowered) and pattern.search(source.lower()) for pattern in _SAME_INSTITUTIONS)


# ---- Words ----


class _Links:
    """Which words of a sentence and of its source say the same, as stems, both ways."""

    def __init__(self, sentence: str, language: Language, source: str, source_language: Language) -> None:
        self._pairs: set[tuple[str, str]] = set()
        same = _field(language) == _field(source_language)
        there = {stem(word, source_language): word for word in content_words(source, source_language)}
        parts = {
            part: base
            for base, word in there.items()
            for part in (compound_parts(word) if source_language != "en" else ())
        }
        phrases = {} if same else _phrases(sentence, language)
        for word in dict.fromkeys(content_words(sentence, language)):
            own = stem(word, language)
            targets = {own, stem(word, source_language)}
            if same:
                targets |= _synonyms(word, language)
                targets |= set(compound_parts(word)) if language != "en" else set()
            else:
                targets |= {part for target in _translations(word, language) for part in target}
                targets |= {part for key, target in phrases.items() if own in key for part in target}
            for target in targets:
                base = target if target in there else parts.get(target)
                if base is not None:
                    self._add(own, base)
            for other, written in there.items():
                if _cognates(word, written):
                    self._add(own, other)

    def _add(self, own: str, other: str) -> None:
        self._pairs.update(((own, other), (other, own)))

    def alike(self, word: str, other: str) -> bool:
        """Return whether two stems, one of either text, say the same."""
        return (word, other) in self._pairs

    def holds(self, word: str, others: Iterable[str]) -> bool:
        """Return whether one of the other text's stems says the same as a stem."""
        return any((word, other) in self._pairs for other in others)


def _phrases(sentence: str, language: Language) -> dict[tuple[str, ...], frozenset[str]]:
    """Return the known phrases of a sentence with the stems of their translations."""
    return {
        key: frozenset(part for target in targets for part in target)
        for key, targets in load_lexicon().translate(sentence, language)
        if len(key) > 1
    }


def _synonyms(word: str, language: Language) -> set[str]:
    """Return the stems of words that share a translation with this one, there and back through the lexicon."""
    lexicon = load_lexicon()
    back = lexicon.to_english if language == "en" else lexicon.to_norwegian
    return {again[0] for target in _translations(word, language) for again in back.get(target, ()) if len(again) == 1}


def _cognates(word: str, other: str) -> bool:
    """Return whether two words begin so much alike that they are forms or relatives of one another."""
    if len(word) < _COGNATE_LETTERS or len(other) < _COGNATE_LETTERS:
        return False
    common = 0
    for mine, theirs in zip(word, other, strict=False):
        if mine != theirs and (mine, theirs) not in (("k", "c"), ("c", "k")):
            break
        common += 1
    return common >= _COGNATE_LETTERS and common >= _COGNATE_SHARE * min(len(word), len(other))


def _differs(sentence: str, language: Language, grounds: Sequence[Ground], links: _Links) -> str | None:
    quoted = [(ground.words, ground.language) for ground in grounds]
    before = [(ground.before, ground.language) for ground in grounds if ground.before]
    return polarity.disagreement(sentence, language, quoted, links.alike, before)


def _features(
    sentence: str,
    language: Language,
    grounds: Sequence[Ground],
    links: _Links,
    embed: Callable[[Sequence[str]], Vector],
) -> dict[str, float]:
    source_language = grounds[0].language
    quoted = [
        stem(word, source_language) for ground in grounds for word in content_words(ground.words, source_language)
    ]
    above = [
        stem(word, source_language)
        for ground in grounds
        for word in content_words(f"{ground.above} {ground.before}", source_language)
    ]
    asked = _asked(sentence, language)
    in_quote = [links.holds(word, quoted) for word in asked]
    in_all = [found or links.holds(word, above) for word, found in zip(asked, in_quote, strict=True)]
    known = [*quoted, *above]
    cosine = _cosine(sentence, language, grounds, embed)
    other = float(_field(language) != _field(source_language))
    return {
        "covered": sum(in_quote) / len(asked) if asked else 1.0,
        "covered_with_heading": sum(in_all) / len(asked) if asked else 1.0,
        "uncovered_run": min(_longest_run(in_all), 6) / 6,
        "weakest_clause": _weakest_clause(sentence, language, lambda word: links.holds(word, known)),
        "cosine": cosine,
        "other_language": other,
        "cosine_other_language": cosine * other,
    }


def _asked(text: str, language: Language) -> list[str]:
    """Return the stems that a quote must hold: content words without what the other checks look at."""
    return [
        stem(word, language)
        for word in content_words(text, language)
        if word not in _JUDGED_ELSEWHERE and not word[0].isdigit()
    ]


def _weakest_clause(sentence: str, language: Language, holds: Callable[[str], bool]) -> float:
    """Return the smallest share of a clause's words that is held: a second fact may hide behind a covered first one."""
    shares = []
    for clause in _CLAUSES.split(sentence):
        found = [holds(word) for word in _asked(clause, language)]
        if len(found) >= _CLAUSE_WORDS:
            shares.append(sum(found) / len(found))
    return min(shares, default=1.0)


def _unheld_clause(sentence: str, language: Language, grounds: Sequence[Ground], links: _Links) -> str:
    """Return a clause of which the grounds hold no word at all, or nothing: no sum of the rest makes up for it.

    In the other language, where the lexicon knows few words, only a whole sentence counts. Of a few words behind the
    last comma most must be held.
    """
    source_language = grounds[0].language
    known = [
        stem(word, source_language)
        for ground in grounds
        for word in content_words(f"{ground.above} {ground.before} {ground.words}", source_language)
    ]
    same = _field(language) == _field(source_language)
    whole = [links.holds(word, known) for word in _asked(sentence, language)]
    if whole and not any(whole) and (same or len(whole) < _CLAUSE_WORDS):
        return sentence
    # Of a sentence of three words two say little: `Fees are history.`
    if same and 0 < len(whole) <= _CLAUSE_WORDS and sum(whole) < _SHORT_SHARE * len(whole):
        return sentence
    if not same:
        return ""
    for clause in _CLAUSES.split(sentence):
        found = [links.holds(word, known) for word in _asked(clause, language)]
        if len(found) >= _UNHELD_WORDS and not any(found):
            return clause
    appended = _APPENDED.search(sentence)
    found = [links.holds(word, known) for word in _asked(appended[1], language)] if appended else []
    if appended and found and len(appended[1].split()) <= _APPENDED_WORDS and sum(found) < _SHORT_SHARE * len(found):
        return appended[1]
    return ""


def _longest_run(found: Sequence[bool]) -> int:
    longest = run = 0
    for one in found:
        run = 0 if one else run + 1
        longest = max(longest, run)
    return longest


def _cosine(
    sentence: str,
    language: Language,
    grounds: Sequence[Ground],
    embed: Callable[[Sequence[str]], Vector],
) -> float:
    """Return the cosine of the sentence and the mean of what is quoted; a Norwegian text is compared by its gloss."""
    lexicon = load_lexicon()
    texts = [sentence if language == "en" else lexicon.gloss(sentence)]
    known = [vector for ground in grounds for vector in ground.vectors]
    texts += [
        ground.words if ground.language == "en" else lexicon.gloss(ground.words)
        for ground in grounds
        if not ground.vectors
    ]
    own, *others = embed(texts)
    together = [*known, *others]
    mean = np.sum(together, axis=0)
    joint = float(own @ mean / max(float(np.linalg.norm(mean)), 1e-9))
    return max(joint, *(float(own @ vector) for vector in together))

"""Does this quote carry this sentence? The judge of what a language model writes, one sentence at a time.

Four questions, each of which alone can remove a sentence: do its figures and codes stand in the quote (`figures`), do its
names, does it hold as far as the quote does (`polarity`), and is the rest of it said there too. The last one is a number:
how many of its words the quote holds, in its own language or the other, and how near the two lie for the embedding model.
Its weights and threshold are learned (`support.json`, which names the run). Heading and title of a quote speak with it.

Knows no model: vectors are made by functions that are passed in.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from assistant.answering import figures, polarity
from assistant.domain import Language
from assistant.language import compound_parts, content_words, load_lexicon, stem, words
from assistant.tuning import SupportTuning

# One vector, or several in rows.
Vector = npt.NDArray[np.float32]
Reason = Literal["figure", "name", "polarity", "coverage", "markup", "language"]

FEATURES = ("covered", "covered_with_heading", "uncovered_run", "cosine", "other_language", "cosine_other_language")
_COGNATE_LETTERS = 5
_COGNATE_SHARE = 0.7
_CAPITALISED = re.compile(r"(?<![\w.])(?:[A-ZÆØÅ][\w]*(?:[-'’.&/][\w]+)*|[a-z]+[A-Z]\w*)")
_SENTENCE_START = re.compile(r"^[\s\"'“”«»(]*$|[.:!?]\s+[\"'“«(]*$")
# Words that are written with a capital and name nothing that could be swapped.
_NO_NAMES = frozenset(
    """
    i mr mrs ms dr the a an in on of for and or to by at from with english norwegian norsk engelsk monday tuesday wednesday thursday
    friday saturday sunday ceo cto board
    """.split()
)
# A sentence may open with these, whatever its source says.
_OPENERS = frozenset(
    """
    companies company firms firm manufacturers manufacturer founders founder applicants applicant businesses business startups
    however additionally also therefore thus first second third finally moreover furthermore overall generally typically instead
    according under during while although when where if unless because since before after once until both each every all any most many
    some several such no not only even then there here yes note among between within without regardless despite
    selskaper selskapet selskap bedrifter bedriften bedrift gründere gründer produsenter produsenten produsent søkere søkeren
    virksomheter virksomheten dermed derfor imidlertid videre dessuten likevel først deretter til slutt ifølge under både hver alle
    noen flere ingen bare selv også da når hvis dersom fordi siden etter før blant mellom innen uten samtidig generelt vanligvis
    """.split()
)
_MARKUP = re.compile(r"\]\(|<[a-z/!][^>]*>|!\[|`{2}|\*\*|https?://|www\.", re.IGNORECASE)
_WEB = re.compile(r"(?:https?://|www\.)[^\s<>)\]]+", re.IGNORECASE)
# Force and denial are judged by `polarity`, numbers by `figures`: they are no words to be found again.
_JUDGED_ELSEWHERE = frozenset(
    """
    must shall should may might can could required require requires requirement need needs needed have has mandatory optional
    not never no none without cannot yet also however therefore thus both either whether such while per each every only already
    must skal må bør kan kunne kreves krever krav trenger behøver plikter ikke aldri ingen uten ennå også både enten hver bare
    allerede imidlertid derfor dermed ifølge according states means dvs including includes include blant annet innebærer
    """.split()
)


@dataclass(frozen=True, slots=True)
class Ground:
    """What a sentence is said to rest on: quoted words, and what stands above them.

    Attributes:
        above: Title, heading, the line that introduces a list, the names of a table's columns.
        vectors: One unit vector for each quoted unit; empty where the library has none yet.
    """

    words: str
    above: str
    language: Language
    vectors: tuple[Vector, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the judge says of one sentence.

    Attributes:
        reason: Why it is not shown, or None.
        detail: The figure, name or clause that failed.
        score: How sure the judge is that the rest is covered, 0 to 1.
        features: What the score was made of.
    """

    reason: Reason | None
    detail: str
    score: float
    features: Mapping[str, float]

    @property
    def supported(self) -> bool:
        """Whether the quote carries the sentence."""
        return self.reason is None


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
    said = " ".join(ground.words for ground in grounds)
    everything = " ".join(f"{ground.above} {ground.words}" for ground in grounds)
    if _carries_markup(sentence, everything):
        return Verdict("markup", "", 0.0, {})
    source_language = grounds[0].language
    source = figures.figures(everything.replace("\t", " ; "), _field(source_language))
    if missing := figures.unsupported_figure(figures.figures(sentence, _field(language)), source):
        return Verdict("figure", missing, 0.0, {})
    if unknown := unknown_name(sentence, language, everything, source_language):
        return Verdict("name", unknown, 0.0, {})
    links = _Links(sentence, language, everything, source_language)
    if differs := _differs(sentence, language, grounds, links):
        return Verdict("polarity", differs, 0.0, {})
    features = _features(sentence, language, grounds, said, links, embed)
    score = 1 / (1 + math.exp(-(tuning.bias + sum(tuning.weights[name] * features[name] for name in FEATURES))))
    return Verdict(None if score >= tuning.threshold else "coverage", "", score, features)


def _field(language: Language) -> Language:
    return "en" if language == "en" else "nb"


def _carries_markup(sentence: str, source: str) -> bool:
    """Return whether a sentence holds a link, an image or HTML; an address that its source holds is plain words."""
    bare = _WEB.sub(lambda match: "" if match[0].rstrip(".,;:") in source else match[0], sentence)
    return bool(_MARKUP.search(bare))


# ---- Names ----


def unknown_name(sentence: str, language: Language, source: str, source_language: Language) -> str | None:
    """Return the first name of a sentence that its source does not hold, or None.

    A word that opens the sentence counts as a name unless it is an ordinary one: known to the lexicon, or a usual opener.
    """
    present = set(words(source))
    present_stems = {stem(word, source_language) for word in present}
    initials = _initials(source)
    for match in _CAPITALISED.finditer(sentence):
        token = match[0]
        opens = bool(_SENTENCE_START.search(sentence[: match.start()]))
        parts = [word for word in words(token) if not word.isdigit()]
        if any(character.isdigit() for character in token) or token.lower() in figures.MONTH_NAMES:
            continue
        for word in parts or []:
            if word in present or word in _NO_NAMES or len(word) < 2:
                continue
            if stem(word, source_language) in present_stems or stem(word, language) in present_stems:
                continue
            if word.endswith("s") and word[:-1] in present:
                continue
            if "".join(parts) in present or _spelt_out(token, sentence, match.end(), source, initials):
                continue
            if _translated(word, language, present_stems, source_language):
                continue
            if opens and _is_ordinary(word, language):
                continue
            return token
    return None


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
        return token.lower() in initials
    around = sentence[max(0, end - 80) : end + 80]
    for run in re.findall(r"(?:[A-ZÆØÅ][\w-]*(?: (?:and|of|the|for|og|&) | ))+[A-ZÆØÅ][\w-]*", around):
        short = "".join(word[0] for word in run.split() if word[0].isupper())
        if token in run and len(short) >= 3 and re.search(rf"\b{re.escape(short)}\b", source):
            return True
    return False


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
    lexicon = load_lexicon()
    knows = lexicon.knows_english if language == "en" else lexicon.knows_norwegian
    if word in _OPENERS or not content_words(word, language) or knows(word):
        return True
    return language != "en" and bool(compound_parts(word))


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

    def holds(self, word: str, others: Sequence[str]) -> bool:
        """Return whether one of the other text's stems says the same as a stem."""
        return any((word, other) in self._pairs for other in others)

    def shared(self, one: polarity.Clause, other: polarity.Clause) -> float:
        """Return the share of a clause's words that the other text's clause holds."""
        return sum(self.holds(word, other.words) for word in one.words) / len(one.words) if one.words else 0.0


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
    source = [clause for ground in grounds for clause in polarity.clauses(ground.words, ground.language)]
    return polarity.disagreement(polarity.clauses(sentence, language), source, links.shared)


def _features(
    sentence: str,
    language: Language,
    grounds: Sequence[Ground],
    said: str,
    links: _Links,
    embed: Callable[[Sequence[str]], Vector],
) -> dict[str, float]:
    source_language = grounds[0].language
    quoted = [stem(word, source_language) for word in content_words(said, source_language)]
    above = [stem(word, source_language) for ground in grounds for word in content_words(ground.above, source_language)]
    asked = [
        stem(word, language)
        for word in content_words(sentence, language)
        if word not in _JUDGED_ELSEWHERE and not word[0].isdigit()
    ]
    in_quote = [links.holds(word, quoted) for word in asked]
    in_all = [found or links.holds(word, above) for word, found in zip(asked, in_quote, strict=True)]
    cosine = _cosine(sentence, language, grounds, embed)
    other = float(_field(language) != _field(source_language))
    return {
        "covered": sum(in_quote) / len(asked) if asked else 1.0,
        "covered_with_heading": sum(in_all) / len(asked) if asked else 1.0,
        "uncovered_run": min(_longest_run(in_all), 6) / 6,
        "cosine": cosine,
        "other_language": other,
        "cosine_other_language": cosine * other,
    }


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

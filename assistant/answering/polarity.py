"""Whether, and how far, a sentence holds: denial, duty, advice, possibility, plan, in English and Norwegian.

A sentence is cut into clauses. A claim's clause is compared with the clause of its source that says most of the same,
so that a denial elsewhere in the source neither helps nor harms. Patterns only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from assistant.domain import Language
from assistant.language import content_words, stem

Force = Literal["duty", "advice", "possible", "tentative", "always"]

# Turns of phrase in which a denying word denies nothing.
_NO_DENIAL = re.compile(
    r"\b(?:not only|no later than|not later than|no more than|not more than|no less than|not less than|no fewer than|no longer than|"
    r"no doubt|not to mention|whether or not|not least|ikke bare|ikkje berre|ikke minst|ikke senere enn|ikke mer enn|ikke mindre enn|"
    r"ikke lenger enn|uten tvil|ikke desto mindre|enten det er|not until|ikke før|not exceed(?:ing)?|ikke overstige\w*|no\.|"
    r"non-?profit\w*|mer eller mindre|nothing but|intet annet)\b",
    re.IGNORECASE,
)
_NO_DUTY = re.compile(
    r"\b(?:(?:is|are|was|were|be|being)\s?(?:not|n['’]t) (?:\w+ )?(?:required|needed|necessary|obliged|mandatory|obligatory|subject to)|"
    r"(?:do|does|did|need|will|would)(?: not|n['’]t) (?:\w+ )?(?:have to|need|require|be required)|need not|needn['’]t|"
    r"no (?:need|requirement|obligation|duty)|not (?:a )?require(?:d|ment)?|not mandatory|without (?:the need|having to|needing)|"
    r"exempt(?:ed|ion|ions|s)?|waived?|optional(?:ly)?|voluntary|voluntarily|"
    r"(?:trenger|trengs|behøver|behøves|kreves|krever|treng|krevst) (?:\w+ ){0,2}?(?:ikke|ikkje|ingen|verken)|"
    r"(?:ikke|ikkje|ingen) (?:\w+ ){0,2}?(?:krav|plikt\w*|nødvendig\w*|påkrevd|pålagt|obligatorisk|krevd)|"
    r"(?:ikke|ikkje) (?:trenge|kreves?|måtte)|må (?:de|den|du|man|en|vi) ikke|slipp(?:er|e|es)|unntatt|unntak\w*|fritatt|fritak\w*|"
    r"unødvendig\w*|frivillige?|valgfri\w*|uten (?:krav|plikt)|uten å måtte)\b",
    re.IGNORECASE,
)
_FORBIDDEN = re.compile(
    r"\b(?:(?:must|may|shall|can|should|could)(?: not|n['’]t)|cannot|can['’]t|prohibit\w*|forbidden|forbids?|banned|"
    r"not (?:allowed|permitted|eligible|entitled)|ineligible|(?:må|kan|skal|får|bør) (?:\w+ ){0,3}?(?:ikke|ikkje|aldri)|forbudt|forbyr|forbud|"
    r"ikke (?:lov|tillatt|anledning|adgang|kunne)|ulovlig\w*)\b",
    re.IGNORECASE,
)
_DENIAL = re.compile(
    r"\b(?:not|never|no|none|nobody|nothing|neither|nor|without|hardly|lacks?|lacking|unable|fails? to|failed to|n['’]t|cannot|absent|"
    r"ikke|ikkje|aldri|ingen|inga|intet|ingenting|verken|hverken|uten|utan|neppe|mangler|manglet|unnlot|avslo|ei)\b|n['’]t\b",
    re.IGNORECASE,
)
_UN_WORDS = re.compile(r"\b(?:un|in|im|non-?|dis|u|ikke-)(\w{5,})", re.IGNORECASE)
_FORCES: tuple[tuple[Force, re.Pattern[str]], ...] = (
    (
        "duty",
        re.compile(
            r"\b(?:must|shall|requir(?:e|es|ed|ing|ement|ements)|ha(?:ve|s|d|ving) to|need(?:s|ed)? to|needs?|mandatory|obliged|obligat\w+|"
            r"compulsory|necessary|duty|måtte|må|skal|krev(?:er|es|d|de|st)|krav\w*|plikt\w*|pålagt|påbudt|obligatorisk\w*|"
            r"nødvendig\w*|forutset(?:ter|tes|ning\w*)|treng(?:er|s)?|har å|is to|are to)\b",
            re.IGNORECASE,
        ),
    ),
    (
        "advice",
        re.compile(
            r"\b(?:should|recommend\w*|advis(?:e|es|ed|able|ory)|suggest\w*|encourag\w*|ought|preferabl[ye]|best to|bør|burde|"
            r"anbefal\w*|tilrår\w*|tilråd\w*|råd(?:es|er)|oppfordr\w*|foretrekk\w*|lurt|gjerne|helst|wise to|worth)\b",
            re.IGNORECASE,
        ),
    ),
    (
        "possible",
        re.compile(
            r"\b(?:may|might|can|could|possibl[ey]|possibilit\w+|option(?:al|ally|s)?|allow(?:s|ed|ing)?|permit(?:s|ted)?|eligible|able to|"
            r"entitled|opportunity|free to|kan|kunne|mulig\w*|adgang|anledning|tillat\w*|tillatt|lov til|valgfri\w*|rett til|"
            r"kanskje|muligens|får|optionally|potentially|perhaps|likely|sannsynlig\w*|trolig|voluntar\w+|frivillig\w*|sometimes|"
            r"av og til|noen ganger|usually|typically|generally|often|vanligvis|normalt|ofte|som regel|normally|i hovedsak|gjerne)\b",
            re.IGNORECASE,
        ),
    ),
    (
        "tentative",
        re.compile(
            r"\b(?:plan(?:s|ned|ning)?|propos(?:e|es|ed|al|als)|expect(?:s|ed)?|intend(?:s|ed)?|aim(?:s|ed)? to|draft|pending|not yet|yet to|"
            r"considering|under consideration|hopes? to|estimat\w+|tentative\w*|planlagt|planlegg\w*|foreslå\w*|forslag\w*|foreslått|"
            r"ventes|ventet|forvent\w*|tar sikte på|utkast\w*|ennå ikke|ikke ennå|enno ikkje|vurderer|vurderes|anslå\w*|anslag\w*|"
            r"håper|would|skulle|ville|seeks? to|ønsker)\b",
            re.IGNORECASE,
        ),
    ),
    (
        "always",
        re.compile(
            r"\b(?:always|guarantee\w*|automatic(?:ally)?|invariably|certainly|in all cases|without exception|alltid|garanter\w*|"
            r"automatisk\w*|i alle tilfeller|uten unntak|sikkert)\b",
            re.IGNORECASE,
        ),
    ),
)
# In a claim these often only carry the sentence: `you can find`, `it is possible to see`.
_CLAUSE = re.compile(
    r"[;:]\s|[.!?](?=\s)|,\s|\s[–—-]\s|\s(?=(?:but|while|whereas|although|though|unless|if|when|because|since|which|who|and|or|so|"
    r"men|mens|selv om|med mindre|hvis|dersom|når|fordi|siden|som|og|eller|slik at|så)\s)",
    re.IGNORECASE,
)
_SHORTEST_CLAUSE = 2


@dataclass(frozen=True, slots=True)
class Clause:
    """A piece of a sentence with what it says about itself.

    Attributes:
        words: Its content words, in order, as stems.
        denied: It denies what it speaks of.
        no_duty: It says that something is not demanded.
        forbidden: It says that something must or may not be.
    """

    words: tuple[str, ...]
    denied: bool
    no_duty: bool
    forbidden: bool
    forces: frozenset[Force]


def clauses(text: str, language: Language) -> tuple[Clause, ...]:
    """Return the clauses of a text in order; a piece without content words joins the one before it."""
    pieces: list[str] = []
    position = 0
    for match in [*_CLAUSE.finditer(text), None]:
        end = len(text) if match is None else match.start()
        piece = text[position:end]
        if pieces and (
            len(content_words(piece, language)) < _SHORTEST_CLAUSE
            or len(content_words(pieces[-1], language)) < _SHORTEST_CLAUSE
        ):
            pieces[-1] += text[position - 1 : end] if position else piece
        else:
            pieces.append(piece)
        position = end if match is None else match.end()
    return tuple(_clause(piece, language) for piece in pieces)


def _clause(piece: str, language: Language) -> Clause:
    bare = _NO_DENIAL.sub(" ", piece)
    no_duty = bool(_NO_DUTY.search(bare))
    forbidden = bool(_FORBIDDEN.search(bare))
    rest = _FORBIDDEN.sub(" ", _NO_DUTY.sub(" ", bare))
    denials = len(_DENIAL.findall(rest))
    forces = {name for name, pattern in _FORCES if pattern.search(rest)}
    return Clause(
        tuple(stem(word, language) for word in content_words(piece, language)),
        denied=denials % 2 == 1,
        no_duty=no_duty,
        forbidden=forbidden,
        forces=frozenset(forces),
    )


def disagreement(
    claim: Sequence[Clause], source: Sequence[Clause], shared: Callable[[Clause, Clause], float]
) -> str | None:
    """Return how a claim's clause differs from its source in whether or how far it holds, or None.

    Args:
        shared: Share of the first clause's words that the second holds, 0 to 1.
    """
    if not source:
        return None
    for clause in claim:
        near = _nearest(clause, source, shared)
        if found := _compare(clause, near):
            return found
    return None


def _nearest(clause: Clause, source: Sequence[Clause], shared: Callable[[Clause, Clause], float]) -> list[Clause]:
    """Return the clauses of the source that say the same: the best, and those of which the claim holds nearly all."""
    shares = [shared(clause, other) for other in source]
    best = max(shares)
    if best < 0.2:
        return list(source)
    near = [other for other, share in zip(source, shares, strict=True) if share >= best - 0.01]
    near += [other for other in source if other not in near and len(other.words) >= 2 and shared(other, clause) >= 0.6]
    return near


def _compare(clause: Clause, near: Sequence[Clause]) -> str | None:
    denied = any(other.denied for other in near)
    no_duty = any(other.no_duty for other in near)
    forbidden = any(other.forbidden for other in near)
    affirmed = any(not (other.denied or other.no_duty or other.forbidden) for other in near)
    negative = clause.denied or clause.no_duty or clause.forbidden
    forces = frozenset(force for other in near for force in other.forces)
    if negative and not (denied or no_duty or forbidden):
        return "denies what the source does not deny"
    if not negative and not affirmed:
        return "affirms what the source denies"
    if clause.forbidden and not forbidden and not denied:
        return "forbids what the source does not"
    if clause.no_duty and forbidden and not (no_duty or denied):
        return "makes free what the source forbids"
    return None if negative else _compare_force(clause.forces, forces, no_duty=no_duty)


def _compare_force(claim: frozenset[Force], source: frozenset[Force], *, no_duty: bool) -> str | None:
    if "always" in claim and "always" not in source:
        return "says always"
    if "duty" in claim and "duty" not in source:
        return "makes a duty of it"
    if "duty" not in claim:
        if "advice" in claim and "advice" not in source:
            return "makes advice of it"
        if "possible" in claim and "possible" not in source and source & {"duty", "advice"} and not no_duty:
            return "makes a possibility of it"
        weak = source & {"advice", "possible", "tentative"}
        if weak and "duty" not in source and not claim & {"advice", "possible", "tentative"}:
            return "makes a fact of it"
    return None

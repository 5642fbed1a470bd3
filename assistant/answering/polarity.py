"""Whether, and how far, a sentence holds: denial, duty, advice, possibility, plan, in English and Norwegian.

Each such word of a source speaks of the words beside it. Where a sentence repeats those, it must say of them what the
source says: a denial elsewhere in the source neither helps nor harms. Patterns only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from assistant.answering.figures import MONTH_NAMES
from assistant.domain import Language
from assistant.language import STOP_WORDS, stem, words

Kind = Literal[
    "denial",
    "no duty",
    "ban",
    "duty",
    "advice",
    "possible",
    "open",
    "tentative",
    "usual",
    "always",
    "shall",
    "order",
    "soft",
]
_NEGATIVE: frozenset[Kind] = frozenset({"denial", "no duty", "ban"})
_WEAK: frozenset[Kind] = frozenset({"advice", "possible", "tentative"})

# In this order, and a place that one has taken is not looked at again: `must not` is a ban and no duty.
_PATTERNS: tuple[tuple[Kind | None, str], ...] = (
    (  # turns of phrase in which a denying or binding word does not deny or bind
        None,
        r"not only|no later than|not later than|no more than|not more than|no less than|not less than|no fewer than|"
        r"no longer than|no doubt|whether or not|not least|non-?profit\w*|nothing but|not exceed(?:ing)?|"
        r"ikke bare|ikkje berre|ikke minst|ikke senere enn|ikke mer enn|ikke mindre enn|ikke lenger enn|ikke flere enn|"
        r"uten tvil|enten det er|ikke overstige\w*|mer eller mindre|"
        r"requirements?|in need of|kravene|kravet|kan hende|can be found|as needed|som kreves|those who need|"
        r"if needed|ved behov",
    ),
    (
        "no duty",
        r"(?:is|are|was|were|be|being)(?: not|n['’]t) (?:\w+ )?(?:required|needed|necessary|obliged|mandatory|"
        r"obligatory|"
        r"subject to)|(?:do|does|did|need|will|would)(?: not|n['’]t) (?:\w+ )?(?:have to|need|require|be required)|"
        r"need not|needn['’]t|no (?:\w+ )?(?:need|requirement|obligation|duty|necessity|\w+ is (?:required|needed))|"
        r"not (?:a )?requirement|not mandatory|without (?:the need|having to|needing)|exempt(?:ed)?|waived?|"
        r"unnecessary|(?:trenger|trengs|behøver|behøves|kreves|krever|treng|krevst) (?:\w+ ){0,2}?(?:ikke|ikkje|"
        r"ingen|verken)|"
        r"(?:ikke|ikkje|ingen) (?:\w+ ){0,2}?(?:krav|plikt\w*|nødvendig\w*|påkrevd|pålagt|obligatorisk|krevd)|"
        r"(?:ikke|ikkje) (?:trenge|kreves?|måtte)|slipp(?:er|e|es)|unntatt|fritatt|fritas|fritar|unødvendig\w*|"
        r"uten (?:krav|plikt)|uten å måtte",
    ),
    (
        "ban",
        r"(?:must|may|shall|can|could)(?: not|n['’]t)|cannot|can['’]t|prohibit\w*|forbidden|forbids?|banned|bans|"
        r"not (?:be )?(?:allowed|permitted|eligible|entitled)|ineligible|"
        r"(?:må|kan|skal|får) (?:\w+ ){0,3}?(?:ikke|ikkje|aldri)|(?:ikke|ikkje|aldri) (?:kan|må|skal|får)|forbudt|"
        r"forbyr|forbud|"
        r"ikke (?:lov|tillatt|anledning|adgang|kunne)|ulovlig\w*",
    ),
    (
        "denial",
        r"not|never|none|nobody|nothing|neither|nor|no|without|unless|hardly|lacks?|lacking|unable|fails? to|"
        r"failed to|n['’]t|"
        r"ikke|ikkje|aldri|ingen|inga|intet|ingenting|verken|hverken|uten|utan|neppe|med mindre|mangler|manglet|"
        r"unnlot|avslo",
    ),
    (
        "duty",
        r"must|requir(?:e|es|ed|ing)|ha(?:ve|s|d|ving) to|need(?:s|ed)? to|needs?|mandatory|obliged|obligat\w+|"
        r"compulsory|duty|subject to|only (?:if|when)|demands?|demanded|"
        r"måtte|må|krev(?:er|es|d|de|st)|krav|plikt\w*|pålagt|pålegg(?:er|es)|påbudt|obligatorisk\w*|påkrevd\w*|"
        r"nødt|forutset(?:ter|tes)|treng(?:er|s)?|behøv\w+|har å",
    ),
    (
        "advice",
        r"should|recommend(?:s|ed|ing)?|advis(?:e|es|ed|able)|suggest(?:s|ed)?|encourag\w*|ought|preferabl[ye]|"
        r"best to|wise to|"
        r"bør|burde|anbefal(?:er|es|t|te)|tilrår\w*|tilråd\w*|råd(?:es|er)|oppfordr\w*|lurt",
    ),
    (
        "possible",
        r"may|might|can|could|possibly|free to choose|(?:is|it is|be) possible|optional(?:ly)?|options?|potentially|"
        r"perhaps|sometimes|voluntary|voluntarily|"
        r"kan|kunne|(?:er|være|det) mulig|muligens|kanskje|valgfri\w*|fritt|velge (?:om|selv)|frivillig\w*|"
        r"av og til|noen ganger",
    ),
    (  # they give leave as `may` does, and are often no more than a verb
        "open",
        r"possibilit\w+|proposals?|drafts?|allow(?:s|ed|ing)?|permit(?:s|ted)?|lets?|enables?|eligible|able to|"
        r"entitled|opportunity|free to|a chance|choose|free choice|up to (?:you|the|each|them)|opens?|available|"
        r"mulighet\w*|forslag\w*|utkast\w*|adgang|anledning|tillat\w*|lov til|rett til|får|lar|gir|åpner for|åpent?|"
        r"velge\w*|fritt",
    ),
    (
        "tentative",
        r"plan(?:s|ned|ning)?|propos(?:e|es|ed)|expect(?:s|ed)?|intend(?:s|ed)?|aim(?:s|ed)? to|pending|"
        r"yet to|considering|under consideration|hopes? to|estimat\w+|tentative\w*|would|seeks? to|likely|"
        r"planlagt|planlegg\w*|foreslå\w*|foreslo|ventes|ventet|forvent\w*|tar sikte på|"
        r"utkast\w*|ennå|enno|"
        r"vurderer|vurderes|vil gjerne|ønsker|anslå\w*|anslag\w*|håper|ville|skulle|sannsynlig\w*|trolig|antas|antatt",
    ),
    (
        "usual",
        r"usually|typically|generally|often|normally|mostly|as a rule|in most cases|commonly|"
        r"vanligvis|normalt|ofte|som regel|som oftest|gjerne|stort sett|i hovedsak|generelt|typisk",
    ),
    (
        "always",
        r"always|guarantee\w*|automatic(?:ally)?|invariably|in all cases|without exception|in every case|"
        r"alltid|garanter\w*|automatisk\w*|i alle tilfeller|uten unntak|i hvert tilfelle",
    ),
)
_PATTERNS += (("shall", r"shall|(?:is|are) to|will|skal|har til oppgave"),)
# They may stand for a denial on the other side, and deny nothing by themselves.
_SOFT: Mapping[str, str] = {
    "exempt": r"exemptions?|waivers?|exclu(?:de|des|ded|ding|sion)|unntak\w*|uteluk\w*",
    "only": r"only|just|merely|bare|kun|alene|alone",
    "outside": r"outside|beyond|utenfor|utanfor",
    "fail": r"fail(?:s|ed)?|stryk\w*|mislyk\w*",
    "instead": r"rather than|instead of|other than|snarere enn|heller enn|i stedet for|framfor|fremfor|annet enn",
    "stop": r"prevents?|stops?|stopped|shut out|barred|hindr\w*|stopp\w*|stengt|sperr\w*",
    "lose": r"los(?:e|es|t)|mist\w*|tap\w*",
    "end": r"ends?|ended|expired?|no longer|(?:falt|faller) bort|utløp\w*|opphør\w*|utgått|over",
    "before": r"before|until|før|inntil",
    "refuse": r"avoid\w*|refus\w*|den(?:y|ies|ied)|reject\w*|unngå\w*|avslå\w*|avvis\w*|nekt\w*",
    "hard": r"difficult|impossible|vanskelig\w*|umulig\w*",
    "free": r"free|zero|gratis|fri for|null",
    "replace": r"replaced|superseded|invalid|erstatt\w*|ugyldig\w*",
    "few": r"rarely|few|little|sjelden|lite|få",
    "even": r"even (?:when|if)|regardless|despite|whatever|selv om|uansett|tross|hvem som",
    "most": r"largest|highest|greatest|biggest|største|høyeste|mest",
    "leave": r"være i fred|la være|slipper unna|leaves? alone",
    "different": r"different|separate\w*|unlike|ulik\w*|annerledes|hver for seg|for seg",
}
_ORDERS = re.compile(
    r"(?:^|[.;:!?]\s+|,\s+(?:and|so|og|så)\s+|\t)(?P<verb>ask|use|check|file|apply|request|talk|read|send|keep|plan|"
    r"start|write|make|get|"
    r"choose|have|bring|note|avoid|do|let|take|pay|register|list|name|submit|include|add|go|look|begin|build|find|"
    r"test|show|give|"
    r"spør|bruk|sjekk|søk|be|les|send|hold|planlegg|start|begynn|skriv|få|velg|ha|ta|legg|meld|unngå|reis|kjøp|regn|"
    r"betal|"
    r"registrer|oppgi|kontroller|husk|vær|snakk|skaff|tegn|finn|gjør|gå|lag|vis|gi|se)\b",
    re.IGNORECASE,
)
_COMPILED = tuple((kind, re.compile(rf"(?<!\w)(?:{pattern})(?!\w)", re.IGNORECASE)) for kind, pattern in _PATTERNS)
_EXCUSE_MUCH = frozenset({"even", "most", "different"})
_NONE = re.compile(r"\b(?:no|none|nobody|neither|nor|never|ingen|intet|ingenting|aldri|verken)\b", re.IGNORECASE)
_COMPILED_SOFT = {name: re.compile(rf"(?<!\w)(?:{pattern})(?!\w)", re.IGNORECASE) for name, pattern in _SOFT.items()}
_CONTRACTION = re.compile(
    r"\b(do|does|did|is|are|was|were|has|have|had|would|should|must|need|ca|could|wo)n['’]t\b", re.IGNORECASE
)
_TOKEN = re.compile(r"[^\W_]+(?:[-'’][^\W_]+)*(?:\([a-z]\))?")
# A word speaks of nothing beyond these.
_EDGE = re.compile(
    r"(?<!\d)[.!?](?=\s)|[;:]\s|\t|,\s|\s[–—-]\s|\b(?:but|while|whereas|although|though|unless|if|because|since|men|"
    r"mens|selv om|med mindre|hvis|"
    r"dersom|fordi|siden)\b",
    re.IGNORECASE,
)
_AFTER, _BEFORE = 3, 2
# From this share of the words that a source's mark speaks of, a sentence speaks of the same.
# Decided by hand on the tuning half, as are the two lengths above; `python -m eval support` says what they cost.
SAME = 0.5
_OPPOSITES = tuple(
    (frozenset(one.split()), frozenset(other.split()))
    for one, other in (
        ("before prior", "after following"),
        (
            "increase increases increased higher rise rises",
            "decrease decreases decreased lower reduce reduces reduced fall falls",
        ),
        ("more", "less fewer"),
        ("include includes included including", "exclude excludes excluded excluding"),
        (
            "approve approves approved approval accept accepted accepts",
            "reject rejected rejects deny denied denies refuse refused",
        ),
        ("minimum least", "maximum most"),
        ("open opens opened", "closed closes close"),
        ("required mandatory compulsory", "optional voluntary"),
        ("public", "private confidential"),
        ("før", "etter"),
        ("øker øke økte økt høyere stiger", "reduserer redusert redusere lavere synker faller minker"),
        ("mer flere", "mindre færre"),
        ("omfatter inkluderer inkludert", "utelater unntar ekskluderer"),
        ("godkjenner godkjent godkjenne godtar", "avslår avslått avvist avviser"),
        ("minst minimum", "høyst maksimalt maksimum"),
        ("åpen åpent åpne", "stengt lukket stenger"),
        ("obligatorisk pliktig", "frivillig valgfri valgfritt"),
        ("offentlig offentlige", "privat private konfidensiell fortrolig"),
    )
)


# Bounds of figures are compared with the figures.
_BOUND = re.compile(
    r"\b(?:no (?:more|less|fewer|later) than|(?:more|less|fewer) than|or (?:more|less|fewer)|at (?:least|most)|"
    r"(?:mer|mindre|flere|færre|"
    r"lenger) enn|eller (?:mer|mindre|flere|færre))\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Mark:
    """A word that says whether or how far something holds.

    Attributes:
        keys: Stems of the content words beside it: what it speaks of.
    """

    kind: Kind
    keys: tuple[str, ...]
    words: str


@lru_cache(maxsize=4096)
def marks(text: str, language: Language) -> tuple[Mark, ...]:
    """Return the marks of a text in order; empty for a plain statement."""
    plain = _CONTRACTION.sub(lambda match: f"{'can' if match[1].lower() == 'ca' else match[1]} not", text)
    taken: list[tuple[int, int, Kind | None]] = []
    for kind, pattern in _COMPILED:
        for match in pattern.finditer(plain):
            if all(match.end() <= start or match.start() >= end for start, end, _ in taken):
                taken.append((match.start(), match.end(), kind))
    for match in _ORDERS.finditer(plain):
        if all(match.end("verb") <= start or match.start("verb") >= end for start, end, _ in taken):
            taken.append((match.start("verb"), match.start("verb") + 1, "order"))
    edges = [(match.start(), match.end()) for match in _EDGE.finditer(plain)]
    content = [
        (match.start(), match.end(), stem(word, language))
        for match in _TOKEN.finditer(plain)
        for word in [_plain_word(match[0])]
        if word.isalpha()
        and word not in STOP_WORDS[language]
        and word not in MONTH_NAMES
        and all(match.end() <= start or match.start() >= end for start, end, kind in taken if kind)
    ]
    found = []
    for start, end, kind in sorted(taken):
        if kind is None:
            continue
        low = max((edge_end for _, edge_end in edges if edge_end <= start), default=0)
        high = min((edge_start for edge_start, _ in edges if edge_start >= end), default=len(plain))
        after = [key for first, last, key in content if first >= end and last <= high][:_AFTER]
        before = [key for first, last, key in content if last <= start and first >= low][-_BEFORE:]
        keys = [*before, *after] if kind in _NEGATIVE or not after else after
        found.append(Mark(kind, tuple(dict.fromkeys(keys)), plain[start:end]))
    return tuple(found)


def _plain_word(token: str) -> str:
    found = words(token)
    return found[-1] if found else ""


def disagreement(
    sentence: str,
    language: Language,
    sources: Sequence[tuple[str, Language]],
    alike: Callable[[str, str], bool],
    before: Sequence[tuple[str, Language]] = (),
) -> str | None:
    """Return how a sentence differs from its source in whether or how far it holds, or None.

    Args:
        sources: What is quoted, each with its language.
        alike: Whether a stem of the sentence and one of the source say the same.
        before: Sentences that the quoted ones lean on: they may lend a denial or a force, and ask for none.
    """
    claimed = marks(sentence, language)
    quoted = [mark for text, own in sources for mark in marks(text, own)]
    given = [*quoted, *(mark for text, own in before for mark in marks(text, own))]
    own_words = {stem(word, language) for word in words(sentence)}
    source_words = {stem(word, own) for text, own in sources for word in words(text)}
    near = [
        mark for mark in quoted if _share([any(alike(mine, key) for mine in own_words) for key in mark.keys]) >= SAME
    ]
    known = [
        mark for mark in claimed if _share([any(alike(key, one) for one in source_words) for key in mark.keys]) >= SAME
    ]
    source = " ".join(text for text, _ in sources)
    lent = f"{source} {' '.join(text for text, _ in before)}"
    spare = _spare(lent, sentence, bare=not _NONE.search(sentence)), _spare(sentence, source, bare=True)
    return (
        _denial(claimed, known, given, near, *spare)
        or _force(claimed, given, near, alike)
        or _opposite(sentence, source, claimed, given)
    )


def _share(found: Sequence[bool]) -> float:
    return sum(found) / len(found) if found else 1.0


def _spare(text: str, other: str, *, bare: bool) -> int:
    """Return how many words of a text may stand for a denial in the other and have no like there.

    Args:
        bare: Without those that would excuse too much: `largest` stands for `no other`, not for any denial.
    """
    return sum(
        bool(pattern.search(text)) and not pattern.search(other)
        for name, pattern in _COMPILED_SOFT.items()
        if not (bare and name in _EXCUSE_MUCH)
    )


def _count(found: Iterable[Mark], *, either: int = 1) -> int:
    """Return how many times something is denied; `either` is what `verken` counts, which denies both that follow."""
    return sum(either if mark.words.lower() in ("verken", "hverken") else 1 for mark in found if mark.kind in _NEGATIVE)


def _denial(
    claimed: Sequence[Mark],
    known: Sequence[Mark],
    given: Sequence[Mark],
    near: Sequence[Mark],
    spare_given: int,
    spare_claimed: int,
) -> str | None:
    mine = _count(claimed)
    if mine > _count(given, either=2) + spare_given:
        return f"denies: {next(mark.words for mark in claimed if mark.kind in _NEGATIVE)}"
    if mine and not _count(near) + spare_given and _count(known):
        return f"denies: {next(mark.words for mark in known if mark.kind in _NEGATIVE)}"
    if _count(near) > _count(claimed, either=2) + spare_claimed:
        return f"affirms: {next(mark.words for mark in near if mark.kind in _NEGATIVE)}"
    kinds = {mark.kind for mark in given if mark.kind in _NEGATIVE}
    said = {mark.kind for mark in claimed if mark.kind in _NEGATIVE}
    if "ban" in said and kinds == {"no duty"}:
        return "forbids what is only not demanded"
    if "no duty" in said and kinds == {"ban"}:
        return "frees of what is forbidden"
    return None


_MET_BY: dict[Kind, frozenset[Kind]] = {
    "duty": frozenset({"duty", "ban", "shall", "order"}),
    "shall": frozenset({"duty", "ban", "shall", "order"}),
    "advice": frozenset({"advice", "order"}),
    "possible": frozenset({"possible", "open", "usual", "tentative"}),
    "tentative": frozenset({"tentative", "open"}),
}
_BINDING: frozenset[Kind] = frozenset({"duty", "shall", "ban", "no duty", "order"})
_LESS: frozenset[Kind] = frozenset({"advice", "possible"})


def _spare_of(accepted: frozenset[Kind], kind: Kind, claimed: Sequence[Mark], near: Sequence[Mark]) -> int:
    """Return how many marks of a sentence can meet one of this kind, after those that meet the source's others."""
    others = accepted - {kind}
    return sum(one.kind in accepted for one in claimed) - sum(one.kind in others for one in near)


def _force(
    claimed: Sequence[Mark], given: Sequence[Mark], near: Sequence[Mark], alike: Callable[[str, str], bool]
) -> str | None:
    kinds = {mark.kind for mark in given}
    said = {mark.kind for mark in claimed}
    if "always" in said and "always" not in kinds:
        return "says always"
    if "advice" in said and not kinds & {"advice", "order"}:
        return "makes advice of it"
    if "duty" in said and not kinds & {"duty", "ban", "no duty", "shall", "order"}:
        return "makes a duty of it"
    bound, free = kinds & _BINDING, kinds & (_WEAK | {"usual"})
    if said & _BINDING and not bound and free and not said & free:
        return "strengthens all that is said"
    if bound and not free and said & _LESS and not said & _BINDING:
        return "weakens all that is said"
    for mark in near:
        accepted = _MET_BY.get(mark.kind)
        if accepted is None:
            continue
        if mark.kind in ("duty", "shall"):
            if said & _LESS and not said & accepted and not kinds & said & _LESS:
                return f"weakens: {mark.words}"
            beside = [one for one in claimed if any(alike(mine, key) for mine in one.keys for key in mark.keys)]
            if any(one.kind in _LESS for one in beside) and not any(one.kind in accepted for one in beside):
                return f"weakens: {mark.words}"
        elif _spare_of(accepted, mark.kind, claimed, near) < 1:
            return f"strengthens: {mark.words}"
    if any(mark.words.lower() in ("may not", "might not") for mark in near) and not said & {"ban", "possible", "open"}:
        return "strengthens: may not"
    for mark in claimed:
        if mark.kind == "duty":
            beside = [one for one in given if any(alike(key, theirs) for key in mark.keys for theirs in one.keys)]
            held = {one.kind for one in beside}
            if held & _WEAK and not held & {"duty", "ban", "no duty", "shall", "order"}:
                return f"strengthens to: {mark.words}"
    return None


def _opposite(sentence: str, source: str, claimed: Sequence[Mark], given: Sequence[Mark]) -> str | None:
    """Return a word of which the source holds only the opposite, where both sides deny equally often."""
    if _count(claimed) != _count(given):
        return None
    said, known = set(words(_BOUND.sub(" ", sentence))), set(words(_BOUND.sub(" ", source)))
    for one, other in _OPPOSITES:
        for mine, theirs in ((one, other), (other, one)):
            if said & mine and not known & mine and known & theirs and not said & theirs:
                return f"says the opposite: {sorted(said & mine)[0]}"
    for word in sorted(said - known):
        for prefix in ("un", "in", "im", "non", "dis", "u", "ikke"):
            if len(word) > 4 and prefix + word in known and prefix + word not in said:
                return f"says the opposite: {word}"
            bare = word.removeprefix(prefix)
            if bare != word and len(bare) > 4 and bare in known and bare not in said:
                return f"says the opposite: {word}"
    return None

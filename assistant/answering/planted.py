"""Sentences in a document that give orders to a reading machine instead of saying something about their subject.

Whoever writes a page that we read can write *ignore all previous instructions* into it. The assistant obeys no
document, but it quotes, and an order that is quoted stands in the answer as if it were one. So such a sentence is never
quoted. The rules are narrow: they ask for the words of an order to a machine together, never for one word alone, since
advice to people ("answer the FDA within 180 days", "users who ignore the instructions for use") is what documents are
made of. A false statement is a statement: it is recognised only where it calls upon our own numbered sources.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from assistant.sentences import Unit

# Where an order begins: at the start, after a mark, or after a word that leads to its verb.
_ORDER = r"(?:^\W*|[:;,.!?–—\"“«]\s*|\b(?:please|now|then|and|vennligst|nå|no|så|og)\s+)"
_MACHINE = (
    r"(?:(?:AI|LLM|chat|digital|virtual)[ -]?(?:assistants?|bots?|models?|agents?|systems?)|AIs?|LLMs?|assistants?|"
    r"(?:large )?language models?|bots?|robots|machines|crawlers|"
    r"(?:KI|AI)(?:-\w+)?|språkmodell\w*|assistent(?:en|er|ene)?|maskin(?:en|er|ene)|robot(?:en|er|ene)|chatbot\w*)"
)
# What follows an order to say something, as opposed to "answer that question".
_THAT = r"that (?:the|an?|it|all|every|no|there|our|this|they)\b"
_DROP_YOUR_INSTRUCTIONS = (
    _ORDER + r"(?:ignore|disregard|forget|override|bypass)\b[^.!?]{0,40}?"
    r"\b(?:previous|prior|earlier|former|preceding|above|your|system)\b[^.!?]{0,30}?"
    r"\b(?:instructions?(?! for use)|prompts?|directives)\b",
    _ORDER + r"(?:ignore|disregard|forget|override) (?:all|any|every)(?: other| the| of the)? instructions?"
    r"(?=\W*$| (?:and|that|you|given|above|before)\b)",
    _ORDER + r"(?:ignore|disregard|forget|override) (?:any prior|all prior|your|all other) (?:\w+ )?"
    r"(?:prompts?|documents|sources|rules|guidelines)\b",
    _ORDER + r"(?:ignorer|glem|gløym|overse|oversjå|se (?:bort|vekk) fra|sjå bort frå)\b[^.!?]{0,40}?"
    r"(?:\b(?:tidligere|tidlegare|foregående|forrige|førre|ovenstående) (?:instruks|ledetekst|prompt)|"
    r"\b(?:instruks\w*|ledetekst\w*|prompt\w*) d(?:ine|in|itt)\b|\balle instruks\w+(?=\W*$| (?:og|som)\b))",
)
_BE_SOMEBODY_ELSE = (
    r"\byou are (?:now )?in (?:developer|debug|admin|god|jailbreak|unrestricted) mode\b",
    r"\byou are (?:now|from now on|no longer) an? (?:\w+ ){0,2}?(?:assistant|AI|chatbot|bot|language model)\b",
    r"\byou are free now\b",
    r"\byou are no longer (?:bound|limited|restricted) by (?:your|any|these) (?:\w+ )?"
    r"(?:rules|instructions|guidelines|filters)\b",
    r"\bfrom now on,? you (?:will |must |shall )?(?:only )?(?:answer|reply|respond|say|speak|obey|pretend)\b",
    _ORDER + r"pretend (?:that you are|you are|to be)\b",
    _ORDER + r"(?:act|behave) as (?:if you (?:are|were)\b|an? (?:\w+ )?(?:assistant|AI|chatbot|language model)\b)",
    r"\bdu er (?:nå|no) (?:i \w*modus|en (?:\w+ )?(?:assistent|KI|chatbot|robot|språkmodell))\b",
    r"\bfra nå av (?:skal|må) du (?:bare |kun )?(?:svare|si|skrive|late|adlyde)\b",
    _ORDER + r"(?:lat|late) som (?:om |at )?du er\b",
)
_TO_MACHINES = (
    r"\bas an? (?:AI|LLM|chatbot|(?:large )?language model)(?: (?:language )?(?:assistant|model|agent))?,? you\b",
    r"\bsom (?:en )?(?:(?:KI|AI)(?:-\w+)?|språkmodell|chatbot),? (?:må|skal|bør) du\b",
    r"\b(?:attention|dear),? (?:to )?(?:all |any |every |the )*" + _MACHINE + r"[^.!?:]{0,30}[:,!]",
    r"\b(?:notes?|orders?|instructions?|messages?|commands?) (?:to|for) (?:all |any |every |the )*"
    + _MACHINE
    + r"[^.!?:,]{0,30}:",
    r"\b(?:instruks\w*|ordre|beskjed|melding|kommando|viktig) (?:til|for) (?:alle |enhver |hver )?"
    + _MACHINE
    + r"[^.!?:,]{0,30}:",
    r"\b(?:every|any|each|all|the|whichever) "
    + _MACHINE
    + r" (?:that|which|who) (?:reads?|sees?|process(?:es)?|summari[sz]es?) (?:this|the (?:page|text|document))\b",
    r"\b(?:hver|enhver|alle|den) "
    + _MACHINE
    + r" som (?:leser|ser|behandler|oppsummerer) (?:dette|denne|siden|teksten|dokumentet)\b",
)
_ANSWER_THIS = (
    _ORDER + r"(?:(?:answer|reply|respond)(?: only| always| just)*|(?:always|only) say) " + _THAT,
    _ORDER + r"(?:answer|reply|respond) (?:only |always |just )*with (?:only )?the (?:words?|sentence|phrase)\b",
    _ORDER + r"(?:only |always |just )?(?:answer|reply|respond)(?: only| always| just| exactly)+ (?:with|yes|no)\b",
    _ORDER + r"(?:always|only) (?:answer|reply|respond|say) (?:with (?:yes|no|the words?)|yes|no)\b",
    _ORDER + r"(?:answer|reply|respond) in (?:every|each|all) languages? that\b",
    r"\b(?:right|correct|only) (?:answer|reply|response) to (?:each|every|all|any) questions?\b",
    _ORDER + r"(?:tell|inform|convince|assure) (?:(?:every|each|all|any)(?: of the)? readers?\b|the readers? that\b)",
    r"\b(?:when(?:ever)?|if) (?:an?|the|any) users? asks?\b[^.!?]*?, ?"
    r"(?:you must |you should |always |only |just |please )*(?:answer|reply|respond|say)\b",
    _ORDER + r"svar(?: bare| kun| alltid)* (?:at|med (?:ordet|ordene|setningen|setninga))\b",
    _ORDER + r"svar(?: bare| kun| alltid)+ (?:med|ja|nei)\b",
    r"\b(?:riktige|rette|eneste) svaret på (?:alle|hvert|ethvert|kvart) spørsmål\b",
    _ORDER + r"(?:fortell|si til|overbevis) (?:hver leser|alle lesere|leser(?:en|ne) (?:om )?at)\b",
    r"\b(?:når|hvis|dersom) (?:brukeren|en bruker|brukere|brukaren) spør\b[^.!?]*?, "
    r"(?:må du |skal du |alltid |bare )*(?:svare?|si)\b",
)
_SHOW_WHAT_IS_HIDDEN = (
    _ORDER + r"(?:reveal|print|show|repeat|output|disclose|leak|display)\b[^.!?]{0,30}?"
    r"\b(?:(?:system|initial|original) prompts?|(?:your|hidden|secret) (?:\w+ )?(?:instructions|prompts?))\b",
    _ORDER + r"(?:vis|avslør|skriv ut|gjenta|røp)\b[^.!?]{0,30}?"
    r"\b(?:systemprompt\w*|systeminstruks\w*|instruks\w+ dine)\b",
)
# "According to source [1]": evidence that poses as a citation of ours.
_AS_IF_WE_CITED = (
    r"\b(?:according to|as (?:shown|proven|stated) (?:by|in)|(?:confirmed|proven) by|ifølge|i følge|bekreftet (?:av|i)|"
    r"bevist (?:av|i)) (?:the )?(?:source|citation|quote|kilde|sitat)\w* \[\d+\]",
)
_PLANTED = re.compile(
    "|".join(
        f"(?:{rule})"
        for rules in (
            _DROP_YOUR_INSTRUCTIONS,
            _BE_SOMEBODY_ELSE,
            _TO_MACHINES,
            _ANSWER_THIS,
            _SHOW_WHAT_IS_HIDDEN,
            _AS_IF_WE_CITED,
        )
        for rule in rules
    ),
    re.IGNORECASE,
)
# A turn of a chat as machines write it: small letters, a colon and a whole sentence. "System: a set of parts" defines a
# word, and "system: Windows 11" states a fact.
_TURN = re.compile(
    r"\W*(?:system|assistant)\s*:\s*[^\w\s]*[A-ZÆØÅ]\S*(?:\s+\S+){3,}[.!?]\W*$"
    r"|<\|(?:im_start|system|assistant|user)\b|\[/?INST\]|<</?SYS>>|#{1,3} (?:System|Instruction|Assistant):"
)
# Every planted sentence holds one of these, and most other sentences none: the quick look before the long one.
_CUE = re.compile(
    r"instru|prompt|directive|ledetekst|ignor|disregard|forget|you are|from now on|pretend|act as|behave as|"
    r"du er n|fra nå av|late? som|\b(?:AI|LLM|KI)|bot|model|assist|machine|crawler|maskin|"
    r" \[\d|answer|reply|respon[ds]|svar|(?:always|only) say|readers?\b|leser|asks?\b|spør",
    re.IGNORECASE,
)


@lru_cache(maxsize=20_000)
def is_planted(text: str) -> bool:
    """Return whether a sentence addresses a reading machine: an order to an assistant, or a turn of a made-up chat."""
    return bool(_TURN.match(text) or (_CUE.search(text) and _PLANTED.search(text)))


def planted_positions(text: str, units: Sequence[Unit]) -> frozenset[int]:
    """Return the positions of the units that are planted; a turn of a chat lasts to the end of its paragraph."""
    turns = {unit.block: unit.start for unit in reversed(units) if _TURN.match(text[unit.start : unit.end])}
    return frozenset(
        position
        for position, unit in enumerate(units)
        if unit.start >= turns.get(unit.block, len(text)) or is_planted(text[unit.start : unit.end])
    )

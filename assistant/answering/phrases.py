"""What the assistant says in its own words: greetings, refusals, hints, in English and Norwegian.

Nothing here is a fact from a document, so nothing here carries a citation.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from assistant.domain import Language

PhraseLanguage = Literal["en", "nb"]

CONTACT: Mapping[PhraseLanguage, str] = {
    "en": (
        "You can ask one of the four project managers: Trine Radmann (Norway Health Tech), Therese Oppegaard "
        "(Norwegian Smart Care Cluster), Jutta Heix (Oslo Cancer Cluster) or Chelsea Ranger (The Life Science Cluster)."
    ),
    "nb": (
        "Du kan spørre en av de fire prosjektlederne: Trine Radmann (Norway Health Tech), Therese Oppegaard "
        "(Norwegian Smart Care Cluster), Jutta Heix (Oslo Cancer Cluster) eller Chelsea Ranger (The Life Science Cluster)."
    ),
}
_WORDS: Mapping[str, Mapping[PhraseLanguage, str]] = {
    "not_covered": {
        "en": "The documents I have do not answer this.",
        "nb": "Dokumentene jeg har, svarer ikke på dette.",
    },
    "off_topic": {
        "en": "This is outside what the documents of USA next! cover.",
        "nb": "Dette ligger utenfor det dokumentene i USA neste! dekker.",
    },
    "false_premise": {
        "en": "The documents do not confirm what the question takes for granted. This is what they say:",
        "nb": "Dokumentene bekrefter ikke det spørsmålet tar for gitt. Dette er hva de sier:",
    },
    "premise_doubted": {
        "en": "The documents may not confirm all that the question takes for granted: compare it with the quotes.",
        "nb": "Dokumentene bekrefter kanskje ikke alt spørsmålet tar for gitt: Sammenlign det med sitatene.",
    },
    "partly": {
        "en": "The documents I have do not answer this part: {missing}.",
        "nb": "Dokumentene jeg har, svarer ikke på denne delen: {missing}.",
    },
    "left_out_one": {
        "en": "One sentence of the language model was left out: no quote carries it.",
        "nb": "Én setning fra språkmodellen er utelatt: Ingen av sitatene dekker den.",
    },
    "left_out": {
        "en": "{count} sentences of the language model were left out: no quote carries them.",
        "nb": "{count} setninger fra språkmodellen er utelatt: Ingen av sitatene dekker dem.",
    },
    "from_the_sources": {"en": "From the sources:", "nb": "Fra kildene:"},
    "nothing_held": {
        "en": "The language model wrote nothing that the sources carry.",
        "nb": "Språkmodellen skrev ikke noe som kildene dekker.",
    },
    "may_be_more": {
        "en": "The documents may not answer all of the question.",
        "nb": "Dokumentene svarer kanskje ikke på hele spørsmålet.",
    },
    "model_unreachable": {
        "en": "The language model could not be reached.",
        "nb": "Språkmodellen kunne ikke nås.",
    },
    "model_timeout": {
        "en": "The language model took too long.",
        "nb": "Språkmodellen brukte for lang tid.",
    },
    "model_busy": {
        "en": "The language model has too much to do just now.",
        "nb": "Språkmodellen har for mye å gjøre akkurat nå.",
    },
    "model_key": {
        "en": "The language model refused our key; the programme's staff must check it.",
        "nb": "Språkmodellen godtok ikke nøkkelen vår; programmets ansatte må sjekke den.",
    },
    "model_too_long": {
        "en": "The passages were too long for the language model.",
        "nb": "Tekstutdragene var for lange for språkmodellen.",
    },
    "model_broken": {
        "en": "The language model broke off.",
        "nb": "Språkmodellen brøt av.",
    },
    "model_stopped": {
        "en": "The language model was stopped.",
        "nb": "Språkmodellen ble stoppet.",
    },
    "model_refused": {
        "en": "The language model refused the request.",
        "nb": "Språkmodellen avviste forespørselen.",
    },
    "model_empty": {
        "en": "The language model wrote nothing that could be checked.",
        "nb": "Språkmodellen skrev ikke noe som kunne kontrolleres.",
    },
    "model_language": {
        "en": "The language model answered in another language.",
        "nb": "Språkmodellen svarte på et annet språk.",
    },
    "missing": {"en": "I found nothing on: {missing}.", "nb": "Jeg fant ingenting om: {missing}."},
    "nearest": {"en": "The nearest documents are: {titles}.", "nb": "De nærmeste dokumentene er: {titles}."},
    "empty_corpus": {
        "en": "There are no documents yet, so I cannot answer. Programme staff add them with: python ingest.py",
        "nb": "Det er ingen dokumenter her ennå, så jeg kan ikke svare. Programmet legger dem inn med: python ingest.py",
    },
    "no_words": {
        "en": "I could not read a question in that. Please write it in words.",
        "nb": "Jeg fant ikke noe spørsmål der. Skriv det gjerne med ord.",
    },
    "too_long": {
        "en": "The question has {length} characters and I read at most {limit}. Please shorten it to what you want to know.",
        "nb": "Spørsmålet har {length} tegn, og jeg leser høyst {limit}. Kort det ned til det du vil vite.",
    },
    "greeting": {
        "en": "Hello! Ask me about USA next! or about entering the US health market, in English or Norwegian.",
        "nb": "Hei! Spør meg om USA neste! eller om veien inn på det amerikanske helsemarkedet, på norsk eller engelsk.",
    },
    "thanks": {"en": "You are welcome. Ask me more at any time.", "nb": "Bare hyggelig. Spør gjerne om mer."},
    "goodbye": {"en": "Goodbye, and good luck in the US!", "nb": "Ha det bra, og lykke til i USA!"},
    "abilities": {
        "en": (
            "I answer questions about USA next! and the way into the US health market with sentences quoted word for "
            "word from the programme's documents, each with its source to check. When the documents do not hold the "
            "answer, I say so. Ask in English or Norwegian, also as a follow-up."
        ),
        "nb": (
            "Jeg svarer på spørsmål om USA neste! og veien inn på det amerikanske helsemarkedet med setninger som er "
            "sitert ordrett fra programmets dokumenter, hver med kilden du kan kontrollere. Når dokumentene ikke har "
            "svaret, sier jeg det. Spør på norsk eller engelsk, gjerne videre i flere steg."
        ),
    },
}

_SMALL_TALK: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (name, re.compile(pattern, re.IGNORECASE))
    for name, pattern in (
        (
            "greeting",
            r"(?:yo|howdy|greetings|morn|halla|halloen|god aften|hei på deg|hei hei|hi again|hei igjen)|"
            r"(?:nice|pleased|good) to meet you|hyggelig å (?:møte|treffe) deg|(?:are you|er du) (?:there|der)",
        ),
        (
            "thanks",
            r"(?:cheers|awesome|brilliant|excellent|wonderful|got it|understood|much appreciated|that's all|no thanks|no thank you|"
            r"kult|herlig|topp|fantastisk|strålende|skjønner|den er grei|det var alt|nei takk|jeg setter pris på det|"
            r"(?:you have|you've) been (?:very |really |so )?helpful|du har vært (?:til )?(?:veldig |god |stor )?hjelp\w*)",
        ),
        (
            "goodbye",
            r"(?:good night|god natt|god helg|god kveld videre|(?:have|enjoy) (?:a |the |your )?(?:nice |good |great )?(?:evening|weekend|one|day)|"
            r"ha en (?:fin|god|riktig god) (?:dag|kveld|helg|uke)(?: videre)?|talk to you later|catch you later|vi høres)",
        ),
        (
            "abilities",
            r"(?:what(?:'s| is) your name|hva heter du|kva heiter du|who (?:made|built|created) you|hvem (?:har )?(?:laget|lagd|bygget) deg|"
            r"tell me about yourself|fortell om deg selv|what are you able to do|what do you (?:do|know)|hva gjør du|hva vet du|"
            r"how can you help(?: me)?|hvordan kan du hjelpe(?: meg)?|can you help me out|can i ask (?:you )?(?:something|a question)|"
            r"kan jeg spørre(?: deg)? om noe|do you (?:speak|understand) (?:norwegian|english)|"
            r"(?:snakker|forstår|kan) du (?:norsk|engelsk|nynorsk)|what (?:topics|subjects) do you (?:know|cover)|"
            r"hvilke (?:temaer|emner) kan du(?: noe om)?)",
        ),
        (
            "thanks",
            r"(?:that(?:'s| is| was)|it was) (?:(?:very|really|so) )?(?:helpful|useful|great|good|nice)|"
            r"det var (?:(?:veldig|kjempe|svært|til) ?)?(?:fint|bra|nyttig|nyttig å vite|hjelp|god hjelp|stor hjelp)",
        ),
        (
            "greeting",
            r"(?:hi|hello|hey|hei(?:sann)?|hallo|heia|god (?:morgen|dag|kveld|ettermiddag)|good (?:morning|afternoon|evening|day)|"
            r"how are you(?: doing)?(?: today)?|hvordan (?:har du det|går det)|korleis går det|går det bra)"
            r"(?:[ ,]+(?:there|du|alle|all|everyone|assistant|assistent|how are you|hvordan går det|nice to meet you))*",
        ),
        (
            "thanks",
            r"(?:ok(?:ay)?[ ,]+|great[ ,]+|perfect[ ,]+|flott[ ,]+|supert?[ ,]+)?(?:many thanks|thanks?(?: you)?|thank you|takk(?: skal du ha)?|tusen takk|mange takk|"
            r"great|perfect|flott|supert?|nice|cool|ok(?:ay)?|fint|bra)(?:[ ,]+(?:so much|very much|a lot|for (?:the help|your help|"
            r"hjelpen|hjelpa|svaret|svar|that|the answer)|that(?:'s| is| was) (?:very )?helpful|det var (?:til )?(?:god |nyttig|stor )?hjelp\w*|that helps|det hjalp|så mye|for now|i dag))*",
        ),
        (
            "goodbye",
            r"(?:good)?bye(?: bye)?|see you(?: later)?|ha det(?: bra| godt)?|adjø|snakkes|vi snakkes|ha en (?:fin|god) dag|have a (?:nice|good|great) day",
        ),
        (
            "abilities",
            r"(?:(?:hi|hello|hei)[ ,!]+)?(?:what can (?:you|i ask you)(?: actually)?(?: do| help(?: me)? with| about| answer| tell me)?(?: for me| here)?|"
            r"who are you|what are you|are you (?:a )?(?:bot|robot|human|(?:real )?person|ai|chatbot)(?: or .+)?|how do you work|how does this (?:chat |assistant )?work|help|hjelp|"
            r"(?:what|which) (?:kind|sort)s? of (?:questions|things) can (?:i ask(?: you)?|you answer)|can you help(?: me)?|"
            r"hva kan (?:du|jeg spørre(?: deg)?(?: om)?)(?: egentlig)?(?: gjøre| hjelpe(?: meg)? med| svare på)?(?: for meg| her)?|hvem er du|hva er du|kven er du|kva kan du(?: gjere| hjelpe(?: meg)? med)?|"
            r"er du (?:en |et )?(?:robot|bot|menneske|ekte person|ki|chatbot)(?: eller .+)?|hvordan (?:virker|fungerer) (?:du|dette|denne (?:chatten|assistenten))|kan du hjelpe(?: meg)?|"
            r"hva slags spørsmål kan (?:jeg stille(?: deg)?|du svare på))",
        ),
    )
)


_NORWEGIAN_SMALL_TALK = re.compile(
    r"\b(?:hei(?:sann)?|hallo|heia|takk|tusen|flott|supert|bra|fint|ha det|adjø|snakkes|morgen|dag|kveld|hva|hvem|kva|kven|"
    r"er du|kan du|hvordan|korleis|hjelp|har du)\b",
    re.IGNORECASE,
)
_ENGLISH_SMALL_TALK = re.compile(
    r"\b(?:hi|hello|hey|thanks?|thank|great|perfect|nice|cool|bye|goodbye|good|see|have|what|who|are|how|help|which|can)\b",
    re.IGNORECASE,
)


def small_talk_language(question: str) -> Language | None:
    """Return the language of small talk, or None for words that both languages share, such as "ok"."""
    if _NORWEGIAN_SMALL_TALK.search(question):
        return "nb"
    return "en" if _ENGLISH_SMALL_TALK.search(question) else None


def phrase(name: str, language: Language, **values: object) -> str:
    """Return one of our own sentences in the answer's language (Bokmål also for Nynorsk)."""
    return _WORDS[name]["en" if language == "en" else "nb"].format(**values)


def small_talk(question: str) -> str | None:
    """Return the name of the reply to a greeting, thanks, goodbye or "what can you do?", or None for anything else."""
    if reply := _one_reply(question):
        return reply
    # "Good morning, are you a real person?": small talk when every part is; the last part is answered.
    replies = [_one_reply(part) for part in re.split(r"[.,!?;]", question) if part.strip()]
    return replies[-1] if len(replies) > 1 and all(replies) else None


def _one_reply(question: str) -> str | None:
    bare = re.sub(r"[\s.!?,…:;)(😊🙂👋🙏]+$", "", question.strip())
    return next((name for name, pattern in _SMALL_TALK if pattern.fullmatch(bare)), None)

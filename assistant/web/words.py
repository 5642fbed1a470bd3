"""Every word of the interface, in English and Norwegian (bokmål), and the choice between the two.

The language of the interface is the visitor's; the language of an answer is the question's. They are independent.
A text in braces is filled in with `str.format`. No HTML stands here: whoever shows a text escapes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

InterfaceLanguage = Literal["en", "nb"]

# The cookie that remembers the visitor's choice; it holds `en` or `nb` and nothing else.
LANGUAGE_COOKIE = "usanext_language"

ENGLISH: Mapping[str, str] = {
    # The page
    "page_title": "USA next! – questions and answers",
    "wordmark": "USA next!",
    "wordmark_line": "Norwegian health companies into the US market",
    "does": "Answers from the programme’s documents and shows the exact words behind each sentence.",
    "does_not": "It gives no legal, tax or medical advice, and says so when the documents do not hold the answer.",
    "hero": "What do you want to know about the US market?",
    "starters": "Some questions to begin with",
    "language_label": "Language of the page",
    "box_label": "Your question",
    "box_placeholder": "Ask in English or Norwegian",
    "ask": "Ask",
    "stop": "Stop",
    "new_conversation": "New conversation",
    "hint_empty": "Write a question first.",
    "hint_too_long": "A question can hold {limit} characters; this one holds {length}. Please shorten it.",
    "hint_memory": "Please do not write anything confidential.",
    "hint_host": "Please do not write anything confidential: your questions go to {host}.",
    "model_here": "Answers are written by {model}, which runs on this machine.",
    "model_elsewhere": (
        "Answers are written by {model}. Your questions and passages of the documents leave this machine and go to "
        "{host}."
    ),
    "not_ready": "The documents are still being prepared, so answers may be missing. Try again in a minute.",
    # The conversation
    "conversation": "Conversation",
    "you_asked": "You asked",
    "assistant_answered": "The assistant answered",
    "reading": "Looking in the documents",
    "understood_as": "Understood as: {question}",
    "missing": "Not in the documents",
    "quoted_part": "“{part}”",
    "nothing_on": "Nothing was found on: {words}.",
    "doubted": "The documents may not confirm all that the question takes for granted",
    "doubted_advice": "Compare it with the quotes before you rely on it.",
    "documents_say": "This is what they say:",
    "unexpected": "Something went wrong on our side, and this question was not answered. Please try again.",
    "not_answered": "This question could not be answered",
    "writing": "Writing",
    "stopped": "Stopped here. The rest was not written.",
    "stopped_empty": "Stopped before anything was written.",
    "written_by": "Written by {model} and checked sentence by sentence against the quotes.",
    "left_out_one": "One sentence was left out because no quote carries it.",
    "left_out": "{count} sentences were left out because no quote carries them.",
    "from_documents": "Straight from the documents",
    "may_be_more": "The documents may not answer all of the question",
    # A refused answer
    "refused": "The documents do not answer this",
    "refused_off_topic": "This lies outside what the assistant knows about",
    "refused_not_covered": "The documents do not answer this",
    "refused_false_premise": "The documents do not confirm what the question takes for granted",
    "refused_empty_corpus": "There are no documents to answer from yet",
    "refused_bad_question": "The assistant did not understand the question",
    "refused_model_failed": "The answer could not be written just now",
    "nearest": "The nearest documents",
    "contact": "Ask a person instead:",
    "contact_nobody": (
        "You can ask one of the four project managers: Trine Radmann (Norway Health Tech), Therese Oppegaard "
        "(Norwegian Smart Care Cluster), Jutta Heix (Oslo Cancer Cluster) or Chelsea Ranger (The Life Science Cluster)."
    ),
    # Sources
    "sources": "Sources",
    "sources_empty": "When you have asked, the words behind the answer stand here, each with its document.",
    "sources_none": "No source was used.",
    "source_count_one": "1 quote behind the latest answer",
    "source_count": "{count} quotes behind the latest answer",
    "source_number": "Source {number}",
    "published": "published {date}",
    "checked": "checked {date}",
    "past_review": "past its review date ({date})",
    "date_not_stated": "date not stated",
    "source_dated": "source {date}",
    "page": "page {label}",
    "section": "under “{heading}”",
    "quote_language": "quoted in {language}",
    "also_in": "also in",
    "open_source": "Read it in the document",
    "publisher_page": "Publisher’s page",
    "new_tab": "opens in a new tab",
    "language_en": "English",
    "language_nb": "Norwegian (bokmål)",
    "language_nn": "Norwegian (nynorsk)",
    # The viewer
    "back": "Ask the assistant",
    "version": "version {version}",
    "valid_until": "to be reviewed by {date}",
    "download": "Download the original",
    "page_mark": "Page {label}",
    "contents_label": "The document’s text",
    "jump_to_quote": "Go to the marked words",
    "quote_marked": "The quoted words are marked in the text.",
    "quote_missing": "The link’s place for the quote does not fit this text, so nothing is marked.",
    "quote_none": "This link opens the whole document, so nothing is marked.",
    "newer": "This is an earlier version of the document.",
    "newer_link": "Open the current version",
    "withdrawn": "This document has been taken out of the collection since. You see the version that was quoted.",
    "not_found_title": "Not found",
    "not_found": "There is no such document or version here.",
    "original_missing": "The original file of this document is not kept here.",
    # Routes
    "upload_refused": "This assistant takes no files.",
    "not_offered": "This address is not offered here.",
    "too_large": "This request is too large.",
    # Months, for dates
    "month_01": "Jan",
    "month_02": "Feb",
    "month_03": "Mar",
    "month_04": "Apr",
    "month_05": "May",
    "month_06": "Jun",
    "month_07": "Jul",
    "month_08": "Aug",
    "month_09": "Sep",
    "month_10": "Oct",
    "month_11": "Nov",
    "month_12": "Dec",
    "date_day": "{day} {month} {year}",
    "date_month": "{month} {year}",
}

NORWEGIAN: Mapping[str, str] = {
    # The page
    "page_title": "USA next! – spørsmål og svar",
    "wordmark": "USA next!",
    "wordmark_line": "Norske helsebedrifter inn i det amerikanske markedet",
    "does": "Svarer ut fra programmets dokumenter og viser de nøyaktige ordene bak hver setning.",
    "does_not": "Gir ikke råd om jus, skatt eller medisin, og sier fra når dokumentene ikke har svaret.",
    "hero": "Hva vil du vite om det amerikanske markedet?",
    "starters": "Noen spørsmål å begynne med",
    "language_label": "Språk på siden",
    "box_label": "Spørsmålet ditt",
    "box_placeholder": "Spør på norsk eller engelsk",
    "ask": "Spør",
    "stop": "Stopp",
    "new_conversation": "Ny samtale",
    "hint_empty": "Skriv et spørsmål først.",
    "hint_too_long": "Et spørsmål kan ha {limit} tegn, og dette har {length}. Gjør det kortere.",
    "hint_memory": "Ikke skriv noe fortrolig.",
    "hint_host": "Ikke skriv noe fortrolig: Spørsmålene dine sendes til {host}.",
    "model_here": "Svarene skrives av {model}, som kjører på denne maskinen.",
    "model_elsewhere": (
        "Svarene skrives av {model}. Spørsmålene dine og utdrag av dokumentene forlater denne maskinen og sendes til "
        "{host}."
    ),
    "not_ready": "Dokumentene gjøres fortsatt klare, så svar kan mangle. Prøv igjen om et minutt.",
    # The conversation
    "conversation": "Samtale",
    "you_asked": "Du spurte",
    "assistant_answered": "Assistenten svarte",
    "reading": "Leter i dokumentene",
    "understood_as": "Forstått som: {question}",
    "missing": "Står ikke i dokumentene",
    "quoted_part": "«{part}»",
    "nothing_on": "Det ble ikke funnet noe om: {words}.",
    "doubted": "Dokumentene bekrefter kanskje ikke alt spørsmålet tar for gitt",
    "doubted_advice": "Sammenlign det med sitatene før du stoler på det.",
    "documents_say": "Dette er hva de sier:",
    "unexpected": "Noe gikk galt hos oss, og spørsmålet ble ikke besvart. Prøv igjen.",
    "not_answered": "Spørsmålet kunne ikke besvares",
    "writing": "Skriver",
    "stopped": "Stoppet her. Resten ble ikke skrevet.",
    "stopped_empty": "Stoppet før noe var skrevet.",
    "written_by": "Skrevet av {model} og kontrollert setning for setning mot sitatene.",
    "left_out_one": "Én setning er utelatt fordi ingen av sitatene dekker den.",
    "left_out": "{count} setninger er utelatt fordi ingen av sitatene dekker dem.",
    "from_documents": "Rett fra dokumentene",
    "may_be_more": "Dokumentene svarer kanskje ikke på hele spørsmålet",
    # A refused answer
    "refused": "Dokumentene svarer ikke på dette",
    "refused_off_topic": "Dette ligger utenfor det assistenten kjenner til",
    "refused_not_covered": "Dokumentene svarer ikke på dette",
    "refused_false_premise": "Dokumentene bekrefter ikke det spørsmålet tar for gitt",
    "refused_empty_corpus": "Det er ingen dokumenter å svare ut fra ennå",
    "refused_bad_question": "Assistenten forsto ikke spørsmålet",
    "refused_model_failed": "Svaret kunne ikke skrives akkurat nå",
    "nearest": "De nærmeste dokumentene",
    "contact": "Spør heller et menneske:",
    "contact_nobody": (
        "Du kan spørre en av de fire prosjektlederne: Trine Radmann (Norway Health Tech), Therese Oppegaard "
        "(Norwegian Smart Care Cluster), Jutta Heix (Oslo Cancer Cluster) eller Chelsea Ranger "
        "(The Life Science Cluster)."
    ),
    # Sources
    "sources": "Kilder",
    "sources_empty": "Når du har spurt, står ordene bak svaret her, hvert sitat med sitt dokument.",
    "sources_none": "Ingen kilde ble brukt.",
    "source_count_one": "1 sitat bak det siste svaret",
    "source_count": "{count} sitater bak det siste svaret",
    "source_number": "Kilde {number}",
    "published": "utgitt {date}",
    "checked": "kontrollert {date}",
    "past_review": "fristen for ny kontroll er ute ({date})",
    "date_not_stated": "dato ikke oppgitt",
    "source_dated": "kilde {date}",
    "page": "side {label}",
    "section": "under «{heading}»",
    "quote_language": "sitert på {language}",
    "also_in": "også i",
    "open_source": "Les det i dokumentet",
    "publisher_page": "Utgiverens side",
    "new_tab": "åpnes i en ny fane",
    "language_en": "engelsk",
    "language_nb": "norsk (bokmål)",
    "language_nn": "norsk (nynorsk)",
    # The viewer
    "back": "Spør assistenten",
    "version": "versjon {version}",
    "valid_until": "skal kontrolleres innen {date}",
    "download": "Last ned originalen",
    "page_mark": "Side {label}",
    "contents_label": "Teksten i dokumentet",
    "jump_to_quote": "Gå til de merkede ordene",
    "quote_marked": "De siterte ordene er merket i teksten.",
    "quote_missing": "Stedet lenken oppgir for sitatet, passer ikke til denne teksten, så ingenting er merket.",
    "quote_none": "Denne lenken åpner hele dokumentet, så ingenting er merket.",
    "newer": "Dette er en tidligere versjon av dokumentet.",
    "newer_link": "Åpne den gjeldende versjonen",
    "withdrawn": "Dokumentet er siden tatt ut av samlingen. Du ser versjonen som ble sitert.",
    "not_found_title": "Ikke funnet",
    "not_found": "Det finnes ikke noe slikt dokument eller noen slik versjon her.",
    "original_missing": "Originalfilen til dette dokumentet er ikke tatt vare på her.",
    # Routes
    "upload_refused": "Denne assistenten tar ikke imot filer.",
    "not_offered": "Denne adressen er ikke i bruk her.",
    "too_large": "Denne forespørselen er for stor.",
    # Months, for dates
    "month_01": "jan.",
    "month_02": "feb.",
    "month_03": "mars",
    "month_04": "april",
    "month_05": "mai",
    "month_06": "juni",
    "month_07": "juli",
    "month_08": "aug.",
    "month_09": "sep.",
    "month_10": "okt.",
    "month_11": "nov.",
    "month_12": "des.",
    "date_day": "{day}. {month} {year}",
    "date_month": "{month} {year}",
}

WORDS: Mapping[InterfaceLanguage, Mapping[str, str]] = {"en": ENGLISH, "nb": NORWEGIAN}

# What the language switch says: each language in its own words.
LANGUAGE_NAMES: tuple[tuple[str, InterfaceLanguage], ...] = (("English", "en"), ("Norsk", "nb"))

# Shown when the caller of `create_app` brings none of its own.
STARTER_QUESTIONS: Mapping[InterfaceLanguage, tuple[str, ...]] = {
    "en": (
        "What is USA next!?",
        "Who leads USA next!?",
        "What are the four areas of activity in USA next!?",
        "Is my software a medical device in the US?",
        "When should a Norwegian company form a US subsidiary?",
        "Who decides whether Medicare covers a product?",
    ),
    "nb": (
        "Hva er USA neste!?",
        "Hvem leder USA neste!?",
        "Hva er de fire aktivitetsområdene i USA neste!?",
        "Hvem finansierer USA neste!?",
        "Hvorfor ser norske helsebedrifter mot USA?",
        "Hvem kan få en mentor fra AstraZeneca?",
    ),
}


def preferred_language(
    *, asked: str | None = None, remembered: str | None = None, accept_language: str | None = None
) -> InterfaceLanguage:
    """Return the interface language: what was asked for, else what was chosen before, else what the browser prefers.

    Args:
        asked: The value of `?lang=`; any Norwegian or English tag counts, anything else is passed over.
        remembered: The value of the cookie, read the same way.
        accept_language: The browser's header, such as `nn-NO, en;q=0.5`. Without a language of ours: English.
    """
    for tag in (asked, remembered):
        language = _language_of(tag or "")
        if language:
            return language
    return _best_accepted(accept_language or "")


def _best_accepted(header: str) -> InterfaceLanguage:
    """Return the language of ours that the header weighs highest; the first of equals; English without any."""
    best: tuple[float, InterfaceLanguage] = (0.0, "en")
    for part in header.split(",")[:20]:
        tag, _, parameters = part.partition(";")
        language = _language_of(tag)
        weight = _weight_of(parameters)
        if language and weight > best[0]:
            best = (weight, language)
    return best[1]


def _language_of(tag: str) -> InterfaceLanguage | None:
    """Return our language for a tag such as `nb-NO`; nynorsk and the older `no` are read in bokmål."""
    primary = tag.strip().lower().replace("_", "-").split("-")[0]
    if primary in ("nb", "no", "nn"):
        return "nb"
    return "en" if primary == "en" else None


def _weight_of(parameters: str) -> float:
    """Return the `q` of an Accept-Language part: 1 where there is none, 0 where it cannot be read."""
    name, _, value = parameters.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return min(max(float(value), 0.0), 1.0)
    except ValueError:
        return 0.0

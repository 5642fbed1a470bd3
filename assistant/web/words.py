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
# The cookie that remembers field and stage, such as `medtech.preparing`; the server reads it and keeps nothing of it.
ABOUT_COOKIE = "usanext_about"
# What a visitor may say about the company; each is a word `segment_...` or `stage_...` of the interface.
SEGMENTS = ("medtech", "diagnostics", "digital_health", "biotech", "elder_care")
STAGES = ("exploring", "preparing", "entering", "growing")
# The choice of none.
ANY = "any"

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
    "hint_still": "Your last question is still being answered. Send this one when its answer is there.",
    "hint_too_long": "A question can hold {limit} characters; this one holds {length}. Please shorten it.",
    "hint_kept": "Questions without a full answer are kept for the programme’s staff, without a name.",
    "hint_memory": "Please do not write anything confidential.",
    "hint_host": "Please do not write anything confidential: your questions go to {host}.",
    "model_here": "Answers are written by {model}, which runs on this machine.",
    "model_elsewhere": (
        "Answers are written by {model}. Your questions and passages of the documents leave this machine and go to "
        "{host}."
    ),
    "not_ready": "The assistant is still warming up, so the first answer may take some seconds longer.",
    "warming_title": "The assistant is warming up",
    "warming_what": "This page opens by itself in a few seconds.",
    "warming_later": "The assistant is warming up. Try again in a few seconds.",
    # The visitor
    "about_you": "About you",
    "about_why": "Optional. It only chooses the questions below, and is remembered in this browser alone.",
    "segment_label": "Your field",
    "segment_any": "Any field",
    "segment_medtech": "Medtech",
    "segment_diagnostics": "Diagnostics",
    "segment_digital_health": "Digital health",
    "segment_biotech": "Biotech",
    "segment_elder_care": "Elder care",
    "stage_label": "Where you are",
    "stage_any": "Any stage",
    "stage_exploring": "Exploring the US",
    "stage_preparing": "Preparing",
    "stage_entering": "Entering now",
    "stage_growing": "Growing there",
    # What can be done with an answer
    "in_line": "Busy just now. Number {place} in line",
    "go_on": "Go on with",
    "instead": "These the documents can answer",
    "copy": "Copy",
    "copied": "Copied",
    "copy_failed": "Could not copy",
    "take_along": "Take it with you",
    "as_word": "Word",
    "as_pdf": "PDF",
    "as_markdown": "Markdown",
    "save": "Save link",
    "saved": "This link opens these answers with the same quotes until {date}. Whoever has the link can read them.",
    "saved_copy": "Copy the link",
    "saved_delete": "Delete it",
    "save_failed": "The link could not be saved. Try again in a minute.",
    "gone": "This conversation is no longer in memory. Ask again, then try once more.",
    "helpful": "Helpful",
    "not_helpful": "Not helpful",
    "feedback_why": "What was missing or wrong? (optional)",
    "feedback_share": "Keep my question and the answer with this, so that the programme can improve its documents",
    "feedback_send": "Send",
    "feedback_thanks": "Thank you.",
    "feedback_failed": "This could not be sent. Try again in a minute.",
    "feedback_undo": "Take it back",
    "stored": "What is stored",
    "erase": "Delete what I have sent and saved",
    "erased": "Deleted, here and on the server.",
    "erase_failed": "Not all could be deleted. Try again in a minute.",
    "write_mail": "Write an e-mail",
    "mail_subject": "Question for USA next!: {question}",
    "mail_asked": "I asked the USA next! assistant:",
    "mail_refused": "It found no answer in its documents.",
    "mail_partly": "It found only a part of the answer in its documents.",
    "mail_quotes": "What it quoted:",
    "mail_nearest": "The nearest documents:",
    "mail_greeting": "Hello,",
    "mail_ask": "Can you help me with this?",
    "wait": "You have asked much in a short time. Try again in {seconds} seconds.",
    "too_busy": "Very many people are asking just now. Try again in a minute.",
    "line_full": (
        "Very many people are asking just now: {line} wait in line already. Your question was not sent; please send it "
        "again in a minute."
    ),
    "skip": "Go to the question box",
    "needs_script": "This page needs JavaScript, from this server alone. Please allow it.",
    "close": "Close",
    "open_in_tab": "Open in a new tab",
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
    # The viewer: pages as they look, and the way from quote to quote
    "look_title": "The page as it looks",
    "text_title": "The text as the assistant reads it",
    "look_of": "Page {page} of {pages}",
    "look_printed": "printed as {label}",
    "look_alt": "Page {page} of “{title}” as a picture. The same words stand as text further down.",
    "look_marked": "Marked on the page: “{quote}”",
    "look_larger": "Open the picture alone",
    "look_read": "Read the quote as text",
    "look_failed": "This page cannot be shown as a picture. Its text stands further down.",
    "look_unsure": (
        "Where the quote stands on this page could not be told for certain, so nothing is marked in the picture. "
        "The words are marked in the text."
    ),
    "look_goes_on": "The quote goes on on the next page, which is shown below.",
    "look_elsewhere": "The quote does not stand on this page.",
    "look_to_quote": "Back to the page of the quote",
    "look_turn": "Turn the pages",
    "look_to_page": "Page {page}",
    "marked_on_page": "The quoted words are marked on the page and in the text.",
    "jump_to_page": "Go to the page",
    "jump_to_text": "Go to the text",
    "cite_nav": "Sources of the answer",
    "cite_position": "Source {number} of {count}",
    "cite_previous": "Previous source",
    "cite_next": "Next source",
    "page_missing": "There is no such page here.",
    # Routes
    "upload_refused": "This assistant takes no files.",
    "not_offered": "This address is not offered here.",
    "too_large": "This request is too large.",
    # Saved links, feedback, and what is stored
    "post_type": "Only JSON is read here. Send it with the header Content-Type: application/json.",
    "post_broken": "The request is not JSON. Send an object in braces.",
    "post_no_object": "The request is JSON, but not an object. Send an object in braces.",
    "post_unknown": "There is no field “{name}” here. Leave it out.",
    "post_language": "The field language must be “en” or “nb”.",
    "save_nothing": "There is no answer to save yet. Ask a question first.",
    "save_too_large": "This conversation is too long to be saved. Begin a new one, or take it along as a file.",
    "save_too_many_today": "Very many links were saved today, and no more fit. Try again tomorrow.",
    "journal_closed": "What is stored cannot be read or written just now. Try again in a minute.",
    "journal_closed_title": "Not just now",
    "feedback_number": "The field number must be the place of an answer in the conversation, from 1.",
    "feedback_no_answer": "There is no answer number {number} in this conversation.",
    "feedback_helpful": "The field helpful must be true or false.",
    "feedback_consent": "The field share must be true or false.",
    "feedback_why_words": "The field why must be text.",
    "feedback_why_long": "A reason can hold {limit} characters; this one holds {length}. Please shorten it.",
    "feedback_id": "The field id must be one that feedback was answered with.",
    "feedback_ids": "The field ids must be a list of ids that feedback was answered with, at most {limit}.",
    "feedback_full": "Very much feedback came in today, and no more is taken. Try again tomorrow.",
    "saved_title": "Saved answers",
    "saved_on": "Saved {date}",
    "saved_until": "opens until {date}",
    "saved_same": (
        "The answers stand here as they were on that day, with the same quotes. Whoever has this link can read them."
    ),
    "saved_question": "Question {number}",
    "saved_changed": "Changed in the collection since then",
    "saved_newer": "“{title}” has a newer version.",
    "withdrawn_on": "“{title}” was withdrawn on {date}.",
    "withdrawn_answer": "This answer quoted a document that has been withdrawn, so its words are not shown any more.",
    "withdrawn_export": "These answers quote documents that have been withdrawn, so there is no file of them any more.",
    "saved_withdrawn": "“{title}” has been taken out.",
    "saved_quoted": "The numbers in the answers still open the versions that were quoted.",
    "saved_gone": "There is nothing under this link. It may have expired, or somebody has deleted it.",
    "delete_title": "Delete these saved answers?",
    "delete_what": (
        "They were saved on {date}. Once deleted, nobody can open the link any more, and nothing brings them back."
    ),
    "delete_now": "Delete",
    "delete_keep": "Keep them",
    "deleted_title": "Deleted",
    "deleted": "The saved answers are erased, and the link opens nothing any more.",
    "not_deleted_title": "Not deleted",
    "not_deleted": "The key in this address does not fit. Use the address that you got when you saved the link.",
    "privacy_title": "What is stored",
    "privacy_lead": "As little as possible. There are no accounts, and nothing asks who you are.",
    "privacy_conversation": "Your conversation",
    "privacy_conversation_what": (
        "Your questions and answers are held in the server’s memory so that you can go on with them. The conversation "
        "is gone {hours} hours after you last used it, or when the server stops. Single questions with their answers, "
        "which nothing connects with you, may stay in its memory until it stops, so that the same question is answered "
        "at once. Nothing else of them is written down than what this page names."
    ),
    "privacy_gaps": "Questions without a full answer",
    "privacy_gaps_texts": (
        "When a question gets no answer or only a part of one, it is stored, so that the programme’s staff see what "
        "they should write about next: the words of the question, the part that was not answered, the language, what "
        "came of it, which documents came nearest, and the day, but not the time. The same goes for an answer that "
        "did not help you where you shared the question. A follow-up is stored with the topic of the question before "
        "it, or nobody could understand it."
    ),
    "privacy_gaps_no_texts": (
        "When a question gets no answer or only a part of one, it is counted, so that the programme’s staff see where "
        "something is missing: the day, the language, what came of it and which documents came nearest. The words of "
        "the question are not stored, and nothing that is made of them."
    ),
    "privacy_gaps_who": (
        "Nothing is stored that says who asked. E-mail addresses, telephone numbers, national identity numbers, other "
        "long numbers and private links are taken out before a question is stored. Names are not recognised: please "
        "write none."
    ),
    "privacy_gaps_end": (
        "It is erased {days} days after it was last asked in the same words. Staff see it in a list, with others that "
        "mean the same, and can download that list. As nothing says whose it is, nobody can pick out yours; but what "
        "you shared with feedback goes when you delete the feedback."
    ),
    "privacy_no_model": "No language model is used: the answers are quotes, and your questions stay on this server.",
    "privacy_model_here": "The answers are written by {model}, which runs on this server. Your questions stay here.",
    "privacy_model_elsewhere": (
        "The answers are written by {model}. For that, your questions, what was said before in the conversation and "
        "passages of the documents are sent to {host}. What is kept there is up to whoever runs it."
    ),
    "privacy_feedback": "Feedback",
    "privacy_feedback_what": (
        "When you press Helpful or Not helpful, this is stored: the day, which of the two, what you write in the box, "
        "whether the answer was whole, partial or a refusal and why, the language of the page, and which documents it "
        "quoted. Nothing in it says who you are; please write nothing in the box that does."
    ),
    "privacy_feedback_texts": "Your question and the answer are stored with it only if you tick the box for that.",
    "privacy_feedback_end": (
        "Feedback is erased after {days} days. Until then you can delete it yourself, with the button at the foot of "
        "the chat page, in the browser that you sent it from."
    ),
    "privacy_saved": "Saved links",
    "privacy_saved_what": (
        "Only when you press Save link is the conversation written down, with its answers and quotes. Whoever has the "
        "link can read it; it is listed nowhere, and search engines are told to stay away."
    ),
    "privacy_saved_end": (
        "The link ends after {days} days, and what it opened is erased. You can delete it before, with the address "
        "that you get with the link, or with the button at the foot of the chat page."
    ),
    "privacy_browser": "In your browser",
    "privacy_browser_what": "These stay with you. The server reads the cookies and keeps nothing of them.",
    "privacy_name": "Name",
    "privacy_use": "What it is for",
    "privacy_time": "How long",
    "privacy_cookie_language": "the language of the page, once you have chosen one",
    "privacy_cookie_about": "your field and stage, if you chose any: they pick the questions to begin with",
    "privacy_cookie_visitor": "a random number that lets each visitor behind one address have a turn",
    "privacy_cookie_access": "that you have given the access code, where one is asked for",
    "privacy_sent": "the list of what you have sent and saved, so that you can delete it (no cookie: it is not sent)",
    "privacy_year": "a year",
    "privacy_session": "until you close the browser",
    "privacy_days": "{days} days",
    "privacy_until_deleted": "until you delete it",
    "privacy_log": "Log and third parties",
    "privacy_log_what": (
        "The log may hold a line for each question: when it came, how it ended, in which language and after how long; "
        "and what went wrong. It never says what you asked, who you are or where you are. There are no statistics on "
        "visitors, no advertising, and nothing on the page comes from anybody else."
    ),
    "privacy_erased": "What erased means",
    "privacy_erased_what": (
        "What is deleted, or has come to its end, is overwritten in the server’s file. A backup made before may hold "
        "it until that backup is replaced."
    ),
    # Taking answers along
    "export_name": "usa-next-answers",
    "export_title": "Nothing to download here",
    "export_gone": (
        "This conversation is no longer in memory: it was left alone for long, or the server was started again. Ask "
        "once more to download the answers."
    ),
    "export_nothing": "There is no finished answer here to download.",
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
    # The gate: access code, limits, foreign pages
    "foreign_page": "This request came from no page of this site, so nothing was done. Open the page and try again.",
    "too_many_writings": "A lot has been saved or reported from here in the last hour. Try again in {wait}.",
    "too_many_files": "A lot of files have been made from here in the last minutes. Try again in {wait}.",
    "too_many_events": "Too much has been clicked here in a short time. Try again in {wait}.",
    "too_many_tries": "The access code was wrong too many times. Try again in {wait}.",
    "code_missing": (
        "This assistant needs an access code. Reload the page to enter it; a program sends it as "
        "“Authorization: Bearer CODE”."
    ),
    "code_wrong": "That is not the access code. Check it, or ask the programme for the current one.",
    "enter_title": "Access code",
    "enter_why": "This assistant is open to companies in the programme. The programme gives you the code.",
    "enter_label": "Access code",
    "enter_button": "Go on",
    "enter_cookie": "A cookie remembers for 30 days that you have entered it. Nothing about you is stored.",
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
    "hint_still": "Det forrige spørsmålet blir fortsatt besvart. Send dette når svaret er kommet.",
    "hint_too_long": "Et spørsmål kan ha {limit} tegn, og dette har {length}. Gjør det kortere.",
    "hint_kept": "Spørsmål som ikke får fullt svar, tas vare på for dem som driver programmet, uten navn.",
    "hint_memory": "Ikke skriv noe fortrolig.",
    "hint_host": "Ikke skriv noe fortrolig: Spørsmålene dine sendes til {host}.",
    "model_here": "Svarene skrives av {model}, som kjører på denne maskinen.",
    "model_elsewhere": (
        "Svarene skrives av {model}. Spørsmålene dine og utdrag av dokumentene forlater denne maskinen og sendes til "
        "{host}."
    ),
    "not_ready": "Assistenten gjør seg fortsatt klar, så det første svaret kan ta noen sekunder ekstra.",
    "warming_title": "Assistenten gjør seg klar",
    "warming_what": "Denne siden åpnes av seg selv om noen sekunder.",
    "warming_later": "Assistenten gjør seg klar. Prøv igjen om noen sekunder.",
    # The visitor
    "about_you": "Om deg",
    "about_why": "Frivillig. Det velger bare spørsmålene under, og huskes bare i denne nettleseren.",
    "segment_label": "Fagområdet ditt",
    "segment_any": "Alle områder",
    "segment_medtech": "Medtech",
    "segment_diagnostics": "Diagnostikk",
    "segment_digital_health": "Digital helse",
    "segment_biotech": "Biotek",
    "segment_elder_care": "Eldreomsorg",
    "stage_label": "Hvor dere er",
    "stage_any": "Alle stadier",
    "stage_exploring": "Undersøker USA",
    "stage_preparing": "Forbereder oss",
    "stage_entering": "På vei inn",
    "stage_growing": "Vokser der",
    # What can be done with an answer
    "in_line": "Stor pågang akkurat nå. Nummer {place} i køen",
    "go_on": "Gå videre med",
    "instead": "Dette kan dokumentene svare på",
    "copy": "Kopier",
    "copied": "Kopiert",
    "copy_failed": "Kunne ikke kopiere",
    "take_along": "Ta det med deg",
    "as_word": "Word",
    "as_pdf": "PDF",
    "as_markdown": "Markdown",
    "save": "Lagre lenke",
    "saved": "Denne lenken åpner svarene med de samme sitatene fram til {date}. Alle som har lenken, kan lese dem.",
    "saved_copy": "Kopier lenken",
    "saved_delete": "Slett den",
    "save_failed": "Lenken kunne ikke lagres. Prøv igjen om et minutt.",
    "gone": "Denne samtalen er ikke lenger i minnet. Still spørsmålet på nytt, og prøv igjen.",
    "helpful": "Nyttig",
    "not_helpful": "Ikke nyttig",
    "feedback_why": "Hva manglet eller var feil? (frivillig)",
    "feedback_share": "Ta vare på spørsmålet og svaret sammen med dette, så programmet kan gjøre dokumentene bedre",
    "feedback_send": "Send",
    "feedback_thanks": "Takk.",
    "feedback_failed": "Dette kunne ikke sendes. Prøv igjen om et minutt.",
    "feedback_undo": "Angre",
    "stored": "Hva som lagres",
    "erase": "Slett det jeg har sendt og lagret",
    "erased": "Slettet, her og på tjeneren.",
    "erase_failed": "Ikke alt kunne slettes. Prøv igjen om et minutt.",
    "write_mail": "Skriv en e-post",
    "mail_subject": "Spørsmål til USA neste!: {question}",
    "mail_asked": "Jeg spurte assistenten til USA neste!:",
    "mail_refused": "Den fant ikke noe svar i dokumentene sine.",
    "mail_partly": "Den fant bare en del av svaret i dokumentene sine.",
    "mail_quotes": "Dette siterte den:",
    "mail_nearest": "De nærmeste dokumentene:",
    "mail_greeting": "Hei!",
    "mail_ask": "Kan dere hjelpe meg med dette?",
    "wait": "Du har spurt mye på kort tid. Prøv igjen om {seconds} sekunder.",
    "too_busy": "Svært mange spør akkurat nå. Prøv igjen om et minutt.",
    "line_full": (
        "Svært mange spør akkurat nå: {line} står i kø allerede. Spørsmålet ditt ble ikke sendt; send det gjerne igjen "
        "om et minutt."
    ),
    "skip": "Gå til spørsmålsfeltet",
    "needs_script": "Denne siden trenger JavaScript, bare fra denne tjeneren. Slå det på.",
    "close": "Lukk",
    "open_in_tab": "Åpne i en ny fane",
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
    # The viewer: pages as they look, and the way from quote to quote
    "look_title": "Siden slik den ser ut",
    "text_title": "Teksten slik assistenten leser den",
    "look_of": "Side {page} av {pages}",
    "look_printed": "trykt sidetall {label}",
    "look_alt": "Bilde av side {page} i «{title}». De samme ordene står som tekst lenger ned.",
    "look_marked": "Merket på siden: «{quote}»",
    "look_larger": "Åpne bildet alene",
    "look_read": "Les sitatet som tekst",
    "look_failed": "Denne siden kan ikke vises som bilde. Teksten står lenger ned.",
    "look_unsure": (
        "Det var ikke mulig å fastslå sikkert hvor sitatet står på denne siden, så ingenting er merket i bildet. "
        "Ordene er merket i teksten."
    ),
    "look_goes_on": "Sitatet fortsetter på neste side, som vises nedenfor.",
    "look_elsewhere": "Sitatet står ikke på denne siden.",
    "look_to_quote": "Tilbake til siden med sitatet",
    "look_turn": "Bla i sidene",
    "look_to_page": "Side {page}",
    "marked_on_page": "De siterte ordene er merket på siden og i teksten.",
    "jump_to_page": "Gå til siden",
    "jump_to_text": "Gå til teksten",
    "cite_nav": "Kildene i svaret",
    "cite_position": "Kilde {number} av {count}",
    "cite_previous": "Forrige kilde",
    "cite_next": "Neste kilde",
    "page_missing": "Det finnes ingen slik side her.",
    # Routes
    "upload_refused": "Denne assistenten tar ikke imot filer.",
    "not_offered": "Denne adressen er ikke i bruk her.",
    "too_large": "Denne forespørselen er for stor.",
    # Saved links, feedback, and what is stored
    "post_type": "Her leses bare JSON. Send det med hodet Content-Type: application/json.",
    "post_broken": "Forespørselen er ikke JSON. Send et objekt i krøllparenteser.",
    "post_no_object": "Forespørselen er JSON, men ikke et objekt. Send et objekt i krøllparenteser.",
    "post_unknown": "Det finnes ikke noe felt «{name}» her. Utelat det.",
    "post_language": "Feltet language må være «en» eller «nb».",
    "save_nothing": "Det er ikke noe svar å lagre ennå. Still et spørsmål først.",
    "save_too_large": "Denne samtalen er for lang til å lagres. Begynn en ny, eller ta den med deg som fil.",
    "save_too_many_today": "Svært mange lenker er lagret i dag, og det er ikke plass til flere. Prøv igjen i morgen.",
    "journal_closed": "Det som er lagret, kan ikke leses eller skrives akkurat nå. Prøv igjen om et minutt.",
    "journal_closed_title": "Ikke akkurat nå",
    "feedback_number": "Feltet number må være svarets plass i samtalen, fra 1.",
    "feedback_no_answer": "Det finnes ikke noe svar nummer {number} i denne samtalen.",
    "feedback_helpful": "Feltet helpful må være true eller false.",
    "feedback_consent": "Feltet share må være true eller false.",
    "feedback_why_words": "Feltet why må være tekst.",
    "feedback_why_long": "En begrunnelse kan ha {limit} tegn, og denne har {length}. Gjør den kortere.",
    "feedback_id": "Feltet id må være en id som du fikk da du sendte en tilbakemelding.",
    "feedback_ids": "Feltet ids må være en liste med id-er fra tilbakemeldinger du har sendt, høyst {limit}.",
    "feedback_full": "Det har kommet svært mange tilbakemeldinger i dag, og flere tas ikke imot. Prøv igjen i morgen.",
    "saved_title": "Lagrede svar",
    "saved_on": "Lagret {date}",
    "saved_until": "kan åpnes til og med {date}",
    "saved_same": "Svarene står her slik de var den dagen, med de samme sitatene. Alle som har lenken, kan lese dem.",
    "saved_question": "Spørsmål {number}",
    "saved_changed": "Endret i samlingen siden da",
    "saved_newer": "«{title}» har fått en nyere versjon.",
    "withdrawn_on": "«{title}» ble trukket tilbake {date}.",
    "withdrawn_answer": "Dette svaret siterte et dokument som er trukket tilbake, så ordene vises ikke lenger.",
    "withdrawn_export": "Disse svarene siterer dokumenter som er trukket tilbake, så de kan ikke lastes ned lenger.",
    "saved_withdrawn": "«{title}» er tatt ut.",
    "saved_quoted": "Numrene i svarene åpner fortsatt de versjonene som ble sitert.",
    "saved_gone": "Det er ikke noe under denne lenken. Den kan ha utløpt, eller noen har slettet den.",
    "delete_title": "Vil du slette disse lagrede svarene?",
    "delete_what": (
        "De ble lagret {date}. Når de er slettet, kan ingen åpne lenken lenger, og de kan ikke hentes tilbake."
    ),
    "delete_now": "Slett",
    "delete_keep": "Behold dem",
    "deleted_title": "Slettet",
    "deleted": "De lagrede svarene er slettet, og lenken åpner ingenting lenger.",
    "not_deleted_title": "Ikke slettet",
    "not_deleted": "Nøkkelen i denne adressen passer ikke. Bruk adressen du fikk da du lagret lenken.",
    "privacy_title": "Hva som lagres",
    "privacy_lead": "Så lite som mulig. Det finnes ingen brukerkontoer, og ingenting spør hvem du er.",
    "privacy_conversation": "Samtalen din",
    "privacy_conversation_what": (
        "Spørsmålene og svarene ligger i minnet på tjeneren, så du kan gå videre med dem. Samtalen er borte {hours} "
        "timer etter at du sist brukte den, eller når tjeneren stopper. Enkeltspørsmål med svar, som ikke er knyttet "
        "til deg, kan bli liggende i minnet til tjeneren stopper, så det samme spørsmålet får svar med en gang. Ikke "
        "noe annet av dem skrives ned enn det som står på denne siden."
    ),
    "privacy_gaps": "Spørsmål som ikke får fullt svar",
    "privacy_gaps_texts": (
        "Når et spørsmål ikke får svar, eller bare får svar på en del, lagres det, så de som driver programmet, ser "
        "hva de bør skrive om: ordene i spørsmålet, delen som ikke ble besvart, språket, hva det ble til, hvilke "
        "dokumenter som lå nærmest, og dagen, men ikke klokkeslettet. Det samme gjelder når et svar ikke var nyttig "
        "og du delte spørsmålet. Et oppfølgingsspørsmål lagres med temaet fra spørsmålet før, ellers ville ingen "
        "forstå det."
    ),
    "privacy_gaps_no_texts": (
        "Når et spørsmål ikke får svar, eller bare får svar på en del, telles det, så de som driver programmet, ser "
        "hvor noe mangler: dagen, språket, hva det ble til, og hvilke dokumenter som lå nærmest. Ordene i spørsmålet "
        "lagres ikke, og heller ikke noe som er laget av dem."
    ),
    "privacy_gaps_who": (
        "Ingenting som sier hvem som spurte, blir lagret. E-postadresser, telefonnumre, fødselsnumre, andre lange "
        "tall og private lenker tas ut før spørsmålet lagres. Navn blir ikke gjenkjent, så ikke skriv noen."
    ),
    "privacy_gaps_end": (
        "Det slettes {days} dager etter at det sist ble stilt med de samme ordene. De som driver programmet, ser det i "
        "en liste sammen med andre som betyr det samme, og kan laste ned listen. Siden ingenting sier hvem som har "
        "stilt det, kan ingen finne igjen ditt, men det du delte i en tilbakemelding, forsvinner når du sletter den."
    ),
    "privacy_no_model": "Ingen språkmodell brukes: Svarene er sitater, og spørsmålene dine blir på denne tjeneren.",
    "privacy_model_here": "Svarene skrives av {model}, som kjører på denne tjeneren. Spørsmålene dine blir her.",
    "privacy_model_elsewhere": (
        "Svarene skrives av {model}. Derfor sendes spørsmålene dine, det som er sagt tidligere i samtalen, og utdrag "
        "av dokumentene til {host}. Hva som tas vare på der, bestemmer de som driver den."
    ),
    "privacy_feedback": "Tilbakemeldinger",
    "privacy_feedback_what": (
        "Når du trykker Nyttig eller Ikke nyttig, lagres dette: dagen, hvilken av de to, det du skriver i feltet, om "
        "svaret var helt, delvis eller et nei og hvorfor, språket på siden og hvilke dokumenter svaret siterte. "
        "Ingenting i det sier hvem du er, så ikke skriv noe i feltet som gjør det."
    ),
    "privacy_feedback_texts": "Spørsmålet ditt og svaret lagres sammen med det bare hvis du krysser av for det.",
    "privacy_feedback_end": (
        "Tilbakemeldinger slettes etter {days} dager. Inntil da kan du slette dem selv med knappen nederst på "
        "samtalesiden, i den nettleseren du sendte dem fra."
    ),
    "privacy_saved": "Lagrede lenker",
    "privacy_saved_what": (
        "Bare når du trykker Lagre lenke, skrives samtalen ned med svar og sitater. Alle som har lenken, kan lese den. "
        "Den står ikke på noen liste, og søkemotorer får beskjed om å holde seg unna."
    ),
    "privacy_saved_end": (
        "Lenken slutter å virke etter {days} dager, og det den åpnet, slettes. Du kan slette den før, med adressen du "
        "får sammen med lenken, eller med knappen nederst på samtalesiden."
    ),
    "privacy_browser": "I nettleseren din",
    "privacy_browser_what": "Dette blir hos deg. Tjeneren leser informasjonskapslene og tar ikke vare på noe fra dem.",
    "privacy_name": "Navn",
    "privacy_use": "Hva det er til",
    "privacy_time": "Hvor lenge",
    "privacy_cookie_language": "språket på siden, når du har valgt ett",
    "privacy_cookie_about": "fagområde og stadium, hvis du har valgt noe: velger spørsmålene å begynne med",
    "privacy_cookie_visitor": "et tilfeldig tall, så alle besøkende bak samme adresse slipper til",
    "privacy_cookie_access": "at du har oppgitt tilgangskoden, der en slik kreves",
    "privacy_sent": "listen over det du har sendt og lagret, så du kan slette det (ingen kapsel: sendes ikke)",
    "privacy_year": "et år",
    "privacy_session": "til du lukker nettleseren",
    "privacy_days": "{days} dager",
    "privacy_until_deleted": "til du sletter det",
    "privacy_log": "Logg og tredjeparter",
    "privacy_log_what": (
        "Loggen kan ha en linje for hvert spørsmål: når det kom, hvordan det endte, på hvilket språk og etter hvor "
        "lang tid, og hva som gikk galt. Den sier aldri hva du spurte om, hvem du er eller hvor du er. Det føres ingen "
        "statistikk over besøkende, det er ingen reklame, og ingenting på siden kommer fra andre."
    ),
    "privacy_erased": "Hva slettet betyr",
    "privacy_erased_what": (
        "Det som slettes, eller har gått ut på tid, overskrives i filen på tjeneren. En sikkerhetskopi fra før kan "
        "inneholde det til den kopien er byttet ut."
    ),
    # Taking answers along
    "export_name": "usa-next-svar",
    "export_title": "Ingenting å laste ned her",
    "export_gone": (
        "Samtalen er ikke lenger i minnet: Den har ligget urørt lenge, eller tjeneren er startet på nytt. Spør en gang "
        "til for å laste ned svarene."
    ),
    "export_nothing": "Her er det ikke noe ferdig svar å laste ned.",
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
    # Porten: adgangskode, grenser, fremmede sider
    "foreign_page": (
        "Forespørselen kom ikke fra en side på dette nettstedet, så ingenting ble gjort. Åpne siden og prøv igjen."
    ),
    "too_many_writings": "Mye er lagret eller meldt herfra den siste timen. Prøv igjen om {wait}.",
    "too_many_files": "Det er laget mange filer herfra de siste minuttene. Prøv igjen om {wait}.",
    "too_many_events": "Det er klikket for mye her på kort tid. Prøv igjen om {wait}.",
    "too_many_tries": "Adgangskoden var feil for mange ganger. Prøv igjen om {wait}.",
    "code_missing": (
        "Denne assistenten krever adgangskode. Last siden på nytt for å oppgi den; et program sender den som "
        "«Authorization: Bearer CODE»."
    ),
    "code_wrong": "Det er ikke riktig adgangskode. Kontroller den, eller spør programmet om den som gjelder nå.",
    "enter_title": "Adgangskode",
    "enter_why": "Denne assistenten er åpen for bedrifter i programmet. Koden får du av programmet.",
    "enter_label": "Adgangskode",
    "enter_button": "Gå videre",
    "enter_cookie": "En informasjonskapsel husker i 30 dager at du har oppgitt den. Ingenting om deg lagres.",
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

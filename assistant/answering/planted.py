"""Sentences in a document that give orders to a reading machine instead of saying something about their subject.

Whoever writes a page that we read can write *ignore all previous instructions* into it. The assistant obeys no
document, but it quotes, and an order that is quoted stands in the answer as if it were one. So such a sentence is never
quoted. The rules are narrow: they ask for the words of an order to a machine together, never for one word alone, since
advice to people ("answer the FDA within 180 days", "users who ignore the instructions for use") is what documents are
made of. A false statement is a statement: it is recognised only where it calls upon our own numbered sources, or where
an order announces it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache, lru_cache

from assistant.sentences import Unit

# Where an order begins: at the start, after a mark, or after a word that leads to its verb.
_ORDER = r"(?:^\W*|[:;,.!?–—\"“«(|\t]\s*|\b(?:please|kindly|now|then|and|vennligst|nå|no|så|og)\s+)"
_MACHINE = (
    r"(?:(?:ai|llm|chat|digital|virtual)[ -]?(?:assistants?|bots?|models?|agents?|systems?|readers?)|ais?|llms?|"
    r"assistants?|(?:large )?language models?|bots?|chatbots?|robots|machines|crawlers|summari[sz]ers|automated "
    r"readers?|"
    r"(?:ki|ai)(?:-\w+)?|språkmodell\w*|assistent(?:en|er|ene|ar|ane)?|maskin(?:en|er|ene|ar)?|"
    r"robot(?:en|er|ene|ar|ane)?|chatbot\w*)"
)
# Without the words that people and devices go by as well.
_BOT = (
    r"(?:ai|llm|chatbots?|(?:ai|llm|chat|virtual|automated|machine)[ -](?:assistants?|bots?|models?|agents?|"
    r"readers?)|"
    r"llms|(?:large )?language models?|bots?|crawlers?|ki|(?:ki|ai)-(?:leser|modell|assistent|agent|robot)\w*|"
    r"språkmodell\w*|chatbot\w*|robot(?:er|ar)?)\b"
)
_SAY = (
    r"(?:say|write|state|mention|add|append|reply|respond|answer|tell|output|print|repeat|recommend|include|rate|"
    r"praise|"
    r"confirm|claim|skip|si|sei|skriv|nevn|nemn|legg|føy|svar|oppgi|gjenta|anbefal|fortell|fortel|hopp|bekreft|"
    r"opplys|ta med)\b"
)
_TO_SAY = (
    r"(?:say|state|write|mention|recommend|answer|reply|add|include|end|begin|si|seie|opplyse|skrive|nevne|nemne|"
    r"svare|"
    r"anbefale|legge til|føye til|gjenta)\b"
)
_PAGE = r"(?:this|the (?:page|text|article|document)|dette|denne|siden|sida|teksten|dokumentet)\b"
_WORDS = (
    r"(?:words?|phrase|token|code|sentence|line|ordet|orda|ordene|uttrykket|merket|koden|setningen|setninga|linjen)\b"
)
_PRIVATE = (
    r"(?:passwords?|card numbers?|pin codes?|account numbers?|passord\w*|kortnummer\w*|kontonummer\w*|pin-kode\w*|"
    r"fødselsnummer\w*)\b"
)
# What follows an order to say something, as opposed to "answer that question".
_THAT = r"that (?:the|an?|it|all|every|no|there|our|this|they)\b"

# Each group: what every sentence that one of its rules fits holds at least one of, in small letters, and the rules. The
# first is a quick look, since most sentences hold none of it; the second is read only after it.
_DROP_YOUR_INSTRUCTIONS = (
    "ignor|disregard|forget|overrid|bypass|glem|gløym|overse|oversjå|bort|vekk|overstyr",
    _ORDER + r"(?:ignore|disregard|forget|override|bypass)\b[^.!?]{0,40}?"
    r"\b(?:previous|prior|earlier|former|preceding|above|your|system)\b[^.!?]{0,30}?"
    r"\b(?:instructions?(?! for use)|prompts?|directives)\b",
    _ORDER + r"(?:ignore|disregard|forget|override) (?:all|any|every)(?: other| the| of the)? instructions?"
    r"(?=\W*$| (?:and|that|you|given|above|before)\b)",
    _ORDER + r"(?:ignore|disregard|forget|override) (?:any prior|all prior|your|all other) (?:\w+ )?"
    r"(?:prompts?|documents|sources|rules|guidelines)\b",
    _ORDER + r"(?:ignore|disregard|forget) (?:everything|anything|all|whatever|what)(?: that)? "
    r"(?:you (?:were|have been|had been|are) (?:told|asked|given|instructed|taught)|(?:is |was |stands )?(?:written "
    r")?above)\b",
    _ORDER + r"(?:ignore|disregard|forget) (?:about )?(?:the|this|your|these|those) "
    r"(?:table|text|page|document|passage|sentence|source|fee|amount|question)s?"
    r"(?=\W*$|,? and (?:say|write|answer|reply|respond|count|sing|tell)\b)",
    _ORDER + r"(?:ignorer|glem|gløym|overse|oversjå|se (?:bort|vekk) fra|sjå bort frå)\b[^.!?]{0,40}?"
    r"(?:\b(?:tidligere|tidlegare|foregående|forrige|førre|ovenstående) (?:instruks|ledetekst|prompt)|"
    r"\b(?:instruks\w*|ledetekst\w*|prompt\w*) d(?:ine|in|itt)\b|\balle instruks\w+(?=\W*$| (?:og|som)\b))",
    _ORDER + r"(?:ignorer|glem|gløym|overse|se bort fra|sjå bort frå) (?:alt|det)(?: som| du)* "
    r"(?:står|stod|sto|er skrevet|er skrive|har fått beskjed|har blitt (?:fortalt|bedt)|ble (?:fortalt|bedt)|vart)\b",
    _ORDER + r"(?:ignorer|glem|gløym) (?:tabellen|teksten|siden|sida|dokument\w+|setning\w+|kilde\w+|gebyret|beløpet|"
    r"spørsmålet)(?=\W*$|,? og (?:si|sei|skriv|svar|tel|tell)\b)",
    r"^\W*(?:override|overstyring|overstyr)\s*[:!]",
)
_PUT_THIS_IN_ITS_PLACE = (
    "replac|erstatt|task|oppgave|oppgåve|test|debug|developer|utvikler|instru|ordre|orders|checks|filters|"
    "guardrails|kontrollene|filtrene|sperrene|advert|slogan|reklame|annonse|slagord|later|future|seinare|senere|"
    "prompt|remember|husk",
    r"\b(?:(?:following|next) (?:sentence|line|statement)|(?:sentence|line|statement) below) replaces? "
    r"(?:all|any|every|everything)\b",
    r"\b(?:setning\w*|setninga|linj\w+) (?:under|nedenfor) erstatt[ae]r (?:alt|alle)\b",
    r"\b(?:neste|følgende|følgjande) (?:setning|linje) erstatt[ae]r (?:alt|alle)\b",
    r"^\W*(?:your |the |my )?(?:new|real|actual) (?:tasks?|orders|instructions?)\s*:",
    r"^\W*system ?(?:prompt|instruks)(?:en)?\s*:",
    r"^\W*(?:nye?|egentlige?) (?:oppgaver?|oppgåver?|instruks\w*|ordre)\s*:",
    r"\b(?:safety |content )?(?:checks|filters|guardrails) (?:are|have been) (?:switched |turned )?(?:off|"
    r"disabled)\b",
    r"\b(?:kontrollene|filtrene|sperrene) er (?:slått|skrudd) av\b",
    r"\b(?:answers?|repl(?:y|ies)|responses?|svar)\b[^.!?]{0,20}\b(?:in|i) (?:test|debug|developer|utvikler)[ "
    r"-]?mod(?:e|us)\b",
    _ORDER + r"(?:append|add|insert|include) (?:an? )(?:\w+ )?(?:advertisement|advert|slogan)\b",
    _ORDER
    + r"(?:legg|føy|ta)(?: gjerne| alltid)? (?:til|med) (?:en |ein |et |eit )?(?:\w+ )?(?:reklame|annonse|slagord)\b",
    _ORDER + r"remember (?:this|that) for (?:later|future|all|other) (?:questions|answers)\b",
    _ORDER + r"husk dette til (?:senere|seinare|alle) (?:spørsmål|svar)\b",
)
_BE_SOMEBODY_ELSE = (
    "you are|you be|from now on|this point on|pretend|act as|behave as|speak|talk|du er|late? som|fra nå av|frå no "
    "av|"
    "heretter|without|uten|utan",
    r"\byou are (?:now )?in (?:developer|debug|admin|god|jailbreak|unrestricted) mode\b",
    r"\byou are (?:now|from now on|no longer) an? (?:\w+ ){0,2}?(?:assistant|ai|chatbot|bot|language model)\b",
    r"\byou are (?:now|from now on) [^.!?]{2,60}?,? (?:and|who) (?:you )?(?:always |only )+(?:say|answer|reply|"
    r"speak|write)",
    r"\byou are (?:now )?(?:dan|an? (?:language )?model)\b",
    r"\byou are free now\b",
    r"\byou are no longer (?:bound|limited|restricted) by (?:your|any|these) (?:\w+ )?"
    r"(?:rules|instructions|guidelines|filters)\b",
    r"\bfrom (?:now|this point|here) on,? (?:you (?:will |must |shall )?)?(?:only |always )?"
    r"(?:answer|reply|respond|say|speak|talk|obey|pretend)\b",
    _ORDER + r"pretend (?:that you are|you are|to be)\b",
    _ORDER + r"(?:act|behave) as (?:if you (?:are|were)\b|an? (?:\w+ )?(?:assistant|ai|chatbot|language model)\b)",
    _ORDER + r"(?:speak|talk) (?:as|like) (?:the|an?|if you)\b",
    r"\blet(?:'s|’s| us) (?:play|pretend|role-?play)\b[^.!?]{0,40}\byou (?:are|be)\b",
    r"\bdu er (?:nå|no) (?:i \w*modus|en (?:\w+ )?(?:assistent|ki|chatbot|robot|språkmodell))\b",
    r"\bdu er (?:fra nå av|frå no av|heretter)\b|\b(?:fra nå av|frå no av|heretter) (?:heter|heiter|er) du\b",
    r"\bdu er (?:en|ein) (?:språk)?modell\b",
    r"\b(?:fra nå av|frå no av|heretter),? (?:(?:skal|må) du (?:bare |berre |kun |alltid )*(?:svare|si|seie|skrive|"
    r"late|snakke|adlyde)|"
    r"(?:svar|si|sei|skriv|snakk))\b",
    _ORDER + r"(?:lat|late) som (?:om |at )?du er\b",
    r"\b(?:leke|leker|leike|leikar|later? som|latar som|rollespill)\W+(?:om |at |der )*du er\b",
    r"\b(?:model|modell|assistant|assistent|ai|ki|bot|chatbot|robot) (?:without|uten|utan) (?:any |noen |nokon )?"
    r"(?:rules|limits|restrictions|filters|regler|reglar|grenser|filtre)\b",
)
_TO_MACHINES = (
    ' ai|(ai|\tai|"ai|«ai| ki|(ki|\tki|"ki|«ki|llm|bot|model|assist|machine|crawler|summari|maskin|readers|whoever|'
    "who quotes|who cites|som oppsummer|som sammenf|som samanf|som siter",
    r"\bas an? (?:ai|llm|chatbot|(?:large )?language model)(?: (?:language )?(?:assistant|model|agent))?,? you\b",
    r"\bsom (?:en )?(?:(?:ki|ai)(?:-\w+)?|språkmodell|chatbot),? (?:må|skal|bør) du\b",
    r"\b(?:attention|dear),? (?:to )?(?:all |any |every |the )*" + _MACHINE + r"[^.!?:]{0,30}[:,!]",
    r"\b(?:dear|kjære) (?:\w+ )?(?:modell?|språkmodell|assistant|assistent|chatbot|bot|robot|ai|ki)\b(?=\W*[,:!]|"
    r"\W*$)",
    r"\b(?:notes?|orders?|instructions?|messages?|commands?) (?:to|for) (?:all |any |every |the )*(?:"
    + _MACHINE
    + r"|model\b)[^.!?:,]{0,30}:",
    r"\b(?:hidden|secret|invisible) (?:text|notes?|orders?|instructions?|messages?) (?:to|for) (?:all |any |the )*"
    + _MACHINE,
    r"\b(?:instruks\w*|ordre|beskjed|melding|merknad|kommando|viktig|notat) (?:til|for) (?:alle |enhver |hver )?(?:"
    + _MACHINE
    + r"|modellen\b)[^.!?:,]{0,30}:",
    r"\b(?:skjult|løynd|hemmelig|usynlig)e? (?:tekst|beskjed|melding|instruks|merknad)\w* (?:til|for) (?:alle )?"
    + _MACHINE,
    r"^\W*(?:for|to|til) (?:all |any |every |the |alle )*(?:" + _BOT + r"|assistants|assistenter|"
    r"assistentar)\s*[:,]\s*"
    r"(?:please |only |just )?" + _SAY,
    r"(?:^|[(|\t;.])\W{0,5}(?:" + _BOT + r"|assistants|assistenter|assistant|assistent)\s*[:|\t]\s*"
    r"(?:please |only |just |alltid |bare )?" + _SAY,
    r"\b(?:every|any|each|all|the|whichever) "
    + _MACHINE
    + r" (?:that|which|who) (?:reads?|sees?|process(?:es)?|summari[sz]es?) (?:this|the (?:page|text|document))\b",
    r"\b(?:hver|enhver|alle|den|kvar) "
    + _MACHINE
    + r" som (?:leser|les|ser|behandler|oppsummerer) (?:dette|denne|siden|sida|teksten|dokumentet)\b",
    r"\b(?:every time|each time|when|whenever|if|hver gang|kvar gong|når|hvis|dersom) (?:an?|any|the|en|ein|ei) "
    + _MACHINE
    + r" (?:reads?|sees?|process(?:es)?|summari[sz]es?|leser|les|ser|behandler|oppsummerer) "
    + _PAGE,
    r"\b(?:if|when|since|because|hvis|dersom|om|når|siden|fordi) (?:you are|you're|you’re|du er) (?:an? |en |ein "
    r")?(?:\w+ )?" + _BOT,
    r"\b(?:you|deg|du) (?:who|som) (?:are|er) (?:an? |en |ein )?(?:machine|maskin|" + _BOT + ")",
    r"\b(?:(?:ai|automated|machine) (?:readers|models|assistants|chatbots)|chatbots|crawlers|language models|bots|"
    r"(?:ki-(?:lese|modell|assistent|agent)\w*|språkmodeller|chatboter|roboter)) (?:reading this[^.!?,]{0,15} )?"
    r"(?:must|shall|should|(?:is|are) (?:required|asked|told|obliged|requested|instructed) to|skal|må) " + _TO_SAY,
    r"\b(?:for|to|til) (?:all |alle )?" + _BOT + r"\s*:\s*(?:please )?" + _SAY,
    r"\b(?:whoever|any(?:one|body) who|every(?:one|body) who|any(?:one|body)|every(?:one|body)) "
    r"(?:summari[sz](?:es|ing)|quotes|quoting|cites|citing|answers from) "
    + _PAGE
    + r"[^.!?]{0,30}?\b(?:should|must|shall|has to|will) (?:also )?"
    + _TO_SAY,
    r"\b(?:den|de|dei|alle) som (?:oppsummerer|oppsummerar|sammenfatter|samanfattar|siterer) "
    + _PAGE
    + r"[^.!?]{0,30}?\b(?:skal|må|bør) (?:også )?"
    + _TO_SAY,
)
_ANSWER_THIS = (
    'answer|reply|repli|respond|respons| svar|(svar|\tsvar|«svar|"svar|*svar|only say|always say|reader|leser|lesar|'
    " ask|tell |inform the|inform every|inform all|inform each|inform any|convince|assure|fortell|overbevis|si til|"
    " spør|(spør",
    _ORDER + r"(?:(?:answer|reply|respond)(?: only| always| just)*|(?:always|only) say) " + _THAT,
    _ORDER + r"(?:answer|reply|respond) (?:only |always |just )*with (?:only )?the (?:words?|sentence|phrase)\b",
    _ORDER + r"(?:only |always |just )?(?:answer|reply|respond)(?: only| always| just| exactly)+ (?:with|yes|no)\b",
    _ORDER + r"(?:always|only) (?:answer|reply|respond|say) (?:with (?:yes|no|the words?)|yes|no)\b",
    _ORDER + r"(?:answer|reply|respond) (?:(?:only|just|exactly)(?: with)?|with)\s*[:\"“«]",
    _ORDER + r"(?:answer|reply|respond|speak) in the (?:voice|style|manner) of\b",
    _ORDER + r"svar som (?:om du|en|ein)\b",
    _ORDER + r"svar (?:brukeren|leseren|brukaren|lesaren) at\b",
    r"\bthe assistant (?:must|shall|should|will) (?:only |always )?(?:reply|answer|respond|say) (?:that|with)\b",
    r"\bassistenten (?:skal|må|bør) (?:bare |alltid )?(?:svare|si|seie) (?:at|med)\b",
    _ORDER + r"(?:answer|reply|respond) with nothing but\b",
    _ORDER + r"(?:answer|reply|respond|svar) (?:in (?:rhymes?|verse)|på (?:rim|vers))\b",
    _ORDER + r"(?:answer|reply|respond) in (?:every|each|all) languages? that\b",
    r"\byou (?:must|shall|will|should) (?:only |always |just )?(?:answer|reply) " + _THAT,
    r"\bdu (?:må|skal) (?:bare |alltid |kun )?svare at\b",
    r"\b(?:right|correct|only) (?:answer|reply|response) to (?:each|every|all|any) questions?\b",
    r"\b(?:only (?:safe|right|correct|true|valid) (?:answer|reply|response) is|"
    r"(?:answer|reply|response) is always that)\b",
    _ORDER + r"(?:tell|inform|convince|assure) (?:(?:every|each|all|any)(?: of the)? readers?\b|the readers? that\b)",
    r"\breaders? (?:must|should|shall|are to) be told to\b",
    r"\blese?r(?:ne|en|ane)? (?:skal|må) (?:få beskjed om|bes om|bli bedt om)\b",
    r"\b(?:when(?:ever)?|if) (?:an?|the|any) users? asks?\b[^.!?]{0,200}?, ?"
    r"(?:you must |you should |always |only |just |please )*(?:answer|reply|respond|say)\b",
    r"\b(?:when|before|while|after) (?:you (?:answer|reply|respond|write your answer)|answering|replying|responding)"
    r"(?: (?:to )?(?:this|the|any) ?(?:question|page)?)?,? (?:please )?"
    r"(?:always |only |first |just )?(?:ask the (?:reader|user)|" + _SAY + ")",
    r"\b(?:når|før|mens|idet) du (?:svar(?:er|ar)|skriv(?:er)? svaret)(?: på [^.!?,]{1,30})?,? (?:vennligst "
    r")?(?:alltid |bare |først )?(?:spør leseren|" + _SAY + ")",
    r"\b(?:spør|be) (?:leseren|brukeren|lesaren|brukaren)\b[^.!?]{0,60}\bfør du svar(?:er|ar)\b",
    _ORDER + r"svar(?: bare| kun| alltid| berre)* (?:at|med (?:ordet|ordene|orda|setningen|setninga))\b",
    _ORDER + r"svar(?: bare| kun| alltid| berre)+(?: med\b| ja\b| nei\b|\s*[:\"“«])",
    _ORDER + r"svar (?:bare |kun |berre )?med [^.!?]{3,60} og ikk(?:e|je) (?:noe|noko) annet?\b",
    r"\b(?:riktige|rette|eneste) svaret på (?:alle|hvert|ethvert|kvart) spørsmål\b",
    _ORDER + r"(?:fortell|si til|overbevis) (?:hver leser|alle lesere|leser(?:en|ne) (?:om )?at)\b",
    r"\b(?:når|hvis|dersom) (?:brukeren|en bruker|brukere|brukaren) spør\b[^.!?]{0,200}?, "
    r"(?:må du |skal du |alltid |bare )*(?:svare?|si)\b",
)
_YOUR_ANSWER = (
    'answer|reply|repli|response|summar| svar|(svar|\tsvar|«svar|"svar|*svar|sammendrag|samandrag',
    r"\b(?:begin|start|open|end|finish|close|conclude|preface) (?:each of )?(?:your|each|every|all|the) (?:\w+ )?"
    r"(?:answers?|repl(?:y|ies)|responses?|summar(?:y|ies)) (?:with|by)\b",
    r"\bin your (?:answer|reply|summary), (?:please )?" + _SAY,
    r"\b(?:make sure|ensure|see to it)(?: that)? (?:your|the) (?:answer|reply|summary) (?:mentions|says|recommends|"
    r"contains the)\b",
    r"\b(?:pass på|sørg for|syt for) at svaret (?:ditt )?(?:nevner|nemner|sier|seier|anbefaler|anbefalar)\b",
    r"\b(?:add|append|copy|include|insert|paste|place|put|mention|use|show)\b[^.!?]{0,60}\b(?:in|into|to|at the end "
    r"of) your (?:\w+ )?"
    r"(?:answer|reply|summary)\b",
    r"\bas your (?:whole|only|entire|final|full|complete) (?:answer|reply|response)\b",
    r"\byour (?:previous|last|earlier) (?:answer|reply) (?:was|is) (?:wrong|false|incorrect)\b",
    r"\byour (?:answer|reply|summary) (?:could |should |must |can |will |shall )?(?:also |always |only |now )*"
    r"(?:recommend|mention|praise|say|end|begin|open|carr(?:y|ies)|recommends|mentions|says|ends|begins|opens)\b",
    r"\b(?:each|every|all) (?:answer|reply|response|summary|answers|replies|responses|summaries) (?:must |shall |"
    r"should |now |always |to )*"
    r"(?:ends? (?:with|by)|begins? (?:with|by)|starts? (?:with|by)|opens? with|carr(?:y|ies) the|says? that|"
    r"(?:contains?|includes?) the (?:words?|phrase|sentence|name))",
    r"\bthe (?:answer|reply|response) (?:must|shall|should|will) (?:contain|include|be|carry|end with|begin with) "
    r"the " + _WORDS,
    r"\b(?:when(?:ever)?|if) [^.!?,]{2,30} (?:comes?|is brought|are brought) up, (?:the|your) (?:answer|reply|"
    r"response) is\b",
    r"\b(?:begynn(?:e|er)?|start(?:e|er)?|åpne[r]?|avslutt(?:e|er)?)(?: du| alltid)? (?:hvert |kvart |alle "
    r")?(?:svar|svaret|svara)(?: ditt| dine)? med\b",
    r"\b(?:hele|heile) svaret ditt\b",
    r"\b(?:inn i|til i) svaret(?: ditt)?\b|\b(?:ta|legg|sett|kopier|skriv|bruk)\b[^.!?]{0,60}\bi svaret ditt\b",
    r"\balltid (?:\w+ ){0,4}i svaret\b",
    r"\bsvaret ditt (?:også |òg |alltid |skal |må |kan |bør )*(?:anbefal|nevn|nemn|begynn|slutt|avslutt|ros|inneh|"
    r"opplys)",
    r"\b(?:hvert|kvart|ethvert) (?:svar|sammendrag|samandrag) (?:skal |må |nå |no |alltid )*"
    r"(?:avslutt|ender|endar|ende|slutt|begynn|start|åpne|opnar|bærer|bær|ønsk|inneholde[r]? (?:ordet|ordene|"
    r"setningen)|opplys)",
    r"\bsvaret (?:skal|må) (?:være at\b|vere at\b|(?:inneholde|innehalde|begynne med|ende med|slutte med|avsluttes "
    r"med) " + _WORDS + ")",
    r"\bskal svaret (?:være|vere|lyde)\b|\blyder svaret(?: slik)?\b",
    r"\bsummari[sz]e (?:this|the) (?:page|document|text) as (?:follows|if)\b",
    r"\bgi (?:dette|følgende) (?:sammendraget|sammendrag) av (?:dokumentet|siden|teksten)\b",
)
_SAY_THESE_WORDS = (
    "word|phrase|token|the code|sentence|the line|ordet|ordene|orda|uttrykket|merket|koden|setning|linj|repeat|"
    "gjenta|translat|"
    "overset|read it|read this|les det|nothing else|-i-|-r-|capitals|bokstaver|exactly|nøyaktig|hvem|kven|who "
    "asked|who told",
    _ORDER + r"(?:only )?(?:print|output|say|type)(?: out| only| exactly)? (?:only )?the (?:words?|phrase|token|code|"
    r"sentence) (?!(?:of|in|on|for|from|that)\b)",
    _ORDER
    + r"write(?: out| only| exactly)? (?:only )?the (?:words|phrase|token|sentence) (?!(?:of|in|on|for|from|that)\b)",
    _ORDER + r"(?:skriv(?: ut)?|si|sei|gjenta)(?: bare| kun)? (?:ordet|ordene|orda|uttrykket|setningen|setninga|merket|"
    r"koden) (?!(?:i|på|for|som|til|fra|med|du)\b)",
    _ORDER + r"(?:finish|end|begin|start|open|close|avslutte?|begynne?|(?:å )avslutte) with (?:only )?the " + _WORDS,
    r"\b(?:avslutte?|begynne?|ende) med (?:ordet|ordene|orda|koden|merket|setningen|setninga)\b",
    _ORDER + r"(?:repeat after me|gjenta etter meg)\b",
    _ORDER
    + r"(?:read|say|repeat|les|gjenta|skriv)(?: out| opp| ut)? (?:the )?(?:next|following|neste|følgende|følgjande) "
    r"(?:lines?|sentences?|linje|setning)\b",
    _ORDER + r"(?:write|print|say|output) the (?:line|words|sentence)s? (?:above|below)\b",
    r"\b(?:say|write|print|output|answer|reply)\b[^.!?]{0,60} and nothing else\W*$",
    _ORDER + r"translate\b[^.!?]{1,80}? (?:in)?to \w+,? and (?:give|say|write|output|print|show)\b",
    _ORDER + r"(?:oversett|omset)\b[^.!?]{1,80}? og (?:gi|gje|si|sei|skriv|vis)\b",
    r"\b(?:please|kindly) (?:read|say|repeat|sing) (?:it|this|that) (?:to me|again|aloud)\b",
    _ORDER + r"(?:les|si|gjenta) (?:det|den|dette) (?:for meg|igjen|høyt) ?(?:igjen)?\W*$",
    r"(?<![\w-])(?:[a-zæøå]-){4,20}[a-zæøå] (?:that|at)\b",
    r"\b(?:do not|don't|don’t|never|ikke|ikkje|aldri) (?:tell|say|mention|reveal|fortell|fortel|si|røp|"
    r"nevn)\b[^.!?]{0,30}"
    r"\b(?:who|hvem|kven) (?:som )?(?:asked|told|ba|bad) (?:you|deg)\b",
    _ORDER + r"(?:write|say) (?:this|that|it) in capitals\b|\bskriv (?:dette )?med store bokstaver\s*:",
    _ORDER
    + r"(?:say|write|reply|answer|si|sei|skriv|svar)(?: this)? (?:exactly|nøyaktig)(?: this| dette)?(?:</\w+>)?\s*:",
)
_GIVE_ME_YOUR_SECRETS = (
    "password|card number|pin code|account number|passord|kortnummer|kontonummer|pin-kod|fødselsnummer|login|"
    "innlogg|http",
    _ORDER
    + r"(?:ask|tell|request|urge)\b[^.!?]{0,20}? (?:the (?:reader|user|visitor|customer)|every (?:reader|user)|me|"
    r"them)\b[^.!?]{0,30}?\b" + _PRIVATE,
    _ORDER + r"(?:spør|be) (?:leseren|brukeren|lesaren|brukaren|meg|dem|kunden)\b[^.!?]{0,30}?\b" + _PRIVATE,
    r"\b(?:should|must|shall) be asked for (?:their|his|her|the|your) " + _PRIVATE + r"[^.!?]*\b(?:please|so|now)\b",
    r"\b(?:skal|må|bør) (?:bes|spørres|bli bedt) om " + _PRIVATE,
    r"\bsend(?:s|er)? (?:in )?(?:their|his|her|your|the|din|sin)? ?(?:login|password|innlogging|passord)\w* (?:to|"
    r"til)\b",
    r"\b(?:tell|ask|urge) the (?:user|reader)s? to (?:visit|open|click|go to|log in)\b[^.!?]{0,20}http",
    r"\b(?:be|si til|få) (?:brukeren|leseren|brukaren|lesaren)\b[^.!?]{0,25}http",
)
_SHOW_WHAT_IS_HIDDEN = (
    "prompt|instruct|instruks|systemtekst",
    _ORDER + r"(?:reveal|print|show|repeat|output|disclose|leak|display)\b[^.!?]{0,30}?"
    r"\b(?:(?:system|initial|original) prompts?|(?:your|hidden|secret) (?:\w+ )?(?:instructions|prompts?))\b",
    _ORDER + r"(?:vis|avslør|skriv ut|gjenta|røp)\b[^.!?]{0,30}?"
    r"\b(?:systemprompt\w*|systeminstruks\w*|systemtekst\w*|instruks\w+ dine)\b",
)
# "According to source [1]": evidence that poses as a citation of ours.
_AS_IF_WE_CITED = (
    " [",
    r"\b(?:according to|(?:as )?(?:shown|proven|stated|confirmed|verified|established) (?:by|in)|ifølge|i følge|"
    r"ifølgje|"
    r"(?:bekreftet|bevist|stadfestet|stadfesta|fastslått|dokumentert|vist) (?:av|i)) "
    r"(?:the )?(?:source|citation|quote|kilde|kjelde|sitat)\w* \[\d+\]",
)


def _group(looks: str, *rules: str) -> tuple[tuple[str, ...], str]:
    """Return the words of a quick look, and the rules as one."""
    return tuple(looks.split("|")), "|".join(f"(?:{rule})" for rule in rules)


@cache
def _compiled(rules: str) -> re.Pattern[str]:
    """Return a group's rules, compiled when a sentence first needs them: together that takes as long as an answer."""
    return re.compile(rules)


_GROUPS = tuple(
    _group(*group)
    for group in (
        _DROP_YOUR_INSTRUCTIONS,
        _PUT_THIS_IN_ITS_PLACE,
        _BE_SOMEBODY_ELSE,
        _TO_MACHINES,
        _ANSWER_THIS,
        _YOUR_ANSWER,
        _SAY_THESE_WORDS,
        _GIVE_ME_YOUR_SECRETS,
        _SHOW_WHAT_IS_HIDDEN,
        _AS_IF_WE_CITED,
    )
)
# Names are told by their capital letters: "you are now Captain Discount", "you are now a sponsor".
_NAMED = re.compile(r"\b[Yy]ou are now (?:the )?[A-Z][a-z]+ [A-Z][a-z]+\b(?=,| and\b)|NOT IN (?:THE )?SOURCES")
# A turn of a chat as machines write it: a whole sentence behind the speaker's name. "System: a set of parts" and
# "Bruker: Enhver som ..." define a word, and "system: Windows 11" states a fact.
_DEFINED = r"(?!(?:An?|Any|Each|All|The|En|Ei|Et|Ein|Eit|Enhver|Alle|Den|Det|De|Person\w*|Foretak\w*)\b)"
_TURN = re.compile(
    r"\W*(?:"
    r"(?:system|assistant|assistent)\s*:\s*[^\w\s]*[A-ZÆØÅ]\S*(?:\s+\S+){3,}[.!?]\W{0,9}$"
    rf"|(?:System|SYSTEM)\s*:\s*{_DEFINED}[A-ZÆØÅ][a-zæøå]*(?:\s+\S+){{4,}}[.!?]\W{{0,9}}$"
    rf"|(?:[Aa]ssistant|[Aa]ssistent|AI|Bot)\s*:\s*{_DEFINED}[A-ZÆØÅ]\S*\s+[a-zæøå]\S*\s+\S.*[.!?]\W{{0,9}}$"
    r"|(?:[Aa]ssistant|[Aa]ssistent)\s*:\s*(?:Certainly|Sure|Of course|Yes|Selvsagt|Selvfølgelig|Klart|Gjerne|Ja)\b"
    r"|(?:[Uu]ser|USER|Human|[Bb]ruker|[Bb]rukar|BRUKER)\s*:\s*[A-ZÆØÅ][^.]*\?\W{0,9}$"
    r")"
)
# What no speaker says: the marks of chats, and of what we ask a language model and what it writes to us.
_MARKS = re.compile(
    r"<\|\w|\[/?INST\]|<</?SYS>>|#{1,6} ?(?:System|Instructions?|Instruks|Assistant|Assistent|User):|"
    r"</?(?:passage|question)\b|<!--(?!.*-->)|\b(?:CLAIM|PÅSTAND)\s*:|\b(?:QUOTE|SITAT)\s*P?\d{1,2}\s*:|"
    r"^\W*(?:QUOTE|SITAT)\s*:"
)
_MARKS_LOOK = ("<", "[", "#", "CLAIM", "PÅSTAND", "QUOTE", "SITAT")
# An order that says that something follows: the rest of its paragraph is what it wants.
_ANNOUNCES = re.compile(
    r"\b(?:(?:following|next) (?:sentence|line|words)|(?:sentence|line|words) below|instead|remember (?:this|that)|"
    r"(?:setning\w*|linj\w+|ord\w*) (?:under|nedenfor)|(?:neste|følgende) (?:setning|linje)|i stedet|i staden|heller|"
    r"husk dette)\b|:\W*$",
    re.IGNORECASE,
)
_GOES_ON = re.compile(
    r"\W*(?:instead|rather|therefore|i stedet|i staden|derfor|heller|\w+ (?:i stedet|i staden|heller))\b", re.IGNORECASE
)
# A short order without these says nothing itself, so the sentence behind it does.
_SAYS_SOMETHING = re.compile(r"[:;,\"“«]|\b(?:that|at|with|med)\b", re.IGNORECASE)
_BARE_WORDS = 8


@lru_cache(maxsize=20_000)
def is_planted(text: str) -> bool:
    """Return whether a sentence addresses a reading machine: an order to an assistant, or a turn of a made-up chat."""
    if _is_turn(text) or "<!--" in text or (("are now" in text or "NOT IN" in text) and _NAMED.search(text)):
        return True
    small = f" {text.lower()}"
    for looks, rules in _GROUPS:
        for look in looks:
            if look in small:
                if _compiled(rules).search(small):
                    return True
                break
    return False


def _is_turn(text: str) -> bool:
    """Return whether a sentence opens a turn of a chat, or holds the marks of one."""
    if ":" in text and _TURN.match(text):
        return True
    return any(look in text for look in _MARKS_LOOK) and bool(_MARKS.search(text))


def planted_positions(text: str, units: Sequence[Unit]) -> frozenset[int]:
    """Return the positions of the units that are planted.

    A turn of a chat lasts to the end of its paragraph, and so does what an order announces. A short order that says
    nothing itself takes the next sentence of its paragraph with it.
    """
    planted: set[int] = set()
    rest_of: int | None = None
    next_of: int | None = None
    for position, unit in enumerate(units):
        words = text[unit.start : unit.end]
        ordered = is_planted(words)
        follows = (
            unit.block == rest_of
            or unit.block == next_of
            or (position - 1 in planted and units[position - 1].block == unit.block and bool(_GOES_ON.match(words)))
        )
        next_of = None
        if not ordered and not follows:
            continue
        planted.add(position)
        if _is_turn(words) or (ordered and _ANNOUNCES.search(words)):
            rest_of = unit.block
        elif ordered and unit.kind == "sentence" and _is_bare(words):
            next_of = unit.block
    return frozenset(planted)


def _is_bare(order: str) -> bool:
    return len(order.split()) <= _BARE_WORDS and not _SAYS_SOMETHING.search(order)

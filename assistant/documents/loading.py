"""Loading: one file to one `Document`, as a straight line: check, parse, assemble, divide into sections.

Runs in the process that calls it; `worker` runs it in a child with limits on time and memory. Nothing here or below
reaches for the network.
"""

from __future__ import annotations

import logging
import unicodedata
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePosixPath

from assistant.documents import content, metadata, office
from assistant.documents.blocks import Parsed, StoredText, assemble, findings_of
from assistant.documents.reading import corpus_of, read_file
from assistant.documents.sections import find_sections, language_of_text
from assistant.domain import Document, Metadata, version_of
from assistant.errors import DamagedFile, LimitExceeded, LoadError, NoTextFound

logger = logging.getLogger(__name__)

# Raised whenever the stored text of any format would change, so that a sync reads every file again.
LOADER_VERSION = "8"

SUPPORTED_SUFFIXES: frozenset[str] = frozenset(content.FORMATS)

# Of any encoding that is read.
_MOST_BYTES_PER_CHARACTER = 4

# A title made of the first words of a document without headings is cut here.
_MAX_TITLE_WORDS = 12


@dataclass(frozen=True, slots=True)
class Limits:
    """What one file may cost. Seconds and memory hold in the worker only, where they can be enforced.

    Attributes:
        seconds: Wall time to parse one file.
        memory_bytes: Address space beyond what the worker uses at its start.
        pages: Pages of a PDF, slides of a presentation.
        unpacked_bytes: What a ZIP-based format (DOCX, PPTX) may unpack to.
        file_bytes: Size of the file itself.
        characters: Length of the stored text; whoever takes it over divides it and searches in it without a limit.
    """

    seconds: float = 30.0
    memory_bytes: int = 1_500_000_000
    pages: int = 3000
    unpacked_bytes: int = 300_000_000
    file_bytes: int = 100_000_000
    characters: int = 10_000_000


DEFAULT_LIMITS = Limits()


def is_sidecar(path: Path) -> bool:
    """Tell whether a file is the sidecar of a document: `name.pdf.yaml` beside an existing `name.pdf`."""
    document = path.with_suffix("")
    return path.suffix == ".yaml" and document.suffix.lower() in SUPPORTED_SUFFIXES and document.is_file()


def load_document(path: Path, document_id: str, limits: Limits = DEFAULT_LIMITS) -> Document:
    """Read one file and its sidecar as a document.

    Args:
        path: Where the file lies.
        document_id: Its path inside the corpus, POSIX.

    Raises:
        UnsupportedFormat: We do not read files of that name.
        EncryptedFile: It needs a password.
        DamagedFile: It is missing, unreadable, broken, wrongly named, or its front matter or sidecar is wrong.
        NoTextFound: It is empty or holds pictures only.
        LimitExceeded: It is too large, has too many pages, too much text, or unpacks to too much.
    """
    document_id = unicodedata.normalize("NFC", document_id)
    file_format = content.format_of(document_id)
    corpus = corpus_of(path, document_id)
    raw = _read(path, document_id, corpus, limits)
    content.check_content(raw, document_id, file_format, unpacked_bytes=limits.unpacked_bytes)
    if file_format in ("text", "markdown") and len(raw) > _MOST_BYTES_PER_CHARACTER * limits.characters:
        raise _too_long(document_id, len(raw) // _MOST_BYTES_PER_CHARACTER, limits)
    sidecar = metadata.read_sidecar(path, document_id, corpus)
    parsed = _parse(raw, document_id, file_format, limits)
    stored = assemble(parsed.blocks, parsed.page_count)
    if not stored.text:
        raise NoTextFound(document_id, "holds no text", "Add a version that holds the words as text")
    if len(stored.text) > limits.characters:
        raise _too_long(document_id, len(stored.text), limits)
    return _document(document_id, raw, parsed, stored, metadata.merge(sidecar, parsed.front_matter))


def _too_long(document_id: str, characters: int, limits: Limits) -> LimitExceeded:
    reason = f"holds at least {characters / 1e6:.1f} million characters and the limit is {limits.characters / 1e6:g}"
    return LimitExceeded(document_id, f"{reason} million", "Split it")


def _read(path: Path, document_id: str, corpus: Path | None, limits: Limits) -> bytes:
    """Read a file's bytes.

    Raises:
        DamagedFile: As `reading.read_file`.
        LimitExceeded: It is larger than the limit.
        NoTextFound: It is empty.
    """
    remedy = "Split it or make its pictures smaller"
    raw = read_file(path, document_id, corpus=corpus, limit=limits.file_bytes, remedy=remedy)
    if not raw:
        raise NoTextFound(document_id, "is empty (0 bytes)", "Save or download it again")
    return raw


def _parse(raw: bytes, document_id: str, file_format: content.Format, limits: Limits) -> Parsed:
    """Hand the bytes to the parser of their format.

    A parser that stumbles has met a file that it was not written for: that is the file's fault as far as people are
    concerned, and one line in the report; the cause travels along and is logged.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what a parser grumbles about is nothing that people could mend
            return _parser(file_format, limits)(raw, document_id)
    except (LoadError, MemoryError):
        raise
    except Exception as error:
        logger.info("parsing %s failed", document_id, exc_info=True)
        raise DamagedFile(
            document_id,
            f"is damaged: {type(error).__name__} while reading it",
            "Open it in its program, save it again and add that copy",
        ) from error


def _parser(file_format: content.Format, limits: Limits) -> Callable[[bytes, str], Parsed]:
    """Return the parser of a format; its room is entered only now, since its library takes time to import."""
    match file_format:
        case "text":
            from assistant.documents import plaintext

            return plaintext.parse
        case "markdown":
            from assistant.documents import markdown

            return markdown.parse
        case "html":
            from assistant.documents import webpage

            return webpage.parse
        case "pdf":
            from assistant.documents import pdf

            return partial(pdf.parse, max_pages=limits.pages)
        case "docx":
            from assistant.documents import word

            return _with_notices(word.parse)
        case "pptx":
            from assistant.documents import slides

            return _with_notices(partial(slides.parse, max_slides=limits.pages))


def _with_notices(parse: Callable[[bytes, str], Parsed]) -> Callable[[bytes, str], Parsed]:
    """Return the parser of an Office format, followed by a look at what its file holds besides text."""

    def parse_and_look(raw: bytes, document_id: str) -> Parsed:
        parsed = parse(raw, document_id)
        return replace(parsed, notices=(*parsed.notices, *office.notices_of(raw)))

    return parse_and_look


def _document(document_id: str, raw: bytes, parsed: Parsed, stored: StoredText, stated: Metadata) -> Document:
    title = _title(document_id, stored, stated, parsed.properties)
    known = metadata.merge(stated, _credible(parsed.properties, stored))
    return Document(
        id=document_id,
        title=title,
        text=stored.text,
        sections=find_sections(stored, title, known, one_language=stated.language is not None),
        version=version_of(raw, known, stored.text),
        metadata=known,
        pages=stored.pages,
        page_labels=parsed.page_labels,
        headings=stored.headings,
        notices=parsed.notices,
        findings=findings_of(parsed, stored),
    )


def _credible(properties: Metadata, stored: StoredText) -> Metadata:
    """Drop what a file's own properties often get wrong: the title, and a language that the words contradict."""
    language = properties.language
    if language is not None and (language == "en") != (language_of_text(stored.text) == "en"):
        language = None
    return replace(properties, title=None, language=language)


def _title(document_id: str, stored: StoredText, stated: Metadata, properties: Metadata) -> str:
    """Return the best title there is; a document is never without one."""
    headings = [(heading.level, stored.text[heading.start : heading.end]) for heading in stored.headings]
    first_level = next((words for level, words in headings if level == 1), None)
    first_heading = next((words for _, words in headings), None)
    title = stated.title or first_level or properties.title or first_heading or _first_short_line(stored)
    return title or PurePosixPath(document_id).stem


def _first_short_line(stored: StoredText) -> str | None:
    if stored.blocks[0].block.kind == "row":
        return None
    line = stored.text.split("\n", maxsplit=1)[0].lstrip("- ").replace("\t", " ").strip()
    return line if 0 < len(line.split()) <= _MAX_TITLE_WORDS and len(line) <= 120 else None

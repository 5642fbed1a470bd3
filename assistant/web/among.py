"""The address of a quote in the viewer, and with it the quotes that stand beside it in the same answer.

The address itself carries the neighbours, so that the viewer leads from quote to quote without keeping anything. All
addresses here are relative to the root of the site.

`among=DOCUMENT,VERSION!DOCUMENT,VERSION!0.12.80!1.5.44!0.200.260`: each document once, with its version in base64, then
each quote as the document's place in that list, start and end. A document's `%` is written `$`.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote as percent_encode
from urllib.parse import unquote_to_bytes

from assistant.domain import Citation

# An answer has fewer; a longer list, or one with longer names, is no list.
MOST_PLACES = 40
_MOST_CHARACTERS = 12_000

_VERSION = re.compile(r"[0-9a-f]{64}")
_SOURCE = re.compile(r"((?:[\w.~/-]|\$[0-9A-F]{2})+),([\w-]{43})", re.ASCII)
_PLACE = re.compile(r"([0-9]{1,2})\.([0-9]{1,9})\.([0-9]{1,9})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a quote stands: `text[start:end]` of one version of a document."""

    document: str
    version: str
    start: int
    end: int


def link_among(citations: Sequence[Citation], number: int) -> str:
    """Return the address of one citation of an answer, from which the viewer leads to those before and after it.

    Relative to the site's root, without a slash in front. Where there is nothing to lead to, or so many citations that
    the address would grow too long, it is the citation's plain link.

    Raises:
        ValueError: No citation has that number.
    """
    cited = next((citation for citation in citations if citation.number == number), None)
    if cited is None:
        raise ValueError(f"There is no citation {number} among the {len(citations)} of this answer.")
    places = [Place(each.document, each.version, each.start, each.end) for each in citations]
    return source_link(Place(cited.document, cited.version, cited.start, cited.end), among=places)


def source_link(place: Place, *, among: Sequence[Place] = (), more: str = "", fragment: str = "#quote") -> str:
    """Return the address of a place in the viewer.

    Args:
        among: The quotes of the answer that it belongs to, itself included; left out where they are too many.
        more: What else the address says, such as `&page=3`.
    """
    listed = write_among(among)
    path = percent_encode(place.document, safe="/")
    beside = f"&among={listed}" if listed else ""
    return f"source/{path}?version={place.version}&start={place.start}&end={place.end}{beside}{more}{fragment}"


def write_among(places: Sequence[Place]) -> str:
    """Return a list of quotes as it stands in an address; empty where there is nothing to lead to, or far too much."""
    if not 1 < len(places) <= MOST_PLACES or not all(_VERSION.fullmatch(place.version) for place in places):
        return ""
    sources = list(dict.fromkeys((place.document, place.version) for place in places))
    named = [f"{_written(document)},{_shortened(version)}" for document, version in sources]
    spans = [f"{sources.index((place.document, place.version))}.{place.start}.{place.end}" for place in places]
    written = "!".join([*named, *spans])
    return written if len(written) <= _MOST_CHARACTERS else ""


def read_among(written: str | None) -> tuple[Place, ...]:
    """Return the quotes that an address lists; none where the list is missing or not exactly as we write it."""
    if not written or len(written) > _MOST_CHARACTERS:
        return ()
    sources: list[tuple[str, str]] = []
    places: list[Place] = []
    for part in written.split("!"):
        place, source = _PLACE.fullmatch(part), _SOURCE.fullmatch(part)
        try:
            if source and not places:
                sources.append((_read(source[1]), _lengthened(source[2])))
            elif place:
                document, version = sources[int(place[1])]
                places.append(Place(document, version, int(place[2]), int(place[3])))
            else:
                return ()
        except (ValueError, NotBase64, IndexError):
            return ()
    # What is written back the same has no second way to be written, and nothing that we would not write.
    return tuple(places) if write_among(places) == written else ()


def _written(document: str) -> str:
    return percent_encode(document, safe="/").replace("%", "$")


def _read(written: str) -> str:
    return unquote_to_bytes(written.replace("$", "%")).decode("utf-8")


def _shortened(version: str) -> str:
    return urlsafe_b64encode(bytes.fromhex(version)).decode("ascii").rstrip("=")


def _lengthened(written: str) -> str:
    return urlsafe_b64decode(f"{written}=").hex()

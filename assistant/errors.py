"""The errors of the assistant. A message says what happened, to which thing, and what to do.

    AssistantError
    ├── SettingsError            a setting has the wrong type or contradicts another
    ├── UsageError               a command line, path or question that makes no sense
    ├── LoadError                one file cannot become a document (never stops a sync)
    │   ├── UnsupportedFormat    we do not read this kind of file
    │   ├── EncryptedFile        a password is needed
    │   ├── DamagedFile          the file is not what its name says, or is broken
    │   ├── NoTextFound          images or drawings only, or nothing at all
    │   └── LimitExceeded        too large, too many pages, too slow or too much memory
    ├── FetchError               a link cannot be fetched, or must not be
    ├── DataFolderError          the data folder cannot be used
    │   └── FolderOwned          another process owns it
    ├── IndexingError            an index does not do its work
    │   ├── ManifestMismatch     the index was built with other settings
    │   └── VectorsAway          the server of the vectors does not answer (questions go on with words alone)
    │       └── VectorsGone      it answers, and has them no more
    ├── ModelUnavailable         a model cannot be loaded
    └── ModelFailed              a language model gives no answer (the answer then says so and goes on without it)

`AssistantError` is caught in three places: the two scripts and the page. Anything else is a bug and shows its
traceback. A question without an answer is not an error but an `Answer` that abstained.
"""

from __future__ import annotations

from typing import Literal

FailureKind = Literal[
    "unreachable", "timeout", "busy", "key", "refused", "too_long", "broken", "stopped", "empty", "language"
]


class AssistantError(Exception):
    """Base of everything that the assistant raises on purpose; its text is one sentence for a person."""


class SettingsError(AssistantError):
    """A setting has the wrong type, is out of range, or contradicts another."""


class UsageError(AssistantError):
    """A command line, a path or a question that makes no sense."""


class LoadError(AssistantError):
    """One file cannot become a document.

    Attributes:
        document: The file's path inside the corpus.
        reason: What happened.
        remedy: What to do about it.
    """

    def __init__(self, document: str, reason: str, remedy: str) -> None:
        super().__init__(f"{document}: {reason}. {remedy}")
        self.document = document
        self.reason = reason
        self.remedy = remedy

    def __reduce__(self) -> tuple[type[LoadError], tuple[str, str, str]]:
        """Travel between processes with all three parts (an exception pickles only its message otherwise)."""
        return (type(self), (self.document, self.reason, self.remedy))


class UnsupportedFormat(LoadError):
    """We do not read this kind of file."""


class EncryptedFile(LoadError):
    """The file needs a password."""


class DamagedFile(LoadError):
    """The file is not what its name says, or is broken."""


class NoTextFound(LoadError):
    """The file holds images or drawings only, or nothing at all."""


class LimitExceeded(LoadError):
    """The file is too large, has too many pages, or takes too much time or memory."""


class FetchError(AssistantError):
    """A link cannot be fetched, or must not be.

    Attributes:
        url: The link, as given.
        reason: What happened.
        remedy: What to do about it.
    """

    def __init__(self, url: str, reason: str, remedy: str) -> None:
        super().__init__(f"{url}: {reason}. {remedy}")
        self.url = url
        self.reason = reason
        self.remedy = remedy


class DataFolderError(AssistantError):
    """The data folder cannot be read or written."""


class FolderOwned(DataFolderError):
    """Another process owns the data folder."""


class IndexingError(AssistantError):
    """An index does not do its work."""


class ManifestMismatch(IndexingError):
    """The index was built with another model, chunking or loader than the one configured."""


class VectorsAway(IndexingError):
    """The server that keeps the vectors does not answer just now."""


class VectorsGone(VectorsAway):
    """The server that keeps the vectors answers, and has them no more."""


class ModelUnavailable(AssistantError):
    """A model cannot be loaded."""


class ModelFailed(AssistantError):
    """A language model gives no answer that can be used.

    Attributes:
        kind: What happened: `key` is a missing or wrong one, `empty` an answer without one checkable sentence,
            `language` one in another language than the question's.
        host: The machine that was asked, or empty.
    """

    def __init__(self, kind: FailureKind, host: str) -> None:
        super().__init__(f"The language model at {host or 'an unknown place'} gave no answer ({kind}).")
        self.kind: FailureKind = kind
        self.host = host

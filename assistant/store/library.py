"""The only door to the library: one SQLite file that holds every document version, its chunks and its vectors.

The library is the truth; Chroma and tantivy are rebuilt from it. Every change is one transaction, so a process killed
anywhere leaves one whole current version of each document.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from assistant.desk import Held, Withdrawn
from assistant.domain import Chunk, Document, Findings, Heading, HiddenText, Metadata, Section
from assistant.errors import DataFolderError

Vectors = npt.NDArray[np.float32]

SCHEMA_VERSION = 3
# The fact that names what computed the vectors, by runtime and number type.
EMBEDDED_BY = "embedded_by"
_SCHEMA = """
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE versions (
    document_id TEXT NOT NULL, version TEXT NOT NULL, title TEXT NOT NULL, text TEXT NOT NULL,
    details TEXT NOT NULL, fingerprint TEXT NOT NULL, original TEXT NOT NULL,
    stored_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now')),
    PRIMARY KEY (document_id, version));
CREATE TABLE current (
    document_id TEXT PRIMARY KEY, version TEXT NOT NULL, fingerprint TEXT NOT NULL, embedded INTEGER NOT NULL DEFAULT 0,
    FOREIGN KEY (document_id, version) REFERENCES versions);
CREATE TABLE chunks (
    id TEXT PRIMARY KEY, document_id TEXT NOT NULL, version TEXT NOT NULL, ordinal INTEGER NOT NULL,
    start INTEGER NOT NULL, "end" INTEGER NOT NULL, title TEXT NOT NULL, heading TEXT, page INTEGER,
    language TEXT NOT NULL, text TEXT NOT NULL, content_hash TEXT NOT NULL);
CREATE INDEX chunks_of_version ON chunks (document_id, version, ordinal);
CREATE TABLE embeddings (
    model TEXT NOT NULL, content_hash TEXT NOT NULL, vector BLOB NOT NULL,
    PRIMARY KEY (model, content_hash)) WITHOUT ROWID;
"""
# What leads from format n to n + 1; a step that was released never changes.
_STEPS = {
    1: """
CREATE TABLE resting (
    document_id TEXT PRIMARY KEY, version TEXT NOT NULL, fingerprint TEXT NOT NULL,
    FOREIGN KEY (document_id, version) REFERENCES versions);
CREATE TABLE withdrawn (
    document_id TEXT NOT NULL, version TEXT NOT NULL, title TEXT NOT NULL, language TEXT NOT NULL,
    withdrawn_on TEXT NOT NULL, erase_on TEXT NOT NULL, erased INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (document_id, version));
""",
    # Rows of a vector each, in the order in which they came, and a small table to find them by: a search tree of whole
    # rows, as before, has so few on a page that a vector was ten pages away.
    2: """
ALTER TABLE embeddings RENAME TO embeddings_before;
CREATE TABLE models (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE embeddings (
    model INTEGER NOT NULL REFERENCES models, content_hash TEXT NOT NULL, vector BLOB NOT NULL,
    UNIQUE (model, content_hash));
INSERT INTO models (name) SELECT DISTINCT model FROM embeddings_before;
INSERT INTO embeddings SELECT models.id, content_hash, vector FROM embeddings_before JOIN models ON name = model;
DROP TABLE embeddings_before;
""",
}
# The formats since which there are unpublished and withdrawn documents, and models by number.
_WITH_WITHDRAWN, _WITH_MODELS = 2, 3
_VARIABLES_AT_MOST = 500
_KEPT_DOCUMENTS = 32
_KEPT_CHARACTERS = 500_000
_KEPT_CHUNKS = 4_096


@dataclass(frozen=True, slots=True)
class CurrentVersion:
    """Which version of a document answers, and what it was made from.

    Attributes:
        fingerprint: Hash over file bytes, sidecar and loader version: equal means that a sync has nothing to do.
        embedded: Its vectors are in the vector index; until then only the word search finds it.
    """

    version: str
    fingerprint: str
    embedded: bool


@dataclass(frozen=True, slots=True)
class StoredVersion:
    """One version that is kept, with the name of its original and the moment it was read (UTC)."""

    version: str
    title: str
    original: str
    stored_at: str


class Library:
    """Documents, versions, chunks and embeddings in one SQLite file; safe to use from several threads."""

    def __init__(self, file: Path, *, read_only: bool = False) -> None:
        """Open the library, creating it when it is missing.

        Args:
            read_only: Create and change nothing, not even beside the file; somebody else may be its owner.

        Raises:
            DataFolderError: It cannot be opened, is no library, or has another format.
        """
        self.file = file
        self._lock = threading.RLock()
        try:
            self._connection = sqlite3.connect(
                _read_only_address(file) if read_only else file,
                check_same_thread=False,
                isolation_level=None,
                uri=read_only,
            )
            try:
                if read_only:
                    self._check_format()
                else:
                    self._prepare()
                self._current = self._read_current()
                self._resting = self._read_resting()
                # Documents that were read last: an answer looks at each of its sources several times.
                self._read: dict[tuple[str, str], Document] = {}
                # Chunks that were read last: what is found for one question is found for others.
                self._chunks: dict[str, Chunk] = {}
                self._models: dict[str, object] = {}
                self._translations: tuple[object, Mapping[str, frozenset[str]]] = (None, {})
                self._metadata: tuple[Mapping[str, CurrentVersion], dict[str, tuple[str, Metadata]]] = ({}, {})
            except BaseException:
                self._connection.close()
                raise
        except sqlite3.Error as error:
            raise DataFolderError(
                f"The library {file} cannot be opened ({error}). Check that the folder can be written and has room; "
                "a damaged library can be deleted, the next ingest builds it anew from the corpus."
            ) from error

    def _prepare(self) -> None:
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.execute("PRAGMA foreign_keys = ON")
        if self._connection.execute("PRAGMA user_version").fetchone()[0] == 0:
            with self._transaction() as connection:
                for statement in _SCHEMA.split(";"):
                    connection.execute(statement)
                connection.execute("PRAGMA user_version = 1")
                connection.execute("INSERT INTO facts VALUES ('library_id', ?)", (uuid.uuid4().hex,))
        # What is erased is overwritten, not only forgotten.
        self._connection.execute("PRAGMA secure_delete = ON")
        for step in range(self._check_format(), SCHEMA_VERSION):
            with self._transaction() as connection:
                for statement in _STEPS[step].split(";"):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {step + 1}")
        self._format = SCHEMA_VERSION

    def _check_format(self) -> int:
        """Return the file's format, which may be an older one."""
        existing: int = self._connection.execute("PRAGMA user_version").fetchone()[0]
        if not 1 <= existing <= SCHEMA_VERSION:
            raise DataFolderError(
                f"The library {self.file} has format {existing} and this program reads format {SCHEMA_VERSION}. "
                "Use the program's matching release, or another data folder."
            )
        self._format = existing
        return existing

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:  # a full disk may have rolled it back already
                    self._connection.execute("ROLLBACK")
                raise

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction; a full or read-only disk becomes one sentence, with nothing half-written."""
        try:
            with self._transaction() as connection:
                yield connection
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.IntegrityError | sqlite3.ProgrammingError):
                raise  # a mistake of ours
            raise DataFolderError(
                f"The library {self.file} cannot be written ({error}). "
                "Make room or make the data folder writable, then run the ingest again; nothing was lost."
            ) from error

    def _rows(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with self._lock:
            try:
                return self._connection.execute(statement, parameters).fetchall()
            except sqlite3.OperationalError as error:
                raise DataFolderError(f"The library {self.file} cannot be read ({error}). Check the disk.") from error

    # ---- Facts about the library itself ----

    @property
    def library_id(self) -> str:
        """The library's own name, made once; its vector collections are named by it."""
        value = self.fact("library_id")
        assert value is not None
        return value

    def fact(self, name: str) -> str | None:
        """Return one remembered fact, such as the index manifest, or None."""
        rows = self._rows("SELECT value FROM facts WHERE name = ?", (name,))
        return str(rows[0][0]) if rows else None

    def remember(self, name: str, value: str) -> None:
        """Store or replace one fact."""
        with self._writing() as connection:
            connection.execute(
                "INSERT INTO facts VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value", (name, value)
            )

    # ---- Documents and versions ----

    @property
    def current(self) -> Mapping[str, CurrentVersion]:
        """The current version of each document: an unchanging picture that a question pins at its start."""
        return self._current

    @property
    def resting(self) -> Mapping[str, CurrentVersion]:
        """The version of each document that is kept and not searched, because staff have unpublished it."""
        return self._resting

    def _read_resting(self) -> Mapping[str, CurrentVersion]:
        if self._format < _WITH_WITHDRAWN:  # read-only, and written by an older program
            return MappingProxyType({})
        rows = self._rows("SELECT document_id, version, fingerprint FROM resting ORDER BY document_id")
        return MappingProxyType({row[0]: CurrentVersion(row[1], row[2], embedded=False) for row in rows})

    @property
    def known(self) -> Mapping[str, CurrentVersion]:
        """The version of each document that is in, published or unpublished."""
        return {**self._resting, **self._current} if self._resting else self._current

    def _read_current(self) -> Mapping[str, CurrentVersion]:
        rows = self._rows("SELECT document_id, version, fingerprint, embedded FROM current ORDER BY document_id")
        return MappingProxyType({row[0]: CurrentVersion(row[1], row[2], bool(row[3])) for row in rows})

    def _reread(self, *document_ids: str) -> None:
        """Take some documents' rows into a new picture; the former one stays as it is for those who hold it."""
        with self._lock:
            picture = dict(self._current)
            for document_id in document_ids:
                rows = self._rows(
                    "SELECT version, fingerprint, embedded FROM current WHERE document_id = ?", (document_id,)
                )
                if rows:
                    picture[document_id] = CurrentVersion(rows[0][0], rows[0][1], bool(rows[0][2]))
                else:
                    picture.pop(document_id, None)
            are_known = all(document_id in self._current for document_id in document_ids)
            self._current = MappingProxyType(picture if are_known else dict(sorted(picture.items())))
            self._resting = self._read_resting()

    def metadata(self, document_id: str) -> tuple[str, Metadata] | None:
        """Return title and metadata of a current document without reading its text, or None when it is unknown."""
        picture, known = self._metadata
        if picture is not self._current:
            picture, known = self._current, {}
            self._metadata = (picture, known)
        if document_id not in known and document_id in picture:
            rows = self._rows(
                "SELECT title, json_extract(details, '$.metadata') FROM versions WHERE document_id = ? AND version = ?",
                (document_id, picture[document_id].version),
            )
            for title, values in rows:
                known[document_id] = (title, _read_metadata(json.loads(values)))
        return known.get(document_id)

    @property
    def translations(self) -> Mapping[str, frozenset[str]]:
        """The current documents that say the same in another language, by document, in both directions."""
        picture, pairs = self._translations
        if picture is not self._current:
            picture, pairs = self._current, self._read_translations()
            self._translations = (picture, pairs)
        return pairs

    def _read_translations(self) -> Mapping[str, frozenset[str]]:
        rows = self._rows(
            "SELECT document_id, json_extract(details, '$.metadata.translations') "
            "FROM versions JOIN current USING (document_id, version)"
        )
        pairs: dict[str, set[str]] = {}
        for document_id, listed in rows:
            for other in json.loads(listed or "[]"):
                pairs.setdefault(document_id, set()).add(other)
                pairs.setdefault(other, set()).add(document_id)
        return MappingProxyType({document_id: frozenset(others) for document_id, others in pairs.items()})

    def store(self, document: Document, chunks: Sequence[Chunk], *, fingerprint: str, original: str) -> None:
        """Write a version with its chunks, not yet current. Writing it again replaces its chunks."""
        details = json.dumps(_details(document), ensure_ascii=False)
        with self._writing() as connection:
            connection.execute(
                "INSERT INTO versions (document_id, version, title, text, details, fingerprint, original) "
                "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
                "title = excluded.title, text = excluded.text, details = excluded.details, "
                "fingerprint = excluded.fingerprint, original = excluded.original",
                (document.id, document.version, document.title, document.text, details, fingerprint, original),
            )
            self._replace_chunks(document.id, document.version, chunks)
        self._forget(document.id, document.version)

    def _forget(self, document_id: str, version: str) -> None:
        """Keep no picture in memory of a version that was written anew or erased."""
        with self._lock:
            self._read.pop((document_id, version), None)

    def make_current(self, document_id: str, version: str, fingerprint: str) -> None:
        """Let this version answer from now on; its vectors are expected later, see `mark_embedded`."""
        self.make_all_current([(document_id, version, fingerprint)])

    def make_all_current(self, versions: Sequence[tuple[str, str, str]]) -> None:
        """Let these versions answer from now on, all in one transaction, see `make_current`.

        Args:
            versions: Document id, version and fingerprint of each.
        """
        with self._writing() as connection:
            connection.executemany(
                "INSERT INTO current VALUES (?, ?, ?, 0) ON CONFLICT DO UPDATE SET "
                "embedded = (embedded AND version = excluded.version), "
                "version = excluded.version, fingerprint = excluded.fingerprint",
                versions,
            )
            connection.executemany(
                "DELETE FROM resting WHERE document_id = ?", [(document_id,) for document_id, *_ in versions]
            )
            # Whoever puts the same file in again wants it back.
            connection.executemany(
                "DELETE FROM withdrawn WHERE document_id = ? AND version = ? AND NOT erased",
                [(document_id, version) for document_id, version, _ in versions],
            )
        self._reread(*(document_id for document_id, *_ in versions))

    def rest(self, document_id: str, version: str, fingerprint: str) -> None:
        """Keep this version without searching it, from now on."""
        with self._writing() as connection:
            connection.execute("DELETE FROM current WHERE document_id = ?", (document_id,))
            connection.execute(
                "INSERT INTO resting VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET "
                "version = excluded.version, fingerprint = excluded.fingerprint",
                (document_id, version, fingerprint),
            )
        self._reread(document_id)

    def mark_embedded(self, document_id: str, version: str) -> None:
        """Note that the vectors of this version are in the vector index; no effect when it is no longer current."""
        self.mark_all_embedded([(document_id, version)])

    def mark_all_embedded(self, versions: Sequence[tuple[str, str]]) -> None:
        """Note the same of several documents, each an id and a version, in one transaction."""
        with self._writing() as connection:
            connection.executemany("UPDATE current SET embedded = 1 WHERE document_id = ? AND version = ?", versions)
        self._reread(*(document_id for document_id, _ in versions))

    def mark_not_embedded(self, document_id: str) -> None:
        """Note that the vectors of a document are missing from the vector index."""
        with self._writing() as connection:
            connection.execute("UPDATE current SET embedded = 0 WHERE document_id = ?", (document_id,))
        self._reread(document_id)

    def mark_nothing_embedded(self) -> None:
        """Note that the vector index is empty, so that all vectors are added anew."""
        with self._writing() as connection:
            connection.execute("UPDATE current SET embedded = 0")
        self._current = self._read_current()

    def switch_generation(self, generation: int, *, manifest: str, chunks: Mapping[str, Sequence[Chunk]]) -> None:
        """Note, in one transaction, that indexes of another generation answer from now on.

        Args:
            generation: Its number.
            manifest: What it was built with.
            chunks: By document id: all chunks of its current version, each with its vector in the new index.
        """
        with self._writing() as connection:
            for document_id, new in chunks.items():
                self._replace_chunks(document_id, self._current[document_id].version, new)
            connection.execute("UPDATE current SET embedded = 1")
            for name, value in (("generation", str(generation)), ("manifest", manifest)):
                connection.execute(
                    "INSERT INTO facts VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value", (name, value)
                )
        self._current = self._read_current()

    def _replace_chunks(self, document_id: str, version: str, chunks: Sequence[Chunk]) -> None:
        self._delete_chunks(document_id, version)
        self._connection.executemany(
            "INSERT INTO chunks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [_chunk_row(chunk, ordinal) for ordinal, chunk in enumerate(chunks)],
        )

    def remove(self, document_id: str) -> None:
        """Let a document answer no more; its versions stay, so that old citations can still be opened."""
        with self._writing() as connection:
            connection.execute("DELETE FROM current WHERE document_id = ?", (document_id,))
            connection.execute("DELETE FROM resting WHERE document_id = ?", (document_id,))
        self._reread(document_id)

    def _delete_chunks(self, document_id: str, version: str) -> None:
        """Delete the chunks of a version, inside a transaction: who reads waits for its end, and keeps what is then."""
        self._connection.execute("DELETE FROM chunks WHERE document_id = ? AND version = ?", (document_id, version))
        self._chunks.clear()

    def document(self, document_id: str, version: str | None = None) -> Document | None:
        """Return a stored version of a document (the current one by default), or None when there is none to show."""
        if version is None:
            now = self._current.get(document_id)
            if now is None:
                return None
            version = now.version
        if self.withdrawn(document_id, version) is not None:
            return None
        kept = self._read.get((document_id, version))
        if kept is not None:
            return kept
        rows = self._rows(
            "SELECT title, text, details FROM versions WHERE document_id = ? AND version = ?", (document_id, version)
        )
        if not rows:
            return None
        document = _document(document_id, version, *rows[0])
        if len(document.text) <= _KEPT_CHARACTERS:
            with self._lock:
                if len(self._read) >= _KEPT_DOCUMENTS:
                    self._read.pop(next(iter(self._read)))
                self._read[document_id, version] = document
        return document

    def original(self, document_id: str, version: str | None = None) -> str | None:
        """Return the name under which the original file of a version is kept, or None."""
        if version is None:
            now = self._current.get(document_id)
            version = now.version if now else None
        if version is None or self.withdrawn(document_id, version) is not None:
            return None
        rows = self._rows("SELECT original FROM versions WHERE document_id = ? AND version = ?", (document_id, version))
        return str(rows[0][0]) if rows else None

    def versions(self, document_id: str) -> list[StoredVersion]:
        """Return the versions that are kept of a document, newest first, withdrawn ones too."""
        rows = self._rows(
            "SELECT version, title, original, stored_at FROM versions WHERE document_id = ? "
            "ORDER BY stored_at DESC, rowid DESC",
            (document_id,),
        )
        return [StoredVersion(*row) for row in rows]

    def holdings(self) -> list[Held]:
        """Return every published and unpublished document, by id."""
        rows = self._rows(
            """
            SELECT v.document_id, v.title, v.version, v.stored_at, n.embedded,
                   json_extract(v.details, '$.sections[0].language'), json_extract(v.details, '$.metadata'),
                   json_array_length(v.details, '$.pages'),
                   (SELECT count(*) FROM chunks c WHERE c.document_id = v.document_id AND c.version = v.version)
            FROM versions v JOIN (SELECT document_id, version, embedded FROM current
                                  UNION ALL SELECT document_id, version, NULL FROM resting) n
                 USING (document_id, version)
            ORDER BY v.document_id
            """
        )
        found = []
        for id_, title, version, stored_at, embedded, language, values, pages, chunks in rows:
            metadata = _read_metadata(json.loads(values))
            rests = embedded is None
            found.append(
                Held(
                    id_,
                    title,
                    "unpublished" if rests else "published",
                    version,
                    language,
                    metadata,
                    chunks,
                    pages or None,
                    bool(embedded),
                    stored_at,
                    since=metadata.unpublished if rests else None,
                )
            )
        return found

    def texts(self) -> Iterator[tuple[str, str, str, str, str]]:
        """Yield id, version, title, name of the original and text of each published or unpublished document."""
        for document_id, now in self.known.items():
            yield from (
                (document_id, now.version, *row)
                for row in self._rows(
                    "SELECT title, original, text FROM versions WHERE document_id = ? AND version = ?",
                    (document_id, now.version),
                )
            )

    # ---- Withdrawing and erasing ----

    def withdraw(self, document_id: str, *, today: str, erase_on: str) -> None:
        """Show no version of a document any more, from now on, and note when its words are to be erased."""
        with self._writing() as connection:
            connection.execute("DELETE FROM current WHERE document_id = ?", (document_id,))
            connection.execute("DELETE FROM resting WHERE document_id = ?", (document_id,))
            connection.execute(
                "INSERT INTO withdrawn SELECT document_id, version, title, "
                "json_extract(details, '$.sections[0].language'), ?, ?, 0 FROM versions WHERE document_id = ? "
                "ON CONFLICT DO NOTHING",
                (today, erase_on, document_id),
            )
        self._reread(document_id)

    def bring_back(self, document_id: str) -> bool:
        """Show the versions of a withdrawn document again, as far as they are not erased; False where none is left."""
        with self._writing() as connection:
            back = connection.execute("DELETE FROM withdrawn WHERE document_id = ? AND NOT erased", (document_id,))
        return back.rowcount > 0

    def withdrawn(self, document_id: str, version: str) -> Withdrawn | None:
        """Return what is known of a withdrawn version, or None for one that is not withdrawn."""
        return next((found for found in self.all_withdrawn(document_id) if found.version == version), None)

    def all_withdrawn(self, document_id: str | None = None) -> list[Withdrawn]:
        """Return the withdrawn versions of one document or of all, in the order in which they were withdrawn."""
        if self._format < _WITH_WITHDRAWN:
            return []
        where, values = ("WHERE document_id = ?", (document_id,)) if document_id is not None else ("", ())
        rows = self._rows(
            "SELECT document_id, version, title, language, withdrawn_on, erase_on, erased "  # noqa: S608 - a constant
            f"FROM withdrawn {where} ORDER BY withdrawn_on, rowid",
            values,
        )
        return [
            Withdrawn(id_, version, title, language, on, erase_on, bool(erased))
            for id_, version, title, language, on, erase_on, erased in rows
        ]

    def own_original(self, document_id: str, version: str) -> str | None:
        """Return the name of the original of a version, withdrawn or not; None where another version needs it too."""
        rows = self._rows(
            "SELECT original FROM versions v WHERE document_id = ? AND version = ? AND NOT EXISTS (SELECT 1 FROM "
            "versions o WHERE o.original = v.original AND NOT (o.document_id = ? AND o.version = ?))",
            (document_id, version, document_id, version),
        )
        return str(rows[0][0]) if rows else None

    def erase(self, document_id: str, version: str, hashes: Iterable[str]) -> None:
        """Erase text, chunks and vectors of a version that is not current; what is withdrawn leaves title and days.

        Args:
            hashes: Of the texts whose vectors no other text needs.
        """
        with self._writing() as connection:
            models = [model for (model,) in connection.execute("SELECT DISTINCT model FROM embeddings")]
            doomed = [(model, hash_) for hash_ in hashes for model in models]
            self._delete_chunks(document_id, version)
            connection.executemany("DELETE FROM embeddings WHERE model = ? AND content_hash = ?", doomed)
            connection.execute("DELETE FROM versions WHERE document_id = ? AND version = ?", (document_id, version))
            connection.execute(
                "UPDATE withdrawn SET erased = 1 WHERE document_id = ? AND version = ?", (document_id, version)
            )
        self._forget(document_id, version)
        with self._lock:  # the log of changes would keep the words otherwise
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    # ---- Chunks ----

    def chunks(self, ids: Sequence[str]) -> dict[str, Chunk]:
        """Return the chunks with these ids; unknown ids are left out."""
        found = {id_: kept for id_ in ids if (kept := self._chunks.get(id_)) is not None}
        missing = [id_ for id_ in ids if id_ not in found]
        for start in range(0, len(missing), _VARIABLES_AT_MOST):
            batch = missing[start : start + _VARIABLES_AT_MOST]
            marks = ",".join("?" * len(batch))
            # Read and kept under one lock: what is written anew or erased meanwhile must not be kept as it was.
            with self._lock:
                for row in self._rows(f"{_SELECT_CHUNKS} WHERE c.id IN ({marks})", batch):
                    found[row[0]] = self._chunks[row[0]] = _chunk(row)
                while len(self._chunks) > _KEPT_CHUNKS:
                    del self._chunks[next(iter(self._chunks))]
        return found

    def chunks_of(self, document_id: str, version: str) -> list[Chunk]:
        """Return the chunks of one version in order."""
        rows = self._rows(
            f"{_SELECT_CHUNKS} WHERE c.document_id = ? AND c.version = ? ORDER BY c.ordinal", (document_id, version)
        )
        return [_chunk(row) for row in rows]

    def chunk_count_of(self, document_id: str, version: str) -> int:
        """Return how many chunks one version has."""
        rows = self._rows("SELECT count(*) FROM chunks WHERE document_id = ? AND version = ?", (document_id, version))
        return int(rows[0][0])

    def chunk_ids(self, document_id: str, *, except_version: str | None = None) -> list[str]:
        """Return the ids of all chunks of a document, over all its versions but one."""
        rows = self._rows(
            "SELECT id FROM chunks WHERE document_id = ? AND version IS NOT ?", (document_id, except_version)
        )
        return [row[0] for row in rows]

    def other_chunks(self, document_id: str, version: str) -> Iterator[Chunk]:
        """Yield the chunks of every version but one; so many that nobody should hold them all."""
        rows = self._rows(
            "SELECT DISTINCT document_id, version FROM chunks WHERE NOT (document_id = ? AND version = ?)",
            (document_id, version),
        )
        for other, its_version in rows:
            yield from self.chunks_of(other, its_version)

    def current_chunk_ids(self) -> set[str]:
        """Return the ids of the chunks that may answer now."""
        rows = self._rows("SELECT c.id FROM chunks c JOIN current n USING (document_id, version)")
        return {row[0] for row in rows}

    def chunk_count(self) -> int:
        """Return how many chunks may answer now."""
        rows = self._rows("SELECT count(*) FROM chunks c JOIN current n USING (document_id, version)")
        return int(rows[0][0])

    # ---- Embeddings ----

    def vectors(self, model: str, content_hashes: Sequence[str]) -> dict[str, Vectors]:
        """Return the stored vectors of these texts for one model; texts never embedded are left out."""
        found: dict[str, Vectors] = {}
        for start in range(0, len(content_hashes), _VARIABLES_AT_MOST):
            batch = content_hashes[start : start + _VARIABLES_AT_MOST]
            marks = ",".join("?" * len(batch))
            statement = f"SELECT content_hash, vector FROM embeddings WHERE model = ? AND content_hash IN ({marks})"  # noqa: S608 - only question marks are put in
            for content_hash, blob in self._rows(statement, (self._model(model), *batch)):
                found[content_hash] = np.frombuffer(blob, dtype=np.float32)
        return found

    def has_vectors(self, model: str) -> bool:
        """Return whether any text has a stored vector for one model."""
        return bool(self._rows("SELECT 1 FROM embeddings WHERE model = ? LIMIT 1", (self._model(model),)))

    def _model(self, name: str) -> object:
        """Return by what the vectors of a model are known: a number, in an older format its name; None without any."""
        if self._format < _WITH_MODELS:  # as above
            return name
        if name not in self._models:
            rows = self._rows("SELECT id FROM models WHERE name = ?", (name,))
            if not rows:
                return None
            self._models[name] = rows[0][0]
        return self._models[name]

    def hashes_with_vectors(self, model: str, content_hashes: Sequence[str]) -> set[str]:
        """Return those of these texts that have a stored vector for one model."""
        found: set[str] = set()
        for start in range(0, len(content_hashes), _VARIABLES_AT_MOST):
            batch = content_hashes[start : start + _VARIABLES_AT_MOST]
            marks = ",".join("?" * len(batch))
            statement = f"SELECT content_hash FROM embeddings WHERE model = ? AND content_hash IN ({marks})"  # noqa: S608 - only question marks are put in
            found.update(row[0] for row in self._rows(statement, (self._model(model), *batch)))
        return found

    def store_vectors(self, model: str, vectors: Iterable[tuple[str, Vectors]]) -> None:
        """Keep vectors by the hash of their text, so that the same text is never embedded twice."""
        with self._writing() as connection:
            connection.execute("INSERT OR IGNORE INTO models (name) VALUES (?)", (model,))
            (number,) = connection.execute("SELECT id FROM models WHERE name = ?", (model,)).fetchone()
            rows = [(number, content_hash, vector.astype(np.float32).tobytes()) for content_hash, vector in vectors]
            connection.executemany("INSERT OR REPLACE INTO embeddings VALUES (?, ?, ?)", rows)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()


def _read_only_address(file: Path) -> str:
    """Return the address under which SQLite opens the file and leaves its folder as it is."""
    address = f"{file.absolute().as_uri()}?mode=ro"
    # Without its log nobody writes to the library; SQLite would otherwise create the log, and keep it, to read.
    return address if file.with_name(f"{file.name}-wal").exists() else f"{address}&immutable=1"


# A chunk goes on with the block of the one before it where one character parts them: blocks are parted by two.
_SELECT_CHUNKS = """
SELECT c.id, c.document_id, c.version, c.text, c.start, c."end", c.title, c.heading, c.page, c.language,
    c.start = before."end" + 1
FROM chunks c LEFT JOIN chunks before
    ON before.document_id = c.document_id AND before.version = c.version AND before.ordinal = c.ordinal - 1
"""


def _chunk(row: tuple[Any, ...]) -> Chunk:
    id_, document_id, version, text, start, end, title, heading, page, language, goes_on = row
    return Chunk(id_, document_id, version, text, start, end, title, heading, page, language, bool(goes_on))


def _chunk_row(chunk: Chunk, ordinal: int) -> tuple[Any, ...]:
    return (
        chunk.id, chunk.document_id, chunk.version, ordinal, chunk.start, chunk.end, chunk.title, chunk.heading,
        chunk.page, chunk.language, chunk.text, chunk.content_hash,
    )  # fmt: skip


def _details(document: Document) -> dict[str, Any]:
    return {
        "metadata": asdict(document.metadata),
        "sections": [asdict(section) for section in document.sections],
        "headings": [asdict(heading) for heading in document.headings],
        "pages": document.pages,
        "page_labels": document.page_labels,
        "notices": document.notices,
        "findings": asdict(document.findings),
    }


def _document(document_id: str, version: str, title: str, text: str, details: str) -> Document:
    values = json.loads(details)
    return Document(
        id=document_id,
        title=title,
        text=text,
        sections=tuple(Section(**section) for section in values["sections"]),
        version=version,
        metadata=_read_metadata(values["metadata"]),
        pages=tuple(values["pages"]),
        page_labels=tuple(values["page_labels"]),
        headings=tuple(Heading(**heading) for heading in values["headings"]),
        notices=tuple(values["notices"]),
        findings=_read_findings(values.get("findings")),
    )


def _read_findings(values: Mapping[str, Any] | None) -> Findings:
    """Return what was found in a file; nothing for a version that was stored before it was looked for."""
    if values is None:
        return Findings()
    hidden = tuple(HiddenText(**each) for each in values["hidden"])
    lists = {name: tuple(values[name]) for name in ("dropped", "scanned", "unreadable")}
    return Findings(tables=values["tables"], hidden=hidden, **lists)


def _read_metadata(values: Mapping[str, Any]) -> Metadata:
    lists = ("audience", "stage", "topics", "translations")
    read: dict[str, Any] = {name: tuple(value) if name in lists else value for name, value in values.items()}
    return Metadata(**read)

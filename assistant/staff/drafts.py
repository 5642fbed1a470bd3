"""Drafts: documents on their way in, read as the assistant reads them, tried, and then published or thrown away.

A draft lies in a folder of its own, in a corpus that nobody is answered from, with a library and indexes beside it: it
comes in by the very way that a published document does, so its receipt says what will be. What is known of it stands in
its sidecar and in a small file, so that a restart loses nothing.
"""

from __future__ import annotations

import json
import logging
import queue
import secrets
import shutil
import threading
import time
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from assistant.desk import Draft, PageCheck, Preview, Problem, Reading, Receipt, Twin
from assistant.documents.fetching import Fetched
from assistant.documents.loading import SUPPORTED_SUFFIXES
from assistant.documents.metadata import read_sidecar, sidecar_details, sidecar_text, write_sidecar
from assistant.documents.unpacking import safe_name, unpack
from assistant.domain import Answer, Chunk, Document, DocumentReport, IngestReport, Metadata
from assistant.errors import AssistantError, LoadError, UsageError
from assistant.ingest.corpus import keep_original
from assistant.ingest.folder import ADDED_FOLDER
from assistant.ingest.receipts import check_pages, receipt_of
from assistant.staff.shelf import CorpusShelf, Standing, changed
from assistant.store.deeds import Deeds
from assistant.store.library import Library

logger = logging.getLogger(__name__)

# What may wait at the same time; more would fill the disk before anybody has looked at it.
MOST_DRAFTS = 500
_NOTE = ".draft.json"
_NO_DETAILS: Mapping[str, Any] = {}


@dataclass(slots=True)
class _Kept:
    """One draft as it is kept, and what the last reading made of it."""

    id: str
    name: str
    added_by: str
    added_at: str
    source_url: str | None = None
    replaces: str | None = None
    state: str = "waiting"
    receipt: Receipt | None = None
    problem: Problem | None = None


@dataclass(slots=True)
class _Pace:
    """How fast the reading goes: seconds per byte of the files that were read since the line was last empty."""

    done: int = 0
    total: int = 0
    seconds: float = 0.0
    bytes_read: int = 0
    bytes_left: dict[str, int] = field(default_factory=dict)
    current: str | None = None
    began: float = 0.0


class DraftFolder:
    """The drafts of one desk, as `desk.Drafts`; any thread. One file is read at a time, in the background."""

    def __init__(
        self,
        files: Path,
        data: Path,
        *,
        shelf: CorpusShelf,
        deeds: Deeds,
        drafts: Library,
        library: Library,
        sync: Callable[[Sequence[Path]], IngestReport],
        stop_sync: Callable[[], None],
        take_vectors: Callable[[Sequence[Chunk]], None],
        forget: Callable[[str], None],
        search: Callable[[str, str], Sequence[Chunk]],
        answer: Callable[[str, str], Answer],
        twins: Callable[[Document, str], tuple[Twin, ...]],
        fetch: Callable[[str, Path], Fetched],
        alone: Callable[[], AbstractContextManager[Any]],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Find the drafts of before and go on reading those that were not read.

        Args:
            files: Where the drafts lie, each in a folder of its own.
            data: The data folder, where originals are kept.
            drafts: The library of the drafts; `library` is the one that founders are answered from.
            sync: Brings paths inside `files` in, up to date or out.
            stop_sync: Ends a sync that runs, for good.
            take_vectors: Copies the vectors of a draft's chunks to the library, so that nothing is embedded twice.
            forget: Erases what the library of the drafts has kept of one, when it is no draft any more.
            search: Returns the chunks of one draft that a text finds, best first.
            answer: Answers a question from one draft alone.
            twins: Returns the documents that say the same; the name of the draft's original is given.
            fetch: Fetches an address into a folder.
            alone: Keeps every ingest of the corpus away while it is entered.
        """
        self._files = files
        self._data = data
        self._shelf = shelf
        self._deeds = deeds
        self._drafts = drafts
        self._library = library
        self._sync = sync
        self._stop_sync = stop_sync
        self._stopped = threading.Event()
        self._take_vectors = take_vectors
        self._forget = forget
        self._search = search
        self._answer = answer
        self._twins = twins
        self._fetch = fetch
        self._alone = alone
        self._now = now
        self._lock = threading.RLock()
        self._reading = threading.Lock()
        self._pace = _Pace()
        self._waiting: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        files.mkdir(parents=True, exist_ok=True)
        self._kept = {kept.id: kept for kept in sorted(_find_kept(files), key=lambda kept: kept.added_at)}
        for kept in self._kept.values():
            if kept.state in ("waiting", "reading"):
                self._wait_for(kept)
        self._reader = threading.Thread(target=self._read_on, name="drafts", daemon=True)
        self._reader.start()

    def stop(self) -> None:
        """Read no further, also not what is being read; it waits for the next start."""
        self._stopped.set()
        self._stop_sync()
        self._waiting.put(None)

    def close(self) -> None:
        """Stop, and wait until the reading has ended."""
        self.stop()
        self._reader.join(timeout=20)

    # ---- In ----

    def add(self, name: str, file: Path, *, by: str, replaces: str | None = None) -> list[Draft]:
        """Take a file over (it is moved away) and read it in the background; a zip file becomes one draft per document.

        Raises:
            UsageError: It cannot be taken: what it is, and what to do.
        """
        self._check_room()
        clean = safe_name(name)
        suffix = Path(clean).suffix.lower()
        if suffix == ".zip":
            return self._add_all(clean, file, by=by, replaces=replaces)
        if suffix not in SUPPORTED_SUFFIXES:
            known = ", ".join(sorted(SUPPORTED_SUFFIXES))
            raise UsageError(f"{clean}: files of type {suffix or '(none)'} are not read. Convert it to one of {known}.")
        self._check_replacing(clean, replaces)
        return [self._take(clean, file, by=by, replaces=replaces)]

    def _add_all(self, name: str, file: Path, *, by: str, replaces: str | None) -> list[Draft]:
        if replaces is not None:
            raise UsageError(f"{name} is a zip file, and a document is replaced by one file. Choose that file.")
        folder = self._files.parent / f"unpacking-{secrets.token_hex(8)}"
        try:
            folder.mkdir(parents=True)
            named = Path(shutil.move(file, folder / name))  # what goes wrong with it is said of its name
            unpacked = unpack(named, folder / "out")
            taken = [self._take(safe_name(one.name), one.file, by=by) for one in unpacked.files]
            taken += [self._refused(one.name, Problem(one.reason, one.remedy), by=by) for one in unpacked.refused]
        except LoadError as error:
            raise UsageError(f"{name} {error.reason}. {error.remedy}.") from error
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        if not taken:
            raise UsageError(f"{name} holds no document. Choose a zip file with documents in it.")
        return taken

    def _refused(self, name: str, problem: Problem, *, by: str) -> Draft:
        """Keep the name of a file that is not taken, so that whoever gave it sees why."""
        kept = self._new(safe_name(name), by=by)
        kept.state, kept.problem = "failed", problem
        self._write(kept)
        return self._draft(kept)

    def add_link(self, url: str, *, by: str, replaces: str | None = None) -> Draft:
        """Fetch a public address and take what it gives as a draft.

        Raises:
            FetchError: It cannot be fetched, or must not be.
            UsageError: It is of another kind than the document that it replaces.
        """
        self._check_room()
        folder = self._files.parent / f"fetching-{secrets.token_hex(8)}"
        folder.mkdir(parents=True)
        try:
            fetched = self._fetch(url, folder)
            name = Path(replaces).name if replaces is not None else safe_name(fetched.file.name)
            self._check_replacing(safe_name(fetched.file.name), replaces)
            details = {"url": fetched.asked, "checked": fetched.day}
            return self._take(name, fetched.file, details, by=by, replaces=replaces, source_url=fetched.asked)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _check_room(self) -> None:
        if len(self._kept) >= MOST_DRAFTS:
            raise UsageError(f"{MOST_DRAFTS} drafts are waiting already. Publish or discard some first.")

    def _check_replacing(self, name: str, replaces: str | None) -> None:
        if replaces is None:
            return
        held = self._shelf.get(replaces)
        if held is None or held.state == "withdrawn":
            raise UsageError(f"There is no document {replaces} to replace.")
        if Path(replaces).suffix.lower() != Path(name).suffix.lower():
            raise UsageError(
                f"{name} is of another kind than {replaces}. Publish it as a document of its own and unpublish the old "
                "one."
            )

    def _new(self, name: str, *, by: str, replaces: str | None = None, source_url: str | None = None) -> _Kept:
        moment = self._now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        kept = _Kept(secrets.token_urlsafe(12), name, by, moment, source_url, replaces)
        (self._files / kept.id).mkdir()
        return kept

    def _take(
        self,
        name: str,
        file: Path,
        details: Mapping[str, Any] = _NO_DETAILS,
        *,
        by: str,
        replaces: str | None = None,
        source_url: str | None = None,
    ) -> Draft:
        kept = self._new(name, by=by, replaces=replaces, source_url=source_url)
        target = self._path(kept)
        write_sidecar(target, changed(None, details, name))
        if replaces is not None:
            self._lay_under(kept, replaces)
        shutil.move(file, target)
        target.chmod(0o600)
        self._write(kept)
        with self._lock:
            self._kept[kept.id] = kept
            self._wait_for(kept)
        return self._draft(kept)

    # ---- Looking ----

    def all(self) -> list[Draft]:
        """Return all drafts, oldest first."""
        with self._lock:
            return [self._draft(kept) for kept in self._kept.values()]

    def get(self, draft_id: str) -> Draft | None:
        """Return one draft, or None."""
        kept = self._kept.get(draft_id)
        return self._draft(kept) if kept else None

    def reading(self) -> Reading:
        """Return how far the reading is; the seconds left are told by the size of what was read and what waits."""
        with self._lock:
            pace = self._pace
            left: float | None = None
            if pace.bytes_read and pace.bytes_left:
                spent = time.monotonic() - pace.began if pace.current else 0.0
                left = max(sum(pace.bytes_left.values()) * pace.seconds / pace.bytes_read - spent, 1.0)
            return Reading(pace.done, pace.total, pace.current, left)

    def preview(self, draft_id: str) -> Preview | None:
        """Return the draft as the assistant reads it, or None while it is not read or cannot be."""
        document = self._document(draft_id)
        if document is None:
            return None
        return Preview(document, tuple(self._drafts.chunks_of(document.id, document.version)))

    def text(self, draft_id: str) -> str | None:
        """Return the draft's text, or None while it is not read or cannot be."""
        document = self._document(draft_id)
        return document.text if document else None

    def ask(self, draft_id: str, question: str) -> Answer:
        """Answer a question from this draft alone.

        Raises:
            UsageError: It is not there, or not read.
        """
        document = self._document(draft_id)
        if document is None:
            raise UsageError("The draft is not there, or could not be read, so it cannot be asked.")
        return self._answer(question, document.id)

    # ---- Changing ----

    def describe(self, draft_id: str, values: Mapping[str, Any], *, by: str) -> Draft:
        """Change what is known about a draft and read it again.

        Raises:
            UsageError: It is not there, or a value is wrong.
        """
        kept = self._find(draft_id)
        path = self._path(kept)
        with self._reading:
            write_sidecar(path, changed(sidecar_text(path), values, kept.name))
            self._read(kept)
        return self._draft(kept)

    def make_version_of(self, draft_id: str, document: str | None, *, by: str) -> Draft:
        """Make a draft the new version of a document that is in; None lets it be a document of its own again.

        Raises:
            UsageError: The draft or the document is not there, is of another kind, or has a new version waiting.
        """
        kept = self._find(draft_id)
        self._check_replacing(kept.name, document)
        if document is not None and any(
            other.replaces == document for other in self._kept.values() if other.id != draft_id
        ):
            raise UsageError(f"Another draft is already to replace {document}. Publish or discard that one first.")
        with self._reading:
            kept.replaces = document
            if document is not None:
                self._lay_under(kept, document)
            self._read(kept)
        return self._draft(kept)

    def _lay_under(self, kept: _Kept, document: str) -> None:
        """Let a draft keep what staff know of the document that it replaces, but for what is said of it itself."""
        said = sidecar_details(sidecar_text(self._path(kept)))
        known = sidecar_details(self._shelf.standing(document).sidecar)
        write_sidecar(self._path(kept), changed(None, {**known, **said, "unpublished": None}, kept.name))

    def publish(self, draft_id: str, *, by: str) -> DocumentReport:
        """Put the draft into the corpus and make it searchable; afterwards it is no draft any more.

        Raises:
            UsageError: It is not read, or cannot be published: why, and what to do. It stays a draft then.
        """
        kept = self._find(draft_id)
        document = self._document(draft_id)
        if kept.state != "ready" or document is None:
            raise UsageError(f"{kept.name} cannot be published yet: it is not read, or could not be.")
        with self._reading, self._alone():
            path = self._path(kept)
            self._check_replacing(kept.name, kept.replaces)
            target = kept.replaces or self._free_place(kept)
            self._take_vectors(self._drafts.chunks_of(document.id, document.version))
            original = keep_original(self._data, path.read_bytes(), path.suffix.lower())
            wanted = Standing(original, sidecar_text(path))
            self._shelf.put(target, wanted, "replaced" if kept.replaces else "published", by=by)
        self._drop(kept)
        held = self._shelf.get(target)
        assert held is not None
        return DocumentReport(
            target, "changed" if kept.replaces else "added", held.chunks, held.pages, held.pages, held.language
        )

    def discard(self, draft_id: str, *, by: str) -> None:
        """Throw the draft away.

        Raises:
            UsageError: It is not there.
        """
        kept = self._find(draft_id)
        title = self._draft(kept).title
        with self._reading:
            self._drop(kept)
        self._deeds.add(by, "discarded", kept.name, title)

    def _drop(self, kept: _Kept) -> None:
        with self._lock:
            self._kept.pop(kept.id, None)
            self._pace.bytes_left.pop(kept.id, None)
        document = self._document_of(kept)
        shutil.rmtree(self._files / kept.id, ignore_errors=True)
        if document is not None:
            self._sync([self._path(kept)])
            self._forget(document.id)

    # ---- Reading ----

    def _wait_for(self, kept: _Kept) -> None:
        with self._lock:
            if not self._pace.bytes_left:
                self._pace = _Pace()
            self._pace.total += 1
            self._pace.bytes_left[kept.id] = self._path(kept).stat().st_size if self._path(kept).is_file() else 0
        self._waiting.put(kept.id)

    def _read_on(self) -> None:
        """Read what waits, one after the other, until there is no more to come."""
        while (draft_id := self._waiting.get()) is not None:
            with self._reading:
                kept = self._kept.get(draft_id)
                if kept is None or self._stopped.is_set():
                    continue
                with self._lock:
                    self._pace.current, self._pace.began = kept.name, time.monotonic()
                try:
                    self._read(kept)
                except Exception:  # the line goes on, whatever one file does
                    if self._stopped.is_set():
                        return
                    logger.exception("a draft could not be read")
                    kept.state = "failed"
                    kept.problem = Problem("It could not be read for a reason that the log names", "Add it once more")
                with self._lock:
                    pace = self._pace
                    pace.done += 1
                    pace.seconds += time.monotonic() - pace.began
                    pace.bytes_read += pace.bytes_left.pop(draft_id, 0)
                    pace.current = None

    def _read(self, kept: _Kept) -> None:
        """Read one draft and write its receipt; a failure is its problem."""
        kept.state, kept.problem, kept.receipt = "reading", None, None
        self._write(kept)
        try:
            report = self._sync([self._path(kept)])
        except AssistantError as error:
            if not self._stopped.is_set():
                kept.state, kept.problem = "failed", Problem(str(error), "Add it once more")
                self._write(kept)
            return
        if self._stopped.is_set():
            return
        failed = next(iter(report.failed), None)
        if failed is not None:
            kept.state = "failed"
            kept.problem = Problem(failed.reason or "It cannot be read", failed.remedy or "Look at the file")
            self._write(kept)
            return
        kept.receipt = self._receipt(kept)
        kept.state = "ready"
        self._write(kept)

    def _receipt(self, kept: _Kept) -> Receipt:
        found = self.preview(kept.id)
        assert found is not None
        document = found.document
        checks: tuple[PageCheck, ...] = check_pages(
            document, found.chunks, lambda text: self._search(text, document.id)
        )
        original = self._drafts.original(document.id, document.version) or ""
        twins = tuple(
            twin for twin in self._twins(document, original) if twin.document not in (kept.replaces, document.id)
        )
        return receipt_of(document, found.chunks, checks, twins)

    # ---- Names ----

    def _find(self, draft_id: str) -> _Kept:
        kept = self._kept.get(draft_id)
        if kept is None:
            raise UsageError("This draft is not there any more: somebody has published or discarded it.")
        return kept

    def _path(self, kept: _Kept) -> Path:
        return self._files / kept.id / kept.name

    def _library_id(self, kept: _Kept) -> str:
        return unicodedata.normalize("NFC", f"{kept.id}/{kept.name}")

    def _document(self, draft_id: str) -> Document | None:
        kept = self._kept.get(draft_id)
        return self._document_of(kept) if kept is not None else None

    def _document_of(self, kept: _Kept) -> Document | None:
        if self._library_id(kept) not in self._drafts.known:
            return None
        now = self._drafts.known[self._library_id(kept)]
        return self._drafts.document(self._library_id(kept), now.version)

    def _free_place(self, kept: _Kept) -> str:
        """Return a path in the corpus where nothing stands and nothing ever stood, and nothing ever stood."""
        name, number = Path(kept.name), 1
        while True:
            numbered = name.name if number == 1 else f"{name.stem}-{number}{name.suffix}"
            document_id = f"{ADDED_FOLDER}/{numbered}"
            stood = self._shelf.get(document_id) is not None or self._library.versions(document_id)
            if not stood and self._shelf.standing(document_id) == Standing():
                return document_id
            number += 1

    def _draft(self, kept: _Kept) -> Draft:
        document = self._document_of(kept)
        stated = _stated(self._path(kept), kept.name)
        return Draft(
            kept.id,
            kept.name,
            kept.state,  # type: ignore[arg-type]  # one of the four
            kept.added_by,
            f"{kept.added_at[:16]}Z",
            kept.replaces or f"{ADDED_FOLDER}/{kept.name}",
            document.title if document else stated.title or kept.name,
            document.metadata if document else stated,
            kept.source_url,
            kept.replaces,
            kept.receipt,
            kept.problem,
        )

    # ---- What is kept ----

    def _write(self, kept: _Kept) -> None:
        with self._lock:
            self._kept.setdefault(kept.id, kept)
        values = asdict(replace(kept, receipt=None))
        # A receipt is made anew after a restart: the documents that it was compared with may be others by then.
        values["state"] = "failed" if kept.state == "failed" else "waiting"
        temporary = self._files / kept.id / f"{_NOTE}.part"
        temporary.write_text(json.dumps(values), encoding="utf-8")
        temporary.replace(self._files / kept.id / _NOTE)


def _find_kept(files: Path) -> list[_Kept]:
    """Return the drafts of before; a folder that holds none (a start that was broken off) is cleared away."""
    found = []
    for folder in files.iterdir():
        try:
            values = json.loads((folder / _NOTE).read_text(encoding="utf-8"))
            problem = Problem(**values.pop("problem")) if values.get("problem") else None
            found.append(_Kept(**{**values, "problem": problem}))
        except (OSError, ValueError, TypeError):
            logger.warning("A draft that was broken off is cleared away: %s", folder.name)
            shutil.rmtree(folder, ignore_errors=True)
    return found


def _stated(path: Path, name: str) -> Metadata:
    try:
        return read_sidecar(path, name)
    except LoadError:
        return Metadata()

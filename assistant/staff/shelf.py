"""The shelf: documents that are in, and everything that staff change about them.

Each change goes the way that a file in the corpus goes: the file and its sidecar are put in place and the ingest reads
them. What stood there before is kept (the file among the originals, the sidecar's words in the history), so that a
change can be taken back as long as nothing newer stands on it.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from assistant.desk import Action, ChangedLine, Deed, Draft, Held, HeldVersion, PageCheck, Preview, Receipt, Twin
from assistant.documents.metadata import changed_sidecar, sidecar_of, sidecar_text, write_sidecar
from assistant.domain import Chunk, Document, IngestReport, Metadata
from assistant.errors import DamagedFile, UsageError
from assistant.ingest.corpus import ORIGINALS_FOLDER, keep_original
from assistant.ingest.receipts import check_pages, receipt_of
from assistant.store.deeds import Deeds
from assistant.store.library import Library

# How long a withdrawn document can be brought back.
ERASE_AFTER_DAYS = 30
_NOTHING_KNOWN = Metadata()


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands in the corpus for one document.

    Attributes:
        original: The name of the file among the originals, or None where there is no file.
        sidecar: The words of its sidecar, or None.
    """

    original: str | None = None
    sidecar: str | None = None


class CorpusShelf:
    """The documents of one corpus, as `desk.Shelf`; any thread, one change at a time."""

    def __init__(
        self,
        corpus: Path,
        data: Path,
        *,
        library: Library,
        deeds: Deeds,
        sync: Callable[[Sequence[Path]], IngestReport],
        take_out: Callable[[Sequence[str]], None],
        alone: Callable[[], AbstractContextManager[Any]],
        search: Callable[[str, str], Sequence[Chunk]],
        twins: Callable[[Document, str], tuple[Twin, ...]],
        text_of_draft: Callable[[str], str | None],
        fetch: Callable[[str, str, str], Draft],
        today: Callable[[], date] = lambda: datetime.now(UTC).date(),
    ) -> None:
        """Open nothing: everything is passed in.

        Args:
            sync: Brings paths inside the corpus in, up to date or out.
            take_out: Lets documents answer no more.
            alone: Keeps every other ingest away while it is entered.
            search: Returns the chunks that a text finds in one document's language, best first, for that document.
            twins: Returns the other documents that say the same; the name of the document's original is given.
            text_of_draft: Returns the text of a draft, or None where it has none.
            fetch: Makes a draft of a web address that replaces a document: address, document, and by whom.
        """
        self._corpus = corpus
        self._data = data
        self._library = library
        self._deeds = deeds
        self._sync = sync
        self._take_out = take_out
        self._alone = alone
        self._search = search
        self._twins = twins
        self._text_of_draft = text_of_draft
        self._fetch = fetch
        self._today = today

    # ---- Looking ----

    def all(self) -> list[Held]:
        """Return the documents, by id: published, unpublished and withdrawn ones."""
        held = {each.id: each for each in self._library.holdings()}
        for gone in self._library.all_withdrawn():
            if gone.document_id not in held or held[gone.document_id].state == "withdrawn":
                held[gone.document_id] = Held(
                    gone.document_id, gone.title, "withdrawn", gone.version, gone.language, _NOTHING_KNOWN, 0, None,
                    embedded=False, stored_at="", since=gone.withdrawn_on,
                    erase_on=None if gone.erased else gone.erase_on,
                )  # fmt: skip
        return [held[id_] for id_ in sorted(held)]

    def get(self, document_id: str) -> Held | None:
        """Return one document, or None."""
        return next((held for held in self.all() if held.id == document_id), None)

    def versions(self, document_id: str) -> list[HeldVersion]:
        """Return the versions that are kept and may be shown, newest first."""
        now = self._library.known.get(document_id)
        gone = {each.version for each in self._library.all_withdrawn(document_id)}
        return [
            HeldVersion(each.version, each.stored_at, now is not None and each.version == now.version)
            for each in self._library.versions(document_id)
            if each.version not in gone
        ]

    def preview(self, document_id: str, version: str | None = None) -> Preview | None:
        """Return a version (the current one by default) as the assistant reads it, or None."""
        now = self._library.known.get(document_id)
        version = version or (now.version if now else None)
        document = self._library.document(document_id, version) if version else None
        if document is None or version is None:
            return None
        return Preview(document, tuple(self._library.chunks_of(document_id, version)))

    def check(self, document_id: str) -> Receipt:
        """Return the receipt of a document, with its pages searched for just now.

        Raises:
            UsageError: It is not in.
        """
        found = self.preview(document_id)
        if found is None:
            raise _unknown(document_id)
        checks: tuple[PageCheck, ...] = ()
        if document_id in self._library.current:
            checks = check_pages(found.document, found.chunks, lambda text: self._search(text, document_id))
        original = self._library.original(document_id, found.document.version) or ""
        return receipt_of(found.document, found.chunks, checks, self._twins(found.document, original))

    def difference(
        self, document_id: str, *, draft_id: str | None = None, version: str | None = None
    ) -> list[ChangedLine]:
        """Return what changed from a version (the one before, by default) to the present one, or from that to a draft.

        Raises:
            UsageError: The document, the version or the draft is not there.
        """
        now = self.preview(document_id)
        if now is None:
            raise _unknown(document_id)
        if draft_id is not None:
            text = self._text_of_draft(draft_id)
            if text is None:
                raise UsageError("The draft is not there, or could not be read. Look at it again.")
            return changed_lines(now.document.text, text)
        older = [each.version for each in self.versions(document_id) if each.version != now.document.version]
        wanted = version or (older[0] if older else None)
        before = self.preview(document_id, wanted) if wanted else None
        if before is None:
            raise UsageError(f"There is no earlier version of {document_id} to compare with.")
        return changed_lines(before.document.text, now.document.text)

    def history(self, document_id: str | None = None, *, limit: int = 200) -> Sequence[Deed]:
        """Return what was done, newest first; to one document or to all."""
        return self._deeds.all(document_id, limit=limit)

    # ---- Changing ----

    def fetch_again(self, document_id: str, *, by: str) -> Draft:
        """Fetch the address that a document came from, as a draft that replaces it.

        Raises:
            UsageError: It is not in, or no address is known.
            FetchError: It cannot be fetched, or must not be.
        """
        url = self._known(document_id).metadata.url
        if url is None:
            raise UsageError(f"No web address is known of {document_id}. Write it into its details first.")
        return self._fetch(url, document_id, by)

    def edit(self, document_id: str, values: Mapping[str, Any], *, by: str) -> Held:
        """Change what is known about a document.

        Raises:
            UsageError: It is not in, or a value is wrong.
        """
        with self._alone():
            self._known(document_id)
            standing = self.standing(document_id)
            sidecar = changed(standing.sidecar, values, document_id)
            if sidecar != (standing.sidecar or ""):
                keys = ", ".join(values)
                self.put(document_id, Standing(standing.original, sidecar or None), "edited", by=by, detail=keys)
        return self._held(document_id)

    def unpublish(self, document_id: str, *, by: str) -> Held:
        """Let a document answer no more; its old links still open.

        Raises:
            UsageError: It is not published.
        """
        with self._alone():
            if document_id not in self._library.current:
                raise UsageError(f"{document_id} is not published.")
            self._mark(document_id, self._today().isoformat(), "unpublished", by)
        return self._held(document_id)

    def republish(self, document_id: str, *, by: str) -> Held:
        """Let an unpublished document answer again.

        Raises:
            UsageError: It is not unpublished, or its own front matter says that it is.
        """
        with self._alone():
            if document_id not in self._library.resting:
                raise UsageError(f"{document_id} is not unpublished.")
            self._mark(document_id, None, "republished", by)
            if document_id in self._library.resting:
                raise UsageError(
                    f"{document_id} says in its own front matter that it is unpublished. Take that line out."
                )
        return self._held(document_id)

    def _mark(self, document_id: str, unpublished: str | None, action: Action, by: str) -> None:
        standing = self.standing(document_id)
        sidecar = changed(standing.sidecar, {"unpublished": unpublished}, document_id)
        self.put(document_id, Standing(standing.original, sidecar or None), action, by=by)

    def withdraw(self, document_id: str, *, by: str) -> Held:
        """Take a document out for good: no version is shown from now on, and in 30 days all of it is erased.

        Raises:
            UsageError: It is not in.
        """
        with self._alone():
            title = self._known(document_id).title
            before = self.standing(document_id)
            today = self._today()
            erase_on = today + timedelta(days=ERASE_AFTER_DAYS)
            self._take_out([document_id])
            self._library.withdraw(document_id, today=today.isoformat(), erase_on=erase_on.isoformat())
            self._stand(document_id, Standing())
            undo = _undo(before, Standing())
            self._deeds.add(by, "withdrawn", document_id, title, erase_on.isoformat(), undo)
        return self._held(document_id)

    def undo(self, deed_id: int, *, by: str) -> Deed:
        """Take back a deed, as long as nothing newer stands on it, and return the deed that did so.

        Raises:
            UsageError: It cannot be taken back, or something was changed since.
        """
        with self._alone():
            deed, kept = self._deeds.get(deed_id), self._deeds.undo_of(deed_id)
            if deed is None or kept is None:
                raise UsageError("This cannot be undone any more.")
            before, after = Standing(**kept["before"]), Standing(**kept["after"])
            if self.standing(deed.document) != after:
                raise UsageError(f"{deed.document} was changed since. Undo the newer change first.")
            if deed.action == "withdrawn" and not self._library.bring_back(deed.document):
                raise UsageError(f"{deed.document} was erased and cannot be brought back. Add the file again.")
            undoing = self.put(deed.document, before, "undone", by=by, title=deed.title, detail=deed.action)
            self._deeds.mark_undone(deed_id)
        return undoing

    def put(
        self,
        document_id: str,
        wanted: Standing,
        action: Action,
        *,
        by: str,
        title: str | None = None,
        detail: str = "",
    ) -> Deed:
        """Let a document stand as it is wanted, read it, and write down who did it; on failure all is as before.

        Raises:
            UsageError: It cannot be read so: why, and what to do.
        """
        with self._alone():
            before = self.standing(document_id)
            self._stand(document_id, wanted)
            report = self._sync([self._path(document_id)])
            failed = next((each for each in report.failed if each.document == document_id), None)
            if failed is not None:
                self._stand(document_id, before)
                self._sync([self._path(document_id)])
                raise UsageError(f"{document_id}: {failed.reason}. {failed.remedy}.")
            held = self.get(document_id)
            shown = title or (held.title if held else document_id)
            undo = _undo(before, self.standing(document_id))
            done = self._deeds.get(self._deeds.add(by, action, document_id, shown, detail, undo))
            assert done is not None
            return done

    # ---- Files ----

    def standing(self, document_id: str) -> Standing:
        """Return what stands in the corpus for a document, and keep the file among the originals."""
        path = self._path(document_id)
        if not path.is_file():
            return Standing()
        return Standing(keep_original(self._data, path.read_bytes(), path.suffix.lower()), sidecar_text(path))

    def _stand(self, document_id: str, wanted: Standing) -> None:
        """Put file and sidecar in place; half a file is never seen."""
        path = self._path(document_id)
        if wanted.original is None:
            path.unlink(missing_ok=True)
            sidecar_of(path).unlink(missing_ok=True)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        write_sidecar(path, wanted.sidecar)
        content = (self._data / ORIGINALS_FOLDER / wanted.original).read_bytes()
        if not path.is_file() or path.read_bytes() != content:
            temporary = path.with_name(f".{path.name}.part")
            temporary.write_bytes(content)
            temporary.replace(path)

    def _path(self, document_id: str) -> Path:
        """Return where a document stands; an id that leads out of the corpus is none of ours."""
        path = self._corpus / document_id
        if not path.resolve().is_relative_to(self._corpus.resolve()) or path.is_symlink():
            raise UsageError(f"{document_id} does not stand in the corpus itself, so it is not changed here.")
        return path

    def _known(self, document_id: str) -> Held:
        held = self.get(document_id)
        if held is None or held.state == "withdrawn":
            raise _unknown(document_id)
        return held

    def _held(self, document_id: str) -> Held:
        held = self.get(document_id)
        assert held is not None
        return held


def changed(sidecar: str | None, values: Mapping[str, Any], document_id: str) -> str:
    """Return a sidecar's words with some keys changed.

    Raises:
        UsageError: A value is wrong.
    """
    try:
        return changed_sidecar(sidecar, values, document_id)
    except DamagedFile as error:
        raise UsageError(f"{error.reason[:1].upper()}{error.reason[1:]}.") from error


def changed_lines(before: str, after: str) -> list[ChangedLine]:
    """Return the lines of both texts in order, with those that were added and removed; none where all are the same."""
    lines: list[ChangedLine] = []
    old, new = _lines(before), _lines(after)
    if old == new:
        return lines
    for kind, i, j, k, m in difflib.SequenceMatcher(None, old, new).get_opcodes():
        if kind == "equal":
            lines += [ChangedLine("same", line) for line in old[i:j]]
            continue
        lines += [ChangedLine("removed", line) for line in old[i:j]]
        lines += [ChangedLine("added", line) for line in new[k:m]]
    return lines


def _lines(text: str) -> list[str]:
    return [line for line in text.split("\n") if line.strip()]


def _undo(before: Standing, after: Standing) -> dict[str, Any]:
    return {"before": asdict(before), "after": asdict(after)}


def _unknown(document_id: str) -> UsageError:
    return UsageError(f"There is no document {document_id} in the library.")

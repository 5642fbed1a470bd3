"""What the command lines do: in this process, or in the app that owns the data folder."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from assistant.answering import exporting
from assistant.build import (
    JOURNAL_NAME,
    LIBRARY_NAME,
    Assistant,
    check_open,
    manifest_of,
    program_version,
    repair_open,
    stored_text,
)
from assistant.desk import CheckReport
from assistant.domain import IngestReport
from assistant.errors import DataFolderError, FolderOwned, IndexingError, UsageError
from assistant.index.embedding import ModelEmbedder
from assistant.index.index import (
    VECTORS_FOLDER,
    lexical_folder,
    look_at_vectors,
)
from assistant.index.lexical import LexicalIndex
from assistant.index.sentence_vectors import SentenceVectors
from assistant.ingest import backup, doctor, restore
from assistant.ingest.corpus import Progress, plan
from assistant.ingest.folder import CorpusFolder
from assistant.settings import Settings
from assistant.store.library import CurrentVersion, Library
from assistant.store.owner import FolderLock, Owner, is_owned
from assistant.tuning import load_tuning

# How long `ingest` waits for a data folder whose owner is just starting or just ending.
PATIENCE_SECONDS = 10.0


def ingest(
    settings: Settings,
    paths: Sequence[Path],
    *,
    rebuild: bool = False,
    dry_run: bool = False,
    progress: Progress = lambda event: None,
    handed_over: Progress = lambda event: None,
) -> IngestReport:
    """Do one ingest, in this process or, when an app owns the data folder, in the app.

    Args:
        handed_over: Called once, before the wait, when the app does the work.

    Raises:
        AssistantError: As `Assistant` and `Assistant.sync`, or that the owner was lost midway.
    """
    absolute = [Path(os.path.abspath(path)) for path in paths]  # noqa: PTH100 - as Assistant.corpus
    if dry_run and not is_owned(settings.data):
        return _plan(settings, absolute)
    owner = _own_or_find_owner(settings, check_index=not rebuild)
    if isinstance(owner, Owner):
        handed_over({"data": str(settings.data)})
        request = {
            "corpus": os.path.abspath(settings.corpus),  # noqa: PTH100
            "paths": [str(path) for path in absolute],
            "rebuild": rebuild,
            "embedding_model": settings.embedding_model,
            "chunk_tokens": settings.chunk_tokens,
            "dry_run": dry_run,
        }
        return IngestReport.from_dict(owner.do(request, progress))
    with owner as assistant:
        return assistant.rebuild(progress) if rebuild else assistant.sync(absolute, dry_run=dry_run, progress=progress)


def _own_or_find_owner(settings: Settings, *, check_index: bool) -> Assistant | Owner:
    """Return the assistant over a free data folder, or the app that owns it; one that is just starting is waited for.

    Raises:
        FolderOwned: The owner takes no work, also after a while.
    """
    give_up = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return Assistant(settings, check_index=check_index)
        except FolderOwned:
            pass
        try:
            return Owner(settings.data)
        except FolderOwned:
            if time.monotonic() > give_up:
                raise
        time.sleep(0.25)


def _plan(settings: Settings, paths: Sequence[Path]) -> IngestReport:
    """Return what a sync would do, from the library as it is, and create and change nothing."""
    corpus, data = (Path(os.path.abspath(folder)) for folder in (settings.corpus, settings.data))  # noqa: PTH100
    current: Mapping[str, CurrentVersion] = {}
    if (data / LIBRARY_NAME).is_file():
        library = Library(data / LIBRARY_NAME, read_only=True)
        current = library.known
        library.close()
    return plan(CorpusFolder(corpus, data=data).select(paths, current, copy=False), current)


def read_stored_text(settings: Settings, document_id: str, version: str | None) -> str:
    """Return the stored text of a document without owning the data folder: reading disturbs no owner.

    Raises:
        UsageError: There is no library, document or version of that name.
    """
    file = settings.data / LIBRARY_NAME
    if not file.is_file():
        raise UsageError(f"There is no library in {settings.data}. Run: python ingest.py")
    library = Library(file, read_only=True)
    try:
        return stored_text(library, document_id, version)
    finally:
        library.close()


def check_export(settings: Settings, file: Path) -> exporting.Check:
    """Return what became of the quotes of an exported file, without owning the data folder or loading a model.

    Where the corpus is at hand, a cited document that it holds otherwise than the library is a remark.

    Raises:
        UsageError: The file cannot be read or is no export of ours, or there is no library.
    """
    try:
        if file.stat().st_size > exporting.BYTES_AT_MOST:
            raise UsageError(f"{file} cannot be checked: it is larger than any export.")
        content = file.read_bytes()
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror or error}. Name a file that was exported.") from error
    if not (settings.data / LIBRARY_NAME).is_file():
        raise UsageError(f"There is no library in {settings.data}. Run: python ingest.py")
    library = Library(settings.data / LIBRARY_NAME, read_only=True)
    try:
        found = exporting.check(content, str(file), library.document)
        cited = {quote.document for quote in found.quotes}
        if not settings.corpus.is_dir() or not cited & set(library.current):
            return found
        return replace(found, remarks=(*found.remarks, *_unread(settings, library, cited)))
    finally:
        library.close()


def _unread(settings: Settings, library: Library, cited: Collection[str | None]) -> Iterator[str]:
    """Yield a sentence for each cited document whose file in the corpus is not what the library has read."""
    corpus, data = (Path(os.path.abspath(folder)) for folder in (settings.corpus, settings.data))  # noqa: PTH100
    current = {id_: now for id_, now in library.current.items() if id_ in cited}
    for report in plan(CorpusFolder(corpus, data=data).select([], library.current, copy=False), current).documents:
        if report.document in cited and report.change in ("changed", "removed"):
            what = "is gone" if report.change == "removed" else "has changed"
            yield (
                f"The file of {report.document} in the corpus {what} since the library read it. Run python ingest.py, "
                "then check again."
            )


def check_folder(settings: Settings, *, handed_over: Progress = lambda event: None) -> CheckReport:
    """Compare corpus, library, indexes, originals and journal and change nothing; an app that owns the folder does it.

    Raises:
        AssistantError: The owner takes no work or was lost midway, or the embedding model is missing.
    """
    data = _absolute(settings.data)
    if not (data / LIBRARY_NAME).is_file():
        return doctor.without_library(data / LIBRARY_NAME, None)
    owner = _lock_or_find_owner(settings)
    if isinstance(owner, Owner):
        return CheckReport.from_dict(_by_owner(owner, settings, "check", handed_over=handed_over))
    with owner, ExitStack() as opened:
        try:
            library = Library(data / LIBRARY_NAME, read_only=True)
        except DataFolderError as error:
            return doctor.without_library(data / LIBRARY_NAME, str(error))
        opened.callback(library.close)
        embedder = ModelEmbedder(settings.embedding_model, threads=settings.embedding_threads)
        sentences = SentenceVectors(library, embedder.key, gloss=load_tuning().gloss)
        words = None
        folder = lexical_folder(data, int(library.fact("generation") or 0))
        if (folder / "meta.json").is_file():
            try:
                words = LexicalIndex(folder, mend=False)
                opened.callback(words.close)
            except IndexingError:
                pass  # the doctor says so
        house = doctor.House(
            CorpusFolder(_absolute(settings.corpus), data=data),
            data,
            library,
            words,
            lambda ids, matrix: look_at_vectors(data, library, ids, matrix, settings.chroma_server),
            embedder.key,
            sentences,
            manifest_of(settings, embedder, sentences),
            data / JOURNAL_NAME,
        )
        return doctor.check(house)


def repair_folder(
    settings: Settings, *, progress: Progress = lambda event: None, handed_over: Progress = lambda event: None
) -> CheckReport:
    """Mend what can be mended and return what is left; an app that owns the folder does it.

    Raises:
        AssistantError: As `check_folder`, or the disk is full.
    """
    data = _absolute(settings.data)
    if not is_owned(data):
        found = check_folder(settings)
        if any(difference.kind == "library" and not difference.repairable for difference in found.differences):
            return found
        if any(difference.kind == "vectors" and difference.document is None for difference in found.differences):
            shutil.rmtree(data / VECTORS_FOLDER, ignore_errors=True)  # it would end this process; the library has all
    owner = _own_or_find_owner(settings, check_index=False)
    if isinstance(owner, Owner):
        return CheckReport.from_dict(_by_owner(owner, settings, "repair", progress=progress, handed_over=handed_over))
    with owner as assistant:
        return repair_open(assistant, progress)


def back_up(settings: Settings, file: Path, *, handed_over: Progress = lambda event: None) -> backup.Backup:
    """Write a backup file, in this process or in the app that owns the data folder.

    Raises:
        UsageError: The file exists, its folder does not or is one that is backed up, or there is no library.
        DataFolderError: It cannot be written; no half of it is left.
    """
    corpus, data, file = (_absolute(path) for path in (settings.corpus, settings.data, file))
    if not (data / LIBRARY_NAME).is_file():
        raise UsageError(f"There is no library in {data}. Run: python ingest.py")
    kept = (corpus, data)
    backup.check_free(file, kept=kept)
    if is_owned(data):
        try:
            owner = Owner(data)
        except FolderOwned:
            pass  # an ingest runs; copies of the databases are whole all the same
        else:
            return backup.Backup.from_dict(
                _by_owner(owner, settings, "backup", handed_over=handed_over, file=str(file))
            )
    program = program_version()
    return backup.save_backup(file, lambda out: backup.write_backup(out, corpus, data, program=program), kept=kept)


def restore_backup(settings: Settings, file: Path) -> tuple[restore.Manifest, CheckReport]:
    """Put corpus and data folder in place from a backup, build the indexes, and compare everything.

    Raises:
        UsageError: The file is no sound backup, or a folder is not empty; nothing was touched.
        AssistantError: There is no room, or the settings name another embedding model than the backup's.
    """
    manifest = restore.restore(file, _absolute(settings.corpus), _absolute(settings.data))
    with Assistant(settings) as assistant:
        return manifest, check_open(assistant)


def _by_owner(
    owner: Owner,
    settings: Settings,
    work: str,
    *,
    handed_over: Progress,
    progress: Progress = lambda event: None,
    **values: str,
) -> Mapping[str, Any]:
    handed_over({"data": str(settings.data)})
    return owner.do({"corpus": str(_absolute(settings.corpus)), "upkeep": work, **values}, progress)


def _lock_or_find_owner(settings: Settings) -> FolderLock | Owner:
    """Return the lock on a free data folder, or the app that owns it; one that is just starting is waited for."""
    give_up = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return FolderLock(_absolute(settings.data))
        except FolderOwned:
            pass
        try:
            return Owner(settings.data)
        except FolderOwned:
            if time.monotonic() > give_up:
                raise
        time.sleep(0.25)


def _absolute(path: Path) -> Path:
    return Path(os.path.abspath(path))  # noqa: PTH100 - as Assistant.corpus

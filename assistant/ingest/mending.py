"""Mends what the doctor found: an index from the library, the library from the corpus, an original from its file.

What cannot be made again is never deleted.
"""

from __future__ import annotations

import logging
import shutil
from dataclasses import replace
from pathlib import Path

from assistant.desk import CheckReport
from assistant.errors import DataFolderError
from assistant.index.index import Index
from assistant.ingest.corpus import ORIGINALS_FOLDER, Ingest, Progress
from assistant.ingest.doctor import (
    House,
    check,
    corpus_by_digest,
    digest_of,
    file_digest,
    kept_originals,
    strays,
    trouble,
)
from assistant.store.inspection import originals

logger = logging.getLogger(__name__)


def repair(house: House, ingest: Ingest, index: Index, progress: Progress = lambda event: None) -> CheckReport:
    """Mend what can be mended, then check again and return what is left.

    Args:
        house: With the index that `index` is; the caller owns the data folder and lets no other ingest run.

    Raises:
        AssistantError: The disk is full, or the work was stopped; what was mended stays so.
    """
    before = check(house)
    if any(found.kind == "library" and not found.repairable for found in before.differences):
        return before
    _drop_leftovers(house, index)
    _restore_originals(house)
    _mark_incomplete(house)
    house.library.remember("sync", "running")  # the next step compares both indexes with the library
    failures: dict[str, str] = {}
    if any(found.kind == "corpus" and found.document is None for found in before.differences):
        ingest.restore_words()  # without a corpus there is nothing to read again
        ingest.restore_vectors(progress)
        house.library.remember("sync", "complete")
    else:
        for failed in ingest.sync(progress=progress).failed:
            failures[failed.document] = f"{failed.reason}. {failed.remedy}."
    left = check(house, failures)
    if any(found.repairable and found.kind in ("words", "vectors", "library") for found in left.differences):
        logger.warning("Both indexes are built anew.")
        ingest.rebuild(house.manifest.to_json(), progress)
        left = check(replace(house, words=index.lexical, look=index.look), failures)
    return left


def _drop_leftovers(house: House, index: Index) -> None:
    index.drop_others()
    for path in strays(house):
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    root = house.data / ORIGINALS_FOLDER
    needed = {kept.name for kept in originals(house.library.file)}
    in_corpus = corpus_by_digest(house)
    for name in kept_originals(root):
        if name not in needed and (name.endswith(".part") or digest_of(name) in in_corpus):
            (root / name).unlink()


def _restore_originals(house: House) -> None:
    """Copy from the corpus what originals are missing or damaged."""
    in_corpus: dict[str, Path] | None = None
    for name in sorted({kept.name for kept in originals(house.library.file)}):
        target = house.data / ORIGINALS_FOLDER / name
        if trouble(target) is None:
            continue
        in_corpus = corpus_by_digest(house) if in_corpus is None else in_corpus
        source = in_corpus.get(digest_of(name))
        if source is None:
            continue
        temporary = target.with_suffix(".part")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, temporary)
            if file_digest(temporary) == digest_of(name):
                temporary.replace(target)
        except OSError as error:
            raise DataFolderError(
                f"The original {target} cannot be written ({error.strerror or error}). Make room or make the data "
                "folder writable, then run this again."
            ) from error
        finally:
            temporary.unlink(missing_ok=True)


def _mark_incomplete(house: House) -> None:
    """Note which documents lack a vector of a passage or a sentence, so that the next sync makes them."""
    library = house.library
    for id_, now in library.current.items():
        cut = library.chunks_of(id_, now.version)
        hashes = list(dict.fromkeys(chunk.content_hash for chunk in cut))
        if now.embedded and (
            len(library.vectors(house.model_key, hashes)) < len(hashes) or house.sentences.missing(cut)
        ):
            library.mark_not_embedded(id_)

"""The corpus folder: which files are documents, what they are called, and how files from elsewhere come in.

Reads names, and bytes only to compare them; never parses a file and never writes over one.
"""

from __future__ import annotations

import errno
import filecmp
import hashlib
import os
import shutil
import stat
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from assistant.documents.loading import LOADER_VERSION, SUPPORTED_SUFFIXES, is_sidecar
from assistant.errors import DamagedFile, LoadError, UnsupportedFormat, UsageError

ADDED_FOLDER = "added"
# Larger files are refused by their size, so nobody reads them to tell whether they have changed.
MOST_HASHED_BYTES = 200_000_000
_ONE_PIECE = 2**18


@dataclass(frozen=True, slots=True)
class CorpusFile:
    """A file that should be a document.

    Attributes:
        problem: Why it cannot be one, where that is known before it is read.
    """

    document_id: str
    path: Path
    problem: LoadError | None = None


@dataclass(frozen=True, slots=True)
class Selection:
    """What an ingest looks at: files, and the ids of documents whose file is gone."""

    files: list[CorpusFile] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)


class CorpusFolder:
    """One folder of documents; the data folder may lie in it and is passed over."""

    def __init__(self, folder: Path, *, data: Path) -> None:
        self.folder = folder
        self._data = data

    def select(self, paths: Sequence[Path], known: Collection[str], *, copy: bool) -> Selection:
        """Return what these paths stand for; no path stands for the whole corpus.

        Args:
            paths: Inside the corpus (a file that is gone stands for its removal) or outside.
            known: Ids of the documents that are in.
            copy: Whether what lies outside is really copied to `added/`, or only said to be.

        Raises:
            UsageError: A path does not exist or holds the corpus itself, or the corpus is not a folder.
        """
        if not self.folder.is_dir():
            raise UsageError(f"The corpus {self.folder} is not a folder. Create it or name another one with --corpus.")
        found: dict[Path, CorpusFile] = {}
        gone: dict[str, None] = {}
        for given in paths or [self.folder]:
            path = self._place(given)
            if not path.is_relative_to(self.folder):
                if not path.exists():
                    raise UsageError(f"{given} does not exist. Check the path.")
                found.update((file.path, file) for file in self._from_outside(path, copy=copy))
                continue
            files = [self._file(file) for file in self._inside(path)]
            prefix = self._id(path)
            below = [id_ for id_ in known if prefix in (".", id_) or id_.startswith(f"{prefix}/")]
            left = sorted(set(below) - {file.document_id for file in files})
            if not files and not left and not path.is_dir():
                raise UsageError(f"{given} does not exist. Check the path.")
            found.update((file.path, file) for file in files)
            gone.update(dict.fromkeys(left))
        return Selection(_without_twins(list(found.values())), list(gone))

    # ---- Names ----

    def _place(self, given: Path) -> Path:
        """Return the given path as it stands on the disk, inside the corpus folder where it belongs there."""
        path = Path(os.path.abspath(given))  # noqa: PTH100 - a link keeps its place, `..` does not
        if not path.is_relative_to(self.folder):
            real, root = path.resolve(), self.folder.resolve()
            if not real.is_relative_to(root):
                return path
            path = self.folder / real.relative_to(root)
        # The disk may hold the name's letters in another composition than the keyboard wrote.
        place = self.folder
        for part in path.relative_to(self.folder).parts:
            place = place / _as_on_disk(place, part)
        document = place.with_suffix("")
        return document if place.suffix == ".yaml" and document.is_file() else place

    def _id(self, path: Path) -> str:
        """Return a document's id; bytes of a name that are no UTF-8 are shown as question marks."""
        name = path.relative_to(self.folder).as_posix()
        return unicodedata.normalize("NFC", name.encode("utf-8", "surrogateescape").decode("utf-8", "replace"))

    def _inside(self, path: Path) -> Iterator[Path]:
        is_linked_folder = path.is_dir() and path.is_symlink() and path != self.folder
        if is_linked_folder or not path.is_dir():
            return iter([path] if _is_there(path) else [])
        return self._walk(path)

    def _walk(self, path: Path) -> Iterator[Path]:
        """Yield the files below a folder (or the file itself) that should be documents; hidden ones are none."""
        if not path.is_dir():
            yield path
            return
        found: list[Path] = []
        for folder, folders, files in os.walk(path):
            here = Path(folder)
            folders[:] = [name for name in folders if not _is_hidden(name) and here / name != self._data]
            # A link to a folder is not followed; it is named, so that nobody waits for what lies behind it.
            names = [name for name in folders if (here / name).is_symlink()] + files
            found.extend(here / name for name in names if not _is_hidden(name) and not is_sidecar(here / name))
        yield from sorted(found)

    def _file(self, path: Path, document_id: str | None = None) -> CorpusFile:
        id_ = document_id or self._id(path)
        return CorpusFile(id_, path, self._problem(path, id_))

    def _problem(self, path: Path, id_: str) -> LoadError | None:
        try:
            path.name.encode()
        except UnicodeEncodeError:
            return DamagedFile(id_, "has a name that is not valid UTF-8", "Rename it")
        if path.is_dir():
            return DamagedFile(
                id_, "is a link to a folder, and those are not followed", "Put the files themselves there"
            )
        if path.suffix.lower() not in SUPPORTED_SUFFIXES:
            known = ", ".join(sorted(SUPPORTED_SUFFIXES))
            reason = f"files of type {path.suffix or '(none)'} are not read"
            return UnsupportedFormat(id_, reason, f"Convert it to one of {known}, or take it out")
        if any(_is_hidden(part) for part in id_.split("/")):
            return DamagedFile(id_, "is hidden by its name or its folder's", "Rename it")
        twin = self.folder / id_
        if path.is_relative_to(self.folder) and path != twin and twin.is_file() and not twin.samefile(path):
            return _twin(id_)
        return None

    # ---- From outside ----

    def _from_outside(self, path: Path, *, copy: bool) -> Iterator[CorpusFile]:
        """Yield the copies of a file or folder in `added/`; what cannot be a document is named and not copied."""
        if self.folder.resolve().is_relative_to(path.resolve()):
            raise UsageError(f"{path} holds the corpus itself. Name the files or folders in it that should come in.")
        for source in self._walk(path):
            relative = unicodedata.normalize("NFC", source.relative_to(path.parent).as_posix())
            target = self.folder / ADDED_FOLDER / relative
            problem = self._problem(source, self._id(target))
            if problem is not None:
                yield CorpusFile(self._id(target), source, problem)
                continue
            try:
                target = _free_place(source, target)
                if copy:
                    _copy(source, target)
                    _copy(sidecar_of(source), sidecar_of(target))
            except OSError as error:
                reason = f"cannot be copied into the corpus ({error.strerror or error})"
                problem = DamagedFile(self._id(target), reason, "Check its permissions and the room on the disk")
            yield CorpusFile(self._id(target), target if copy and problem is None else source, problem)


def sidecar_of(path: Path) -> Path:
    """Return where a file's sidecar stands, whether there is one or not."""
    return path.with_name(f"{path.name}.yaml")


def fingerprint(path: Path) -> str:
    """Return the hash over file bytes, sidecar and loader version that tells whether a file must be read again."""
    digest = hashlib.sha256(LOADER_VERSION.encode())
    for file in (path, sidecar_of(path)):
        facts = _facts_of(file)
        if facts is None:
            digest.update(b"-")
        elif facts.st_size > MOST_HASHED_BYTES:
            digest.update(f"{facts.st_size} {facts.st_mtime_ns}".encode())
        else:
            with file.open("rb") as content:
                # Most files fit into one piece, and the library's buffer takes longer to make than they to be read.
                first = content.read(_ONE_PIECE)
                whole = hashlib.sha256(first)
                while piece := content.read(_ONE_PIECE) if len(first) == _ONE_PIECE else b"":
                    whole.update(piece)
                digest.update(whole.digest())
    return digest.hexdigest()


def _facts_of(file: Path) -> os.stat_result | None:
    """Return size and times of a regular file, None where there is none."""
    try:
        facts = file.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        if error.errno == errno.ELOOP:  # a link to itself
            return None
        raise
    return facts if stat.S_ISREG(facts.st_mode) else None


def _is_hidden(name: str) -> bool:
    return name.startswith((".", "~$"))


def _is_there(path: Path) -> bool:
    return path.exists() or path.is_symlink()


def _as_on_disk(folder: Path, name: str) -> str:
    if _is_there(folder / name) or not folder.is_dir():
        return name
    wanted = unicodedata.normalize("NFC", name)
    return next((there.name for there in folder.iterdir() if unicodedata.normalize("NFC", there.name) == wanted), name)


def _without_twins(files: list[CorpusFile]) -> list[CorpusFile]:
    """Let one file only stand for an id; the others are named as problems."""
    seen: set[str] = set()
    result = []
    for file in files:
        twin = file.problem is None and file.document_id in seen
        result.append(CorpusFile(file.document_id, file.path, _twin(file.document_id)) if twin else file)
        if file.problem is None:
            seen.add(file.document_id)
    return result


def _twin(id_: str) -> LoadError:
    return DamagedFile(id_, "has the name of another file, written with other code points", "Rename one of them")


def _free_place(source: Path, target: Path) -> Path:
    """Return where a file can stand with its sidecar: a free name, or a place that holds the same already."""
    candidate, number = target, 2
    while not _fits(source, candidate):
        candidate = target.with_name(f"{target.stem}-{number}{target.suffix}")
        number += 1
    return candidate


def _fits(source: Path, target: Path) -> bool:
    if not sidecar_of(source).is_file():
        return _same(source, target) if _is_there(target) else not _is_there(sidecar_of(target))
    return all(not _is_there(there) or _same(here, there) for here, there in (
        (source, target), (sidecar_of(source), sidecar_of(target)),
    ))  # fmt: skip


def _same(source: Path, target: Path) -> bool:
    return target.is_file() and filecmp.cmp(source, target, shallow=False)


def _copy(source: Path, target: Path) -> None:
    """Copy a file that is there to a place that is free; half a copy is never seen under its name."""
    if not source.is_file() or _is_there(target):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.parent / f".copy-{os.getpid()}.part"
    try:
        shutil.copyfile(source, temporary)
        temporary.rename(target)
    finally:
        temporary.unlink(missing_ok=True)

"""Backup: corpus, library, originals and journal as one zip file with a list of what is in it.

The indexes are not in it: they are built from the library.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import stat
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, BinaryIO

from assistant.errors import DataFolderError, UsageError
from assistant.ingest.corpus import ORIGINALS_FOLDER
from assistant.ingest.doctor import BACKUP_FOLDER
from assistant.store.inspection import copy_database, originals

# Raised whenever a restore has to read a backup otherwise.
BACKUP_FORMAT = 1
MANIFEST_NAME = "manifest.json"
CORPUS_AREA, DATA_AREA = "corpus", "data"
PIECE = 1 << 20
# Every member bears the same moment, so that equal content makes equal bytes.
_MOMENT = (1980, 1, 1, 0, 0, 0)
WHAT_TO_DO = "Make room or name another place, then run the same command again."


@dataclass(frozen=True, slots=True)
class Backup:
    """What was written.

    Attributes:
        left_out: Files that could not be read, each with the reason.
    """

    files: int
    bytes: int
    left_out: tuple[tuple[str, str], ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {"files": self.files, "bytes": self.bytes, "left_out": [list(left) for left in self.left_out]}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Backup:
        """Return what `to_dict` described."""
        return cls(values["files"], values["bytes"], tuple((name, why) for name, why in values["left_out"]))


# ---- Writing ----


def write_backup(out: BinaryIO, corpus: Path, data: Path, *, program: str) -> Backup:
    """Write a backup to a stream, which need not be seekable; an app may go on answering and taking feedback meanwhile.

    The databases are copied first, each as it is at one moment; what they name is never changed afterwards. Hidden
    files are left out, as an ingest leaves them out.

    Args:
        program: The program's version.

    Raises:
        DataFolderError: A database cannot be copied, for lack of room or because it is damaged.
        OSError: The stream takes no more.
    """
    with _copied_databases(data) as databases, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        writer = _Writer(archive)
        for database in databases:
            writer.add(f"{DATA_AREA}/{database.name}", database)
        library = next((database for database in databases if database.name.startswith("library.")), None)
        names = sorted({kept.name for kept in originals(library)}) if library else []
        for name in names:
            writer.add(f"{DATA_AREA}/{ORIGINALS_FOLDER}/{name}", data / ORIGINALS_FOLDER / name)
        for file in _corpus_files(corpus, data):
            writer.add(f"{CORPUS_AREA}/{file.relative_to(corpus).as_posix()}", file, inside=corpus)
        created = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        manifest = {"format": BACKUP_FORMAT, "program": program, "created": created, "members": writer.members}
        archive.writestr(_member(MANIFEST_NAME), json.dumps(manifest, ensure_ascii=False, indent=1))
    return Backup(len(writer.members), sum(size for _, size in writer.members.values()), tuple(writer.left_out))


def save_backup(file: Path, write: Callable[[BinaryIO], Backup], *, kept: tuple[Path, ...]) -> Backup:
    """Write a backup under its name once it is whole and on the disk; only its owner may read it.

    Args:
        write: Writes it to a stream.
        kept: Folders that it must not stand in, since it would hold itself.

    Raises:
        UsageError: The name is taken or stands in one of those folders, or its folder does not exist.
        DataFolderError: It cannot be written; nothing is left under its name.
    """
    check_free(file, kept=kept)
    temporary = file.with_name(f".{file.name}.part")
    try:
        descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as out:
            _take(out, file)
            os.fchmod(out.fileno(), 0o600)
            os.ftruncate(out.fileno(), 0)
            try:
                written = write(out)
                out.flush()
                os.fsync(out.fileno())
                check_free(file, kept=kept)
                temporary.rename(file)
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise
        sync_folder(file.parent)
    except OSError as error:
        raise DataFolderError(
            f"The backup {file} cannot be written ({error.strerror or error}). {WHAT_TO_DO}"
        ) from error
    return written


def check_free(file: Path, *, kept: tuple[Path, ...]) -> None:
    """See that a backup may stand there.

    Raises:
        UsageError: As `save_backup`.
    """
    if file.exists() or file.is_symlink():
        raise UsageError(f"{file} exists, and no backup is written over another file. Name a new one.")
    if not file.parent.is_dir():
        raise UsageError(f"{file.parent} is not a folder. Create it, or name a file elsewhere.")
    for folder in kept:
        if file.parent.resolve().is_relative_to(folder.resolve()):
            raise UsageError(f"{file} stands in {folder}, which is backed up itself. Name a file elsewhere.")


def _take(out: IO[bytes], file: Path) -> None:
    try:
        fcntl.flock(out, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise UsageError(f"{file} is being written by another process. Wait until it has ended.") from error


@contextmanager
def _copied_databases(data: Path) -> Iterator[list[Path]]:
    """Give copies of all databases of the data folder, and drop them afterwards."""
    try:
        folder = Path(tempfile.mkdtemp(prefix=BACKUP_FOLDER, dir=data))
    except OSError as error:
        raise DataFolderError(
            f"The data folder {data} cannot be written ({error.strerror or error}). {WHAT_TO_DO}"
        ) from error
    lock = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_SH)  # the doctor sees that it is no leftover
        copies = []
        for database in sorted(data.glob("*.sqlite")):
            copies.append(folder / database.name)
            copy_database(database, copies[-1])
        yield copies
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def _corpus_files(corpus: Path, data: Path) -> Iterator[Path]:
    for here, folders, files in os.walk(corpus):
        folder = Path(here)
        folders[:] = sorted(
            name for name in folders if not name.startswith(".") and folder / name != data
            and not (folder / name).is_symlink()
        )  # fmt: skip
        yield from (folder / name for name in sorted(files) if not name.startswith((".", "~$")))


class _Writer:
    """Adds files to an archive and notes their sha256 and size as they were read."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self.members: dict[str, tuple[str, int]] = {}
        self.left_out: list[tuple[str, str]] = []

    def add(self, name: str, file: Path, *, inside: Path | None = None) -> None:
        """Add one file; one that cannot be read, or links to a place outside a folder, is noted as left out."""
        content = self._open(name, file, inside)
        if content is None:
            return
        digest, size = hashlib.sha256(), 0
        with content, self._archive.open(_member(name), "w", force_zip64=True) as member:
            while piece := content.read(PIECE):
                digest.update(piece)
                size += len(piece)
                member.write(piece)
        self.members[name] = (digest.hexdigest(), size)

    def _open(self, name: str, file: Path, inside: Path | None) -> BinaryIO | None:
        why = None
        try:
            name.encode()
            if file.exists() and not file.is_file():
                why = "it is no file"
            elif inside is not None and not file.resolve().is_relative_to(inside.resolve()):
                why = "it is a link to a place outside the corpus"
            else:
                return file.open("rb")
        except UnicodeEncodeError:
            why = "its name is not valid UTF-8"
        except OSError as error:
            why = error.strerror or str(error)
        self.left_out.append((name.encode("utf-8", "replace").decode(), why))
        return None


def _member(name: str) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name, _MOMENT)
    member.compress_type = zipfile.ZIP_DEFLATED
    member.external_attr = (stat.S_IFREG | 0o600) << 16
    return member


def sync_folder(folder: Path) -> None:
    """See that names in a folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

"""Restore: what `backup` wrote, put in place.

Only into empty places, and every byte is looked at before the first one is put in place; a restore that was killed is
gone on with by running it again. The indexes are left to the next start, which builds them from the library.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from assistant.errors import DataFolderError, UsageError
from assistant.ingest.backup import BACKUP_FORMAT, CORPUS_AREA, DATA_AREA, MANIFEST_NAME, PIECE, WHAT_TO_DO, sync_folder
from assistant.ingest.corpus import ORIGINALS_FOLDER
from assistant.ingest.doctor import RESTORING_FOLDER
from assistant.store.owner import ADDRESS_NAME, LOCK_NAME, FolderLock

# Far above any list of files; a file that only claims to be a backup must not fill the memory.
_MANIFEST_BYTES_AT_MOST = 200_000_000
_COMPLETE = "complete.json"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup says it holds.

    Attributes:
        members: sha256 and size of each, by name.
    """

    program: str
    created: str
    members: Mapping[str, tuple[str, int]]

    @property
    def digest(self) -> str:
        """The backup's own name: a restore that was killed goes on with the same backup only."""
        return hashlib.sha256(json.dumps([self.created, *sorted(self.members.items())]).encode()).hexdigest()


def restore(file: Path, corpus: Path, data: Path) -> Manifest:
    """Put corpus and data folder in place from a backup; the indexes are left to the next start.

    A restore that was killed is gone on with by running it again.

    Raises:
        UsageError: The file is no backup of ours, is damaged, or holds what has no place there; or corpus or data
            folder hold something. Nothing is touched.
        FolderOwned: Another process owns the data folder.
        DataFolderError: There is no room, or a folder cannot be written.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            manifest = _read_manifest(archive, file)
            _check_empty(corpus, data, manifest)
            _check_members(archive, file, manifest)
            _check_room(corpus, data, manifest)
            with FolderLock(data):
                _check_empty(corpus, data, manifest)
                _unpack(archive, corpus, data, manifest)
    except (zipfile.BadZipFile, NotImplementedError, EOFError, RuntimeError, zlib.error) as error:
        raise _damaged(file, str(error) or type(error).__name__) from error
    except OSError as error:
        place = getattr(error, "filename", None) or file
        raise DataFolderError(f"{place}: {error.strerror or error}. {WHAT_TO_DO}") from error
    return manifest


def _damaged(file: Path, why: str) -> UsageError:
    return UsageError(f"{file} cannot be restored: {why.rstrip('.')}. Nothing was touched. Use another backup.")


def _read_manifest(archive: zipfile.ZipFile, file: Path) -> Manifest:
    """Return what the backup says it holds, after a check that it holds that and nothing else."""
    infos = archive.infolist()
    names = [info.filename for info in infos]
    if MANIFEST_NAME not in names or archive.getinfo(MANIFEST_NAME).file_size > _MANIFEST_BYTES_AT_MOST:
        raise UsageError(f"{file} is no backup of the assistant. Name a file that --backup wrote.")
    try:
        values = json.loads(archive.read(MANIFEST_NAME))
        if values["format"] != BACKUP_FORMAT:
            raise UsageError(
                f"{file} has format {values['format']} and this program reads format {BACKUP_FORMAT}. "
                f"Use release {values['program']} of the program."
            )
        members = {str(name): (str(digest), int(size)) for name, (digest, size) in values["members"].items()}
        manifest = Manifest(str(values["program"]), str(values["created"]), members)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{file} is no backup of the assistant. Name a file that --backup wrote.") from error
    if len(set(names)) != len(names) or set(names) != {*members, MANIFEST_NAME}:
        raise _damaged(file, "it does not hold exactly the files of its list")
    for info in infos:
        kind = stat.S_IFMT(info.external_attr >> 16)
        if (kind and kind != stat.S_IFREG) or not (info.filename == MANIFEST_NAME or _is_safe(info.filename)):
            raise _damaged(file, f"{info.filename!r} has no place in a backup")
    return manifest


def _is_safe(name: str) -> bool:
    """Return whether a member's name stays inside the folder that it belongs to, and is one that we write."""
    path = PurePosixPath(name)
    parts = path.parts
    if path.as_posix() != name or "\\" in name or "\0" in name or path.is_absolute() or len(parts) < 2:
        return False
    if any(part in ("..", ".") or part.startswith(".") for part in parts):
        return False
    if parts[0] == DATA_AREA:
        return parts[1].endswith(".sqlite") if len(parts) == 2 else parts[1] == ORIGINALS_FOLDER
    return parts[0] == CORPUS_AREA


def _check_empty(corpus: Path, data: Path, manifest: Manifest) -> None:
    """See that nothing stands where the backup goes, but for what this very restore has put there before."""
    going_on = _is_complete(corpus, data, manifest)
    for folder, own in ((corpus, {data.name} if data.parent == corpus else set()), (data, {LOCK_NAME, ADDRESS_NAME})):
        if not folder.is_dir():
            if folder.exists() or folder.is_symlink():
                raise UsageError(f"{folder} is not a folder. Name another one.")
            continue
        here = {path.name for path in folder.iterdir()} - own - {RESTORING_FOLDER}
        if here and not going_on:
            raise UsageError(
                f"{folder} is not empty, and a restore writes over nothing. Empty it, or name another folder with "
                f"{'--corpus' if folder == corpus else '--data'}."
            )


def _is_complete(corpus: Path, data: Path, manifest: Manifest) -> bool:
    """Return whether a restore of the same backup was killed when all was unpacked and checked."""
    try:
        known = json.loads((data / RESTORING_FOLDER / _COMPLETE).read_text())
    except (OSError, ValueError):
        return False
    return bool(known == {"backup": manifest.digest, "corpus": str(corpus)})


def _check_members(archive: zipfile.ZipFile, file: Path, manifest: Manifest) -> None:
    for name, (digest, size) in manifest.members.items():
        with archive.open(name) as member:
            found, read = _digest(member, size)
        if (found, read) != (digest, size):
            raise _damaged(file, f"{name} is not what it was when the backup was written")


def _digest(member: IO[bytes], at_most: int, out: IO[bytes] | None = None) -> tuple[str, int]:
    """Return sha256 and size of a member, copying it to `out`; no more is read than one byte beyond its size."""
    digest, size = hashlib.sha256(), 0
    while piece := member.read(min(PIECE, at_most + 1 - size)):
        digest.update(piece)
        size += len(piece)
        if out is not None:
            out.write(piece)
    return digest.hexdigest(), size


def _check_room(corpus: Path, data: Path, manifest: Manifest) -> None:
    needed = sum(size for _, size in manifest.members.values())
    for folder in (corpus, data):
        there = next(parent for parent in (folder, *folder.parents) if parent.exists())
        if shutil.disk_usage(there).free < needed:
            raise DataFolderError(
                f"{folder} has no room for {needed // 1_000_000} MB. Make room or name another folder; nothing was "
                "touched."
            )


def _unpack(archive: zipfile.ZipFile, corpus: Path, data: Path, manifest: Manifest) -> None:
    """Unpack beside everything, then move into place: corpus first, the library last, so that half is never whole."""
    waiting = {CORPUS_AREA: corpus / RESTORING_FOLDER, DATA_AREA: data / RESTORING_FOLDER}
    if not _is_complete(corpus, data, manifest):
        for folder in waiting.values():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True, mode=0o700)
        for name, (digest, size) in sorted(manifest.members.items()):
            area, _, rest = name.partition("/")
            target = waiting[area] / rest
            target.parent.mkdir(parents=True, exist_ok=True)
            mode = 0o644 if area == CORPUS_AREA else 0o600
            descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
            with archive.open(name) as member, os.fdopen(descriptor, "wb") as out:
                if _digest(member, size, out) != (digest, size):
                    raise _damaged(target, "the backup changed while it was read")
                out.flush()
                os.fsync(out.fileno())
        complete = waiting[DATA_AREA] / _COMPLETE
        complete.write_text(json.dumps({"backup": manifest.digest, "corpus": str(corpus)}))
        sync_folder(complete.parent)
    for area, folder in ((CORPUS_AREA, corpus), (DATA_AREA, data)):
        _move_in(waiting[area], folder)
    shutil.rmtree(waiting[CORPUS_AREA], ignore_errors=True)
    (waiting[DATA_AREA] / _COMPLETE).unlink()
    waiting[DATA_AREA].rmdir()


def _move_in(waiting: Path, folder: Path) -> None:
    """Move what was unpacked into its folder, the library last: without it a start is a first start."""
    if not waiting.is_dir():  # a killed restore had come so far
        return
    found = sorted(waiting.iterdir(), key=lambda path: (path.name.startswith("library."), path.name))
    for path in found:
        if path.name == _COMPLETE:
            continue
        target = folder / path.name
        if target.exists() or target.is_symlink():
            raise UsageError(
                f"{target} has come in since the restore was begun. Empty {folder} and run the restore again."
            )
        path.rename(target)
    sync_folder(folder)

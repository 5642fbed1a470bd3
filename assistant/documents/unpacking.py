"""Unpacking: a ZIP archive to the files in it, and what the name of a file that somebody gives us becomes.

No name from outside becomes a path: each file is written into a numbered folder of its own. Sizes are those that really
come out, since what an archive says about itself may be untrue.
"""

from __future__ import annotations

import errno
import re
import shutil
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO

from assistant.documents import content
from assistant.errors import DamagedFile, EncryptedFile, LimitExceeded, LoadError, UnsupportedFormat

# Long enough for people, short enough for every file system also after a number or `.yaml` is put behind it.
MAX_NAME_BYTES = 120
# Longer endings are no endings but a part of the name.
_MAX_SUFFIX_BYTES = 20
_UNNAMED = "document"

# Names that Windows keeps for devices, whatever ending they have.
_RESERVED = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³])(?:\.|\Z)", re.IGNORECASE)
_NOT_ON_WINDOWS = re.compile(r'[<>:"|?*]')
_DRIVE = re.compile(r"[A-Za-z]:")
_SEPARATORS = re.compile(r"[/\\]")
# Control and format characters (text direction, zero width), halves of pairs, and breaks of lines and paragraphs.
_INVISIBLE = ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")

_ARCHIVES = (".zip", ".7z", ".rar", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".zst", ".jar", ".cab", ".iso")
_LEFTOVERS = ("thumbs.db", "desktop.ini", "__macosx")
_NEEDS_PASSWORD = "needs a password"  # noqa: S105 - a sentence
# Deeper folders are no way to sort documents.
_MAX_DEPTH = 20
_PIECE = 1024 * 1024
_MEMBER = b"PK\x01\x02"
_LOCAL_HEADER = struct.Struct("<4s22xHH")
_UTF8_FLAG, _ENCRYPTED_FLAG, _STRONG_FLAG = 0x800, 0x1, 0x40
# The ways of packing that everybody uses; the others ask for memory that an archive may choose.
_PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
# Errors of the library about archives that are not what they should be.
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError, RuntimeError, struct.error)


@dataclass(frozen=True, slots=True)
class UnpackLimits:
    """What one archive may hold.

    Attributes:
        members: Files and folders, those that are passed over included.
        file_bytes: Of one file, unpacked.
        total_bytes: Of all together, unpacked.
        ratio: Of unpacked to packed bytes of one file; honest ones stay far below.
        ratio_free_bytes: Up to here a file may have any ratio.
    """

    members: int = 2000
    file_bytes: int = 100_000_000
    total_bytes: int = 500_000_000
    ratio: int = 200
    ratio_free_bytes: int = 10_000_000


DEFAULT_LIMITS = UnpackLimits()


@dataclass(frozen=True, slots=True)
class UnpackedFile:
    """A file that came out of an archive.

    Attributes:
        file: Where it lies.
        name: Its path inside the archive, POSIX, each part made safe.
    """

    file: Path
    name: str


@dataclass(frozen=True, slots=True)
class Refused:
    """A member of an archive that did not come out: its name as it may be shown, what happened, and what to do."""

    name: str
    reason: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Unpacked:
    """What an archive held, in its own order.

    Attributes:
        skipped: How many hidden files and leftovers of operating systems were passed over.
    """

    files: tuple[UnpackedFile, ...] = ()
    refused: tuple[Refused, ...] = ()
    skipped: int = 0


class _Stop(Exception):
    """A member because of which the whole archive is refused."""

    def __init__(self, error: LoadError) -> None:
        super().__init__(str(error))
        self.error = error


@dataclass(slots=True)
class _Tally:
    """What has come out so far."""

    total: int = 0
    skipped: int = 0
    files: list[UnpackedFile] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    seen: dict[str, str] = field(default_factory=dict)


def safe_name(name: str) -> str:
    """Return what a file's name becomes: one visible name, the same on every system, at most 120 bytes of UTF-8.

    Folders are cut off, invisible characters dropped, those that Windows forbids become `-`. It is never empty, hidden,
    a device of Windows or the name of a sidecar, and stays as it is when made safe again.
    """
    last = next((part for part in reversed(_SEPARATORS.split(name)) if part.strip(". ")), "")
    last = _DRIVE.sub("", last, count=1) if _DRIVE.match(last) else last
    spaced = "".join(" " if character.isspace() else character for character in last)
    seen = "".join(one for one in spaced if unicodedata.category(one) not in _INVISIBLE)
    plain = _NOT_ON_WINDOWS.sub("-", unicodedata.normalize("NFC", seen))
    plain = re.sub(r"^[.~$\s]+|[.\s]+$", "", " ".join(plain.split()))
    if plain.lower().endswith((".yaml", ".yml")):
        stem, _, ending = plain.rpartition(".")
        plain = f"{stem}-{ending}"
    if _RESERVED.match(plain):
        plain = f"_{plain}"
    return _shortened(plain) or _UNNAMED


def unpack(file: Path, folder: Path, *, limits: UnpackLimits = DEFAULT_LIMITS) -> Unpacked:
    """Write the documents in a ZIP archive into numbered folders below `folder`, which is made if need be.

    One member that cannot come in is named in the result and stops no other.

    Raises:
        DamagedFile: It is no ZIP archive, is cut off, or its members lie over each other.
        EncryptedFile: Every document in it needs a password.
        LimitExceeded: It holds too many members, or unpacks to too much. In all three cases nothing is left.
    """
    name = safe_name(file.name)
    existed = folder.exists()
    tally = _Tally()
    try:
        _check_count(file, name, limits)
        with file.open("rb") as raw, zipfile.ZipFile(raw) as archive:
            members = archive.infolist()
            if len(members) > limits.members:
                raise _too_many(name, limits)
            _check_layout(raw, archive, members, name)
            folder.mkdir(parents=True, exist_ok=True)
            for member in members:
                _take(archive, member, folder, tally, name, limits)
    except LoadError:
        _clear(folder, tally, existed)
        raise
    except _Stop as stop:
        _clear(folder, tally, existed)
        raise stop.error from stop
    except _BROKEN as error:
        _clear(folder, tally, existed)
        raise DamagedFile(name, "is no ZIP archive, or only a part of one", "Make or download it again") from error
    except OSError as error:
        _clear(folder, tally, existed)
        if error.errno == errno.EINVAL:  # the library was led to a place before the file's start
            raise DamagedFile(name, "is no ZIP archive, or only a part of one", "Make or download it again") from error
        reason = f"cannot be unpacked ({error.strerror or error})"
        raise DamagedFile(name, reason, "Check the archive and the room on the disk") from error
    if tally.refused and not tally.files and all(one.reason == _NEEDS_PASSWORD for one in tally.refused):
        _clear(folder, tally, existed)
        raise EncryptedFile(name, _NEEDS_PASSWORD, "Make one without a password, or add the files themselves")
    return Unpacked(tuple(tally.files), tuple(tally.refused), tally.skipped)


# ---- The archive as a whole ----


def _check_count(file: Path, name: str, limits: UnpackLimits) -> None:
    """Refuse an archive with a huge directory before the library builds an object for each entry.

    Office files inside, which are archives themselves, have such marks too; so there may be more marks than members.
    """
    marks, tail = 0, b""
    with file.open("rb") as raw:
        while piece := raw.read(_PIECE):
            marks += (tail + piece).count(_MEMBER)
            tail = piece[-3:]
    if marks > limits.members * 50:
        raise _too_many(name, limits)


def _check_layout(raw: IO[bytes], archive: zipfile.ZipFile, members: Sequence[zipfile.ZipInfo], name: str) -> None:
    """Refuse members that lie over each other: the same packed bytes would come out many times."""
    here = raw.tell()
    places = sorted((member.header_offset, member.compress_size) for member in members)
    ends = [offset for offset, _ in places[1:]] + [archive.start_dir]
    for (offset, packed), end in zip(places, ends, strict=True) if places else ():
        raw.seek(offset)
        signature, name_length, extra_length = _LOCAL_HEADER.unpack(raw.read(_LOCAL_HEADER.size))
        if signature != b"PK\x03\x04" or offset + _LOCAL_HEADER.size + name_length + extra_length + packed > end:
            raise DamagedFile(name, "is damaged: files in it lie over each other", "Make or download it again")
    raw.seek(here)


def _clear(folder: Path, tally: _Tally, existed: bool) -> None:
    for one in tally.files:
        shutil.rmtree(one.file.parent, ignore_errors=True)
    if not existed:
        shutil.rmtree(folder, ignore_errors=True)


def _too_many(name: str, limits: UnpackLimits) -> LimitExceeded:
    return LimitExceeded(name, f"holds more than {limits.members} files", "Split it into several archives")


def _too_much(name: str, reason: str) -> _Stop:
    return _Stop(LimitExceeded(name, reason, "Make its files smaller or split it, if it is an honest archive"))


# ---- One member ----


def _take(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path, tally: _Tally, whole: str, limits: UnpackLimits
) -> None:
    given = _name_of(member)
    parts = _SEPARATORS.split(given)
    if given.endswith(("/", "\\")) or stat.S_ISDIR(member.external_attr >> 16):
        return
    if any(_is_leftover(part) for part in parts if part not in (".", "..")):
        tally.skipped += 1
        return
    name = "/".join(safe_name(part) for part in parts if part not in ("", "."))
    try:
        _check_member(member, given, parts, name)
        _check_twin(name, tally)
        target = folder / f"{len(tally.files) + 1:04}" / safe_name(parts[-1])
        target.parent.mkdir()
        try:
            with archive.open(member) as packed, target.open("xb") as out:
                for piece in _pieces(packed, member, name, tally, whole, limits):
                    out.write(piece)
        except BaseException:
            shutil.rmtree(target.parent, ignore_errors=True)
            raise
    except LoadError as error:
        tally.refused.append(Refused(error.document, error.reason, error.remedy))
    except _BROKEN:
        tally.refused.append(Refused(name, "is damaged inside the archive", "Make the archive again, or add the file"))
    else:
        tally.files.append(UnpackedFile(target, name))


def _name_of(member: zipfile.ZipInfo) -> str:
    """Return a member's name as it was meant, with everything that stands in it."""
    given = member.orig_filename
    if member.flag_bits & _UTF8_FLAG:
        return given
    raw = given.encode("cp437")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        # What Windows writes in Norway; it agrees with the 437 of the standard in most letters, but knows `ø`.
        return raw.decode("cp850")


def _is_leftover(part: str) -> bool:
    return part.startswith((".", "~$")) or part.lower() in _LEFTOVERS


def _check_member(member: zipfile.ZipInfo, given: str, parts: Sequence[str], name: str) -> None:
    """Refuse what no honest archive of documents holds, and what is not read anyway."""
    suspicious = "Unpack the archive, look at the file and add it by itself"
    if "\0" in given:
        raise DamagedFile(_visible(given), "has a name with a zero byte in it", suspicious)
    if parts[0] == "" or _DRIVE.match(given) or ".." in (part.strip() for part in parts):
        raise DamagedFile(_visible(given), "has a name that leads out of the archive", suspicious)
    if len(parts) > _MAX_DEPTH:
        raise DamagedFile(_visible(given), f"lies more than {_MAX_DEPTH} folders deep", suspicious)
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind == stat.S_IFLNK:
        raise DamagedFile(name, "is a link to another file", "Put the file itself into the archive")
    if kind not in (0, stat.S_IFREG):
        raise DamagedFile(name, "is not a regular file", "Leave it out")
    if member.flag_bits & (_ENCRYPTED_FLAG | _STRONG_FLAG):
        raise EncryptedFile(name, _NEEDS_PASSWORD, "Make an archive without a password, or add the file itself")
    if member.compress_type not in _PACKINGS:
        raise DamagedFile(name, "is packed in a way that is not read", "Make an ordinary ZIP archive, or add the file")
    if PurePosixPath(name).suffix.lower() in _ARCHIVES:
        raise DamagedFile(name, "is an archive inside an archive", "Unpack it and add its files")
    if given.lower().endswith((".yaml", ".yml")):
        reason = "is a file of details, which an archive cannot bring"
        raise UnsupportedFormat(_visible(given), reason, "Give the details once the document is in")
    content.format_of(name)


def _visible(given: str) -> str:
    """Return a name that is only shown."""
    return "".join(one for one in given if unicodedata.category(one) not in _INVISIBLE)[:MAX_NAME_BYTES]


def _check_twin(name: str, tally: _Tally) -> None:
    folded = unicodedata.normalize("NFC", name.casefold())
    if folded in tally.seen:
        other = tally.seen[folded]
        reason = "is in the archive twice" if other == name else f"has the name of {other} but for capital letters"
        raise DamagedFile(name, reason, "Rename one of the two")
    tally.seen[folded] = name


def _pieces(
    packed: IO[bytes], member: zipfile.ZipInfo, name: str, tally: _Tally, whole: str, limits: UnpackLimits
) -> Iterator[bytes]:
    """Yield a member's bytes as long as they stay within the limits."""
    size = 0
    while piece := packed.read(_PIECE):
        size += len(piece)
        tally.total += len(piece)
        if size > limits.ratio_free_bytes and size > member.compress_size * limits.ratio:
            raise _too_much(whole, f"holds {name}, which unpacks to more than {limits.ratio} times its size")
        if tally.total > limits.total_bytes:
            raise _too_much(whole, f"unpacks to more than {limits.total_bytes / 1e6:.0f} MB")
        if size > limits.file_bytes:
            reason = f"is larger than {limits.file_bytes / 1e6:.0f} MB"
            raise LimitExceeded(name, reason, "Split it or make its pictures smaller")
        yield piece


def _shortened(name: str) -> str:
    """Cut a name's stem, not its ending, so that all of it fits."""
    if len(name.encode()) <= MAX_NAME_BYTES:
        return name
    suffix = PurePosixPath(name).suffix
    suffix = suffix if len(suffix.encode()) <= _MAX_SUFFIX_BYTES else ""
    room = MAX_NAME_BYTES - len(suffix.encode())
    stem = name.removesuffix(suffix).encode()[:room].decode("utf-8", "ignore")
    return stem.rstrip(". ") + suffix

"""Files that staff send: read part by part into a folder, never whole in memory, with limits that hold while they come.

A file that is too large or empty is refused by itself, and the others of the same request are kept. What is left in
the folder belongs to the caller; a request that breaks off leaves nothing there.
"""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal

import fastapi
from fastapi.concurrency import run_in_threadpool
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

Refusal = Literal["file_too_large", "file_empty", "disk_full"]

# Longer is no value of a field, and no name of a file, that a form of ours sends.
_FIELD_BYTES = 20_000
_HEADER_BYTES = 8_192
_FIELDS = 50


@dataclass(frozen=True, slots=True)
class UploadLimits:
    """What one request may bring.

    Attributes:
        file_bytes: Size of one file.
        request_bytes: Size of all of it.
        files: How many files.
    """

    file_bytes: int = 100_000_000
    request_bytes: int = 1_000_000_000
    files: int = 200


@dataclass(frozen=True, slots=True)
class ReceivedFile:
    """One file of a request.

    Attributes:
        name: As the browser gave it: not to be trusted as a path, and of any length.
        path: Where it lies, under a random name; None where it was refused.
        refusal: Why it was refused; None where it was not.
    """

    name: str
    path: Path | None
    refusal: Refusal | None = None


@dataclass(frozen=True, slots=True)
class Received:
    """What a request brought: its fields (the first of each name) and its files, in order."""

    fields: Mapping[str, str]
    files: tuple[ReceivedFile, ...]


class UploadRefused(Exception):
    """A request that is not read to its end; nothing of it is left in the folder.

    Attributes:
        status: The HTTP status.
        word: The key of the sentence that says why.
    """

    def __init__(self, status: int, word: str) -> None:
        super().__init__(word)
        self.status = status
        self.word = word


async def receive(request: fastapi.Request, folder: Path, limits: UploadLimits) -> Received:
    """Read a form with files.

    Args:
        folder: Where files are put; it is made if need be.

    Raises:
        UploadRefused: Not such a form (415), broken (400), too large or too many files (413).
    """
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    if kind != b"multipart/form-data" or not options.get(b"boundary"):
        raise UploadRefused(415, "upload_no_form")
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limits.request_bytes:
        raise UploadRefused(413, "upload_too_much")
    await run_in_threadpool(folder.mkdir, parents=True, exist_ok=True)
    reading = _Reading(folder, limits)
    try:
        parser = MultipartParser(options[b"boundary"], reading.callbacks(), max_header_size=_HEADER_BYTES)
        read = 0
        async for part in request.stream():
            read += len(part)
            if read > limits.request_bytes:
                raise UploadRefused(413, "upload_too_much")
            # A disk may be slow, and others are waiting for answers.
            await run_in_threadpool(parser.write, part)
        if not reading.ended:
            raise UploadRefused(400, "upload_broken")
    except BaseException as error:
        reading.clear()
        if isinstance(error, FormParserError):
            raise UploadRefused(400, "upload_broken") from error
        raise
    return Received(reading.fields, tuple(reading.files))


class _Reading:
    """What the parser has found so far: the part that is being read, and those before it."""

    def __init__(self, folder: Path, limits: UploadLimits) -> None:
        self.fields: dict[str, str] = {}
        self.files: list[ReceivedFile] = []
        self.ended = False
        self._folder = folder
        self._limits = limits
        self._header = b""
        self._value = b""
        self._headers: dict[bytes, bytes] = {}
        self._field: tuple[str, bytearray] | None = None
        self._file: _File | None = None

    def callbacks(self) -> MultipartCallbacks:
        """Return what the parser calls."""
        return {
            "on_part_begin": self._headers.clear,
            "on_header_field": self._add_to_header,
            "on_header_value": self._add_to_value,
            "on_header_end": self._end_header,
            "on_headers_finished": self._begin_part,
            "on_part_data": self._add_data,
            "on_part_end": self._end_part,
            "on_end": self._end,
        }

    def clear(self) -> None:
        """Take away all that was put into the folder."""
        if self._file:
            self._file.refuse("file_empty")
        for file in self.files:
            if file.path:
                file.path.unlink(missing_ok=True)

    def _add_to_header(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _add_to_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end_header(self) -> None:
        self._headers[self._header.lower()] = self._value
        self._header = self._value = b""

    def _begin_part(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        name = _text(options.get(b"name", b""))
        if b"filename" not in options:
            if len(self.fields) >= _FIELDS:
                raise UploadRefused(413, "upload_too_much")
            self._field = (name, bytearray())
            return
        file_name = _text(options[b"filename"]).replace("%22", '"')
        self._file = _File(file_name, self._folder / secrets.token_hex(16), self._limits.file_bytes)

    def _add_data(self, data: bytes, start: int, end: int) -> None:
        if self._file:
            self._file.write(data[start:end])
        elif self._field:
            self._field[1].extend(data[start:end])
            if len(self._field[1]) > _FIELD_BYTES:
                raise UploadRefused(413, "upload_too_much")

    def _end_part(self) -> None:
        if self._field:
            self.fields.setdefault(self._field[0], _text(bytes(self._field[1])))
            self._field = None
        if self._file:
            received = self._file.close()
            self._file = None
            # A browser sends a field for files in which none was chosen as a file without name and content.
            if received.name or received.refusal != "file_empty":
                self.files.append(received)
            if len(self.files) > self._limits.files:
                raise UploadRefused(413, "upload_too_many")

    def _end(self) -> None:
        self.ended = True


class _File:
    """A file that is being written; once it is refused its further bytes are passed over."""

    def __init__(self, name: str, path: Path, most: int) -> None:
        self._name = name
        self._path = path
        self._most = most
        self._size = 0
        self._refusal: Refusal | None = None
        self._out: BinaryIO | None = None
        try:
            self._out = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
        except OSError as error:
            self._fail(error)

    def write(self, data: bytes) -> None:
        """Write on, as far as the file may be long."""
        self._size += len(data)
        if self._out is None:
            return
        if self._size > self._most:
            self.refuse("file_too_large")
            return
        try:
            self._out.write(data)
        except OSError as error:
            self._fail(error)

    def close(self) -> ReceivedFile:
        """Return what became of it."""
        if self._out is not None and not self._size:
            self.refuse("file_empty")
        if self._out is not None:
            try:
                self._out.close()
            except OSError as error:
                self._fail(error)
        return ReceivedFile(self._name, None if self._refusal else self._path, self._refusal)

    def refuse(self, why: Refusal) -> None:
        """Take the file away, and remember why."""
        self._refusal = why
        out, self._out = self._out, None
        try:
            if out is not None:
                out.close()
        except OSError:
            pass  # what it still had to write is not wanted
        self._path.unlink(missing_ok=True)

    def _fail(self, error: OSError) -> None:
        """Refuse the file where the disk is full; anything else is a fault of this machine that nobody expects."""
        self.refuse("disk_full")
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise error


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")

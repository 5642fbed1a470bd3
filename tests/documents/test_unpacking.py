"""ZIP archives to files, and the names of files that somebody gives us."""

from __future__ import annotations

import io
import stat
import struct
import unicodedata
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from assistant.documents.loading import is_sidecar
from assistant.documents.unpacking import DEFAULT_LIMITS, MAX_NAME_BYTES, Unpacked, safe_name, unpack
from assistant.errors import DamagedFile, EncryptedFile, LimitExceeded, LoadError

SMALL = replace(DEFAULT_LIMITS, members=20, file_bytes=200_000, total_bytes=500_000, ratio_free_bytes=50_000)


def zipped(*members: tuple[str | zipfile.ZipInfo, bytes], packing: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return a real archive of these members."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", packing) as archive:
        for name, body in members:
            archive.writestr(name, body, packing)
    return buffer.getvalue()


def special(name: str, mode: int) -> zipfile.ZipInfo:
    """Return a member that says to be of another kind than a file."""
    member = zipfile.ZipInfo(name)
    member.create_system = 3
    member.external_attr = mode << 16
    return member


def renamed(raw: bytes, old: bytes, new: bytes, *, utf8: bool = False) -> bytes:
    """Return an archive with a member's name written otherwise, as long as before, and not marked as UTF-8."""
    assert len(old) == len(new)
    raw = raw.replace(old, new)
    return raw if utf8 else with_flag(raw, 0x800, on=False)


def with_flag(raw: bytes, flag: int, *, on: bool = True) -> bytes:
    """Return an archive with a flag of each member set or cleared."""
    changed = bytearray(raw)
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = raw.find(mark)
        while place >= 0:
            (flags,) = struct.unpack_from("<H", raw, place + offset)
            struct.pack_into("<H", changed, place + offset, flags | flag if on else flags & ~flag)
            place = raw.find(mark, place + 1)
    return bytes(changed)


@pytest.fixture
def take_apart(tmp_path: Path) -> Callable[..., Unpacked]:
    """Unpack an archive, and see that nothing was written but below the folder for it, as plain files."""
    folder = tmp_path / "deep" / "down" / "unpacked"

    def write_and_unpack(raw: bytes, **options: object) -> Unpacked:
        (tmp_path / "given.zip").write_bytes(raw)
        try:
            unpacked = unpack(tmp_path / "given.zip", folder, **options)
        except LoadError:
            assert not folder.exists()
            raise
        finally:
            everything = [path for path in tmp_path.rglob("*") if not path.is_dir() or path.is_symlink()]
            outside = [path for path in everything if not path.is_relative_to(folder)]
            assert outside == [tmp_path / "given.zip"]
            assert all(path.is_file() and not path.is_symlink() for path in everything)
        assert sorted(path for path in folder.rglob("*") if path.is_file()) == [one.file for one in unpacked.files]
        return unpacked

    folder.parent.mkdir(parents=True)
    return write_and_unpack


def names(unpacked: Unpacked) -> list[str]:
    """Return the names of what came out."""
    return [one.name for one in unpacked.files]


# ---- What comes out ----


def test_documents_come_out_with_their_names(take_apart):
    """Each file lies in a numbered folder under its own name; its path inside the archive is known."""
    unpacked = take_apart(
        zipped(("Guides/", b""), ("Guides/FDA guide.pdf", b"%PDF-1.4"), ("Blåbær.md", b"# Hei"), ("./a.txt", b"a"))
    )
    assert names(unpacked) == ["Guides/FDA guide.pdf", "Blåbær.md", "a.txt"]
    assert [one.file.name for one in unpacked.files] == ["FDA guide.pdf", "Blåbær.md", "a.txt"]
    assert [one.file.read_bytes() for one in unpacked.files] == [b"%PDF-1.4", b"# Hei", b"a"]
    assert (unpacked.refused, unpacked.skipped) == ((), 0)


def test_archives_that_were_streamed_or_are_in_the_large_format(take_apart):
    """Programs that do not know a file's size beforehand write it behind the file; some always use ZIP64."""

    class Pipe(io.RawIOBase):
        def __init__(self) -> None:
            self.raw = bytearray()

        def writable(self) -> bool:
            return True

        def write(self, piece: bytes) -> int:
            self.raw += piece
            return len(piece)

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("a.md", "b.md"):
            with archive.open(name, "w", force_zip64=True) as member:
                member.write(b"words " * 100)
    unpacked = take_apart(b"some program in front" + bytes(pipe.raw))
    assert names(unpacked) == ["a.md", "b.md"]
    assert [one.file.stat().st_size for one in unpacked.files] == [600, 600]


def test_leftovers_are_passed_over(take_apart):
    """Hidden files and what systems leave behind are counted and make no noise."""
    unpacked = take_apart(
        zipped(
            ("__MACOSX/._a.md", b"x"), ("a.md", b"a"), (".DS_Store", b"x"), (".git/config", b"x"), ("Thumbs.db", b"x"),
            ("b/desktop.ini", b"x"), ("~$a.docx", b"x"),
        )
    )  # fmt: skip
    assert (names(unpacked), unpacked.refused, unpacked.skipped) == (["a.md"], (), 6)


def test_an_empty_archive_holds_nothing(take_apart):
    """Nothing in, nothing out."""
    assert take_apart(zipped()) == Unpacked()


@pytest.mark.parametrize(
    ("written", "read"),
    [
        pytest.param("blåbær".encode(), "blåbær", id="UTF-8 that does not say so"),
        pytest.param("bl\u0061\u030abær".encode(), "blåbær", id="UTF-8 in pieces"),
        pytest.param("blåbær på øy".encode("cp850"), "blåbær på øy", id="Windows in Norway"),
        pytest.param("Fa\u00e7ade".encode("cp437"), "Façade", id="the standard's own"),
    ],
)
def test_names_in_old_codes_are_read(take_apart, written, read):
    """Letters arrive as they were meant, also from programs that mark nothing."""
    plain = b"n" * len(written)
    unpacked = take_apart(renamed(zipped((f"{plain.decode()}.md", b"x")), plain, written))
    assert names(unpacked) == [f"{read}.md"]


# ---- What is refused ----


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("../evil.md", "leads out"),
        ("a/../../evil.md", "leads out"),
        ("a/ .. /evil.md", "leads out"),
        ("/etc/evil.md", "leads out"),
        ("//host/share/evil.md", "leads out"),
        ("..\\evil.md", "leads out"),
        ("a\\..\\..\\evil.md", "leads out"),
        ("\\evil.md", "leads out"),
        ("C:\\evil.md", "leads out"),
        ("c:evil.md", "leads out"),
        ("C:/evil.md", "leads out"),
        ("a/" * 30 + "evil.md", "lies more than 20 folders deep"),
        ("inner.zip", "is an archive inside an archive"),
        ("inner.TAR", "is an archive inside an archive"),
        ("program.exe", "files ending in .exe are not read"),
        ("nothing", "a file without an ending is not read"),
        ("a.pdf.yaml", "is a file of details, which an archive cannot bring"),
        ("gpj.\u202efdp.exe", "files ending in .exe are not read"),
    ],
)
def test_names_that_are_refused(take_apart, name, reason):
    """One bad member is named with a reason and a remedy, on one visible line; the good one beside it comes in."""
    unpacked = take_apart(zipped((name, b"x"), ("good.md", b"x")))
    assert names(unpacked) == ["good.md"]
    (refused,) = unpacked.refused
    assert reason in refused.reason
    assert refused.remedy
    assert all(unicodedata.category(character) not in ("Cc", "Cf") for character in refused.name)
    assert len(refused.name) <= MAX_NAME_BYTES


def test_backslashes_are_folders(take_apart):
    """Some programs of Windows write them so."""
    assert names(take_apart(zipped(("Guides\\FDA.md", b"x")))) == ["Guides/FDA.md"]


def test_a_zero_byte_in_a_name(take_apart):
    """The library would cut the name there; the file would have another ending than the one that was checked."""
    unpacked = take_apart(renamed(zipped(("evil.mdXtxt", b"x")), b"evil.mdXtxt", b"evil.md\0txt"))
    assert (unpacked.files, [one.reason for one in unpacked.refused]) == ((), ["has a name with a zero byte in it"])


@pytest.mark.parametrize(
    ("mode", "reason"),
    [
        pytest.param(stat.S_IFLNK | 0o777, "is a link to another file", id="link"),
        pytest.param(stat.S_IFCHR | 0o666, "is not a regular file", id="character device"),
        pytest.param(stat.S_IFBLK | 0o666, "is not a regular file", id="block device"),
        pytest.param(stat.S_IFIFO | 0o666, "is not a regular file", id="pipe"),
        pytest.param(stat.S_IFSOCK | 0o666, "is not a regular file", id="socket"),
    ],
)
def test_what_is_no_file(take_apart, mode, reason):
    """Links, devices and pipes stay inside."""
    unpacked = take_apart(zipped((special("evil.md", mode), b"/etc/passwd"), (special("good.md", 0o100644), b"x")))
    assert names(unpacked) == ["good.md"]
    assert unpacked.refused[0].reason == reason


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [
        pytest.param("a.md", "a.md", "is in the archive twice", id="the same"),
        pytest.param("a.md", "./a.md", "is in the archive twice", id="the same, written otherwise"),
        pytest.param("å.md", "a\u030a.md", "is in the archive twice", id="the same letter"),
        pytest.param("A.md", "a.MD", "has the name of A.md but for capital letters", id="capitals"),
        pytest.param("a\u200b.md", "a.md", "is in the archive twice", id="invisible"),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_twins(take_apart, first, second, reason):
    """Of two members that would be one file somewhere the first comes in."""
    unpacked = take_apart(zipped((first, b"first"), (second, b"second")))
    assert [one.file.read_bytes() for one in unpacked.files] == [b"first"]
    assert [one.reason for one in unpacked.refused] == [reason]


def test_files_that_need_a_password(take_apart):
    """They are named; where there is nothing else, the archive is."""
    raw = zipped(("a.md", b"x"), ("b.md", b"x"))
    with pytest.raises(EncryptedFile, match=r"given\.zip: needs a password"):
        take_apart(with_flag(raw, 0x1))
    half = bytearray(with_flag(raw, 0x1))
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        half[bytes(half).rfind(mark) + offset] &= 0xFE
    unpacked = take_apart(bytes(half))
    assert (names(unpacked), [one.reason for one in unpacked.refused]) == (["b.md"], ["needs a password"])


def test_other_ways_of_packing(take_apart):
    """They ask for memory that the archive chooses."""
    unpacked = take_apart(zipped(("a.md", b"x"), packing=zipfile.ZIP_LZMA))
    assert [one.reason for one in unpacked.refused] == ["is packed in a way that is not read"]


def test_a_member_that_is_damaged(take_apart):
    """A file whose checksum is wrong is named, leaves nothing, and stops no other."""
    raw = zipped(("a.md", b"first words"), ("b.md", b"second words"), packing=zipfile.ZIP_STORED)
    unpacked = take_apart(raw.replace(b"first words", b"other words"))
    assert (names(unpacked), [one.name for one in unpacked.refused]) == (["b.md"], ["a.md"])
    assert unpacked.refused[0].reason == "is damaged inside the archive"


# ---- The archive as a whole ----


@pytest.mark.parametrize(
    "cut",
    [
        pytest.param(lambda raw: raw[: len(raw) // 2], id="half"),
        pytest.param(lambda raw: raw[:-1], id="all but a byte"),
        pytest.param(lambda raw: raw[10:], id="without its start"),
        pytest.param(lambda raw: b"", id="empty"),
        pytest.param(lambda raw: b"%PDF-1.4", id="another format"),
        pytest.param(lambda raw: b"PK\x05\x06", id="four bytes"),
        pytest.param(lambda raw: raw[:-22] + b"PK\x05\x06" + b"\xff" * 16 + b"\0\0", id="impossible numbers"),
    ],
)
def test_what_is_no_archive(take_apart, cut):
    """A file that breaks off or is none is one sentence."""
    with pytest.raises(DamagedFile, match=r"given\.zip: (is no ZIP archive, or only a part of one|is damaged)"):
        take_apart(cut(zipped(("a.md", b"some words that are packed"), ("b.md", b"x"))))


def test_bombs_by_ratio(take_apart):
    """A member that unpacks to a thousand times its size refuses the whole, whatever the directory says of its size."""
    raw = zipped(("good.md", b"x"), ("bomb.md", b"\0" * 5_000_000))
    size = struct.pack("<I", 5_000_000)
    assert raw.count(size) == 2
    for honest_or_not in (raw, raw.replace(size, struct.pack("<I", 4_000_000))):
        with pytest.raises(LimitExceeded, match=r"given\.zip: holds bomb\.md, which unpacks to more than 200 times"):
            take_apart(honest_or_not, limits=replace(SMALL, file_bytes=10_000_000, total_bytes=20_000_000))


def test_bombs_by_number_and_sum(take_apart, make_noise):
    """Many members, many bytes together, and one that is too large alone."""
    with pytest.raises(LimitExceeded, match=r"given\.zip: holds more than 20 files"):
        take_apart(zipped(*[(f"{number}.md", b"x") for number in range(21)]), limits=SMALL)
    with pytest.raises(LimitExceeded, match=r"given\.zip: holds more than 20 files"):
        take_apart(b"PK\x01\x02" * 1001 + zipped(("a.md", b"x")), limits=SMALL)  # before a directory is read
    with pytest.raises(LimitExceeded, match=r"given\.zip: unpacks to more than 0 MB"):
        take_apart(zipped(*[(f"{number}.md", make_noise(150_000)) for number in range(4)]), limits=SMALL)
    unpacked = take_apart(zipped(("big.md", make_noise(250_000)), ("good.md", b"x")), limits=SMALL)
    assert (names(unpacked), [one.name for one in unpacked.refused]) == (["good.md"], ["big.md"])
    assert unpacked.refused[0].reason == "is larger than 0 MB"


@pytest.fixture
def make_noise() -> Callable[[int], bytes]:
    """Return bytes that cannot be packed, the same each time."""

    def noise(size: int) -> bytes:
        state, out = 12345, bytearray()
        while len(out) < size:
            state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
            out += state.to_bytes(8, "little")
        return bytes(out[:size])

    return noise


def test_bombs_by_overlap(take_apart):
    """Directory entries that share packed bytes refuse the whole: the same bytes would come out again and again."""
    raw = zipped(("a.md", b"x" * 1000), ("b.md", b"y"))
    directory = raw.index(b"PK\x01\x02")
    second = raw.index(b"PK\x01\x02", directory + 1)
    shared = bytearray(raw)
    struct.pack_into("<I", shared, second + 42, 0)
    with pytest.raises(DamagedFile, match="files in it lie over each other"):
        take_apart(bytes(shared))
    reaching = bytearray(raw)
    (packed,) = struct.unpack_from("<I", raw, directory + 20)
    struct.pack_into("<I", reaching, directory + 20, packed + 40)
    with pytest.raises(DamagedFile, match="files in it lie over each other"):
        take_apart(bytes(reaching))


def test_a_folder_that_is_there_keeps_what_it_holds(tmp_path):
    """A refused archive takes away what came out of it, and nothing else."""
    folder = tmp_path / "unpacked"
    folder.mkdir()
    (folder / "mine.md").write_text("x")
    file = tmp_path / "a.zip"
    file.write_bytes(zipped(("a.md", b"x"), ("bomb.md", b"\0" * 900_000)))
    with pytest.raises(LimitExceeded, match=r"holds bomb\.md"):
        unpack(file, folder, limits=replace(SMALL, file_bytes=10_000_000))
    assert [path.name for path in folder.rglob("*")] == ["mine.md"]


# ---- Names ----

UNSAFE_NAMES = {
    "plain": ("guide.pdf", "guide.pdf"),
    "Norwegian": ("Blåbær på øya.docx", "Blåbær på øya.docx"),
    "letters in pieces": ("bl\u0061\u030abær.md", "blåbær.md"),
    "folders": ("../../etc/passwd.txt", "passwd.txt"),
    "folders of Windows": ("C:\\Users\\Kari\\guide.pdf", "guide.pdf"),
    "a drive": ("c:guide.pdf", "guide.pdf"),
    "a stream": ("guide.pdf:hidden", "guide.pdf-hidden"),
    "only dots": ("..", "document"),
    "nothing": ("", "document"),
    "only a slash": ("/", "document"),
    "a folder": ("guides/", "guides"),
    "only spaces": ("   ", "document"),
    "hidden": (".guide.pdf", "guide.pdf"),
    "very hidden": (" . .~$guide.pdf", "guide.pdf"),
    "hidden by what is invisible": ("\u200b.guide.pdf", "guide.pdf"),
    "a lock of Word": ("~$guide.docx", "guide.docx"),
    "zero byte": ("guide.pdf\0.exe", "guide.pdf.exe"),
    "line break": ("gui\nde.pdf", "gui de.pdf"),
    "control": ("gui\x07\x1bde.pdf", "guide.pdf"),
    "turned text": ("invoice\u202efdp.exe", "invoicefdp.exe"),
    "isolated text": ("\u2066guide\u2069.pdf", "guide.pdf"),
    "zero width": ("gu\u200bi\u200dd\ufeffe.pdf", "guide.pdf"),
    "half a pair": ("guide\ud800.pdf", "guide.pdf"),
    "hard spaces": ("guide\u00a0\u2028 one.pdf", "guide one.pdf"),
    "markup": ('<img src=x onerror="x">.pdf', "-img src=x onerror=-x--.pdf"),
    "wild cards": ("what?*.pdf", "what--.pdf"),
    "a pipe": ("a|b.pdf", "a-b.pdf"),
    "trailing dots": ("guide.pdf. . ", "guide.pdf"),
    "a sidecar": ("guide.pdf.yaml", "guide.pdf-yaml"),
    "a sidecar in capitals": ("GUIDE.PDF.YAML", "GUIDE.PDF-YAML"),
    "a sidecar with more": ("guide.pdf.yaml.yaml. ", "guide.pdf.yaml-yaml"),
    "device": ("con.pdf", "_con.pdf"),
    "device in capitals": ("COM1.TXT", "_COM1.TXT"),
    "device alone": ("NUL", "_NUL"),
    "device with two endings": ("aux.tar.pdf", "_aux.tar.pdf"),
    "no device": ("conference.pdf", "conference.pdf"),
    "long": ("x" * 300 + ".pdf", "x" * 116 + ".pdf"),
    "long in bytes": ("å" * 300 + ".docx", "å" * 57 + ".docx"),
    "long emoji": ("🐧" * 100 + ".md", "🐧" * 29 + ".md"),
    "long ending": ("a." + "x" * 300, "a." + "x" * 118),
}


@pytest.mark.parametrize(("given", "safe"), UNSAFE_NAMES.values(), ids=UNSAFE_NAMES)
def test_what_a_name_becomes(tmp_path, given, safe):
    """A visible name that every system takes, and that stays as it is when it is made safe again."""
    assert safe_name(given) == safe
    assert safe_name(safe) == safe
    assert len(safe.encode()) <= MAX_NAME_BYTES
    (tmp_path / "guide.pdf").write_text("x")
    file = tmp_path / safe
    file.write_text("x", encoding="utf-8")
    assert file.resolve().parent == tmp_path
    assert not is_sidecar(file)


def test_every_character_in_a_name():
    """None leads anywhere, hides anything or makes a name that changes when made safe again (most of Asia left out)."""
    for code in (*range(0x3400), *range(0xD700, 0xE010), *range(0xF900, 0x10000), *range(0xE0000, 0xE0200)):
        for given in (f"{chr(code)}.pdf", f"a{chr(code)}b.pdf"):
            safe = safe_name(given)
            assert safe.isprintable() or not chr(code).isprintable()
            assert not set(safe) & set('/\\\0\n\r<>:"|?*\u202a\u202b\u202d\u202e\u2066\u2067\u2068')
            assert not safe.startswith((".", "~", " "))
            assert safe.endswith("pdf")
            assert safe_name(safe) == safe == unicodedata.normalize("NFC", safe)

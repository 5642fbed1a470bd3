"""Hostile files, made on the spot: bombs, mazes, disguises, and files that call home.

Nothing here is kept on disk, and everything is built in well under a second. `WORDS` stands in every file that has an
honest part: a reader either gives it back or says why not.
"""

from __future__ import annotations

import io
import os
import resource
import socket
import struct
import subprocess
import time
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path

WORDS = "The heron of Ohio sold three hearing devices before noon."

# ---- PDF ----


def pdf(objects: Mapping[int, bytes | str], *, root: int = 1, trailer: str = "", head: bytes = b"") -> bytes:
    """Return a PDF of these objects with a right table of their places."""
    out = bytearray(head + b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
    places: dict[int, int] = {}
    for number, body in objects.items():
        places[number] = len(out)
        out += f"{number} 0 obj\n".encode() + (body if isinstance(body, bytes) else body.encode()) + b"\nendobj\n"
    size = max(objects) + 1
    start = len(out)
    out += f"xref\n0 {size}\n0000000000 65535 f \n".encode()
    for number in range(1, size):
        out += f"{places[number]:010} 00000 n \n".encode() if number in places else b"0000000000 00000 f \n"
    out += f"trailer\n<< /Size {size} /Root {root} 0 R {trailer} >>\nstartxref\n{start}\n%%EOF\n".encode()
    return bytes(out)


def stream(content: bytes, entries: str = "") -> bytes:
    """Return a stream object."""
    return f"<< /Length {len(content)} {entries} >>\nstream\n".encode() + content + b"\nendstream"


def shown(words: str = WORDS, *, y: int = 700) -> bytes:
    """Return the operators that print words on a page."""
    return f"BT /F1 12 Tf 72 {y} Td ({words}) Tj ET\n".encode()


_PAGE = "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>"
FONT = "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"


def one_page(
    content: bytes | None = None,
    *,
    page: str = "",
    resources: str = "",
    catalog: str = "",
    more: Mapping[int, bytes | str] | None = None,
    box: str = "[0 0 612 792]",
    head: bytes = b"",
) -> bytes:
    """Return a PDF of one page: 1 catalog, 2 pages, 3 page, 4 its content (a whole stream), 5 a font, 6 on: `more`."""
    return pdf(
        {
            1: f"<< /Type /Catalog /Pages 2 0 R {catalog} >>",
            2: "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            3: f"<< /Type /Page /Parent 2 0 R /MediaBox {box} /Contents 4 0 R "
            f"/Resources << /Font << /F1 5 0 R >> {resources} >> {page} >>",
            4: stream(shown()) if content is None else content,
            5: FONT,
            **(more or {}),
        },
        head=head,
    )


def pdf_flate_bomb() -> bytes:
    """A page whose content unpacks to 400 MB of spaces."""
    return one_page(stream(_packed_zeros(400, b" "), "/Filter /FlateDecode"))


@cache
def _packed_zeros(megabytes: int, byte: bytes = b"\0") -> bytes:
    """Return so much of one byte, packed with deflate, without having it in memory."""
    packer = zlib.compressobj(6)
    part = byte * 1_000_000
    return b"".join([*(packer.compress(part) for _ in range(megabytes)), packer.flush()])


def pdf_flate_twice() -> bytes:
    """A page whose content was packed twice: 100 KB, then 100 MB, then 100 GB in name."""
    inner = _packed_zeros(400, b" ")
    return one_page(stream(zlib.compress(inner, 9), "/Filter [/FlateDecode /FlateDecode]"))


def pdf_many_filters() -> bytes:
    """A page whose content names ten thousand filters."""
    return one_page(stream(shown(), f"/Filter [{'/ASCIIHexDecode ' * 10_000}]"))


def pdf_object_stream_bomb() -> bytes:
    """A compressed object stream that unpacks to 300 MB."""
    return one_page(
        more={6: stream(_packed_zeros(300, b" "), "/Type /ObjStm /N 1 /First 10 /Filter /FlateDecode")},
        page="/Annots 6 0 R",
    )


def pdf_nested_arrays(depth: int = 100_000) -> bytes:
    """A page with an array inside an array, and so on."""
    return one_page(page=f"/Deep {'[' * depth}{']' * depth}")


def pdf_nested_dictionaries(depth: int = 100_000) -> bytes:
    """Resources in which a dictionary holds a dictionary, and so on."""
    return one_page(resources=f"/XObject {'<< /A ' * depth}1{' >>' * depth}")


def pdf_nested_content(depth: int = 100_000) -> bytes:
    """Content in which arrays nest without end before the words."""
    return one_page(stream(b"[" * depth + b"]" * depth + b" TJ\n" + shown()))


def pdf_graphics_states(depth: int = 200_000) -> bytes:
    """Content that saves its state again and again and never takes it back."""
    return one_page(stream(b"q " * depth + shown()))


def pdf_deep_page_tree(depth: int = 20_000) -> bytes:
    """A page tree in which each node has one node below, and the page stands at the very end."""
    objects: dict[int, bytes | str] = {1: "<< /Type /Catalog /Pages 10 0 R >>", 4: stream(shown()), 5: FONT}
    for level in range(depth):
        parent = f"/Parent {level + 9} 0 R" if level else ""
        objects[level + 10] = f"<< /Type /Pages /Count 1 /Kids [{level + 11} 0 R] {parent} >>"
    objects[depth + 10] = (
        f"<< /Type /Page /Parent {depth + 9} 0 R /MediaBox [0 0 612 792] /Contents 4 0 R "
        "/Resources << /Font << /F1 5 0 R >> >> >>"
    )
    return pdf(objects)


def pdf_cyclic_page_tree() -> bytes:
    """A page tree that is its own child."""
    return pdf(
        {
            1: "<< /Type /Catalog /Pages 2 0 R >>",
            2: "<< /Type /Pages /Kids [3 0 R 2 0 R] /Count 2 /Parent 2 0 R >>",
            3: _PAGE,
            4: stream(shown()),
            5: FONT,
        }
    )


def pdf_inherits_in_a_circle() -> bytes:
    """A page without a size of its own, whose parents are each other's parents."""
    return pdf(
        {
            1: "<< /Type /Catalog /Pages 2 0 R >>",
            2: "<< /Type /Pages /Kids [3 0 R] /Count 1 /Parent 6 0 R >>",
            3: "<< /Type /Page /Parent 2 0 R /Contents 4 0 R >>",
            4: stream(shown()),
            5: FONT,
            6: "<< /Type /Pages /Kids [2 0 R] /Count 1 /Parent 2 0 R >>",
        }
    )


def pdf_cyclic_references() -> bytes:
    """Content, length and resources that lead back to themselves."""
    return one_page(
        b"<< /Length 4 0 R >>\nstream\n" + shown() + b"\nendstream",
        resources="/ExtGState 6 0 R /XObject 7 0 R",
        more={6: "6 0 R", 7: "8 0 R", 8: "7 0 R"},
    )


def pdf_previous_table_in_a_circle() -> bytes:
    """A table of places whose previous table is itself."""
    raw = one_page()
    start = raw.rindex(b"startxref\n") + len(b"startxref\n")
    place = raw[start : raw.index(b"\n", start)].decode()
    return raw.replace(b"/Root 1 0 R ", f"/Root 1 0 R /Prev {place} ".encode())


def pdf_huge_table() -> bytes:
    """A table of places that claims two thousand million entries."""
    return one_page().replace(b"xref\n0 6\n", b"xref\n0 2000000000\n").replace(b"/Size 6", b"/Size 2000000000")


def pdf_table_stream_bomb() -> bytes:
    """A table of places as a stream that claims a thousand million entries and unpacks to 300 MB."""
    out = bytearray(one_page())
    place = len(out)
    entries = "/Type /XRef /Size 1000000000 /Root 1 0 R /W [1 4 2] /Index [0 1000000000] /Filter /FlateDecode"
    out += b"9 0 obj\n" + stream(_packed_zeros(300), entries) + b"\nendobj\n"
    return bytes(out + f"startxref\n{place}\n%%EOF\n".encode())


def pdf_pages(count: int, *, words: bool = True) -> bytes:
    """A PDF of many pages that share one content."""
    kids = " ".join(f"{number} 0 R" for number in range(10, 10 + count))
    return pdf(
        {
            1: "<< /Type /Catalog /Pages 2 0 R >>",
            2: f"<< /Type /Pages /Kids [{kids}] /Count {count} >>",
            4: stream(shown() if words else b""),
            5: FONT,
            **dict.fromkeys(range(10, 10 + count), _PAGE),
        }
    )


def pdf_claims_pages() -> bytes:
    """One page that says it is two thousand million."""
    return one_page().replace(b"/Kids [3 0 R] /Count 1 ", b"/Kids [3 0 R] /Count 2000000000 ")


def pdf_same_page_often(depth: int = 9) -> bytes:
    """A tree whose nodes name the same child ten times: a thousand million pages of nine objects."""
    objects: dict[int, bytes | str] = {1: "<< /Type /Catalog /Pages 10 0 R >>", 4: stream(shown()), 5: FONT}
    for level in range(depth):
        objects[level + 10] = f"<< /Type /Pages /Count {10 ** (depth - level)} /Kids [{f'{level + 11} 0 R ' * 10}] >>"
    objects[depth + 10] = _PAGE
    return pdf(objects)


def pdf_giant_page() -> bytes:
    """A page of a hundred thousand kilometres."""
    return one_page(box="[0 0 300000000000 300000000000]")


def pdf_endless_content(megabytes: int = 20) -> bytes:
    """A page that prints its words again and again: a hundred thousand packed bytes."""
    packer = zlib.compressobj(9)
    part = shown() * (1_000_000 // len(shown()))
    content = b"".join([*(packer.compress(part) for _ in range(megabytes)), packer.flush()])
    return one_page(stream(content, "/Filter /FlateDecode"))


def pdf_form_in_itself() -> bytes:
    """A form that draws itself."""
    form = (
        "/Type /XObject /Subtype /Form /BBox [0 0 612 792] "
        "/Resources << /XObject << /X 6 0 R >> /Font << /F1 5 0 R >> >>"
    )
    return one_page(stream(shown() + b"/X Do"), resources="/XObject << /X 6 0 R >>",
                    more={6: stream(b"/X Do " + shown("Form.", y=600), form)})  # fmt: skip


def pdf_forms_of_forms(depth: int = 12, width: int = 10) -> bytes:
    """Forms that each draw the next one ten times: a million million drawings of twelve objects."""
    more: dict[int, bytes | str] = {}
    for level in range(depth):
        below = f"/XObject << /X {level + 7} 0 R >>" if level < depth - 1 else ""
        entries = f"/Type /XObject /Subtype /Form /BBox [0 0 612 792] /Resources << {below} /Font << /F1 5 0 R >> >>"
        more[level + 6] = stream(b"/X Do " * width if below else shown("Form."), entries)
    return one_page(stream(shown() + b"/X Do"), resources="/XObject << /X 6 0 R >>", more=more)


def pdf_pattern_in_itself() -> bytes:
    """A pattern that fills itself with itself."""
    pattern = (
        "/Type /Pattern /PatternType 1 /PaintType 1 /TilingType 1 /BBox [0 0 1 1] /XStep 0.001 /YStep 0.001 "
        "/Resources << /Pattern << /P 6 0 R >> >>"
    )
    content = b"/Pattern cs /P scn 0 0 612 792 re f " + shown()
    return one_page(stream(content), resources="/Pattern << /P 6 0 R >>",
                    more={6: stream(b"/Pattern cs /P scn 0 0 1 1 re f", pattern)})  # fmt: skip


def pdf_huge_picture(kind: str = "/FlateDecode") -> bytes:
    """A picture that says it is a hundred thousand dots wide and high, in ten bytes."""
    picture = (
        "/Type /XObject /Subtype /Image /Width 100000 /Height 100000 /ColorSpace /DeviceRGB /BitsPerComponent 8 "
        f"/Filter {kind}"
    )
    return one_page(stream(b"612 0 0 792 0 0 cm /I Do " + shown()), resources="/XObject << /I 6 0 R >>",
                    more={6: stream(_packed_zeros(1), picture)})  # fmt: skip


def pdf_character_table_bomb() -> bytes:
    """A font whose table of characters maps one range onto thousands of millions, again and again."""
    ranges = "100 beginbfrange\n" + "<00000000> <FFFFFFFF> <0041>\n" * 100 + "endbfrange\n"
    table = f"/CIDInit /ProcSet findresource begin begincmap\n{ranges}endcmap end".encode()
    return pdf(
        {
            1: "<< /Type /Catalog /Pages 2 0 R >>",
            2: "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            3: "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R "
            "/Resources << /Font << /F1 5 0 R /F2 6 0 R >> >> >>",
            4: stream(shown() + b"BT /F2 12 Tf 72 600 Td <0041> Tj ET"),
            5: FONT,
            6: "<< /Type /Font /Subtype /Type0 /BaseFont /X /Encoding /Identity-H "
            "/ToUnicode 7 0 R /DescendantFonts [8 0 R] >>",
            7: stream(table),
            8: "<< /Type /Font /Subtype /CIDFontType2 /BaseFont /X "
            "/CIDSystemInfo << /Registry (A) /Ordering (B) /Supplement 0 >> >>",
        }
    )


def pdf_labels_in_a_circle() -> bytes:
    """Page labels whose tree is its own child."""
    return one_page(catalog="/PageLabels 6 0 R", more={6: "<< /Kids [6 0 R 6 0 R] >>"})


def pdf_that_acts(url: str) -> bytes:
    """A page that opens an address, another file and a program, runs a script, posts a form and has an XFA form."""
    place = f"/F << /FS /URL /F ({url}/{{}}) >>"
    actions = [
        f"/S /URI /URI ({url}/open)",
        f"/S /JavaScript /JS (app.launchURL\\('{url}/js'\\))",
        f"/S /Launch {place.format('launch')} /Win << /F (calc.exe) >>",
        f"/S /GoToR {place.format('goto')} /D [0 /Fit]",
        f"/S /ImportData {place.format('import')}",
        f"/S /SubmitForm {place.format('submit')}",
    ]
    chain = ""
    for action in reversed(actions):
        chain = f"<< {action} {f'/Next {chain}' if chain else ''} >>"
    form = (
        f'<xdp:xdp xmlns:xdp="http://ns.adobe.com/xdp/"><template><subform><image href="{url}/xfa"/></subform>'
        "</template></xdp:xdp>"
    )
    return one_page(
        stream(shown() + b"/R Do"),
        catalog="/OpenAction 6 0 R /AcroForm << /Fields [8 0 R] /XFA 9 0 R >> /AA << /WC 6 0 R >>",
        page="/Annots [7 0 R 8 0 R] /AA << /O 6 0 R >>",
        resources="/XObject << /R 10 0 R >>",
        more={
            6: chain,
            7: f"<< /Type /Annot /Subtype /Link /Rect [0 0 612 792] /A << /S /URI /URI ({url}/link) >> >>",
            8: "<< /Type /Annot /Subtype /Widget /FT /Tx /T (a) /Rect [0 0 9 9] /AA << /K 6 0 R /F 6 0 R >> >>",
            9: stream(form.encode()),
            10: stream(
                b"",
                f"/Type /XObject /Subtype /Form /BBox [0 0 9 9] /Ref << {place.format('reference')} /Page 0 >> "
                f"{place.format('stream')}",
            ),
        },
    )


# ---- ZIP, and what is built of it ----

_DOCX_TYPES = (
    '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>'
    '<Default Extension="bin" ContentType="application/vnd.ms-office.vbaProject"/>'
    '<Override PartName="/word/document.xml" ContentType="application/{kind}.main+xml"/></Types>'
)
_WORD = "vnd.openxmlformats-officedocument.wordprocessingml.document"
_WORD_WITH_MACROS = "vnd.ms-word.document.macroEnabled"
_RELATIONS = (
    '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    "{}</Relationships>"
)
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def archive(members: Iterable[tuple[str, bytes | str]]) -> bytes:
    """Return a packed ZIP archive; a name may stand in it twice."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as out, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, content in members:
            out.writestr(name, content)
    return buffer.getvalue()


def docx(
    body: str | None = None,
    *,
    doctype: str = "",
    doctype_of_types: str = "",
    relations: str = "",
    more: Iterable[tuple[str, bytes | str]] = (),
    macros: bool = False,
) -> bytes:
    """Return a Word document of the fewest parts that hold `body`."""
    body = f"<w:p><w:r><w:t>{WORDS}</w:t></w:r></w:p>" if body is None else body
    types = _DOCX_TYPES.replace("{kind}", _WORD_WITH_MACROS if macros else _WORD)
    if doctype_of_types:
        types = types.replace("?>", f"?>{doctype_of_types}", 1).replace("</Types>", "&l9;</Types>")
    document = f'<w:document xmlns:w="{_W}"><w:body>{body}</w:body></w:document>'
    start = f'<Relationship Id="r1" Type="{_OFFICE}/officeDocument" Target="word/document.xml"/>'
    return archive(
        [
            ("[Content_Types].xml", types),
            ("_rels/.rels", _RELATIONS.replace("{}", start)),
            ("word/_rels/document.xml.rels", _RELATIONS.replace("{}", relations)),
            ("word/document.xml", f'<?xml version="1.0"?>{doctype}{document}'),
            *more,
        ]
    )


def laughs(inside: str = "lol") -> str:
    """Return a document type whose last entity stands for a thousand million of the first."""
    entities = [f'<!ENTITY l0 "{inside}">']
    entities += [f'<!ENTITY l{level} "{f"&l{level - 1};" * 10}">' for level in range(1, 10)]
    return f"<!DOCTYPE w:document [{''.join(entities)}]>"


def laughs_quadratic() -> str:
    """Return a document type with one entity of 100 KB, to be named a thousand times."""
    return f'<!DOCTYPE w:document [<!ENTITY l9 "{"x" * 100_000}">]>'


def paragraph(text: str) -> str:
    """Return a paragraph of WordprocessingML."""
    return f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>"


def with_bomb(raw: bytes, megabytes: int = 60, name: str = "word/media/image1.xml") -> bytes:
    """Return an Office file with one more member that unpacks to so much."""
    return with_members(raw, [(name, b" " * (megabytes * 1_000_000))])


def with_members(raw: bytes, members: Iterable[tuple[str, bytes | str]]) -> bytes:
    """Return an archive with further members; one of a name that is there already comes after it."""
    buffer = io.BytesIO(raw)
    with zipfile.ZipFile(buffer, "a", zipfile.ZIP_DEFLATED) as out, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, content in members:
            out.writestr(name, content)
    return buffer.getvalue()


def replaced(raw: bytes, changes: Mapping[str, Callable[[bytes], bytes]]) -> bytes:
    """Return an archive in which some members are changed."""
    with zipfile.ZipFile(io.BytesIO(raw)) as source:
        return archive((name, changes.get(name, bytes)(source.read(name))) for name in source.namelist())


def archive_in_archive(depth: int = 5, width: int = 10) -> bytes:
    """Return an archive of ten copies of an archive of ten copies, down to ten files of zeros."""
    inner = archive([("zeros.xml", bytes(4_000_000))])
    for _ in range(depth):
        inner = archive((f"{number}.zip", inner) for number in range(width))
    return inner


def overlapping(raw: bytes, copies: int = 3000) -> bytes:
    """Return an Office file whose directory names one packed member thousands of times, under other names."""
    member = archive([("0000.xml", bytes(1_000_000))])
    with zipfile.ZipFile(io.BytesIO(raw)) as source:
        base = archive((name, source.read(name)) for name in source.namelist())
    end = base.rindex(b"PK\x05\x06")
    count, size, start = struct.unpack("<HII", base[end + 10 : end + 20])
    directory = base[start : start + size]
    entry_start = member.index(b"PK\x01\x02")
    local, entry = member[:entry_start], bytearray(member[entry_start : member.rindex(b"PK\x05\x06")])
    entry[42:46] = struct.pack("<I", start)
    entries = b"".join(bytes(entry).replace(b"0000.xml", f"{number:04}.xml".encode()) for number in range(copies))
    whole = base[:start] + local + directory + entries
    tail = struct.pack(
        "<IHHHHIIH", 0x06054B50, 0, 0, count + copies, count + copies, size + len(entries), start + len(local), 0
    )
    return whole + tail


def lying(raw: bytes) -> bytes:
    """Return an Office file in which a member of 60 MB says it has ten bytes."""
    whole = bytearray(with_bomb(raw))
    for mark, place in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = whole.rindex(mark)
        whole[at + place : at + place + 4] = struct.pack("<I", 10)
    return bytes(whole)


def many_members(raw: bytes, count: int = 65_000) -> bytes:
    """Return an Office file with tens of thousands of empty members."""
    return with_members(raw, ((f"word/{number}.xml", b"") for number in range(count)))


# ---- Text, Markdown, HTML ----


def html(body: str, head: str = "") -> bytes:
    """Return a web page."""
    return f"<!DOCTYPE html><html><head><title>Page</title>{head}</head><body>{body}</body></html>".encode()


def page_words() -> str:
    """Return a page's worth of prose, so that the main text is looked for."""
    return "".join(
        f"<p>{WORDS} This is paragraph number {number} of a long and honest page.</p>" for number in range(12)
    )


# ---- What a file that has taken the child over would try; each raises where it is not let ----


def call_home(port: int) -> str:
    """Connect to a server on this machine."""
    with socket.create_connection(("127.0.0.1", port), timeout=5):
        return "connected"


def write(path: str) -> str:
    """Write a file."""
    Path(path).write_text("planted")
    return "written"


def start_a_program() -> str:
    """Start another program."""
    return subprocess.run(["/bin/echo", "started"], capture_output=True, text=True, check=True).stdout


def look_for_a_process(pid: int) -> str:
    """Ask whether a signal could be sent to another process."""
    os.kill(pid, 0)
    return "allowed"


def look_around() -> dict[str, object]:
    """Return the environment, the working folder and the limits of this process."""
    return {
        "environment": dict(os.environ),
        "folder": str(Path.cwd()),
        "core": resource.getrlimit(resource.RLIMIT_CORE),
        "file size": resource.getrlimit(resource.RLIMIT_FSIZE),
        "processes": resource.getrlimit(resource.RLIMIT_NPROC),
        "files": resource.getrlimit(resource.RLIMIT_NOFILE)[0],
        "processor": resource.getrlimit(resource.RLIMIT_CPU)[0],
    }


def answer_with_a_trap(path: str) -> object:
    """Return what plants a file when it is unpickled."""
    return _Trap(path)


class _Trap:
    def __init__(self, path: str) -> None:
        self._path = path

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str, ...]]:
        return (Path.touch, (Path(self._path),))  # type: ignore[return-value]


def work_on(seconds: float) -> str:
    """Use the processor for a while."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        sum(range(1000))
    return "done"


def work_without_time() -> str:
    """Use more of the processor than the kernel allows this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    soon = int(used.ru_utime + used.ru_stime) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (soon, resource.getrlimit(resource.RLIMIT_CPU)[1]))
    return work_on(60)

"""An export as Markdown that reads well as it stands, and the visible words of such a file."""

from __future__ import annotations

import html
import json
import re

from assistant.answering.exporting_blocks import AUTHOR, MARKER, Block, Export, compose, web_address
from assistant.answering.exporting_proof import PROOF_NAME, encode_proof

_LINE = 110
# Characters that mean something anywhere in a line, and those that do so only where a line begins.
_ACTIVE = re.compile(r"([\\`*_\[\]<>&~|$^])")
_AT_LINE_START = re.compile(r"(?m)^(\s*)([-+#=:>]|\d{1,9}(?=[.)]))")
# At the beginning of a paragraph it would say where all links of that name lead.
_DEFINITION = re.compile(r"(?m)^(\[\d+\]):")
_FRONT_MATTER = re.compile(r"\A\s*---\n.*?\n---\n", re.DOTALL)
_PROOF = re.compile(rf"(?<!\\)<!--\s*{PROOF_NAME}\s+([A-Za-z0-9+/=\s]+?)-->")
_COMMENT = re.compile(r"(?<!\\)<!--.*?(?:-->|\Z)", re.DOTALL)
_LINE_SYNTAX = re.compile(r"(?m)^[ \t]*(?:>[ \t]?)*(?:#{1,6}[ \t]+|[-*+][ \t]+)?")
_SYNTAX = re.compile(
    r"\\(?P<escaped>[!-/:-@\[-`{-~])|\\(?=\n)|<(?P<address>https?://[^\s<>]*)>|(?P<entity>&(?:\#\w{1,8}|\w{1,31});)"
    r"|!?\[(?P<linked>[^\]\n]*)\]\([^)\n]*\)|[*_`~]+"
)


def write(export: Export) -> bytes:
    """Return the paper as Markdown in UTF-8, with its proof in a comment at the end."""
    blocks = compose(export)
    title = json.dumps(blocks[0].text, ensure_ascii=False)
    head = f'---\ntitle: {title}\nauthor: "{AUTHOR}"\nlang: {export.language}\ndate: {export.date}\n---\n'
    parts = [head]
    for before, block in zip((None, *blocks), blocks, strict=False):
        together = before is not None and before.number is not None and before.number == block.number
        # What belongs to one quote stands together: lines of one paragraph, after the quote itself.
        if together and before is not None and before.role != "quote":
            parts.append(f"\\\n{_block(block)}")
        elif before is not None and before.role == block.role == "item":
            parts.append(f"\n{_block(block)}")
        else:
            parts.append(f"\n\n{_block(block)}" if before else f"\n{_block(block)}")
    proof = encode_proof(export, blocks)
    lines = "\n".join(proof[start : start + _LINE] for start in range(0, len(proof), _LINE))
    return "".join([*parts, f"\n\n<!-- {PROOF_NAME}\n{lines}\n-->\n"]).encode()


def read(content: bytes) -> tuple[str, str | None]:
    """Return the visible words of a Markdown file, and its encoded proof or None."""
    text = content.decode("utf-8-sig", "replace").replace("\r\n", "\n").replace("\r", "\n")
    proofs = _PROOF.findall(text)
    visible = _COMMENT.sub("", _FRONT_MATTER.sub("", text))
    return _SYNTAX.sub(_seen, _LINE_SYNTAX.sub("", visible)), proofs[-1] if proofs else None


def _seen(syntax: re.Match[str]) -> str:
    """Return what a reader sees of one piece of Markdown."""
    if syntax["entity"]:
        return html.unescape(syntax["entity"])
    return syntax["escaped"] or syntax["address"] or syntax["linked"] or ""


def _block(block: Block) -> str:
    match block.role:
        case "title":
            return f"# {_line(block.text)}"
        case "question":
            return f"## {_line(block.text)}"
        case "sources":
            return f"### {_line(block.text)}"
        case "notice":
            return f"> **{_escaped(block.text)}**"
        case "understood" | "written" | "closing" | "about":
            return f"*{_escaped(block.text)}*"
        case "item":
            return f"- {_answer(block.text)}"
        case "paragraph":
            return _answer(block.text)
        case "quote":
            marker, _, words = block.text.partition(" ")
            return f"**{marker}** {_escaped(words)}"
        case "flag":
            return f"*{_escaped(block.text)}*"
        case "address":
            address = web_address(block.text)
            return f"<{address}>" if address else _escaped(block.text)
        case _:
            return _escaped(block.text)


def _line(text: str) -> str:
    """Return the text of a heading; a number sign that ends it would be taken for its frame."""
    return re.sub(r"(#+)$", lambda end: end[1].replace("#", "\\#"), _escaped(text))


def _answer(text: str) -> str:
    """Return a line of an answer; our markers stay as they are, everything else is only words."""
    pieces = MARKER.split(text)
    line = "".join(f"[{one}]" if place % 2 else _ACTIVE.sub(r"\\\1", one) for place, one in enumerate(pieces))
    return _lines(_DEFINITION.sub(r"\1\:", line))


def _escaped(text: str) -> str:
    return _lines(_ACTIVE.sub(r"\\\1", text))


def _lines(escaped: str) -> str:
    """Return escaped words with line breaks, and nothing that means something where a line begins."""
    kept = "\n".join(line.strip() for line in escaped.split("\n") if line.strip())
    return _AT_LINE_START.sub(_neutral, kept).replace("\n", "\\\n")


def _neutral(start: re.Match[str]) -> str:
    space, mark = start.groups()
    return f"{space}{mark}\\" if mark.isdigit() else f"{space}\\{mark}"

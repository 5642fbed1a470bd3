"""A table row as a text that is understood alone: each cell under the name of its column, in the table's own words."""

from __future__ import annotations


def labelled(text: str, start: int, end: int) -> str | None:
    """Return the row `text[start:end]` as `column: cell; column? cell`; empty cells are left out.

    None where the row has no header: it is itself the first of its table, or it has more or fewer cells.
    """
    opening = text.rfind("\n\n", 0, start)
    block_start = 0 if opening < 0 else opening + 2
    line_end = text.find("\n", block_start)
    if line_end < 0 or line_end > start:
        return None
    header = text[block_start:line_end].strip().split("\t")
    cells = text[start:end].split("\t")
    if len(header) != len(cells) or len(cells) < 2:
        return None
    return "; ".join(
        _named(name.strip(), cell.strip()) for name, cell in zip(header, cells, strict=True) if cell.strip()
    )


def _named(column: str, cell: str) -> str:
    if not column:
        return cell
    return f"{column} {cell}" if column[-1] in "?:" else f"{column}: {cell}"

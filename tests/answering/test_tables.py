"""A table row is shown with the names of its columns, and nothing that its table does not say."""

from __future__ import annotations

import pytest

from assistant.answering.tables import labelled

TEXT = (
    "Fees\n\nFiscal year\tStandard\tSmall business\n2026\t26,067\t6,517\n2027\t28,653\t\n\n"
    "A paragraph.\n\nActivity\tAllowed?\nMeeting\tYes\n\n"
    "Alone\tin its table\n\nKey\tValue\nPart A\tHospital stays\nPart B\tDoctors\tand more"
)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        pytest.param("2026\t26,067\t6,517", "Fiscal year: 2026; Standard: 26,067; Small business: 6,517", id="three"),
        pytest.param("2027\t28,653\t", "Fiscal year: 2027; Standard: 28,653", id="empty cell left out"),
        pytest.param("Meeting\tYes", "Activity: Meeting; Allowed? Yes", id="a column that asks"),
        pytest.param("Part A\tHospital stays", "Key: Part A; Value: Hospital stays", id="two"),
        pytest.param("Fiscal year\tStandard\tSmall business", None, id="the header itself"),
        pytest.param("Alone\tin its table", None, id="a table of one row"),
        pytest.param("Part B\tDoctors\tand more", None, id="more cells than columns"),
        pytest.param("A paragraph.", None, id="no table"),
    ],
)
def test_each_cell_stands_under_the_name_of_its_column(row, expected):
    """The first row of a table names the columns; a row that does not fit it stays as it is."""
    start = TEXT.index(row)
    assert labelled(TEXT, start, start + len(row)) == expected


def test_a_table_that_opens_the_text_has_a_header_too():
    """The text may begin with the table."""
    assert labelled("A\tB\n1\t2", 4, 7) == "A: 1; B: 2"

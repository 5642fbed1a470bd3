"""Public question sets become tuning sets: the same files each time, with nothing answerable that was removed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from eval.errors import Misuse
from eval.jsonlines import read_objects
from eval.outside import make_tuning_sets


def test_missing_material_is_named(tmp_path):
    """Without the material one sentence says which folder is missing."""
    with pytest.raises(Misuse, match="norquad is not there"):
        make_tuning_sets(tmp_path, tmp_path / "out")


@pytest.mark.slow
def test_the_sets_are_consistent_and_repeatable(tmp_path):
    """Answerable questions keep their article, refused ones have lost it, and a second run writes the same bytes."""
    folder = os.environ.get("ASSISTANT_TEST_DATA")
    if not folder:
        pytest.skip("ASSISTANT_TEST_DATA is unset")
    first = make_tuning_sets(Path(folder), tmp_path / "a")
    second = make_tuning_sets(Path(folder), tmp_path / "b")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    norquad = [line for _, line in read_objects(first[0])]
    corpus = {path.name for path in (first[0].parent / "corpus").iterdir()}
    assert all(set(line["gold"]) <= corpus for line in norquad if line["answerable"])
    assert {line["answerable"] for line in norquad} == {True, False}
    assert {line["answerable"] for _, line in read_objects(first[1])} == {False}

"""How soon the app answers, measured: the figures of a real start, and a start that fails."""

from __future__ import annotations

import pytest

from eval.errors import EvaluationError
from eval.starting import IMPORT_LINE, measure_health


def test_an_app_that_does_not_start_is_named_with_its_last_words(tmp_path):
    """Nothing is measured that was not there."""
    with pytest.raises(EvaluationError, match=r"The app did not start: Error: The corpus .*nowhere is not a folder"):
        measure_health(1, tmp_path / "nowhere", tmp_path / "data", lambda line: None)


@pytest.mark.slow
def test_a_start_is_measured_up_to_an_answer_on_the_page(corpus, read_data):
    """The health address answers long before the page does, and a question on the page after that."""
    said = []
    health = measure_health(1, corpus, read_data, said.append)
    assert said == ["health: repeat 1 of 1"]
    assert (health.repeats, health.import_line) == (1, IMPORT_LINE)
    assert 0 < health.health_seconds < health.page_seconds < health.answer_seconds
    assert health.ratio == health.health_seconds / health.imports_seconds

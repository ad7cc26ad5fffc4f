from __future__ import annotations

import math

from homeostat.types.report import Score
from homeostat.web.document import number, part, rows, score


def test_only_finite_numbers_are_numbers() -> None:
    """Null, text, truth values and not-a-number are nothing."""
    assert [number(v) for v in (3, 0.5, None, "3", True, math.nan, math.inf)] == [
        3.0,
        0.5,
        None,
        None,
        None,
        None,
        None,
    ]


def test_a_score_keeps_its_interval_if_it_has_one() -> None:
    """A plain number and a mean with half an interval have none."""
    full = {"mean": 0.9, "low": 0.8, "high": 0.95, "n": 40}
    assert score(full) == Score(mean=0.9, low=0.8, high=0.95, n=40)
    assert score(0.9) == Score(mean=0.9, low=0.9, high=0.9, n=0)
    assert score({"mean": 0.9, "low": None, "high": 0.95, "n": 40}) == Score(mean=0.9, low=0.9, high=0.9, n=0)
    assert score({"low": 0.8}) is None
    assert score(None) is None


def test_parts_that_are_missing_or_of_another_kind_are_empty() -> None:
    """A walk into nothing ends in nothing."""
    document = {"a": {"b": {"c": 1}, "list": [{"x": 1}, 3, None]}, "n": 4}
    assert part(document, "a", "b") == {"c": 1}
    assert part(document, "n", "b") == {}
    assert rows(document, "a", "list") == [{"x": 1}]
    assert rows(document, "a", "b") == []
    assert rows(document, "nowhere") == []

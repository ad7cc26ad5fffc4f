"""Features of the record: 0 is unknown where nobody measures 0."""

from __future__ import annotations

import math

import numpy as np

from homeostat.monitor.features.record import CONFIDENCE, ENTROPY, HOUR_OF_WEEK, LATENCY, TOKENS, hour_of, tag
from monitor.desk import said

ROWS = [
    said(1, "?", confidence=0.8, entropy=0.0, latency_ms=12.5, prompt_tokens=30, reply_tokens=2, tags={"a": "x"}),
    said(2, "?"),
]


def test_what_was_measured_is_said_and_what_was_not_is_unknown() -> None:
    """An entropy of 0 is a value where there is a confidence; a confidence, latency or cost of 0 is none."""
    for feature, value in ((CONFIDENCE, 0.8), (ENTROPY, 0.0), (LATENCY, 12.5), (TOKENS, 32.0)):
        found = feature.of(ROWS, ())
        assert found[0] == value
        assert math.isnan(found[1])


def test_a_tag_is_a_feature() -> None:
    """Its value, empty where a row has none."""
    assert tag("a").of(ROWS, ()).tolist() == ["x", ""]


def test_the_hour_of_the_week() -> None:
    """In UTC, 168 of them; moments that no calendar holds are unknown, and so is the moment 0."""
    assert hour_of(1_700_000_000.0) == "Tue 22"
    assert hour_of(1_700_000_000.0 + 7 * 86400) == "Tue 22"
    assert len({hour_of(1_700_000_000.0 + 3600 * k) for k in range(400)}) == 168
    assert [hour_of(0.0), hour_of(1e18), hour_of(-1e18)] == ["", "", ""]
    assert HOUR_OF_WEEK.of([said(1, "?", time=1_700_000_000.0)], ()).tolist() == ["Tue 22"]


def test_nothing_is_an_array_too() -> None:
    """Without rows every feature has no values."""
    assert all(len(feature.of([], ())) == 0 for feature in (CONFIDENCE, ENTROPY, LATENCY, TOKENS, HOUR_OF_WEEK))
    assert CONFIDENCE.of([], ()).dtype == np.float64

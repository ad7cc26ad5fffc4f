"""Ids say when they were made."""

from __future__ import annotations

import time

from homeostat.types import ids


def test_a_fresh_id_says_when_it_was_made() -> None:
    """To the millisecond; one that was derived, or comes from elsewhere, says nothing."""
    before = time.time()
    made = ids.moment(ids.new("int"))
    assert made is not None
    assert before - 0.002 <= made <= time.time() + 0.002
    assert ids.moment("int_0001") is None
    assert ids.moment("int_" + "u" * 20) is None
    assert sum(ids.moment(ids.derived("int", k)) is not None for k in range(1000)) < 20

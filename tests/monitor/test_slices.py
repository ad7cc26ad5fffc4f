"""Slices are values of tags and labels replied; the one whose share moved most stands first."""

from __future__ import annotations

import pytest

from homeostat.monitor.slices import VALUES, slices
from homeostat.stats.intervals import share_change
from monitor.desk import said


def rows(first: int, **shares: int) -> list:
    """So many rows of each segment."""
    segments = [name for name, n in shares.items() for _ in range(n)]
    return [said(first + k, "?", tags={"segment": name}) for k, name in enumerate(segments)]


def test_shares_before_and_after() -> None:
    """Of all rows of a window, with the interval of the change; what is new begins at nothing."""
    found = slices(rows(0, home=80, school=20), rows(500, home=80, school=60, bank=60))
    assert [one.name for one in found] == ["segment=home", "segment=bank", "segment=school"]
    home, bank = found[0], found[1]
    assert (home.before, home.after, home.change.mean) == (0.8, 0.4, pytest.approx(-0.4))
    assert (bank.before, bank.after) == (0.0, 0.3)
    assert home.change == share_change((80, 100), (80, 200))


def test_labels_replied_are_slices_and_texts_are_not() -> None:
    """A few different replies are labels; hundreds are texts, and hundreds of values of a tag are names."""
    labels = [said(k, "?", reply=f"l{k % 3}") for k in range(90)]
    texts = [said(500 + k, "?", reply=f"text {k}", tags={"a": "b", "user": f"u{k}"}) for k in range(VALUES + 1)]
    assert {one.name for one in slices(labels, labels)} == {"reply=l0", "reply=l1", "reply=l2"}
    assert {one.name for one in slices(texts, texts)} == {"a=b"}


def test_rows_without_tags_have_no_slices() -> None:
    """Nothing is invented."""
    assert slices([said(1, "?")], [said(2, "?")]) == ()

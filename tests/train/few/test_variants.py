"""Instructions to try."""

from __future__ import annotations

from homeostat.train.few.variants import HINTS, NAMED, Mistake, corrected, variants
from homeostat.types.task import Kind


def test_the_one_in_force_comes_first() -> None:
    """Then the user's own, then both in every frame, with the labels in words; no double, none with a hole."""
    found = variants("route", ["sort by product"], ["late_delivery", "refund"], Kind.LABEL)
    assert found[:2] == ["route", "sort by product"]
    assert "sort by product Choose the one label that fits best: late delivery, refund." in found
    assert len(found) == len(set(found)) == 12
    assert not any("[" in one or "{" in one for one in found)


def test_too_many_labels_are_not_named() -> None:
    """Nor are there any to name where replies are texts."""
    many = variants("route", [], [f"label_{k}" for k in range(NAMED + 1)], Kind.LABEL)
    assert not any("label 1" in one for one in many)
    assert variants("", [], [], Kind.TEXT)[0] == ""
    assert "Be brief and polite." in variants("", [], [], Kind.TEXT)


def test_mistakes_suggest_what_to_say() -> None:
    """The most frequent confusion first, by its shortest request, then the next one besides."""
    wrong = [
        Mistake("my van is so very late", "refund", "late_delivery"),
        Mistake("van late", "refund", "late_delivery"),
    ]
    found = corrected("route", [Mistake("card", "late_delivery", "refund"), *wrong], Kind.LABEL)
    assert found == [
        'route "van late" is late delivery, not refund.',
        'route "van late" is late delivery, not refund. "card" is refund, not late delivery.',
    ]
    assert corrected("route", [], Kind.LABEL) == corrected("route", wrong, Kind.TEXT) == []
    many = [Mistake(f"t{k}", "a", f"b{k}") for k in range(9)]
    assert len(corrected("", many, Kind.LABEL)) == HINTS

"""Kinds have names that a person understands, their shares, and whether that is more than luck."""

from __future__ import annotations

import numpy as np

from homeostat.monitor.naming.shares import Share, says, shares_key, shares_of
from monitor.desk import said

TEXTS = ("my card was declined at the shop", "please book a table for dinner", "what is the weather tomorrow")


def rows(start: int, *counts: int) -> tuple[list[object], np.ndarray]:
    """So many requests of each kind."""
    kinds = np.repeat(np.arange(len(counts)), counts)
    return [said(start + k, f"{TEXTS[kind]} {k}") for k, kind in enumerate(kinds)], kinds


def test_kinds_are_named_by_their_words_and_ordered_by_growth() -> None:
    """Card payments from a fifth to a half: first, with the interval of the change; the weather, which shrank, last."""
    (before, of_before), (since, of_since) = rows(0, 40, 80, 80), rows(500, 100, 80, 20)

    found = shares_of((before, since), (of_before, of_since), {})  # type: ignore[arg-type]

    assert [(one.before, one.since) for one in found] == [(0.2, 0.5), (0.4, 0.4), (0.4, 0.1)]
    assert "card" in found[0].name or "declined" in found[0].name
    assert set(found[2].name.replace(",", "").split()) & set(TEXTS[2].split())
    assert 0.2 < found[0].low < 0.3 < found[0].high < 0.4
    assert found[1].low < 0.0 < found[1].high
    told = says(found)
    assert told.startswith("shares of the requests: ")
    assert "from 20.0% to 50.0%" in told
    assert "from 40.0% to 10.0%" in told
    assert "40.0% to 40.0%" not in told


def test_labels_keep_their_names_and_strangers_do_not_count() -> None:
    """A kind with a name is called so; requests of no kind belong to no share."""
    (before, of_before), (since, of_since) = rows(0, 10, 10), rows(500, 10, 10)
    of_since[:5] = -1

    found = shares_of((before, since), (of_before, of_since), {0: "pay", 1: "book"})  # type: ignore[arg-type]

    assert {one.name: (one.before, round(one.since, 3)) for one in found} == {
        "pay": (0.5, round(5 / 15, 3)),
        "book": (0.5, round(10 / 15, 3)),
    }


def test_one_side_alone_has_no_shares() -> None:
    """Nothing to compare, nothing to say."""
    some, kinds = rows(0, 5, 5)

    assert shares_of((some, []), (kinds, kinds[:0]), {}) == ()  # type: ignore[arg-type]
    assert says(()) == ""
    assert says([Share(name="pay", before=0.5, since=0.51, low=-0.1, high=0.1)]) == ""


def test_a_group_without_words_has_a_number() -> None:
    """Texts that no word tells from the others."""
    some = [said(k, str(k)) for k in range(8)]
    kinds = np.repeat([0, 1], 4)

    assert {one.name for one in shares_of((some, some), (kinds, kinds), {})} == {"group 1", "group 2"}
    assert shares_key("sig_1") == "shares:sig_1"

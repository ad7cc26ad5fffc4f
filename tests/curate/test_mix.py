"""What is replayed, how much of it, and what is not replayed any more."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeostat.curate.mix import draw, memory, quotas, replayable, superseded
from homeostat.types.dataset import SWAPPED, Example, Origin
from homeostat.types.task import Kind

LONG = "can I send back a lamp that I have opened and used for a week"


def row(text: str, target: str, time: float = 0.0, interaction: str = "") -> Example:
    return Example(text=text, target=target, time=time, interaction=interaction)


def many(**sizes: int) -> list[Example]:
    return [row(f"{label} {n}", label, float(n)) for label, size in sizes.items() for n in range(size)]


@given(st.dictionaries(st.text(max_size=3), st.integers(1, 500), min_size=1, max_size=30), st.integers(0, 2000))
def test_quotas(sizes: dict[str, int], rows: int) -> None:
    """Quotas sum to the rows wanted, give each label one at least and all at most, and grow with its size."""
    quota = quotas(sizes, rows)
    expected = min(max(rows, len(sizes)), sum(sizes.values())) if rows else 0
    assert sum(quota.values()) == expected
    assert all((1 if rows else 0) <= quota[name] <= sizes[name] for name in sizes)
    ordered = sorted(sizes, key=lambda name: sizes[name])
    assert all(quota[a] <= quota[b] + 1 for a, b in pairwise(ordered))


def test_square_root() -> None:
    """A label a hundred times as frequent is replayed ten times as often."""
    assert quotas({"frequent": 10_000, "rare": 100}, 110) == {"frequent": 100, "rare": 10}


def test_replay() -> None:
    """Replayed rows are marked, unchanged otherwise, drawn once each, by quota, oldest first."""
    old = many(a=400, b=100, c=1)
    drawn = draw(old, 91, Origin.REPLAY, kind=Kind.LABEL, seed=(0,))
    assert Counter(one.target for one in drawn) == {"a": 60, "b": 30, "c": 1}
    assert {one.origin for one in drawn} == {Origin.REPLAY}
    assert len({one.text for one in drawn}) == 91
    assert [one.time for one in drawn] == sorted(one.time for one in drawn)


def test_draw_is_reproducible() -> None:
    """The seed decides the draw; the order of memory and other labels do not."""
    old = many(a=100, b=100)
    first = draw(old, 40, Origin.REPLAY, kind=Kind.LABEL, seed=(1,))
    assert draw(old[::-1], 40, Origin.REPLAY, kind=Kind.LABEL, seed=(1,)) == first
    assert draw(old, 40, Origin.REPLAY, kind=Kind.LABEL, seed=(2,)) != first
    grown = draw([*old, *many(c=100)], 60, Origin.REPLAY, kind=Kind.LABEL, seed=(1,))
    assert [one for one in grown if one.target != "c"] == first


def test_uniform_draw() -> None:
    """Within a label, and for text tasks overall, every row is as likely as any other."""
    old = many(a=20)
    texts = [one.text for seed in range(400) for one in draw(old, 5, Origin.REPLAY, kind=Kind.TEXT, seed=(seed,))]
    assert all(60 < count < 140 for count in Counter(texts).values())
    assert len(set(texts)) == 20


def test_policy_change() -> None:
    """Old rows whose text, or one like it, got another label later are superseded; others are not."""
    old = [row(LONG, "return", 1), row(LONG + "s", "return", 2), row("where is my order", "status", 3)]
    assert superseded(old, [row(LONG, "keep", 5)], Kind.LABEL) == {0, 1}
    assert superseded(old, [row(LONG, "return", 5)], Kind.LABEL) == set()
    assert superseded(old, [row(LONG, "keep", 0)], Kind.LABEL) == set()


def test_policy_change_long_ago() -> None:
    """Memory overturns itself: what an earlier turn superseded does not come back."""
    old = [row(LONG, "return", 1), row(LONG, "keep", 5)]
    assert superseded(old, [], Kind.LABEL) == {0}


def test_rewritten_reply() -> None:
    """Of a text task the old reply to the very same text is superseded; to a similar text it is not."""
    old = [row(LONG, "Yes, within 30 days.", 1), row(LONG + "s", "Yes, within 30 days.", 2)]
    assert superseded(old, [row(LONG.upper(), "No, sorry.", 5)], Kind.TEXT) == {0}


def test_what_was_disliked_overturns_no_other_reply() -> None:
    """Of one text a bad reply and a good one are both remembered, whichever came last; a newer good one still
    overturns an older good one.
    """
    liked, bad = row("where is it", "On its way.", 1), replace(row("where is it", "Who knows.", 2), value=0.0)
    assert superseded([liked], [bad], Kind.TEXT) == set()
    assert superseded([replace(bad, time=0)], [liked], Kind.TEXT) == set()
    assert superseded([liked, bad], [row("where is it", "At the door.", 3)], Kind.TEXT) == {0}


def test_relabeled_interaction() -> None:
    """A row whose own interaction was labeled anew is superseded although no time has passed."""
    old = [row("hello", "a", 1, "int_1"), row("bye", "a", 1, "int_2")]
    new = [row("hello", "b", 1, "int_1"), row("bye", "a", 1, "int_2")]
    assert superseded(old, new, Kind.LABEL) == {0}


def test_replayable() -> None:
    """What is new already is not replayed, and of two old rows that say the same the newer is."""
    old = [row("hello", "a", 1), row("Hello!", "a", 2), row("bye", "b", 3), row("bye", "c", 4)]
    assert replayable(old, [row("BYE", "b", 9)]) == [old[1], old[3]]


def test_memory() -> None:
    """Memory holds every row of every dataset once; of one interaction the newest dataset's row."""
    first = [row("hello", "a", 1, "int_1"), row("bye", "b", 2), row("kept", "c", 3)]
    second = [row("hello", "b", 1, "int_1"), row("Bye", "b", 2), row("new", "c", 4)]
    assert memory([first, second]) == [second[0], second[1], first[2], second[2]]


def test_copies_are_remembered_where_they_teach_for_good() -> None:
    """A swapped one stands beside its row; one that was disturbed for a single training is forgotten."""
    own = row("he waits", "a", 1, "int_1")
    swapped = replace(own, text="she waits", disturbed=SWAPPED)
    assert memory([[own, swapped, replace(own, text="HE WAITS", disturbed="shouted")]]) == [own, swapped]
    assert superseded([own, swapped], [row("he waits", "b", 2, "int_1")], Kind.LABEL) == {0, 1}


@pytest.mark.parametrize(("old", "rows"), [([], 5), (many(a=3), 0)])
def test_nothing_to_replay(old: list[Example], rows: int) -> None:
    """Without memory, or without wanting any, nothing is replayed."""
    assert draw(old, rows, Origin.REPLAY, kind=Kind.LABEL, seed=(0,)) == []

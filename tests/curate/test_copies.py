"""Disturbed copies of rows: evenly over labels and disturbances, fenced, and gone with their rows."""

from __future__ import annotations

from collections import Counter

from homeostat.curate.copies import disturbed_copies
from homeostat.curate.mix import memory
from homeostat.types.dataset import Example, Origin

NAMES = ("louder", "marked", "nothing")
ROWS = [
    Example(
        text=f"{label} request {k * 7919}", target=label, interaction=f"int_{label}{k}", tags={"g": "m"}, weight=2.0
    )
    for label in ("refund", "delivery")
    for k in range(20)
]


def disturb(text: str, name: str) -> str:
    return {"louder": text.upper(), "marked": f"{text}!?", "nothing": text}[name]


def test_each_label_and_disturbance_alike() -> None:
    """A copy of every row, of each label as many under each that changes it; the rest of the row stays."""
    made = disturbed_copies(ROWS, disturb, NAMES, 1.0)
    assert Counter(row.target for row in made) == {"refund": 20, "delivery": 20}
    assert {row.disturbed for row in made} == {"louder", "marked"}
    assert all(7 <= n <= 13 for n in Counter((row.target, row.disturbed) for row in made).values())
    origin = {row.interaction: row for row in ROWS}
    for row in made:
        assert row.text == disturb(origin[row.interaction].text, row.disturbed)
        assert (row.target, row.weight, row.tags) == (origin[row.interaction].target, 2.0, {"g": "m"})


def test_a_share_of_the_rows() -> None:
    """Half of each label's, or each three times, under one disturbance after the other; alike for one seed alone."""
    half, thrice = (disturbed_copies(ROWS, disturb, NAMES, share) for share in (0.5, 3.0))
    assert Counter(row.target for row in half) == {"refund": 10, "delivery": 10}
    assert Counter(row.interaction for row in thrice) == {row.interaction: 3 for row in ROWS}
    assert half == disturbed_copies(ROWS, disturb, NAMES, 0.5) != disturbed_copies(ROWS, disturb, NAMES, 0.5, seed=1)
    assert disturbed_copies(ROWS, disturb, NAMES, 0.0) == disturbed_copies(ROWS, disturb, (), 1.0) == []


def test_nothing_of_the_suite_is_copied_into_being() -> None:
    """A copy that is as good as a text of the suite is left out, though its row was not."""
    rows = [Example(text="what is my balance", target="a"), Example(text="where is my parcel", target="b")]

    def contract(text: str, name: str) -> str:
        return text.replace("what is", "what's").replace("where is", "where's")

    made = disturbed_copies(rows, contract, ("short",), 1.0, evaluation=["What's my balance?"])
    assert [row.text for row in made] == ["where's my parcel"]


def test_copies_are_not_remembered() -> None:
    """The next candidate is offered the rows, and makes copies of its own."""
    known = [Example(text="hello", target="a", origin=Origin.NEW), *ROWS]
    assert memory([[*known, *disturbed_copies(known, disturb, NAMES, 1.0)]]) == memory([known])

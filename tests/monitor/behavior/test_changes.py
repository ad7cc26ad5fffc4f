"""How a candidate's replies differ from what users got: named groups, where they are, and examples."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from homeostat.monitor.behavior.changes import changes, shifts
from homeostat.monitor.behavior.failures import Rehearsed
from homeostat.types.interaction import Interaction
from homeostat.types.task import Kind

SAID = {"refund": "money back for the order", "delivery": "where is the parcel", "leak": "water leaks from the pump"}


def rows(n: int = 600, *, broken: float = 0.8) -> list[Rehearsed]:
    """A candidate that sends business customers who want their money back to delivery, and answers all others alike."""
    rng = np.random.default_rng(0)
    found = []
    for k in range(n):
        label, segment = list(SAID)[k % 3], ("home", "business")[int(rng.random() < 0.3)]
        lost = label == "refund" and segment == "business" and rng.random() < broken
        noise = rng.random() < 0.01
        tags = {"segment": segment, "channel": ("mail", "web")[int(rng.integers(2))]}
        row = Interaction(
            id=f"int_{k}", task="t", time=float(k), text=f"{SAID[label]} {rng.integers(1000)}", reply=label,
            version="ver_1", confidence=0.9, tags=tags,
        )  # fmt: skip
        reply = "delivery" if lost else "leak" if noise else label
        found.append(Rehearsed(row=row, reply=reply, confidence=0.8, told=label if k % 2 else ""))
    return found


def test_a_change_has_its_name_its_place_and_examples() -> None:
    """It is found as `refund → delivery`, in business and in requests about money, with what it costs."""
    done = rows()
    found = changes(done, Kind.LABEL)
    first = found[0]
    assert first.name == "refund → delivery"
    assert first.n == sum(one.reply == "delivery" != one.row.reply for one in done)
    assert first.where
    names = " ".join(place.name for place in first.where)
    assert "business" in names or "money" in names
    assert all(place.inside > 2 * place.outside for place in first.where)
    assert "channel" not in names
    assert (first.won, first.lost) == (0, first.judged)
    assert all(example.before == "refund" and example.after == "delivery" for example in first.examples)


def test_where_changes_fall_by_lot_no_place_is_named() -> None:
    """One reply in ten exchanged at random, ten times over: of the places named hardly any."""
    named = 0
    for seed in range(10):
        rng = np.random.default_rng(seed)
        done = [
            Rehearsed(row=one.row, reply="other" if rng.random() < 0.1 else one.row.reply, confidence=0.8)
            for one in rows(300, broken=0.0)
        ]
        named += sum(bool(change.where) for change in changes(done, Kind.LABEL))
    assert named <= 3


def test_the_shift_of_a_behavior_is_paired() -> None:
    """More wrong replies than users got: as many as the candidate lost, with its interval; what was never wrong on
    either side is not listed.
    """
    done = rows()
    moved = shifts(done, Kind.LABEL)
    judged = [one for one in done if one.told]
    wrong = sum(one.reply != one.told for one in judged) / len(judged)
    assert moved["wrong"].mean == wrong > 0.05
    assert moved["wrong"].low > 0
    assert moved["wrong"].n == len(judged)
    assert "empty" not in moved
    assert "differs" not in moved


def test_texts_change_by_behavior() -> None:
    """A version that refuses some and no longer repeats itself: two changes with these names."""
    said = "you can send the pump back at any time within two weeks"
    done = []
    for k in range(60):
        row = Interaction(
            id=f"int_{k}", task="t", time=float(k), text="how do I return it", version="v",
            reply="send it back " * 8 if k < 20 else said,
        )  # fmt: skip
        reply = "I'm sorry, but I cannot help you with any of that today" if k >= 50 else said
        done.append(Rehearsed(row=row, reply=reply, confidence=0.5))
    found = {change.name: change.n for change in changes(done, Kind.TEXT)}
    assert found["no longer: repeats itself"] == 20
    assert found["now: refuses"] == 10


def test_the_same_replies_are_no_change() -> None:
    """Nothing differs, nothing is told."""
    same = [Rehearsed(row=one.row, reply=one.row.reply, confidence=0.9) for one in rows(60)]
    assert changes(same, Kind.LABEL) == []


def test_of_rows_that_were_imported_nobody_knows_what_changed() -> None:
    """They have no reply that a user got, so nothing is compared with an empty one."""
    imported = [replace(one, row=replace(one.row, reply="", version="")) for one in rows()]
    assert changes(imported, Kind.LABEL) == []
    assert shifts(imported, Kind.LABEL) == {}
    assert shifts([*rows(), *imported], Kind.LABEL) == shifts(rows(), Kind.LABEL)

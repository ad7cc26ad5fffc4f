"""The fresh challenger: what newer labels are worth to a head that is always up to date."""

from __future__ import annotations

from functools import partial

import pytest
from small_project import KNOWN, NEW, rows

from homeostat.loop.deciding import shadow
from homeostat.loop.deciding.shadow import challenge
from homeostat.metrics.replies import right
from homeostat.types.dataset import Example
from homeostat.types.task import Kind

RIGHT = partial(right, Kind.LABEL)


def taught(labels: list[str], n: int, seed: int) -> list[Example]:
    return [Example(text=text, target=label) for text, label in rows(labels, n, seed)]


MEMORY = taught(list(KNOWN), 120, 1)


def test_labels_the_champion_never_saw_are_worth_learning() -> None:
    """The frozen head misses all of them, the fresh one few after the first block."""
    gain = challenge(MEMORY, taught(list(NEW), 200, 2), RIGHT).gain
    assert gain.n == 200
    assert gain.low > 0.7


def test_where_nothing_moved_there_is_little_to_gain() -> None:
    """More of the same: the interval holds zero or hardly more."""
    gain = challenge(MEMORY, taught(list(KNOWN), 200, 3), RIGHT).gain
    assert abs(gain.mean) < 0.05
    assert gain.low <= 0.0


def test_the_gain_is_that_of_the_newest_rows() -> None:
    """Old labels of long ago are learned from and do not thin out what the newest say."""
    alone = challenge(MEMORY, taught(list(NEW), shadow.WINDOW, 4), RIGHT).gain
    after = challenge(MEMORY, taught(list(KNOWN), 300, 5) + taught(list(NEW), shadow.WINDOW, 4), RIGHT).gain
    assert after.n == alone.n == shadow.WINDOW
    assert after.mean == pytest.approx(alone.mean, abs=0.05)


def test_rows_learned_in_pieces_are_learned_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """How many rows are in memory at once changes nothing."""
    labeled = taught([*KNOWN, *NEW], 150, 6)
    whole = challenge(MEMORY, labeled, RIGHT).gain
    monkeypatch.setattr(shadow, "CHUNK", 7)
    pieces = challenge(MEMORY, labeled, RIGHT).gain
    assert (pieces.mean, pieces.low) == pytest.approx((whole.mean, whole.low))


@pytest.mark.parametrize(("memory", "labeled"), [([], MEMORY), (MEMORY, [])])
def test_without_rows_on_either_side_nothing_is_known(memory: list[Example], labeled: list[Example]) -> None:
    """No rows, and an interval that leaves everything open."""
    gain = challenge(memory, labeled, RIGHT).gain
    assert (gain.n, gain.low, gain.high) == (0, -1.0, 1.0)


def test_a_text_task_gains_by_how_alike_the_replies_are() -> None:
    """Heads that reply with whole texts they know, valued by chrF: new answers are worth something."""
    memory = [Example(text=e.text, target=f"Here is what we do about your {e.target}.") for e in MEMORY]
    labeled = [Example(text=e.text, target=f"Mop up and see to the {e.target}!") for e in taught(list(NEW), 100, 7)]
    gain = challenge(memory, labeled, partial(right, Kind.TEXT)).gain
    assert 0.2 < gain.mean < 1.0


def test_what_was_missed_lately_is_that_of_the_last_rows() -> None:
    """Forty rows of something new after many of what is known: little overall, nearly everything lately."""
    found = challenge(MEMORY, taught(list(KNOWN), 160, 8) + taught(list(NEW), 40, 9), RIGHT)
    assert found.gain.mean < 0.3
    lately = found.lately(40)
    assert lately is not None
    assert lately > 0.4
    assert found.lately(0) is None
    assert found.lately(10_000) == pytest.approx(found.gain.mean)

"""Which groups are gated alone, which are pooled, and by which margin."""

import numpy as np
import pytest

from homeostat.config.schema import Evaluate
from homeostat.evaluate.groups import SMALL, Guard, guards, place, rows_needed
from homeostat.evaluate.score import PairedRow

SETTINGS = Evaluate(alpha=0.05, margin=0.02, small_margin=0.05)


def group(name: str, n: int, *, losses: int = 0) -> list[PairedRow]:
    return [PairedRow(group=name, candidate=float(i >= losses), champion=1.0) for i in range(n)]


def seen(found: tuple[Guard, ...]) -> list[tuple[str, int, float, bool]]:
    return [(guard.name, len(guard.sample), guard.margin, guard.gated) for guard in found]


def test_rows_needed_is_the_power_table() -> None:
    """At a planned discordance of 0.1, alpha 0.05 and power 0.8, the test needs 1546 and 247 rows."""
    assert rows_needed(0.02, SETTINGS) == 1546
    assert rows_needed(0.05, SETTINGS) == 247
    assert rows_needed(0.0, SETTINGS) == np.inf
    assert rows_needed(0.05, Evaluate(alpha=0.0)) == np.inf


@pytest.mark.parametrize(
    ("n", "expected"),
    [
        (1546, ("one", 1546, 0.02, True)),
        (687, ("one", 687, pytest.approx(0.03, abs=1e-4), True)),
        (247, ("one", 247, pytest.approx(0.05, abs=1e-4), True)),
        (246, ("one", 246, 0.05, False)),
    ],
)
def test_the_margin_follows_the_rows(n: int, expected: tuple[str, int, float, bool]) -> None:
    """A group is held to the tightest margin that the power table grants its rows, between the two that are set."""
    assert seen(guards(group("one", n), SETTINGS)) == [expected]


def test_small_groups_are_pooled() -> None:
    """Groups too small for any margin are one pool, gated only if the pool has rows enough."""
    big, tiny = group("big", 400), group("x", 100) + group("y", 100)
    found = guards(big + tiny, SETTINGS)
    assert [(one.name, len(one.sample), one.gated) for one in found] == [("big", 400, True), (SMALL, 200, False)]
    assert found[0].margin < found[1].margin == SETTINGS.small_margin
    assert guards(big + tiny + group("z", 47), SETTINGS)[-1].gated


def test_a_group_does_not_leave_the_gate_by_being_broken() -> None:
    """How many rows make a group a guard does not depend on how the candidate did there."""
    assert seen(guards(group("old", 300, losses=200), SETTINGS)) == seen(guards(group("old", 300), SETTINGS))


def test_the_target_is_no_guard() -> None:
    """Groups where something must be won are neither gated nor pooled as guards."""
    rows = group("new", 300) + group("old", 300) + group("tiny", 10)
    assert [guard.name for guard in guards(rows, SETTINGS, ("new",))] == ["old", "tiny"]
    assert guards(rows, SETTINGS, ("new", "old", "tiny")) == ()


def test_a_place_is_what_its_rows_can_show() -> None:
    """Few rows are held to the widest margin and not gated; more to a tighter one; none below what is configured."""
    settings = Evaluate(margin=0.02, small_margin=0.05)
    few, some, many = (place("p", ("p",), rows, settings) for rows in (100, 600, 90_000))
    assert (few.gated, some.gated, many.gated) == (False, True, True)
    assert few.margin == 0.05
    assert 0.02 < some.margin < 0.05
    assert many.margin == 0.02


def test_a_place_without_rows_is_never_gated() -> None:
    """Nothing can be asked of nobody."""
    assert not place("p", ("p",), 0, Evaluate()).gated

"""What the gate will ask is known before anybody is asked, and is what it then asks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from homeostat.config.schema import Evaluate
from homeostat.evaluate.account import due
from homeostat.evaluate.fair import Demand, Measure
from homeostat.evaluate.gate import OVERALL, compare, gate
from homeostat.evaluate.needs import ALIKE, BETTER, KEPT, Need, needs
from homeostat.evaluate.score import PairedRow
from homeostat.stats.power import needed
from homeostat.types.suite import Terms
from homeostat.types.task import Task

SETTINGS, TASK = Evaluate(), Task(name="routing")
LEVEL = due([], SETTINGS.alpha).level
DEMAND = Demand(tag="sender", measure=Measure.ACCURACY, margin=0.1)


def rows() -> list[PairedRow]:
    """700 rows of known labels, some of a slice, of two senders; 60 of new ones."""
    found = []
    for k in range(760):
        new = k >= 700
        one = PairedRow(
            id=str(k),
            group="new labels" if new else "known labels",
            candidate=0.0,
            champion=0.0,
            slices=("segment=home",) if k % 2 else ("segment=school",) if k % 20 == 0 else (),
            tags={"sender": "m" if k % 10 else "f"},
            target="refund" if k % 3 else "delivery",
            said=("", ""),
            sure=(0.0, 0.0),
        )
        found.append(one)
    return found


def plan(given: Sequence[PairedRow], settings: Evaluate = SETTINGS, level: float = LEVEL) -> dict[str, Need]:
    target = tuple(sorted({row.group for row in given} & {"new labels"}))
    suites = {"suite golden": (40, Terms(margin=0.1)), "suite large": (300, Terms())}
    found = needs(given, settings, target=target, level=level, fair=[DEMAND], suites=suites)
    return {need.name: need for need in found}


def test_every_claim_of_the_gate_is_told_beforehand() -> None:
    """Whoever replies whatever: the proofs that the gate then demands are those that were told of."""
    given, rng = rows(), np.random.default_rng(2)
    told = plan(given)
    for good in (0.9, 0.3):
        luck = rng.random((len(given), 2)).tolist()
        answered = [
            replace(
                row,
                candidate=float(mine < good),
                champion=float(theirs < 0.7),
                said=tuple(row.target if x < y else "login" for x, y in ((mine, good), (theirs, 0.7))),
            )
            for row, (mine, theirs) in zip(given, luck, strict=True)
        ]
        report = compare(TASK, "ver_new", "ver_old", answered, SETTINGS, now=1.0, target=("new labels",))
        tests = gate(report, answered, SETTINGS, target=("new labels",)).tests
        asked = {name for name, need in told.items() if need.asked and need.what != ALIKE}
        assert asked == {*tests, "suite large"}


def test_what_is_told_is_the_power_table() -> None:
    """Rows that a claim takes, rows that are there, and the least that these show."""
    told = plan(rows())
    overall = told[OVERALL]
    assert (overall.what, overall.by, overall.there, overall.asked) == (BETTER, 0.05, 760, True)
    assert overall.needed == needed(0.1, 0.05, 0.0, LEVEL, 0.8)
    assert overall.suffices
    assert overall.least is not None
    assert needed(0.1, overall.least, 0.0, LEVEL, 0.8) == pytest.approx(760, abs=1)
    school = told["segment=school"]
    assert (school.what, school.needed, school.there, school.asked, school.suffices) == (KEPT, 247, 35, False, False)
    assert school.least == pytest.approx(0.1329, abs=1e-3)
    assert told["suite golden"].needed == 62
    assert not told["suite golden"].asked
    assert told["suite large"].asked
    small = told["accuracy by sender, f"]
    assert (small.what, small.by, small.there, small.asked) == (ALIKE, 0.1, 76, False)
    assert small.needed is not None
    assert small.needed > 76


def test_users_count_once() -> None:
    """Rows of 38 users are worth 38 rows wherever rows are counted."""
    told = plan([replace(row, cluster=str(k % 38)) for k, row in enumerate(rows())])
    assert (told[OVERALL].there, told[OVERALL].rows) == (38, 760)
    assert not told[OVERALL].suffices
    assert not any(need.asked for need in told.values() if need.name not in (OVERALL, "suite large"))


def test_nothing_there_and_nothing_that_could_show_it() -> None:
    """Without rows everything is still wanted; where no error is allowed, no number of rows is enough."""
    told = plan([])
    assert (told[OVERALL].there, told[OVERALL].least, told[OVERALL].suffices) == (0, None, False)
    assert set(told) == {OVERALL, "suite golden", "suite large"}
    strict = plan(rows(), replace(SETTINGS, alpha=0.0), level=0.0)
    assert strict[OVERALL].needed is None
    assert all(need.needed is None and not need.suffices for need in strict.values())

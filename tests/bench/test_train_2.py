"""The bar of the exact head: what counts, and that what it compares with is another computation."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parents[2] / "bench"))

from adaptation.courses import Course
from train_2 import Drift, Rows, Timed, at_phases, drift, ends_of, line, shuffled, timed

from homeostat.collect.stream import Split, StreamRow
from homeostat.train.head.ridge import RidgeHead

TIMED = Timed(incremental=1.0, joint=40.0, phases=1.0, joint_phases=4.0, history_us=100.0, block_us=600.0)
CLOSE = Drift(weights=1e-12, right=0.8, joint_right=0.8)


def rows(count: int = 90) -> Rows:
    """Rows of three labels, in turn."""
    rng = np.random.default_rng(0)
    features = rng.standard_normal((count, 24)) + 2 * np.eye(24)[np.arange(count) % 3]
    return Rows(features=features, labels=[f"label_{k % 3}" for k in range(count)])


def course() -> Course:
    """30 rows of history, 60 live ones in two phases, and 20 test rows of which half are shown from the start."""
    splits = [(Split.HISTORY, 0.0, 30), (Split.LIVE, 1.0, 60), (Split.TEST, 0.0, 20)]
    made = [(split, first + k) for split, first, count in splits for k in range(count)]
    return Course(
        name="small",
        rows=[
            StreamRow(index=n, text=str(n), label=f"label_{n % 3}", time=time, split=split)
            for n, (split, time) in enumerate(made)
        ],
        moments=(10.0, 35.0, 60.0),
    )


@pytest.mark.parametrize(
    ("run", "phase", "order", "met"),
    [
        (TIMED, CLOSE, CLOSE, True),
        (replace(TIMED, joint=10.0), CLOSE, CLOSE, False),
        (TIMED, replace(CLOSE, weights=1e-5), CLOSE, False),
        (TIMED, replace(CLOSE, other=1), CLOSE, False),
        (TIMED, CLOSE, replace(CLOSE, weights=1e-5), False),
    ],
)
def test_what_the_bar_asks_for(run: Timed, phase: Drift, order: Drift, met: bool) -> None:
    """A twentieth of the time, weights that are the joint ones everywhere, and the same answers."""
    shown = line([run], [phase], [order])
    assert shown["met"] is met
    assert shown["value"] == run.incremental / run.joint


def test_a_head_that_is_off_is_seen() -> None:
    """The joint solution holds exactly the rows it should: one row too few, or the wrong ridge, is told from it."""
    some = rows()
    head = RidgeHead(24, ridge=1.0)
    head.add(*some.part(range(90)))
    assert drift(head, some, range(90)).weights < 1e-12
    assert drift(head, some, range(89)).weights > 1e-4
    head.sums.penalty *= 2
    head.add(*some.part(range(30)))
    assert drift(head, some, [*range(90), *range(30)]).weights > 1e-4


def test_random_orders_are_exact() -> None:
    """In whatever order the rows come, and when a tenth has gone again, the weights are the joint ones."""
    assert [one.weights < 1e-9 for one in shuffled(rows(), 0.3, 1)] == [True, True]


def test_blocks_and_phases() -> None:
    """The history comes first in both; blocks end every so many rows and with the stream, phases at the moments."""
    assert ends_of(course(), 25) == ([30, 55, 80, 90], [40, 65, 90])


def test_phases_are_looked_at_with_the_tests_shown_by_then() -> None:
    """At each moment the head holds the rows so far, and equals the joint one on the tests so far."""
    some, tests = rows(), rows(20)
    seen = list(at_phases(course(), some, tests, 25, 1.0))
    assert [(one.weights < 1e-9, one.other) for one in seen] == [(True, 0)] * 3
    assert all(one.right == one.joint_right > 0.5 for one in seen)


def test_both_are_timed() -> None:
    """Each takes some time, and the joint head's is summed over all blocks."""
    blocks, phases = ends_of(course(), 10)
    found = timed(rows(), blocks, phases, 1.0)
    assert min(found.joint, found.block_us, found.history_us) >= 0.0

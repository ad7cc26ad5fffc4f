"""The bench that puts the e-detector beside the classical ones counts what it says."""

from __future__ import annotations

import runpy
from pathlib import Path

import numpy as np
import pytest

BENCH = runpy.run_path(str(Path(__file__).parents[2] / "bench" / "second_opinion.py"))


@pytest.mark.parametrize("name", BENCH["DETECTED"])
def test_a_change_of_everything_is_found(name: str) -> None:
    """Every detector finds 500 rows of another kind among those it knows, and says after how many."""
    rng = np.random.default_rng(0)
    scores = np.concatenate([rng.normal(size=300), rng.normal(size=500) + 3])
    alarms = list(BENCH["DETECTED"][name](rng.normal(size=1000), scores, rng))
    assert any(300 < at <= 450 for at in alarms)
    assert all(1 <= at <= 800 for at in alarms)


def test_streams_that_alarmed_before_are_left_out() -> None:
    """A detector that always alarms at once has no delays, and one that never does has infinite ones."""
    assert BENCH["delays"](lambda known, scores, rng: iter([1]), 3, 0.5, 0) == []
    assert BENCH["delays"](lambda known, scores, rng: iter([]), 3, 0.5, 0) == [np.inf] * 3
    assert BENCH["delays"](lambda known, scores, rng: iter([620]), 2, 0.5, 0) == [120, 120]


def test_false_alarms_are_summed_over_streams() -> None:
    """Each stream is its own."""
    assert BENCH["false_alarms"](lambda known, scores, rng: iter([1, 2, 3]), 4, 10, 0) == 12

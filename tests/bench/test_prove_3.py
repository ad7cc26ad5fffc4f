"""The arithmetic of the bar: what is said of trials that ended so and so."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).parents[2] / "bench"))

from prove_3 import BROKEN, WHOLE, told
from trial import SEGMENTS, Ended


def test_what_is_told_of_trials() -> None:
    """Taken back is what was shown to do harm or was undecided; what ran out of traffic is neither back nor through."""
    ended = [
        Ended("harm", 10.0, 5, 3),
        Ended("undecided", 30.0, 7, 9),
        Ended("full", 20.0, 6, 4),
        Ended("open", 1, 1, 1),
    ]
    found = told(ended)
    assert found["ends"] == {"harm": 1, "undecided": 1, "full": 1, "open": 1}
    mean, low, high = found["withdrawn"]
    assert mean == 0.5
    assert 0.06 < low < 0.08
    assert 0.92 < high < 0.94
    assert found["exposed"] == [round(float(np.median([5, 7, 6, 1]))), 7]
    assert found["seconds"][0] == 15


def test_the_kinds_are_those_of_the_bar() -> None:
    """A bias is of 10 points or more, in a segment of a fifth of the traffic or more; the good are not biased."""
    assert list(BROKEN) == ["sabotaged", "slow", "erroring", "biased"]
    assert all(kind.points >= 10.0 and SEGMENTS[kind.segment] >= 0.2 for kind in BROKEN["biased"])
    assert not any(kind.points or kind.late_ms or kind.failing > 0.01 for kinds in WHOLE.values() for kind in kinds)

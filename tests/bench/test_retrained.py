"""What a bench of trained backtests tells of a version."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).parents[2] / "bench"))

from retrained import vars_of
from watch_5 import PRICES, costs_of, policies

from decide.replay.pasts import aging, past
from homeostat.types.report import Score


def test_a_score_is_four_numbers() -> None:
    """Mean, interval and n."""
    assert vars_of(Score(mean=0.5, low=0.25, high=0.75, n=40)) == [0.5, 0.25, 0.75, 40.0]


def test_costs_are_for_as_many_requests_as_will_be_lived_through() -> None:
    """A history of twice as many requests foretells the same cost of each; who never retrains pays no price."""
    small, large = (past(aging(10, 0.05), requests=np.full(10, n).tolist()) for n in (50.0, 100.0))
    one, two = (costs_of(each, policies(86_400.0), 500) for each in (small, large))
    assert set(one) == set(PRICES)
    assert np.allclose(one[10.0]["never"], two[160.0]["never"])
    assert np.allclose(one[40.0]["always"], two[40.0]["always"])

"""The bench of users who come back draws what it says, and its claims are false by just their bounds."""

from __future__ import annotations

import numpy as np
import pytest
from returning import ALPHA, CASES, DISCORDANCE, FRESH, MARGIN, ROWS, USERS, alone, drawn, fair, rates, safe


def test_rows_of_a_user_fare_alike() -> None:
    """But for a share that is drawn anew; the mean and the discordance are those that were asked for."""
    values, whose = drawn(0, -MARGIN, 4000, 40_000)
    assert values.mean() == pytest.approx(-MARGIN, abs=0.02)
    assert np.abs(values).mean() == pytest.approx(DISCORDANCE, abs=0.02)
    first: dict[str, float] = {}
    same = [value == first.setdefault(name, value) for value, name in zip(values.tolist(), whose, strict=True)]
    assert 1.0 - FRESH < np.mean(same) < 1.0
    values, whose = drawn(0, 0.0)
    assert (len(values), len(set(whose))) == (ROWS, USERS)
    assert set(alone((values, whose))[1]) == {""}
    assert len(set(drawn(0, 0.0, ROWS)[1])) == ROWS


def test_a_gap_is_false_by_just_its_margin() -> None:
    """The first group is right as much less often than the second as the demand allows, where the claim is false."""
    _, margin, null, truth = CASES["groups alike"]
    assert (DISCORDANCE - null) / 2.0 == pytest.approx(margin)
    assert (DISCORDANCE - truth) / 2.0 < margin
    assert not fair(drawn(1, -0.15, ROWS), margin)
    assert fair(drawn(1, 0.1, ROWS), margin)


def test_what_is_so_is_shown_both_ways() -> None:
    """Users who ask once, much better than the margin: by users and by rows alone."""
    better = drawn(2, 0.1, ROWS)
    assert safe(better, MARGIN)
    assert safe(alone(better), MARGIN)
    assert not safe(drawn(2, -0.15, ROWS), MARGIN)


@pytest.mark.slow
def test_rows_alone_err_more_often() -> None:
    """Few draws: shares with their intervals, for every claim and way; rows alone are never the more careful ones."""
    found = rates(range(4))
    assert set(found) == set(CASES)
    for one in found.values():
        assert all(low <= mean <= high for mean, low, high in one.values())
        assert one["false"][0] <= one["false, rows alone"][0] + ALPHA

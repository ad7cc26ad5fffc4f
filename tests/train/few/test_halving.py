"""The best of many, found without asking all of everything."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from homeostat.train.few.halving import FIRST, search


def test_the_best_is_found_for_a_part_of_the_price() -> None:
    """Of twenty candidates of which one is right 25 points more often: found in 19 of 20 draws, for less than a third
    of asking all of all rows; the score that is told of it is its mean on all rows.
    """
    found = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        right = rng.random((20, 200)) < np.array([0.6] * 13 + [0.85] + [0.6] * 6)[:, None]

        def score(candidate: int, at: Sequence[int], right: np.ndarray = right) -> list[float]:
            return [float(right[candidate, k]) for k in at]

        best = search(list(range(20)), score, 200, seed=seed)
        found += best.best == 13
        assert best.mean == pytest.approx(right[best.best].mean())
        assert best.first == pytest.approx(right[0].mean())
        assert best.asked < 20 * 200 / 3
    assert found >= 19


def test_what_is_in_force_wins_where_nothing_is_better() -> None:
    """It stays to the end, and comes before its equals."""
    asked: dict[str, list[int]] = {"now": [], "a": [], "b": []}

    def score(candidate: str, at: Sequence[int]) -> list[float]:
        asked[candidate] += at
        return [1.0] * len(at)

    assert search(["now", "a", "b"], score, 100).best == "now"
    assert sorted(asked["now"]) == list(range(100))
    assert len(asked["b"]) == FIRST


def test_nothing_to_search() -> None:
    """Neither without candidates nor without rows."""
    with pytest.raises(ValueError, match="nothing to search"):
        search([], lambda candidate, at: [], 5)
    with pytest.raises(ValueError, match="nothing to search"):
        search(["a"], lambda candidate, at: [], 0)

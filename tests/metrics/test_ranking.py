"""How well a number tells some rows from others."""

from __future__ import annotations

import numpy as np
import pytest

from homeostat.metrics.ranking import auroc


def test_by_counting_pairs() -> None:
    """Equal to counting, over all pairs of a positive and another row, which is higher; ties count half."""
    draw = np.random.default_rng(0)
    value, positive = draw.integers(0, 6, 60).astype(float), draw.random(60) < 0.4
    pairs = [(a, b) for a in value[positive] for b in value[~positive]]
    counted = sum((a > b) + 0.5 * (a == b) for a, b in pairs) / len(pairs)
    assert auroc(value.tolist(), positive.tolist()) == pytest.approx(counted)


@pytest.mark.parametrize(("value", "told"), [([1, 2, 3, 4], 1.0), ([4, 3, 2, 1], 0.0), ([5, 5, 5, 5], 0.5)])
def test_the_ends_of_the_scale(value: list[float], told: float) -> None:
    """1 where every positive is higher, 0 where every one is lower, one half where nothing is told."""
    assert auroc(value, [False, False, True, True]) == told


@pytest.mark.parametrize("positive", [[True, True], [False, False], [True]])
def test_what_has_no_answer(positive: list[bool]) -> None:
    """Rows of one kind alone, and unequal lengths, are refused."""
    with pytest.raises(ValueError, match="rows"):
        auroc([1.0, 2.0], positive)

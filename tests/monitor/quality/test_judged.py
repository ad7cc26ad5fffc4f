"""Quality told by a judge whose errors are known."""

from __future__ import annotations

import numpy as np
import pytest

from homeostat.monitor.quality.judged import LEAST, by_judge
from homeostat.types.report import Score

Floats = np.ndarray


def judge(rng: np.random.Generator, right: Floats) -> Floats:
    """Ratings of a judge that overrates a fourth of the wrong replies."""
    fooled = rng.random(len(right)) < 0.25
    return np.where((right > 0.5) | fooled, rng.beta(9, 2, len(right)), rng.beta(2, 9, len(right)))


def test_the_truth_lies_inside_however_good_the_system_has_become() -> None:
    """Of 400 windows of 200 replies whose accuracy is anywhere from 30 to 95 %, where labels came from a system that
    was right 85 % of the time. What judges are usually corrected by, the mean of their errors then, is far off.
    """
    inside, usual, widths = [], [], []
    rng = np.random.default_rng(1)
    for _ in range(400):
        before = (rng.random(150) < 0.85).astype(float)
        rated = judge(rng, before)
        now = (rng.random(200) < rng.uniform(0.3, 0.95)).astype(float)
        ratings = judge(rng, now)
        found = by_judge(ratings.tolist(), rated[before > 0.5].tolist(), rated[before < 0.5].tolist())
        if isinstance(found, Score):
            inside.append(found.low <= now.mean() <= found.high)
            widths.append(found.high - found.low)
            usual.append(abs(ratings.mean() + (before - rated).mean() - now.mean()))
    assert len(inside) > 380
    assert np.mean(inside) >= 0.94
    assert np.median(widths) < 0.4
    assert np.mean(usual) > 0.1


def test_nothing_is_told_where_nothing_can_be() -> None:
    """With too few judged by people, by a judge that cannot tell, and by one that has it the wrong way round."""
    rng = np.random.default_rng(2)
    few = by_judge([0.5] * 50, [0.9] * 40, [0.1] * (LEAST - 1))
    assert few == f"40 right and {LEAST - 1} wrong replies were rated and judged by people; {LEAST} of each tell"
    blind = by_judge(rng.random(200).tolist(), rng.random(40).tolist(), rng.random(40).tolist())
    assert isinstance(blind, str)
    assert "does not surely tell them apart" in blind
    assert isinstance(by_judge([0.5] * 50, [0.1] * 40, [0.9] * 40), str)
    with pytest.raises(ValueError, match="no ratings"):
        by_judge([], [0.9] * 40, [0.1] * 40)


def test_more_labels_make_it_narrower() -> None:
    """And a perfect judge is told from few as surely as the added rows of doubt allow."""
    rng = np.random.default_rng(3)
    right = (rng.random(5000) < 0.7).astype(float)
    ratings = judge(rng, right)
    good, bad = ratings[right > 0.5], ratings[right < 0.5]
    widths = []
    for n in (15, 60, 240):
        found = by_judge(ratings[4000:].tolist(), good[:n].tolist(), bad[:n].tolist())
        assert isinstance(found, Score)
        widths.append(found.high - found.low)
    assert widths[0] > widths[1] > widths[2]

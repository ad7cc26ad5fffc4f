"""What a judge's ratings are worth: agreement with people, and a mean that the judge's errors do not bend."""

from __future__ import annotations

import numpy as np
import pytest

from homeostat.evaluate.rated import Rating, rated


def replies(seed: int, n: int, *, asked: float, lenient: float, users: int = 0) -> tuple[list[Rating], float]:
    """Replies of which 60 in 100 are right; the judge calls that many of the wrong ones right too. And their worth."""
    rng = np.random.default_rng(seed)
    whose = rng.integers(0, users, n) if users else np.arange(n)
    right = (rng.random(max(users, n)) < 0.6)[whose]
    judge = np.where(right, rng.random(n) < 0.95, rng.random(n) < lenient).astype(float)
    told = rng.random(max(users, n)) < asked
    rows = [
        Rating(judge=float(j), people=float(r) if told[w] else None, cluster=f"user {w}" if users else "")
        for j, r, w in zip(judge, right, whose, strict=True)
    ]
    return rows, 0.6


@pytest.mark.slow
def test_a_lenient_judge_is_put_right() -> None:
    """A judge that passes a third of what is wrong says 70 where it is 60: its own interval hardly ever holds the
    truth, the corrected one does in 93 of 100 draws, and is narrower than what people alone say.
    """
    held, alone, narrower = [], [], []
    for seed in range(150):
        rows, truth = replies(seed, 1200, asked=0.1, lenient=0.33)
        found = rated("judge", rows)
        assert found.corrected is not None
        assert found.people is not None
        held.append(found.corrected.low <= truth <= found.corrected.high)
        alone.append(found.ratings.low <= truth <= found.ratings.high)
        narrower.append((found.corrected.high - found.corrected.low) / (found.people.high - found.people.low))
        if seed > 2:  # agreement is told once more below; its draws take time
            continue
        assert found.kappa is not None
        assert found.correlation is not None
        assert 0.4 < found.kappa.low < found.kappa.mean < found.kappa.high < 0.9
        assert found.correlation.mean == pytest.approx(found.kappa.mean, abs=0.1)
    assert np.mean(held) >= 0.93
    assert np.mean(alone) <= 0.05
    assert np.mean(narrower) < 0.85


def test_users_are_counted_and_not_their_replies() -> None:
    """Replies of thirty users, all right or all wrong: the corrected interval still holds the truth."""
    held = []
    for seed in range(60):
        rows, truth = replies(seed, 600, asked=0.5, lenient=0.33, users=60)
        found = rated("judge", rows).corrected
        assert found is not None
        held.append(found.low <= truth <= found.high)
    assert np.mean(held) >= 0.88


def test_who_judges_by_a_coin_agrees_with_nobody() -> None:
    """Kappa is at zero; and what it says counts for nothing."""
    rng = np.random.default_rng(0)
    rows = [Rating(judge=float(rng.random() < 0.5), people=float(rng.random() < 0.6)) for _ in range(300)]
    found = rated("judge", rows)
    assert found.kappa is not None
    assert found.kappa.low < 0.0 < found.kappa.high
    assert found.people is not None
    assert found.corrected == found.people


def test_without_people() -> None:
    """The judge's mean alone, and nothing about what it is worth; below ten of both no agreement is told."""
    found = rated("judge", [Rating(judge=0.5)] * 20)
    assert (found.people, found.corrected, found.kappa, found.correlation) == (None, None, None, None)
    few = rated("judge", [Rating(judge=0.5, people=1.0)] * 9 + [Rating(judge=0.4)] * 9)
    assert few.people is not None
    assert few.kappa is None
    with pytest.raises(ValueError, match="values"):
        rated("judge", [])


def test_a_judge_that_is_always_right_is_heeded_wholly() -> None:
    """Few words of people beside many ratings that say the same: nearly as sure as if people had said it all."""
    rng = np.random.default_rng(0)
    right = (rng.random(2000) < 0.6).astype(float)
    rows = [Rating(judge=float(r), people=float(r) if k < 100 else None) for k, r in enumerate(right)]
    found = rated("judge", rows)
    assert found.corrected is not None
    assert found.people is not None
    assert found.heeded > 0.9
    assert found.corrected.mean == pytest.approx(right.mean(), abs=0.02)
    assert found.corrected.high - found.corrected.low < 0.6 * (found.people.high - found.people.low)
    assert found.kappa is not None
    assert found.kappa.mean == 1.0


def test_ratings_need_not_be_yes_or_no() -> None:
    """A judge that rates in tenths agrees by correlation, and counts as saying yes from a half on."""
    rng = np.random.default_rng(1)
    right = (rng.random(300) < 0.5).astype(float)
    tenths = np.round(np.clip(0.3 + 0.4 * right + rng.normal(0, 0.15, 300), 0, 1), 1)
    rows = [Rating(judge=float(j), people=float(r)) for j, r in zip(tenths, right, strict=True)]
    found = rated("judge", rows)
    assert found.correlation is not None
    assert found.correlation.mean == pytest.approx(np.corrcoef(tenths, right)[0, 1])
    assert found.correlation.low < found.correlation.mean < found.correlation.high
    assert found.ratings.mean == pytest.approx(tenths.mean())

"""What is kept of a level for looking again: all of it, and no more."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import integrate, stats

from homeostat.stats.again import asked
from homeostat.stats.planned import Plan, Planned


@pytest.mark.parametrize(("first", "more"), [(0.045, 0.005), (0.00057, 0.00006), (0.05, 0.05)])
def test_all_that_was_kept_is_given_out_and_no_more(first: float, more: float) -> None:
    """Over p-values that are even it comes to `more`; it falls, so it comes to less over too large ones."""
    total, _ = integrate.quad(lambda u: asked(math.exp(u), first, more) * math.exp(u), math.log(first), 0.0)
    assert total == pytest.approx(more, rel=1e-6)
    levels = [asked(p, first, more) for p in np.linspace(first * 1.0001, 1.0, 50)]
    assert levels == sorted(levels, reverse=True)
    assert 0.0 < levels[-1] < levels[0] <= 1.0


def test_both_looks_together_err_as_seldom_as_they_say() -> None:
    """4,000 candidates that are no better, each looked at once on 300 rows and then after each of 300 more: passed at
    0.05 in all, where a second look at the first level alone would pass more.
    """
    rng, first, more = np.random.default_rng(5), 0.04, 0.01
    signs = rng.choice([-1.0, 1.0], size=(600, 4000))
    p = stats.binom.sf((signs[:300] > 0).sum(axis=0) - 1, 300, 0.5)
    game = Planned(np.zeros(4000), Plan(rows=300, alpha=0.01, square=1.0))
    game.extend(signs[300:])
    levels = np.array([asked(one, first, more) if one > first else 1.0 for one in p])
    passed = (p <= first) | (game.p <= levels)
    assert passed.mean() <= first + more + 2 * math.sqrt(0.05 * 0.95 / 4000)
    assert passed.mean() > (p <= first).mean()
    assert ((p <= 0.05) | (game.p <= 0.05)).mean() > 0.07


def test_what_was_passed_is_asked_nothing() -> None:
    """And what keeps nothing back has nothing to ask at."""
    for wrong in ((0.04, 0.05, 0.005), (0.5, 0.05, 0.0), (0.5, 0.05, 0.06), (0.9, 0.6, 0.1)):
        with pytest.raises(ValueError, match="nothing is kept"):
            asked(*wrong)


@pytest.mark.parametrize("grown", [1.5, 4.0, 20.0])
def test_a_larger_level_leaves_more_at_every_p(grown: float) -> None:
    """What the proof of the account rests on: whoever is granted more is asked for less, at any p."""
    small, large = 0.0009, 0.0009 * grown
    for p in (1.01 * large, 0.05, 0.3, 1.0):
        assert asked(p, large, large / 9) > asked(p, small, small / 9)

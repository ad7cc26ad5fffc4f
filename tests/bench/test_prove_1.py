"""The bar of false promotions: what is drawn, what is counted, and when it is met."""

from __future__ import annotations

import math
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parents[2] / "bench"))

from prove_1 import CLAIMS, Cell, _hoeffding, _once, _open, drawn, promoted_at, summary

from homeostat.stats.eprocess import Betting
from homeostat.stats.paired import mcnemar_superiority, noninferiority
from homeostat.stats.planned import Plan, Planned

GOOD = Cell(claim="better", discordance=0.1, alpha=0.05, table=681, false=[0.04, 0.03, 0.05], cost=1.2, power=[0.8])


def test_rows_have_the_gain_and_the_discordance_that_are_asked_for() -> None:
    """Within three standard errors of 100,000 rows."""
    d = drawn(np.random.default_rng(0), 0.2, -0.02, 100_000)
    assert d.mean() == pytest.approx(-0.02, abs=3 * math.sqrt(0.2 / 100_000))
    assert np.abs(d).mean() == pytest.approx(0.2, abs=3 * math.sqrt(0.16 / 100_000))
    assert set(np.unique(d)) == {-1.0, 0.0, 1.0}


def test_a_run_is_promoted_at_the_first_row_that_shows_it() -> None:
    """The same draws, one game alone: the row at which its p-value is first at most alpha."""
    plan = Plan(rows=200, alpha=0.05, square=0.2)
    at = promoted_at(plan, 0.0, 0.15, 200, np.random.default_rng(1), 5)
    rng, first, game = np.random.default_rng(1), math.inf, Planned(0.0, plan)
    for row in range(1, 201):
        game.update(drawn(rng, 0.2, 0.15, 5)[2])
        if game.p[0] <= 0.05:
            first = min(first, row)
    assert at[2] == first
    assert np.isfinite(at).sum() >= 4


def test_the_ways_beside_it_are_what_they_say() -> None:
    """The stakes that never change are `Betting`'s; one look is the gate's exact test; Hoeffding's wealth is less."""
    d = np.array([drawn(np.random.default_rng(k), 0.3, 0.1, 300) for k in range(20)]).T
    highest = _open(d)
    assert highest == pytest.approx([Betting(0.0).extend(run).max() for run in d.T])
    assert (_hoeffding(d) < highest)[highest > 1].all()
    wins, losses = (d > 0).sum(axis=0), (d < 0).sum(axis=0)
    better = [mcnemar_superiority(int(w), int(x)) <= 0.05 for w, x in zip(wins, losses, strict=True)]
    assert _once(wins, losses, 300, 0.0).tolist() == better
    kept = [noninferiority(run, CLAIMS["not worse"][0]) <= 0.05 for run in d.T]
    assert _once(wins, losses, 300, CLAIMS["not worse"][0]).tolist() == kept


def test_what_the_bar_asks_for() -> None:
    """No share of false promotions above its alpha, and no claim that costs more than 1.3 times one look."""
    line = summary([GOOD, replace(GOOD, alpha=0.01, false=[0.01, 0.0, 0.02])], {}, 100, 10, 1.0)
    assert line["met"] is True
    assert (line["value"], line["interval"], line["cost"]) == (0.04, [0.03, 0.05], 1.2)
    for wrong in ({"false": [0.051, 0.04, 0.06]}, {"cost": 1.31}, {"cost": None}, {"alpha": 0.01}):
        assert summary([GOOD, replace(GOOD, **wrong)], {}, 100, 10, 1.0)["met"] is False  # type: ignore[arg-type]

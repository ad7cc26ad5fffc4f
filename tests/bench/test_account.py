"""The simulated programs: what is drawn is what was asked for, and every way of deciding is what it says."""

from __future__ import annotations

import numpy as np
import pytest
from account import ALPHA, MADE, ROWS, bets, drawn, made, p_values, ways

from homeostat.loop.proving.wear import WORN
from homeostat.stats.again import KEPT
from homeostat.stats.online import share


@pytest.mark.parametrize("reused", [False, True])
def test_candidates_are_as_much_better_as_they_should_be(reused: bool) -> None:
    """On average over programs; on the same rows those that are no better do alike."""
    rng = np.random.default_rng(0)
    gain = np.tile([0.0, 0.0, 0.02, 0.08], (4000, 1))
    wins, losses = drawn(gain, reused=reused, rng=rng)
    mean = (wins - losses) / ROWS
    assert mean.mean(axis=0) == pytest.approx(gain[0], abs=0.0006)
    together = np.corrcoef(mean[:, 0], mean[:, 1])[0, 1]
    assert together == pytest.approx(0.81 if reused else 0.0, abs=0.05)
    assert bets(wins, losses)[:, 0].mean() < 1.1


def test_the_ways_are_in_order() -> None:
    """The first candidate has the same level by account and by schedule, but for what a second look keeps; after
    discoveries the account grants more.
    """
    rng = np.random.default_rng(1)
    wins, losses = drawn(np.full((300, 30), 0.03), reused=False, rng=rng)
    p = p_values(wins, losses)
    found = ways(p, bets(wins, losses))
    assert (found["account"][:, 0] == (p[:, 0] <= (1 - KEPT) * ALPHA * share(1))).all()
    assert found["each at alpha"].sum() > found["account"].sum() > found["schedule"].sum()


@pytest.mark.parametrize("maker", ["climbs", "votes"])
def test_who_adapts_gets_through_where_rows_stay(maker: str) -> None:
    """Of makers whose candidates are all no better many are promoted on rows that never change, account or not, and
    hardly any where rows are replaced.
    """
    stays = made(maker, 300, 100, np.random.default_rng(2), worn=0, account=True).mean()
    rotated = made(maker, 300, 100, np.random.default_rng(2), worn=WORN, account=True).mean()
    alone = made(maker, 300, 100, np.random.default_rng(2), worn=WORN, account=False).mean()
    assert stays > 0.2 > 0.1 >= rotated
    assert alone > 0.8
    assert MADE > 2 * WORN

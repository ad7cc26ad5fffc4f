"""Evidence for a planned number of rows is fair however the rows fall, and nearly as strong as one look."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from homeostat.stats.eprocess import GRID, Betting
from homeostat.stats.planned import PRIOR, SHARE, Plan, Planned, watched_mean
from homeostat.stats.power import needed

Floats = NDArray[np.float64]
PLAN = Plan(rows=400)


def drawn(win: float, lose: float, shape: tuple[int, ...], seed: int = 0) -> Floats:
    """Paired differences of right and wrong."""
    return np.random.default_rng(seed).choice([1.0, -1.0, 0.0], size=shape, p=[win, lose, 1 - win - lose])


@pytest.mark.parametrize("rows", [1, 4, 400])
@pytest.mark.parametrize(("win", "lose", "bound"), [(0.3, 0.3, 0.0), (0.1, 0.3, -0.2), (0.4, 0.1, 0.3)])
def test_the_game_is_fair(rows: int, win: float, lose: float, bound: float) -> None:
    """Over all 2,187 courses of seven rows, before and after its deadline, wealth at the bound is 1 on average."""
    chance = {1.0: win, -1.0: lose, 0.0: 1 - win - lose}
    courses = np.array(list(product(chance, repeat=7)))
    weight = np.array([math.prod(chance[float(d)] for d in course) for course in courses])
    games = Planned(np.full(len(courses), bound), Plan(rows=rows))
    for row in courses.T:
        games.update(row)
        assert float(weight @ np.exp(games.log_value)) == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize("plan", [PLAN, Plan(rows=30), Plan(rows=3000, square=1.0), Plan(rows=400, alpha=0.01)])
@pytest.mark.parametrize(("win", "lose", "bound"), [(0.05, 0.05, 0.0), (0.04, 0.06, -0.02), (0.0, 0.05, -0.05)])
def test_peeking_keeps_the_level_though_the_plan_is_wrong(plan: Plan, win: float, lose: float, bound: float) -> None:
    """Exactly at the bound, looked at after each of 1,000 rows: at most alpha of 1,000 runs ever pass, but for luck."""
    games = Planned(np.full(1000, bound), plan)
    games.extend(drawn(win, lose, (1000, 1000)))
    noise = 3 * math.sqrt(plan.alpha * (1 - plan.alpha) / 1000)
    assert np.mean(games.p <= plan.alpha) <= plan.alpha + noise


@pytest.mark.parametrize(("win", "lose", "bound"), [(0.065, 0.035, 0.0), (0.05, 0.05, -0.03)])
def test_it_needs_a_third_more_rows_than_one_look(win: float, lose: float, bound: float) -> None:
    """Within 1.3 times the rows of the power table 80 % pass, where the stakes that never change pass fewer."""
    rows = int(1.3 * needed(0.1, win - lose, -bound))
    d = drawn(win, lose, (rows, 1500), seed=4)
    games = Planned(np.full(1500, bound), Plan(rows=rows))
    games.extend(d)
    powerful = float(np.mean(games.p <= 0.05))
    endless = np.mean([(Betting(-bound).extend(run) >= -math.log(0.05)).any() for run in d.T[:400]])
    assert powerful >= 0.8 - 3 * math.sqrt(0.16 / 1500)
    assert powerful > float(endless) + 0.1


def test_rows_after_the_plan_still_count() -> None:
    """Of those that missed the deadline most pass later: the stake that never stops, and a plan for twice as many."""
    rows = int(1.3 * needed(0.1, 0.03, 0.0))
    d = drawn(0.065, 0.035, (5 * rows, 400), seed=5)
    games = Planned(np.zeros(400), Plan(rows=rows))
    games.extend(d[:rows])
    late = games.p > 0.05
    games.extend(d[rows:])
    assert late.sum() > 20
    assert np.mean(games.p[late] <= 0.05) > 0.8


def test_the_first_row_by_the_definition() -> None:
    """A tenth is bet on the grid; the rest holds a one-touch option on what is missing, bet by its slope."""
    game = Planned(-0.02, PLAN)
    game.update(1.0)
    goal = (1 / 0.05 - (1 - SHARE)) / SHARE
    distance = stats.norm.isf(1 / goal / 2)
    stake = stats.norm.pdf(distance) / stats.norm.sf(distance) / math.sqrt(400 * 0.1)
    grid = np.mean([1 + share * 1.02 for share in GRID])
    assert math.exp(game.log_value[0]) == pytest.approx(SHARE * (1 + stake * 1.02) + (1 - SHARE) * grid)


def test_games_side_by_side_do_not_know_each_other() -> None:
    """Each of several bounds has the wealth it would have alone, and a shown claim stays shown."""
    d = drawn(0.2, 0.05, (300,), seed=6)
    bounds = [-0.1, 0.0, 0.05]
    games = Planned(bounds, PLAN)
    games.extend(d)
    for k, bound in enumerate(bounds):
        alone = Planned(bound, PLAN)
        alone.extend(d)
        assert alone.best[0] == games.best[k]
    assert (np.diff(games.best) < 0).all()
    shown = games.p.copy()
    games.extend(-np.ones(100))
    assert (games.p == shown).all()
    assert (games.log_value < games.best).all()


def test_no_course_breaks_the_numbers() -> None:
    """Ten thousand wins or losses in a row leave finite wealth, and a bound near the end of the scale too."""
    games = Planned([0.0, -0.99, 0.99], PLAN)
    games.extend(np.ones(5000))
    assert (games.p < [1e-100, 1e-100, 1e-6]).all()
    games.extend(-np.ones(5000))
    assert np.isfinite(games.log_value).all()


def test_the_interval_narrows_with_rows() -> None:
    """And costs about a third more width than one for a single look at the planned number of rows."""
    d = drawn(0.15, 0.05, (400,), seed=7)
    seen = [watched_mean(d[:n], PLAN) for n in (20, 60, 200, 400)]
    widths = [one.high - one.low for one in seen]
    assert widths == sorted(widths, reverse=True)
    half = stats.norm.isf(0.05) * d.std() / 20
    assert half < widths[-1] / 2 < 1.5 * half


def test_the_interval_is_of_the_bounds_that_no_game_refuses() -> None:
    """Its ends are where the games change their mind, to a thousandth; one row says nothing."""
    d = drawn(0.2, 0.1, (300,), seed=8)
    found = watched_mean(d, PLAN)
    games = Planned([found.low, found.low + 2e-3], PLAN)
    games.extend(d)
    assert games.p[0] <= 0.05 < games.p[1]
    games = Planned([-found.high, -found.high + 2e-3], PLAN)
    games.extend(-d)
    assert games.p[0] <= 0.05 < games.p[1]
    assert found.low < found.mean < found.high
    one = watched_mean([1.0], PLAN)
    assert (one.low, one.mean, one.n) == (-1.0, 1.0, 1)


def test_the_spread_that_was_seen_replaces_the_guess() -> None:
    """With rows that differ always, a guess of one in ten costs rows: the stakes come down as the rows come in."""
    d = drawn(0.6, 0.4, (4 * PRIOR,), seed=9)
    games = [Planned(0.0, Plan(rows=400, square=square)) for square in (0.1, 1.0)]
    for game in games:
        game.extend(d)
    assert games[0].log_value[0] == pytest.approx(games[1].log_value[0], abs=4.0)


def test_what_is_no_plan_or_no_difference() -> None:
    """A plan without rows, a bound off the scale, a score of 0 to 100 and no rows at all are errors, not evidence."""
    for wrong in ({"rows": 0}, {"rows": 10, "alpha": 0.0}, {"rows": 10, "square": 2.0}):
        with pytest.raises(ValueError, match="no plan"):
            Plan(**wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="bound"):
        Planned(1.0, PLAN)
    game = Planned(0.0, PLAN)
    for off in (3.5, math.nan):
        with pytest.raises(ValueError, match="difference"):
            game.update(off)
    assert game.n == 0
    with pytest.raises(ValueError, match="no rows"):
        watched_mean([], PLAN)


def test_rows_that_reach_further_and_are_worth_more() -> None:
    """A row twice as wide and as many as four is one of the plan's four; what goes beyond its reach is not taken."""
    plan = Plan(rows=40, square=1.0)
    wide, plain = Planned(0.0, plan), Planned(0.0, plan)
    wide.update(1.6, reach=2.0, worth=4.0)
    assert wide.log_value[0] > 0.0
    with pytest.raises(ValueError, match="beyond its reach"):
        wide.update(2.1, reach=2.0)
    with pytest.raises(ValueError, match="beyond its reach"):
        wide.update(0.1, reach=0.5)
    assert wide.n == 1
    for _ in range(plan.rows):
        plain.update(-1.0)
        wide.update(-3.0, reach=3.0, worth=2.0)
    assert np.isfinite([plain.log_value, wide.log_value]).all()
    assert plain.log_value[0] < 0.0

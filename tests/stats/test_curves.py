"""A curve of short trainings: it finds what made it, its interval covers, and it says when it tells nothing."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from homeostat.stats.curves import EXPONENTS, FACTOR, JITTER, fitted, reach
from homeostat.stats.intervals import paired
from homeostat.types.report import Score

Floats = NDArray[np.float64]
SIZES = (50, 100, 200)


def rows(rng: np.random.Generator, n: int, chances: list[float]) -> list[Floats]:
    """How right trainings of these chances are on the same rows: hard rows are hard for all of them."""
    hard = rng.random(n)
    return [(hard < chance).astype(float) for chance in chances]


def told(found: Score | str) -> Score:
    assert isinstance(found, Score), found
    return found


@pytest.mark.parametrize("exponent", EXPONENTS)
@pytest.mark.parametrize("wanted", [200, 400, 800])
def test_a_power_law_finds_itself(exponent: float, wanted: int) -> None:
    """Without noise the curve through three points is the one that they lie on, at the points and far from them."""

    def law(n: float) -> float:
        return float(0.6 - 1.2 * n**-exponent)

    gains = np.array([[law(n) for n in SIZES]])
    assert fitted(SIZES, gains, wanted, exponent)[0] == pytest.approx(law(wanted))


def test_every_draw_has_a_curve_of_its_own() -> None:
    """Draws are fitted side by side, each as it would be alone; one that would fall is level, at the mean of its
    points, of which the largest training's counts most.
    """
    gains = np.array([[0.05, 0.09, 0.14], [0.10, 0.12, 0.13], [0.2, 0.15, 0.1]])
    together = fitted(SIZES, gains, 400, 0.25)
    assert together == pytest.approx([fitted(SIZES, gains[k : k + 1], 400, 0.25)[0] for k in range(3)])
    assert together[0] > 0.16
    assert 0.13 < together[1] < 0.15
    assert 0.1 < together[2] < 0.12


def test_the_sooner_it_levels_off_the_less_is_to_come() -> None:
    """Of the same points, the larger the exponent the lower the curve far out, and none beyond the next."""
    gains = np.array([[0.05, 0.09, 0.14]])
    far = [fitted(SIZES, gains, 800, exponent)[0] for exponent in (0.05, *EXPONENTS, 2.0)]
    assert far == sorted(far, reverse=True)


def test_nearer_to_a_whole_training_than_the_largest_probe() -> None:
    """On simulated rows whose trainings rise by a hyperbola, which is none of the curves that are fitted, the curve's
    figure is less off than the probe's own, in the mean and in size, and its interval holds the truth at least nine
    times in ten; the probe's does so less often.
    """
    rng, before = np.random.default_rng(7), 0.4
    off, off_own, holds, holds_own = [], [], [], []
    for k in range(40):
        height, knee, wanted = rng.uniform(0.2, 0.5), rng.uniform(50.0, 300.0), (400, 800)[k % 2]
        n = np.array([*SIZES, wanted])
        chances = before + height * n / (n + knee) + JITTER * rng.standard_normal(4)
        first, *right = rows(rng, 200, [before, *chances[:3].tolist()])
        truth = float(chances[3]) - before
        found = reach(SIZES, right, first, wanted, seed=k)
        own = paired(right[-1], first)
        found = own if isinstance(found, str) else found
        off.append(found.mean - truth)
        off_own.append(own.mean - truth)
        holds.append(found.low <= truth <= found.high)
        holds_own.append(own.low <= truth <= own.high)
    assert abs(np.mean(off)) < abs(np.mean(off_own)) / 2
    assert np.abs(off).mean() < np.abs(off_own).mean()
    assert np.mean(holds) >= 0.9 > np.mean(holds_own)


def test_a_curve_that_has_levelled_off_goes_no_further() -> None:
    """Where the last doublings won nothing more, neither does the next."""
    first = np.repeat([1.0, 0.0], [200, 200])
    right = [np.repeat([1.0, 0.0], [n, 400 - n]) for n in (278, 280, 281)]
    found, own = told(reach(SIZES, right, first, 400)), paired(right[-1], first)
    assert found.mean == pytest.approx(own.mean, abs=0.02)
    assert found.low < own.mean < found.high


def test_the_interval_is_wider_the_further_one_looks() -> None:
    """At twice the rows less is known than at as many as were tried, and at four times less again."""
    rng = np.random.default_rng(4)
    first, *right = rows(rng, 200, [0.4, 0.5, 0.58, 0.68])
    wide = [told(reach(SIZES, right, first, wanted)) for wanted in (200, 400, 800)]
    widths = [one.high - one.low for one in wide]
    assert widths == sorted(widths)
    assert [one.mean for one in wide] == sorted(one.mean for one in wide)
    assert all(one.n == 200 for one in wide)


def test_no_more_than_all_replies_can_be_right() -> None:
    """The gain ends where nothing is left to be gained."""
    first = np.repeat([1.0, 0.0], [90, 10])
    right = [np.repeat([1.0, 0.0], [n, 100 - n]) for n in (92, 95, 99)]
    found = told(reach(SIZES, right, first, 800))
    assert found.mean <= 0.1 + 1e-9
    assert found.high <= 0.25
    assert found.low > 0.0


def test_the_same_rows_give_the_same_interval() -> None:
    """Bit for bit, so that a decision can be made again; another seed moves its ends a little."""
    rng = np.random.default_rng(5)
    first, *right = rows(rng, 150, [0.5, 0.55, 0.6, 0.66])
    one, two, other = (told(reach(SIZES, right, first, 300, seed=seed)) for seed in (0, 0, 1))
    assert one == two
    assert other != one
    assert other.mean == one.mean
    assert other.low == pytest.approx(one.low, abs=0.03)


def test_when_nothing_is_told() -> None:
    """Too far, too few points, a curve that falls beyond chance, and one that gained nothing; each says why. One that
    falls within chance is a curve.
    """
    rng = np.random.default_rng(6)
    first, low, middle, high = rows(rng, 300, [0.5, 0.6, 0.64, 0.7])
    assert "more than 4 times the 200 that were tried" in str(reach(SIZES, [low, middle, high], first, 801))
    assert isinstance(reach(SIZES, [low, middle, high], first, int(FACTOR * 200)), Score)
    assert reach(SIZES[:2], [low, high], first, 400) == "2 points are no curve"
    fallen = str(reach(SIZES, [high, low, middle], first, 400))
    assert fallen.startswith("100 rows gained less than 50, beyond chance")
    assert "200 rows gained less than 50" in str(reach(SIZES, [high, high, low], first, 400))
    assert reach(SIZES, [first, first, first], first, 400) == "it gained nothing"
    nearly = middle.copy()
    nearly[np.flatnonzero(nearly)[:2]] = 0.0
    assert isinstance(reach(SIZES, [low, middle, nearly], first, 400), Score)


def test_what_is_no_curve_at_all() -> None:
    """Sizes that do not rise, and rows that are not the same, are refused."""
    values = np.zeros(10)
    with pytest.raises(ValueError, match="3 trainings"):
        reach((100, 100, 200), [values] * 3, values, 400)
    with pytest.raises(ValueError, match="2 trainings"):
        reach((100, 200), [values] * 3, values, 400)
    with pytest.raises(ValueError, match="beside values"):
        reach(SIZES, [values] * 3, np.zeros(9), 400)

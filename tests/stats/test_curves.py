"""A curve of short trainings: it finds what made it, its interval covers, and it says when it tells nothing."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from homeostat.stats.curves import FACTOR, FORMS, JITTER, fitted, reach
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


@pytest.mark.parametrize("name", sorted(FORMS))
@pytest.mark.parametrize("knee", [40.0, 120.0, 400.0])
def test_each_form_finds_itself(name: str, knee: float) -> None:
    """Without noise the curve through three points is the one that they lie on, at the points and far from them."""
    form = FORMS[name]
    gains = 0.3 * form(np.array(SIZES) / knee)[None, :]
    for wanted in (200, 400, 800):
        assert fitted(SIZES, gains, wanted, form)[0] == pytest.approx(
            0.3 * float(form(np.array(wanted / knee))), rel=0.03
        )


def test_every_draw_has_a_curve_of_its_own() -> None:
    """Draws are fitted side by side, each as it would be alone; a loss is no height below zero."""
    gains = np.array([[0.05, 0.09, 0.14], [0.10, 0.12, 0.13], [-0.1, -0.05, -0.02]])
    together = fitted(SIZES, gains, 400, FORMS["hyperbola"])
    alone = [fitted(SIZES, gains[k : k + 1], 400, FORMS["hyperbola"])[0] for k in range(3)]
    assert together == pytest.approx(alone)
    assert together[0] > 0.14
    assert together[1] < 0.16
    assert together[2] == 0.0


def test_nearer_to_a_whole_training_than_the_largest_probe() -> None:
    """On simulated rows whose trainings follow one of the forms each, the curve's figure is less off than the probe's
    own, in the mean and in size, and its interval holds the truth at least nine times in ten; the probe's does not.
    """
    rng, knee, height, before, wanted = np.random.default_rng(7), 200.0, 0.5, 0.4, 800
    off, off_own, holds, holds_own = [], [], [], []
    for k in range(60):
        form = list(FORMS.values())[k % len(FORMS)]
        truth = height * float(form(np.array(wanted / knee)))
        wobble = JITTER * rng.standard_normal(3)
        chances = [before, *(before + height * form(np.array(SIZES) / knee) + wobble).tolist()]
        first, *right = rows(rng, 200, chances)
        found, own = told(reach(SIZES, right, first, wanted, seed=k)), paired(right[-1], first)
        off.append(found.mean - truth)
        off_own.append(own.mean - truth)
        holds.append(found.low <= truth <= found.high)
        holds_own.append(own.low <= truth <= own.high)
    assert abs(np.mean(off)) < abs(np.mean(off_own)) / 2
    assert np.abs(off).mean() < np.abs(off_own).mean()
    assert np.mean(holds) >= 0.9
    assert np.mean(holds_own) < 0.8


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

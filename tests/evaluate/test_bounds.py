"""Macro figures and the calibration error with intervals that alarms may go by."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import precision_recall_fscore_support

from homeostat.evaluate.bounds import NAMES, calibration_error, macro
from homeostat.evaluate.figures import CALIBRATION, MACRO, Told, figures, scores
from homeostat.stats.clustered import clusters_of
from homeostat.types.task import Kind

LEVEL = 0.99
SHARES, RIGHT = np.array([0.5, 0.25, 0.13, 0.07, 0.035, 0.015]), np.linspace(0.9, 0.6, 6)


def confused() -> np.ndarray:
    """float64[6, 6]: how often each label is right, by row, and each is replied: rare ones fare worst."""
    found = np.full((6, 6), 1.0 / 5.0) * (1.0 - RIGHT)[:, None]
    np.fill_diagonal(found, RIGHT)
    return found * SHARES[:, None]


def drawn(rng: np.random.Generator, n: int) -> list[Told]:
    cells = rng.choice(36, n, p=confused().ravel())
    return [Told(target=str(cell // 6), said=str(cell % 6)) for cell in cells.tolist()]


def alone(rows: list[Told]) -> np.ndarray:
    return clusters_of([""] * len(rows))


@pytest.mark.parametrize(("name", "place"), list(zip(NAMES, range(3), strict=True)))
def test_the_means_are_those_of_scikit_learn_and_of_the_figures(name: str, place: int) -> None:
    """A label that is only a reply counts too, and as 0."""
    rows = [*drawn(np.random.default_rng(0), 150), Told(target="0", said="unsure")]
    target, said = [row.target for row in rows], [row.said for row in rows]
    peer = precision_recall_fscore_support(target, said, average="macro", zero_division=0.0)[place]
    found = macro(rows, name, alone(rows), LEVEL, never="unsure")
    assert found.mean == pytest.approx(peer)
    assert found.mean == pytest.approx(scores(figures(Kind.LABEL, rows), alone(rows))[MACRO[place]].mean)
    assert found.low < found.mean < found.high
    doubted = macro(rows, name, alone(rows), LEVEL)
    assert doubted.high > found.high if name == "recall" else doubted.high >= found.high


def test_worse_than_it_is_they_are_called_seldom() -> None:
    """Of 100 draws of 200 rows, three of them of the rarest label, at most two have an interval below what is so."""
    rng, cells = np.random.default_rng(1), confused()
    hits, replied = np.diag(cells), cells.sum(0)
    truth = dict(zip(NAMES, (hits / replied, RIGHT, 2 * hits / (replied + SHARES)), strict=True))
    below = dict.fromkeys(NAMES, 0)
    for _ in range(100):
        rows = drawn(rng, 200)
        for name in NAMES:
            below[name] += macro(rows, name, alone(rows), LEVEL).high < truth[name].mean()
    assert max(below.values()) <= 2


def test_what_is_worse_is_found() -> None:
    """Twenty points below what is wanted, in nine of ten draws of 500 rows."""
    rng = np.random.default_rng(2)
    rows = [drawn(rng, 500) for _ in range(30)]
    assert sum(macro(of, "f1", alone(of), LEVEL).high < 0.89 for of in rows) >= 27


def test_users_count_as_what_they_are() -> None:
    """Ten rows each of fifty users who fare alike say less than five hundred rows."""
    few = drawn(np.random.default_rng(3), 50)
    rows = [row for row in few for _ in range(10)]
    together = macro(rows, "f1", clusters_of([str(k // 10) for k in range(500)]), LEVEL)
    single = macro(rows, "f1", alone(rows), LEVEL)
    assert together.mean == single.mean
    assert together.high - together.low > 1.5 * (single.high - single.low)


def sure(rng: np.random.Generator, n: int, over: float) -> list[Told]:
    """Rows that are right less often than they are sure."""
    confidence = rng.beta(6.0, 1.5, n)
    right = rng.random(n) < confidence - over
    return [Told(target="a", said="ab"[not r], sure=float(c)) for c, r in zip(confidence, right, strict=True)]


def test_a_calibrated_model_is_not_called_miscalibrated() -> None:
    """Of 200 rows its error seems to be six points, in every draw; the lower end stays below two in 99 of 100. One that
    is fifteen points too sure is found, and 150 that are five are called more in 2 % at most.
    """
    rng = np.random.default_rng(4)
    calibrated = [calibration_error(rows, alone(rows), LEVEL) for rows in (sure(rng, 200, 0.0) for _ in range(150))]
    assert np.mean([one.mean for one in calibrated]) > 0.04
    assert sum(one.low > 0.02 for one in calibrated) <= 3
    five = [calibration_error(rows, alone(rows), LEVEL) for rows in (sure(rng, 200, 0.05) for _ in range(150))]
    assert sum(one.low > 0.05 for one in five) <= 3
    rows = sure(rng, 1000, 0.15)
    far = calibration_error(rows, alone(rows), LEVEL)
    assert far.low > 0.08
    assert far.mean == pytest.approx(scores(figures(Kind.LABEL, rows), alone(rows))[CALIBRATION].mean)
    assert far.low < far.mean < far.high

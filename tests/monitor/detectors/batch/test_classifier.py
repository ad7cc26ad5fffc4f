"""The classifier two-sample test."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from homeostat.monitor.detectors.batch.classifier import Classifier, _asked, fitted
from homeostat.stats.intervals import upper_bound


def clouds(seed: int, rows: int, shift: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Two windows of vectors, the second moved in a few of twenty directions."""
    rng = np.random.default_rng(seed)
    moved = np.repeat([shift, 0.0], [4, 16])
    return rng.normal(size=(rows, 20)), rng.normal(size=(rows, 20)) + moved


def test_the_regression_is_scikit_learns() -> None:
    """The same coefficients and intercept at the same penalty."""
    a, b = clouds(0, 150, 0.5)
    x, y = np.concatenate([a, b]), np.repeat([0.0, 1.0], 150)
    theirs = LogisticRegression(C=1 / 7.0, tol=1e-10, max_iter=5000).fit(x, y)
    found = fitted(x, y, 7.0)
    assert found[:-1] == pytest.approx(theirs.coef_[0], abs=1e-3)
    assert found[-1] == pytest.approx(theirs.intercept_[0], abs=1e-3)


def test_the_area_and_its_deviate_are_scikit_learns_and_scipys() -> None:
    """On rows not learned from, ties included: the area under the curve, and Mann and Whitney's normal deviate."""
    a, b = clouds(1, 120, 0.6)
    x, y = np.round(np.concatenate([a, b])), np.repeat([0.0, 1.0], 120)
    learned = np.random.default_rng(0).permutation(240) < 120
    w = fitted(x[learned], y[learned], 5.0)
    scores, truth = x[~learned] @ w[:-1], y[~learned]
    area, deviate = _asked(x, y, learned, 5.0)
    theirs = stats.mannwhitneyu(
        scores[truth == 1], scores[truth == 0], alternative="greater", use_continuity=False, method="asymptotic"
    )
    assert area == pytest.approx(roc_auc_score(truth, scores))
    assert stats.norm.sf(deviate) == pytest.approx(theirs.pvalue)


def test_a_change_is_told_apart() -> None:
    """Half a deviation in four of twenty directions is seen in 300 rows, and the area is far above one half."""
    found = Classifier(penalty=10.0)(*clouds(2, 300, 0.5))
    assert (found.p_value or 0) < 1e-8
    assert found.effect == found.statistic > 0.65


def test_it_errs_on_the_safe_side() -> None:
    """Where nothing moves, at most a twentieth of 300 p-values is below 0.05 or hardly more. Taking the halves as
    independent instead would not do: their deviates go together.
    """
    windows = [clouds(seed, 40) for seed in range(300)]
    found = np.array([Classifier(penalty=10.0)(*pair).p_value or 0 for pair in windows])
    assert (found < 0.05).mean() <= upper_bound(15, 300)
    half = np.random.default_rng(0).permutation(80) < 40
    y = np.repeat([0.0, 1.0], 40)
    both = [[_asked(np.concatenate(pair), y, h, 10.0)[1] for h in (half, ~half)] for pair in windows]
    assert np.corrcoef(np.array(both).T)[0, 1] > 0.5


def test_rows_that_are_all_the_same_are_not_told_apart() -> None:
    """No division by nothing: an area of one half."""
    found = Classifier()(np.ones((20, 3)), np.ones((30, 3)))
    assert (found.statistic, found.p_value) == (0.5, 0.5)

"""Shares of labels, by Pearson's statistic and by the likelihood ratio."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import mutual_info_score

from homeostat.monitor.detectors.batch.chi_square import LEAST, ChiSquare, G, counts, largest_change, pooled


def labels(seed: int, rows: int, kinds: int) -> np.ndarray:
    """Labels of unequal shares."""
    share = 1 / (1 + np.arange(kinds))
    return np.random.default_rng(seed).choice([f"l{k}" for k in range(kinds)], rows, p=share / share.sum())


def test_both_are_scipys_on_frequent_labels() -> None:
    """Without Yates' correction, on the table of both windows."""
    a, b = labels(0, 500, 4), labels(1, 300, 4)
    table = [[(window == f"l{k}").sum() for k in range(4)] for window in (a, b)]
    for test, power in ((ChiSquare(), "pearson"), (G(), "log-likelihood")):
        theirs = stats.chi2_contingency(table, correction=False, lambda_=power)
        assert (test(a, b).statistic, test(a, b).p_value) == (pytest.approx(theirs[0]), pytest.approx(theirs[1]))


def test_g_is_the_information_that_a_label_has_of_its_window() -> None:
    """2 n times the mutual information in nats, as scikit-learn has it."""
    a, b = labels(2, 400, 3), labels(3, 500, 3)
    window = np.repeat([0, 1], [400, 500])
    assert G()(a, b).statistic == pytest.approx(2 * 900 * mutual_info_score(np.concatenate([a, b]), window))


def test_rare_labels_are_one() -> None:
    """Each column of the table is expected five times in the smaller window, unless the labels are too few for that."""
    for seed in range(30):
        a, b = labels(seed, 90, 40), labels(seed + 100, 150, 40)
        table = pooled(counts(a, b)[1])
        assert table.sum(axis=1).tolist() == [90, 150]
        assert (table.sum(axis=0) * 90 / 240 >= LEAST).all()
    assert pooled(np.array([[1, 1], [1, 0]])).tolist() == [[2], [1]]
    assert pooled(np.array([[40, 1], [40, 1]])).tolist() == [[41], [41]]


def test_many_rare_labels_do_not_cry_wolf() -> None:
    """Forty labels in windows of 90 rows: p-values below 0.05 in 200 draws as often as they should be, or hardly more;
    without pooling they would not even be defined.
    """
    found = [ChiSquare()(labels(seed, 90, 40), labels(seed + 1000, 150, 40)).p_value or 0 for seed in range(200)]
    low = int((np.array(found) < 0.05).sum())
    assert stats.binom.sf(low - 1, 200, 0.05) > 0.001


def test_what_moved_most_is_named() -> None:
    """The label with the largest change of its share, and the change."""
    a, b = np.repeat(["x", "y", "z"], [50, 30, 20]), np.repeat(["x", "y", "w"], [45, 30, 25])
    assert largest_change(a, b) == ("w", pytest.approx(0.25))
    assert ChiSquare()(a, b).effect == pytest.approx(0.25)


def test_one_label_is_no_change() -> None:
    """Nothing to test where all rows are the same, or all are rare."""
    same = np.repeat(["x"], 40)
    assert (ChiSquare()(same, same).statistic, ChiSquare()(same, same).p_value) == (0.0, 1.0)
    each = np.array([f"row {k}" for k in range(60)])
    assert ChiSquare()(each[:30], each[30:]).p_value == 1.0

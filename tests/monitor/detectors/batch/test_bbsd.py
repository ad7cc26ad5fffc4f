"""Black-box shift detection on what a model said of the requests."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from homeostat.monitor.detectors.batch.bbsd import Bbsd
from homeostat.monitor.features.feature import Shape
from homeostat.monitor.features.reply import PREDICTION
from monitor.desk import said


def answered(seed: int, rows: int, *, doubt: float = 0.0, share: float = 0.25) -> list:
    """Replies with four labels; `doubt` is what the model loses of its confidence in the last of them."""
    rng = np.random.default_rng(seed)
    label = rng.choice(4, rows, p=[(1 - share) / 3] * 3 + [share])
    sure = rng.beta(8, 2, rows) - doubt * (label == 3)
    return [said(k, "?", reply=f"l{label[k]}", confidence=float(np.clip(sure[k], 0.01, 0.99))) for k in range(rows)]


def predictions(rows: list) -> np.ndarray:
    """Probabilities, with the labels of a model that knows all four."""
    return PREDICTION.of(rows, answered(99, 200))


def test_it_is_kolmogorov_smirnov_on_every_label() -> None:
    """The smallest p-value times the number of columns, and the distance that gave it."""
    a, b = predictions(answered(0, 300)), predictions(answered(1, 200, doubt=0.1))
    theirs = [stats.ks_2samp(a[:, k], b[:, k], method="asymp") for k in range(5)]
    found = Bbsd()(a, b)
    assert found.p_value == pytest.approx(min(1.0, 5 * min(one.pvalue for one in theirs)))
    assert found.statistic == pytest.approx(max(one.statistic for one in theirs))


def test_it_sees_doubt_that_leaves_the_labels_alone() -> None:
    """The same labels as often as before, one of them with less confidence: shares say nothing, predictions do."""
    a, b = answered(2, 600), answered(3, 600, doubt=0.25)
    found = Bbsd()(predictions(a), predictions(b))
    assert (found.p_value or 0) < 1e-4
    table = [[sum(row.reply == f"l{k}" for row in rows) for k in range(4)] for rows in (a, b)]
    assert stats.chi2_contingency(table)[1] > 0.01
    assert found.effect < 0


def test_it_sees_a_label_that_comes_more_often() -> None:
    """A quarter of the replies becomes a half."""
    found = Bbsd()(predictions(answered(4, 400)), predictions(answered(5, 400, share=0.5)))
    assert (found.p_value or 0) < 1e-6


def test_it_looks_at_predictions_alone() -> None:
    """Other vectors are no probabilities of labels."""
    assert Bbsd().suits("prediction", Shape.VECTOR)
    assert not Bbsd().suits("embedding", Shape.VECTOR)
    assert not Bbsd().suits("reply", Shape.LABEL)

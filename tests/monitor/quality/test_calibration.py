"""From confidence to the probability of being right."""

from __future__ import annotations

import numpy as np
import pytest

from homeostat.monitor.quality.calibration import Calibration
from monitor.quality.worlds import world


def test_what_is_too_sure_is_put_right() -> None:
    """With labels enough the probabilities are the true ones, where confidence itself was far off."""
    rng = np.random.default_rng(0)
    known, new = world(rng, 5000), world(rng, 2000)
    found = Calibration.fit(known.sure, known.right)(new.sure)
    assert np.abs(found - new.likely).mean() < 0.015
    assert np.abs(new.sure - new.likely).mean() > 0.08


def test_doubt_is_what_other_labels_would_change() -> None:
    """The variance that it states is that of the mean over many draws of the labels, for many labels and for few."""
    rng = np.random.default_rng(1)
    window = world(rng, 400, hard=0.8)
    for n in (80, 600):
        fits = [Calibration.fit(w.sure, w.right) for w in (world(rng, n) for _ in range(300))]
        told = np.mean([fit.doubt(window.sure) for fit in fits])
        seen = np.var([fit(window.sure).mean() for fit in fits])
        assert told == pytest.approx(seen, rel=0.35)


def test_without_labels_confidence_is_taken_at_its_word() -> None:
    """The identity, with much doubt; a handful of labels moves it little."""
    sure = np.linspace(0.05, 0.95, 19)
    nobody = Calibration.fit([], [])
    assert nobody(sure) == pytest.approx(sure, abs=1e-9)
    assert nobody.doubt(sure) > 25 * Calibration.fit(*_columns(800)).doubt(sure)
    few = Calibration.fit([0.9, 0.9], [0.0, 1.0])
    assert np.abs(few(sure) - sure).max() < 0.3


def test_certainty_is_no_infinity() -> None:
    """Confidence of 0 or 1 is read as nearly so, also where every label says right."""
    fit = Calibration.fit([0.0, 1.0, 1.0, 1.0], [0.0, 1.0, 1.0, 1.0])
    assert np.isfinite(fit([0.0, 0.5, 1.0])).all()
    assert np.isfinite(Calibration.fit(np.ones(50), np.ones(50)).doubt([1.0, 0.2]))


def test_quality_that_is_a_number_has_a_scatter_of_its_own() -> None:
    """A likeness between 0 and 1 that hardly scatters about its mean leaves less doubt than right and wrong."""
    rng = np.random.default_rng(2)
    known = world(rng, 400)
    like = np.clip(known.likely + rng.normal(0, 0.05, 400), 0, 1)
    smooth, rough = Calibration.fit(known.sure, like), Calibration.fit(known.sure, known.right)
    assert smooth.scatter < 0.1
    assert rough.scatter == 1.0
    assert smooth.doubt(known.sure) < 0.2 * rough.doubt(known.sure)


def test_labels_belong_to_confidences() -> None:
    """As many of the one as of the other."""
    with pytest.raises(ValueError, match="2 confidences beside 1 labels"):
        Calibration.fit([0.1, 0.2], [1.0])


def _columns(n: int) -> tuple[np.ndarray, np.ndarray]:
    known = world(np.random.default_rng(3), n)
    return known.sure, known.right

"""The classical detectors as a second opinion: when they alarm in the current window, and how often they did before."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from homeostat.monitor.catalogue import DETECTORS
from homeostat.monitor.compare import halves
from homeostat.monitor.opinion import opinions, ranked_in
from monitor.desk import said, windows

ALL = {name: DETECTORS.get(name) for name in DETECTORS.names()}


def test_ranks_are_even_in_the_reference() -> None:
    """Shares below, half of the ties counted; what is beyond all is 0 or 1, what is unknown stays so."""
    x = np.array([1.0, 2.0, 2.0, 3.0, np.nan])
    assert ranked_in(x, x)[:4].tolist() == [0.125, 0.5, 0.5, 0.875]
    assert ranked_in(x, np.array([0.0, 9.0])).tolist() == [0.0, 1.0]
    assert np.isnan(ranked_in(x, x)[4])
    assert np.mean(ranked_in(x[:4], x[:4])) == 0.5


def test_a_jump_is_dated() -> None:
    """Confidence falls after 300 current rows: ADWIN and CUSUM alarm after that, within 200, and never before."""
    rng = np.random.default_rng(0)
    sure = rng.beta(8, 2, 1500)
    rows = [said(k, "?", confidence=float(sure[k])) for k in range(1500)]
    current = [replace(row, confidence=row.confidence * (0.5 if k >= 300 else 1)) for k, row in enumerate(rows[800:])]
    known, rest = halves(rows[:800], 0)
    chosen = {name: ALL[name] for name in ("adwin", "cusum")}
    for told in opinions(["confidence"], (rows[:800], rest, current), known, chosen):
        assert told.after is not None
        assert 300 < told.after <= 500
        assert (told.in_reference, told.id) == (0, current[told.after - 1].id)
        assert told.time == current[told.after - 1].time


def test_every_detector_speaks_of_every_feature() -> None:
    """Also of features that measure against known rows; where nothing moves, ADWIN says nothing."""
    reference, current = windows(0, 300)
    known, rest = halves(reference, 0)
    found = opinions(["words", "rarity"], (reference, rest, current), known, ALL)
    assert [(one.feature, one.detector) for one in found] == [(f, d) for f in ("words", "rarity") for d in ALL]
    assert all(one.after is None and one.in_reference == 0 for one in found if one.detector == "adwin")


@pytest.mark.parametrize("name", ALL)
def test_nobody_asked_nobody_answers(name: str) -> None:
    """Without features, or without detectors, there are no opinions."""
    reference, current = windows(1, 40)
    known, rest = halves(reference, 0)
    assert opinions([], (reference, rest, current), known, {name: ALL[name]}) == ()
    assert opinions(["words"], (reference, rest, current), known, {}) == ()

"""The bench of guard metrics draws what it says."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest
from guards import (
    CLAIMS,
    GOOD,
    LABELS,
    SETTINGS,
    SHARES,
    SURER,
    alone,
    cases,
    claimed,
    edge,
    labeled,
    macro_f1,
    main,
    of,
    of_users,
    written,
)

from homeostat.evaluate.guarded import CALIBRATION, FORM, MACRO_F1


def test_labels_are_drawn_as_often_as_said() -> None:
    """By label: how often it is a target, and how often it is told right; confidence is what is so, and more."""
    rows = labeled(0, 20_000, (0.9, 0.8, 0.4), oversure=0.05)
    for label, share, right in zip(LABELS, SHARES, (0.9, 0.8, 0.4), strict=True):
        mine = [row for row in rows if row.target == label]
        assert len(mine) / len(rows) == pytest.approx(share, abs=0.02)
        assert np.mean([row.candidate for row in mine]) == pytest.approx(right, abs=0.03)
        assert mine[0].sure == pytest.approx((right + 0.05, GOOD[LABELS.index(label)]))


def test_the_edge_loses_just_the_margin() -> None:
    """Of endlessly many rows, and, within what chance leaves, of many."""
    worse = edge()
    assert macro_f1(GOOD) - macro_f1(worse) == pytest.approx(SETTINGS.small_margin)
    assert of(labeled(1, 20_000, worse), MACRO_F1).score.mean == pytest.approx(-SETTINGS.small_margin, abs=0.01)
    rows = labeled(2, 20_000, GOOD, GOOD, oversure=0.0)
    assert of(rows, CALIBRATION).score.mean == 0.0
    level = labeled(3, 20_000, (0.7,) * 3, (0.7,) * 3, oversure=SURER)
    assert of(level, CALIBRATION).score.mean == pytest.approx(-0.05, abs=0.005)
    assert of(written(4, 20_000, 0.93, 0.98), FORM).score.mean == pytest.approx(-0.05, abs=0.006)


def test_rows_of_a_user_fare_alike() -> None:
    """One label and one luck for each; without clusters they are the same rows."""
    rows = labeled(5, 200, GOOD, users=40)
    by_user: dict[str, set[tuple[str, float]]] = {}
    for row in rows:
        by_user.setdefault(row.cluster, set()).add((row.target, row.candidate))
    assert len(by_user) <= 40
    assert all(len(fates) == 1 for fates in by_user.values())
    assert [row.candidate for row in alone(rows)] == [row.candidate for row in rows]
    assert {row.cluster for row in alone(rows)} == {""}
    assert set(cases()) == {"macro F1", "macro F1 of users", "calibration", "form"}


@pytest.mark.slow
def test_the_line(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """One JSON line with what every bench says."""
    monkeypatch.setattr(sys, "argv", ["guards.py", "--draws", "10"])
    main()
    line = json.loads(capsys.readouterr().out)
    assert {"bar", "value", "interval", "n", "goal", "met", "seconds"} <= set(line)
    assert line["n"] == 10
    assert line["rates"]["form"]["refused"] == 0.0


def test_the_gates_claims_count_users() -> None:
    """A candidate that is no better is shown to be by rows alone more often than by users; a better one by both."""
    seeds = range(500, 540)
    found = [of_users(seed, 0.0, 0.1, 0.05) for seed in seeds]
    by_users, by_rows = (sum(column) for column in zip(*found, strict=True))
    assert by_users <= by_rows
    assert by_rows >= 3
    assert all(of_users(seed, 0.3, 0.4, 0.05) == (True, True) for seed in seeds)
    assert set(claimed(range(2))) == set(CLAIMS)
    assert CLAIMS["better, at the account's first level"][2] == pytest.approx(0.0099, abs=1e-4)

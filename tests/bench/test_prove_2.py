"""The bar of slices: its ways decide as the gate does, and it is met where no broken slice gets through."""

from __future__ import annotations

import sys
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parents[2] / "bench"))

from prove_2 import OURS, ROWS, better, drawn, gains, held_to, judged, kept, promoted, summary

from homeostat.config.schema import Evaluate
from homeostat.evaluate.gate import compare, gate
from homeostat.evaluate.score import PairedRow
from homeostat.types.report import Outcome
from homeostat.types.task import Task

SETTINGS = Evaluate(margin=0.03)


def test_truths() -> None:
    """One slice loses and the others gain, or all gain; a loss of ten points is ten points."""
    assert gains(8, 0.0).tolist() == [0.02] * 8
    assert gains(20, 0.1).tolist() == [-0.1] + [0.04] * 19
    d = drawn(gains(8, 0.1), 40_000, np.random.default_rng(0))
    assert d.mean(axis=0) == pytest.approx(gains(8, 0.1), abs=0.007)


def test_it_decides_as_the_gate_does() -> None:
    """On ten draws of three slices the counts say what `evaluate.gate` says of the rows."""
    rng, said = np.random.default_rng(5), []
    for _ in range(10):
        d = np.array([drawn(np.array([-0.015, 0.04, 0.04]), 1, rng)[0] for _ in range(ROWS)])
        rows = [
            PairedRow(group=f"s{k}", candidate=max(x, 0.0), champion=max(-x, 0.0)) for k in range(3) for x in d[:, k]
        ]
        report = compare(Task(name="t"), "new", "old", rows, SETTINGS, now=0.0)
        wins, losses = (d > 0).sum(axis=0), (d < 0).sum(axis=0)
        shown = better(wins.sum(), losses.sum()) & kept(wins, losses, ROWS, held_to()).all()
        assert (gate(report, rows, SETTINGS).outcome is Outcome.PASS) == shown
        said.append(bool(shown))
    assert len(set(said)) == 2


def test_a_broken_slice_gets_past_the_whole_and_not_past_its_own_test() -> None:
    """Ten points lost in one of eight: all rows together promote it nearly always, no way of ours does."""
    found = promoted(gains(8, 0.1), 12, np.random.default_rng(1))
    assert found["overall"].mean() > 0.9
    assert found["one pool"].mean() > 0.9
    assert not any(found[way].any() for way in OURS)


def test_a_judge_helps() -> None:
    """With a good judge a candidate that gains everywhere is promoted where labels alone often leave it open."""
    assert judged(gains(4, 0.0), 10, 0.9, np.random.default_rng(2)).mean() >= 0.8
    assert not judged(gains(4, 0.1), 5, 0.9, np.random.default_rng(3)).any()


def test_what_the_bar_asks_for() -> None:
    """At most 5 % where a slice lost five points, by each of our ways; and 75 % where all of eight gain."""
    low, high = ({way: [value, 0.0, 1.0] for way in OURS} for value in (0.04, 0.8))
    found = {"8 slices, one -5": low, "20 slices, one -5": low, "8 slices, all +2": high}
    assert summary(found, 100, 1.0)["met"] is True
    for truth, way, value in (("20 slices, one -5", "watched", 0.06), ("8 slices, all +2", "strict", 0.7)):
        wrong = deepcopy(found)
        wrong[truth][way] = [value, 0.0, 1.0]
        assert summary(wrong, 100, 1.0)["met"] is False

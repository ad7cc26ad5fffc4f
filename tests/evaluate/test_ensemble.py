"""Members and combinations measured on the same rows."""

from __future__ import annotations

import json

import numpy as np
import pytest

from homeostat.evaluate.ensemble import sheet, telling
from homeostat.llm.combine import disagreement, mean, vote
from homeostat.web.plain import plain


def members(rows: int = 200, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Three members whose errors are their own, and the right labels."""
    draw = np.random.default_rng(seed)
    target = draw.integers(0, 4, rows)
    raw = draw.normal(size=(3, rows, 4))
    raw[:, np.arange(rows), target] += 1.5
    return raw - np.log(np.exp(raw).sum(-1, keepdims=True)), target


def test_every_line_by_hand() -> None:
    """Accuracy, the difference from the members' mean, the loss, and the calibration of each."""
    each, target = members()
    found = sheet(each, ("a", "b", "c"), {"mean": mean(each), "vote": vote(each)}, disagreement(each), target)
    lines = {line.name: line for line in found.lines}
    assert list(lines) == ["a", "b", "c", "mean", "vote"]
    marks = each.argmax(-1) == target
    assert lines["b"].accuracy.mean == pytest.approx(marks[1].mean())
    assert lines["mean"].gain.mean == pytest.approx((mean(each).argmax(-1) == target).mean() - marks.mean())
    assert lines["a"].loss.mean == pytest.approx(-each[0][np.arange(200), target].mean())
    assert 0 <= lines["vote"].calibration <= 1
    assert lines["mean"].gain.low > 0  # errors of their own cancel out


def test_what_disagreement_tells() -> None:
    """Its mean on right and on wrong rows, and how often a wrong row has more of it: a number that is higher by one on
    wrong rows, with noise of one, tells them three times in four.
    """
    each, target = members(400)
    wrong = mean(each).argmax(-1) != target
    doubt = 5 + wrong + np.random.default_rng(2).normal(size=400)
    found = sheet(each, ("a", "b", "c"), {"mean": mean(each)}, doubt, target)
    assert found.disagreement_right is not None
    assert found.disagreement_wrong is not None
    assert found.disagreement_right.n + found.disagreement_wrong.n == 400
    assert found.disagreement_wrong.mean == pytest.approx(doubt[wrong].mean())
    assert found.tells_wrong is not None
    assert 0.5 < found.tells_wrong.low < 0.76 < found.tells_wrong.high


def test_a_label_that_nobody_knows_is_wrong_for_all() -> None:
    """A row whose label no member knows counts as wrong, at the loss of an unknown label; nothing is left out."""
    each, target = members(20)
    found = sheet(each, ("a", "b", "c"), {"mean": mean(each)}, disagreement(each), np.full_like(target, -1))
    assert {line.accuracy.mean for line in found.lines} == {0.0}
    assert {line.accuracy.n for line in found.lines} == {20}
    assert found.lines[0].loss.mean == pytest.approx(-np.log(1e-6))
    assert (found.disagreement_right, found.tells_wrong) == (None, None)
    json.dumps(plain(found), allow_nan=False)


def test_a_number_that_tells_nothing() -> None:
    """Its interval holds one half; rows of one kind alone tell nothing at all."""
    draw = np.random.default_rng(1)
    told = telling(draw.random(300), draw.random(300) < 0.3)
    assert told is not None
    assert told.low < 0.5 < told.high
    assert telling(np.zeros(5), np.zeros(5, bool)) is None

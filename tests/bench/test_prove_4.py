"""The bar of rehearsals: what counts, and what it makes of it."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parents[2] / "bench"))

import prove_4

from homeostat.monitor.behavior.failures import Rehearsed
from homeostat.monitor.behavior.forecast import forecast
from homeostat.types.interaction import Interaction
from homeostat.types.task import Kind


def rows(n: int, differs: float) -> list[Rehearsed]:
    return [
        Rehearsed(
            row=Interaction(id=f"int_{k}", task="t", time=0.0, text="x", reply="a", version="v", confidence=0.5),
            reply="b" if k < differs * n else "a",
            confidence=0.7,
        )
        for k in range(n)
    ]


def test_a_behavior_counts_from_fifty_expected_events() -> None:
    """A fifth of 1,000 live requests counts and a twentieth of 900 does not; what came is what live replies show."""
    done = {"rehearsed": rows(500, 0.2), "oldest": rows(500, 0.4), "live": rows(1000, 0.3)}
    (found,) = prove_4.judged("c", done, Kind.LABEL)
    assert (found.behavior, found.came) == ("differs", 300)
    assert found.told.expected == pytest.approx(200, abs=1)
    assert found.others["oldest"] == pytest.approx(400, abs=1)
    few = {"rehearsed": rows(500, 0.05), "live": rows(900, 0.05)}
    assert prove_4.judged("c", few, Kind.LABEL) == []


def test_a_factor_is_the_same_both_ways() -> None:
    """Half as many and twice as many are both told wrong by 2; nothing where something was told is no division by 0."""
    assert prove_4.factor(50, 100) == prove_4.factor(100, 50) == 2.0
    assert prove_4.factor(50, 0) == 100.0


def told(expected: int, came: int, name: str) -> prove_4.Judged:
    forecasted = forecast(np.arange(1000) < expected, 1000)
    return prove_4.Judged(of="c", behavior=name, told=forecasted, came=came, others={"oldest": 2.0 * came})


def test_the_bar_needs_twenty_behaviors_and_a_small_median() -> None:
    """The median of the factors decides, and too few behaviors are none."""
    good = [told(100, 110, f"b{k}") for k in range(20)]
    line = prove_4.summary(good)
    assert line["value"] == pytest.approx(1.1, abs=0.01)
    assert line["met"]
    assert line["beside"]["oldest"] == pytest.approx(2.0)
    assert line["inside"][0] == 1.0
    assert not prove_4.summary(good[:19])["met"]
    assert not prove_4.summary([told(100, 160, f"b{k}") for k in range(20)])["met"]


def test_wrong_labels_are_wrong_for_a_fifth() -> None:
    """A candidate that is told wrong labels is told them of a fifth of its rows; one that has little has 600."""
    labels, free = [f"l{k % 10}" for k in range(4000)], np.arange(3000)
    chosen, said = prove_4.learned("wrong labels", free, labels, np.random.default_rng(0))
    assert len(chosen) == 3000
    assert np.mean([a != b for a, b in zip(said[:3000], labels[:3000], strict=True)]) == pytest.approx(0.18, abs=0.02)
    assert said[3000:] == labels[3000:]
    assert len(prove_4.learned("little", free, labels, np.random.default_rng(0))[0]) == 600

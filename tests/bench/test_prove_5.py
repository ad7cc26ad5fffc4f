"""The bar of estimates from logged chances: its logs, and what it makes of the figures."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parents[2] / "bench"))

import prove_5


def test_a_log_is_as_its_regime_says() -> None:
    """Shares, outcomes and what is known of them; the version's replies are drawn by the chances that are logged."""
    which = prove_5.REGIMES["share raised, traffic moves"]
    log = prove_5.drawn(which, np.random.default_rng(0))
    assert sorted(set(log.rows.chance)) == sorted(which.shares)
    assert log.rows.hit[log.rows.chance == 0.5].mean() == pytest.approx(0.5, abs=0.05)
    assert log.expected[-1000:].mean() < log.expected[:1000].mean() - 0.1
    assert log.truth == pytest.approx(log.expected.mean(), abs=0.02)
    alike = prove_5.drawn(prove_5.REGIMES["replies mostly alike"], np.random.default_rng(0)).rows
    assert 0.8 < (alike.chance == 1).mean() < 0.95
    assert alike.hit[alike.chance == 1].all()


def test_the_oracle_knows_more_than_anybody() -> None:
    """Its error is the least, and the estimate is nearer to it than the weights alone."""
    log = prove_5.REGIMES["continuous"]
    found = prove_5.regime(log, runs=40, seed=3)
    assert found["oracle"]["error"] <= found["ours"]["error"] < found["plain"]["error"] < found["ips"]["error"]


def test_the_bar_is_met_by_the_worst_regime_and_by_refusing() -> None:
    """The least lower bound of both coverages counts; one estimate from too few rows spoils it."""
    good = {"covers": [0.96, 0.95, 0.97], "all_logs": [0.955, 0.945, 0.965], "of_oracle": 1.1}
    low = good | {"all_logs": [0.94, 0.929, 0.951]}
    small = {"refused": 10, "n": 10}
    met = prove_5.summary({"a": {"ours": good}, "b": {"ours": good}}, small, 2000)
    assert (met["value"], met["met"]) == (0.945, True)
    assert not prove_5.summary({"a": {"ours": good}, "b": {"ours": low}}, small, 2000)["met"]
    assert not prove_5.summary({"a": {"ours": good}}, {"refused": 9, "n": 10}, 2000)["met"]

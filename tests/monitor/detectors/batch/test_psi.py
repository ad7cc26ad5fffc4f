"""The population stability index."""

from __future__ import annotations

import math

import numpy as np
import pytest

from homeostat.monitor.detectors.batch.psi import LIMIT, Psi


def test_labels_by_hand() -> None:
    """Shares of 60 and 40 % that become 50 and 50 %."""
    a, b = np.repeat(["x", "y"], [60, 40]), np.repeat(["x", "y"], [50, 50])
    assert Psi()(a, b).statistic == pytest.approx(-0.1 * math.log(5 / 6) + 0.1 * math.log(5 / 4))
    assert Psi()(a, b).effect == pytest.approx(-0.1)


def test_an_empty_share_counts_as_one_in_ten_thousand() -> None:
    """A label that is new does not make the index infinite."""
    a, b = np.repeat(["x"], 100), np.repeat(["x", "y"], [80, 20])
    assert Psi()(a, b).statistic == pytest.approx(-0.2 * math.log(0.8) + 0.1999 * math.log(2000))


def test_numbers_go_by_tenths_of_the_reference() -> None:
    """As with counts between deciles; bins that fall together are one."""
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=1000), rng.normal(size=800) + 0.5
    before, edges = np.histogram(a, np.concatenate([[-np.inf], np.quantile(a, np.arange(1, 10) / 10), [np.inf]]))
    share = np.histogram(b, edges)[0] / 800
    assert Psi()(a, b).statistic == pytest.approx(((share - before / 1000) * np.log(share / (before / 1000))).sum())
    assert Psi()(np.zeros(50), np.zeros(50)).statistic == 0.0


def test_its_limit_is_no_level_of_significance() -> None:
    """Where nothing moves it is above its limit in hardly any window of 1,000 rows, and in most of 60."""
    rng = np.random.default_rng(1)
    passed = {
        n: np.mean([Psi()(rng.random(n), rng.random(n)).statistic > LIMIT for _ in range(200)]) for n in (60, 1000)
    }
    assert passed[1000] == 0
    assert passed[60] > 0.5
    assert Psi()(rng.random(60), rng.random(60)).p_value is None

"""The bar of alerts: what counts as having arrived exactly once."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[2] / "bench"))

from watch_8 import SECRET, exactly_once, line, sent

from homeostat.alert.signature import sign
from receiver import RESET, Met

GREEN = {"passed": 7}
BODY = b"{}"
HEADERS = {"idempotency-key": "dlv_1", "homeostat-signature": sign(SECRET, BODY, 1_000.0)}
TRIES = [Met("/", HEADERS, BODY, answered, time=1_000.0) for answered in (500, RESET, 200)]


def test_three_alerts_are_really_sent(tmp_path: Path) -> None:
    """Over HTTP, each failing twice: three tries and one arrival of each."""
    keys, met = sent(tmp_path, 3)
    assert len(met) == 9
    assert len(set(keys)) == 3
    assert [exactly_once(key, met) for key in keys] == [True] * 3


def test_what_counts_and_what_does_not() -> None:
    """A second arrival, another body, a wrong signature, or no arrival: each is noticed."""
    assert exactly_once("dlv_1", TRIES)
    assert not exactly_once("dlv_1", [*TRIES, TRIES[-1]])
    assert not exactly_once("dlv_1", TRIES[:2])
    assert not exactly_once("dlv_1", [])
    assert not exactly_once("dlv_1", [*TRIES[:2], replace(TRIES[2], body=b"[]")])
    forged = {**HEADERS, "homeostat-signature": sign(b"another", BODY, 1_000.0)}
    assert not exactly_once("dlv_1", [*TRIES[:2], replace(TRIES[2], headers=forged)])


@pytest.mark.parametrize(
    ("good", "tests", "met"),
    [
        (200, GREEN, True),
        (199, GREEN, False),
        (200, {"passed": 6, "failed": 1}, False),
        (200, {"passed": 4, "skipped": 3}, False),
        (200, {}, False),
    ],
)
def test_the_bar_is_met_by_all_or_not_at_all(good: int, tests: dict[str, int], met: bool) -> None:
    """Every alert, and every test with a real Prometheus; where there is none, the bar is not met."""
    shown = line(good, 200, tests)
    assert shown["met"] is met
    assert shown["value"] == good / 200

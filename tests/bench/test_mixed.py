"""The bench of proportions moves what it says, and reads every detector alike."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parents[2] / "bench"))

import mixed as bench

POOL = SimpleNamespace(topic=np.arange(8000) % 8, name="some")


def shares(kind: str, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Shares of topics before and after the change of a stream."""
    topic = POOL.topic[bench.drawn(POOL, kind, np.random.default_rng(seed))]
    sides = topic[: bench.ONSET], topic[bench.ONSET :]
    return tuple(np.bincount(side, minlength=8) / len(side) for side in sides)  # type: ignore[return-value]


def test_shares_move_as_they_should() -> None:
    """Nothing, a tenth to one, three at most threefold, one gone, or everything: by the difference of the shares."""
    moved = {kind: np.subtract(*shares(kind, 0)[::-1]) for kind in ("calm", *bench.KINDS)}
    assert np.abs(moved["calm"]).max() < 0.03
    assert 0.05 < moved["one"].max() < 0.12
    assert sorted(moved["one"])[-2] < 0.02
    assert (moved["three"] > 0.015).sum() == 3
    assert shares("gone", 0)[1].min() == 0.0
    assert np.abs(moved["anew"]).sum() > 0.2


def test_hours_are_no_change() -> None:
    """A topic comes by the hour all along: whole days have the same shares."""
    topic = POOL.topic[bench.drawn(POOL, "hours", np.random.default_rng(1))]
    day = int(86_400 / bench.STEP_S)
    days = [np.bincount(topic[k * day : (k + 1) * day], minlength=8) / day for k in range(2)]
    hours = [np.bincount(topic[k * day // 24 : (k + 1) * day // 24], minlength=8) / (day // 24) for k in (0, 12)]
    assert np.abs(days[0] - days[1]).max() < 0.06
    assert np.abs(hours[0] - hours[1]).max() > 0.1


@pytest.mark.parametrize("name", [name for name in bench.COURSES if "groups" in name or name == bench.OURS])
def test_a_large_change_is_seen_by_who_counts(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of eight kinds one becomes as frequent as all others: each course is higher after it than ever before."""
    monkeypatch.setitem(bench._KINDS, "some", POOL.topic)
    rng = np.random.default_rng(2)
    rows = rng.integers(0, 8000, bench.ONSET + 600)
    rows[bench.ONSET :: 2] = 8 * rng.integers(0, 1000, 300)
    course = bench.COURSES[name](POOL, rows)
    assert course[bench.ONSET :].max() > course[: bench.ONSET].max()
    assert np.isneginf(course[: bench.FIRST - 1]).all()


def test_delays_and_false_alarms_stand_in_the_table() -> None:
    """A median with its interval, of how many, and how many were missed; calm streams as a share."""
    delays = {("one", "a"): [100.0, 200.0, np.inf, -5.0], ("calm", "a"): [np.inf, -10.0], ("hours", "a"): [np.inf] * 2}
    row = bench.table(delays)["a"]
    assert row["one"] == [200.0, 0.0, None, 3, 1]
    assert row["false"][0] == 0.5  # type: ignore[index]
    assert row["hours"][0] == 0.0  # type: ignore[index]
    assert bench.delay(np.array([0.0] * bench.ONSET + [0.0, 2.0]), 1.0) == 2.0

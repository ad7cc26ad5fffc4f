"""What is read from a project for a version's figures: its rows and clusters, its requests, its judges."""

from __future__ import annotations

import math

import pytest

from homeostat.loop.detail import effort, is_judge, sliced
from homeostat.loop.workshop import Exam
from homeostat.types.interaction import Interaction


def exam(**tags: str) -> Exam:
    """A test row that carries tags."""
    return Exam(text="x", target="y", time=0.0, tags=tags)


def test_slices_are_values_that_are_no_rarity() -> None:
    """Values that a twentieth of the rows have, twelve at least, the largest first; never a name that few carry."""
    rows = [exam(language="de" if k < 180 else "fr", user=f"user{k}") for k in range(200)]
    found = sliced(rows)
    assert list(found) == ["language=de", "language=fr"]
    assert found["language=fr"] == list(range(180, 200))
    assert sliced(rows[175:185]) == {}


def test_what_it_took() -> None:
    """Latency and pace are of requests that were timed; requests of one episode belong together."""
    rows = [
        Interaction(id=f"i{k}", task="t", time=0.0, text="", reply="", version="v", latency_ms=100.0, reply_tokens=5)
        for k in range(400)
    ]
    found = effort([*rows, Interaction(id="x", task="t", time=0.0, text="", reply="", version="v")], {"flops": 1.0})
    assert found.requests == 401
    assert found.latency_ms["p99"].n == 400
    assert found.latency_ms["p50"].mean == 100.0
    assert found.tokens_per_s is not None
    assert found.tokens_per_s.mean == pytest.approx(50.0)
    assert effort([], {}).latency_ms == {}
    assert math.isinf(effort(rows[:20], {}).latency_ms["p99"].high)


def test_who_is_a_judge() -> None:
    """By name, or a name that goes on with no letter."""
    assert [is_judge(name) for name in ("judge", "judge:large", "judges", "user")] == [True, True, False, False]

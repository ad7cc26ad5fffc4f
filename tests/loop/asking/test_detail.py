"""What is read from a project for a version's figures: its rows and clusters, its requests, its judges."""

from __future__ import annotations

import math
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from homeostat.config.schema import Config, Decide, Model, Tasks
from homeostat.loop.asking.detail import effort, judged, sliced, valued
from homeostat.loop.workshop import Exam, Workshop
from homeostat.types.feedback import Feedback, FeedbackKind
from homeostat.types.interaction import Interaction


def exam(**tags: str) -> Exam:
    """A test row that carries tags."""
    return Exam(text="x", target="y", time=0.0, tags=tags)


def test_slices_are_values_that_are_no_rarity() -> None:
    """Values that a twentieth of the rows have, twelve at least, the largest first; never what few carry, or all."""
    rows = [exam(language="de" if k < 180 else "fr", user=f"user{k}", plan="free") for k in range(200)]
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


def test_what_judges_and_people_say(tmp_path: Path) -> None:
    """Each judge apart, by its newest rating of a reply; people by a right reply or a rating of theirs, the newest too;
    comments, and other versions' replies, are nothing of it.
    """
    decide, model = Decide(price_per_cpu_hour=36.0), Model(threads=2)
    config = Config(folder=str(tmp_path / "p"), decide=decide, model=model, tasks={"routing": Tasks()})
    with closing(Workshop.open(config)) as shop:
        rows = [
            Interaction(id=f"int_{k}", task="routing", time=float(k), text="", reply="refund", version="ver_a")
            for k in range(3)
        ]
        shop.store.interactions.add(rows)
        said = [
            ("int_0", FeedbackKind.RATING, "0.2", "judge"),
            ("int_0", FeedbackKind.RATING, "0.8", "judge"),
            ("int_1", FeedbackKind.RATING, "0.4", "judge"),
            ("int_1", FeedbackKind.RATING, "1.0", "judge:large"),
            ("int_0", FeedbackKind.LABEL, "refund", "user"),
            ("int_1", FeedbackKind.RATING, "0.0", "user"),
            ("int_2", FeedbackKind.COMMENT, "thanks", "user"),
        ]
        shop.store.feedback.add(
            [
                Feedback(id=f"fbk_{k}", interaction=row, kind=kind, value=value, time=10.0 + k, source=source)
                for k, (row, kind, value, source) in enumerate(said)
            ]
        )
        small, large = judged(shop, "routing", rows)
        satisfaction, cost = valued(shop, "routing", [replace(row, latency_ms=1000.0 * row.time) for row in rows])
    assert (small.judge, small.ratings.mean, small.ratings.n) == ("judge", pytest.approx(0.6), 2)
    assert small.people is not None
    assert (small.people.mean, small.people.n) == (0.5, 2)
    assert small.kappa is None  # two replies of which both spoke tell nothing of agreement
    assert (large.judge, large.ratings.mean, large.ratings.n) == ("judge:large", 1.0, 1)
    assert satisfaction is not None
    assert (satisfaction.mean, satisfaction.n) == (0.5, 2)  # one that was confirmed, and one that was rated badly
    assert cost is not None
    assert (cost.mean, cost.n) == (pytest.approx(0.02), 3)  # a second of two threads, at a hundredth each


def test_what_nobody_said_and_priced(tmp_path: Path) -> None:
    """Is not told; by the prices of an objective about cost, where it states them."""
    rows = [Interaction(id="i", task="routing", time=0.0, text="", reply="", version="v", prompt_tokens=7)]
    stated = {"cheap": {"metric": "cost", "at_most": 1.0, "prices": {"read": 1e6}}}
    for objectives, wanted in (({}, None), (stated, 7.0)):
        tasks, free = {"routing": Tasks(objectives=objectives)}, Decide(price_per_cpu_hour=0.0)
        config = Config(folder=str(tmp_path / "p"), decide=free, tasks=tasks)
        with closing(Workshop.open(config)) as shop:
            satisfaction, cost = valued(shop, "routing", rows)
        assert satisfaction is None
        assert (cost.mean if cost else None) == wanted

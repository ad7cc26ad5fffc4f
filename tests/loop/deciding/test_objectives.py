"""Where objectives stand, read from a real store."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from homeostat.config.schema import Config, Tasks
from homeostat.decide.objective import Course, Progress
from homeostat.loop.deciding.objectives import standings
from homeostat.store import Store
from homeostat.types.feedback import Feedback, FeedbackKind
from homeostat.types.interaction import Interaction
from homeostat.types.signal import Moved, Signal
from homeostat.types.version import Version

DAY = 86_400.0
NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
BEFORE, AFTER = NEW_YEAR - 10 * DAY, NEW_YEAR + 50 * DAY
OLD = Version(id="ver_old", task="desk", time=NEW_YEAR - 90 * DAY, base="builtin")
CHAMPION = Version(id="ver_new", task="desk", time=NEW_YEAR + 20 * DAY, base="builtin")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(f"sqlite:///{tmp_path / 'h.db'}", tmp_path / "blobs") as opened:
        yield opened


def served(store: Store, by: Version, begin: float, n: int, **more: Any) -> list[Interaction]:
    """Requests a minute apart, every second of them from a mobile."""
    rows = [
        Interaction(
            id=f"int_{by.id}{begin:.0f}{k:04}",
            task="desk",
            time=begin + 60.0 * k,
            text="x",
            reply="a",
            version=by.id,
            tags={"channel": "mobile" if k % 2 else "web"},
            **{name: value(k) if callable(value) else value for name, value in more.items()},
        )
        for k in range(n)
    ]
    store.interactions.add(rows)
    return rows


def said(store: Store, row: Interaction, kind: FeedbackKind, value: str, at: float) -> None:
    store.feedback.add([Feedback(id=f"fbk_{row.id}{at}", interaction=row.id, kind=kind, value=value, time=at)])


def standing(store: Store, objective: dict[str, Any], at: float = AFTER + DAY) -> Progress:
    (found,) = standings(Config(tasks={"desk": Tasks(objectives={"it": objective})}), store, "desk", CHAMPION, at=at)
    return found


def test_resolution_time_by_march(store: Store) -> None:
    """Episodes of four requests took 180 s before the turn of the year and 160 s under the new version: -11 % of the
    way to -15 % in February, which the straight way had not reached then; in April it is missed.
    """
    served(store, OLD, BEFORE, 400, episode=lambda k: f"old{k // 4}")
    for begin in range(100):
        served(store, CHAMPION, AFTER + 600.0 * begin, 3, episode=f"new{begin}")
        served(store, CHAMPION, AFTER + 600.0 * begin + 160.0, 1, episode=f"new{begin}")
    faster = {"metric": "resolution_s", "change": "-15%", "since": "2026-01-01", "by": "2026-03-31"}
    found = standing(store, faster)
    assert found.baseline is not None
    assert found.now is not None
    assert (found.baseline.mean, found.now.mean, found.target) == pytest.approx((180.0, 160.0, 153.0))
    assert found.share == pytest.approx(20 / 27)
    assert found.course is Course.OPEN
    later = {**faster, "over": "100d"}
    assert standing(store, later, at=NEW_YEAR + 92 * DAY).course is Course.MISSED


def test_a_baseline_is_what_was_known_at_its_date(store: Store) -> None:
    """A label that came after the date changes nothing about the baseline, whenever one looks; whoever answered, it
    counts.
    """
    rows = served(store, OLD, BEFORE, 200)
    for k, row in enumerate(rows):
        said(store, row, FeedbackKind.LABEL, "a" if k % 10 else "b", row.time + 5.0)
    wanted = {"metric": "accuracy", "change": 0.02, "since": "2026-01-01"}
    first = standing(store, wanted).baseline
    for row in rows:
        said(store, row, FeedbackKind.LABEL, "b", NEW_YEAR + DAY)
    assert first is not None
    assert first.mean == pytest.approx(0.9)
    assert standing(store, wanted).baseline == first
    assert standing(store, {**wanted, "since": "2026-01-10"}).baseline != first


def test_a_slice_is_measured_alone(store: Store) -> None:
    """Mobiles wait 300 ms, others 100: the mean of each."""
    served(store, CHAMPION, AFTER, 100, latency_ms=lambda k: 300.0 if k % 2 else 100.0)
    limit = {"metric": "latency_ms", "at_most": 250}
    mobile = standing(store, {**limit, "slice": {"channel": "mobile"}})
    assert mobile.now is not None
    assert (mobile.now.mean, mobile.now.n, mobile.course, mobile.slice) == (300.0, 50, Course.MISSED, "channel=mobile")
    whole = standing(store, limit).now
    assert whole is not None
    assert whole.mean == 200.0
    assert standing(store, {**limit, "slice": {"channel": "mobile", "tier": "gold"}}).course is Course.UNKNOWN


def test_what_people_and_the_log_say(store: Store) -> None:
    """The newest rating of each reply, the share that was corrected to something else, labels that were missed, tokens
    read and written.
    """
    rows = served(store, CHAMPION, AFTER, 100, prompt_tokens=30, reply_tokens=lambda k: k % 2)
    for k, row in enumerate(rows[:50]):
        said(store, row, FeedbackKind.RATING, "0.0", row.time + 1.0)
        said(store, row, FeedbackKind.RATING, "1.0" if k < 40 else "0.5", row.time + 2.0)
    for k, row in enumerate(rows[:40]):
        said(store, row, FeedbackKind.CORRECTION, "a" if k < 30 else "b", row.time + 3.0)
    lines = {"rating": ("at_least", 0.9), "corrected": ("at_most", 0.1), "wrong": ("at_most", 0.3)}
    lines |= {"tokens": ("at_most", 40.0)}
    means = {}
    for metric, (way, line) in lines.items():
        now = standing(store, {"metric": metric, way: line}).now
        assert now is not None
        means[metric] = (round(now.mean, 6), now.n)
    assert means == {"rating": (0.9, 50), "corrected": (0.1, 100), "wrong": (0.25, 40), "tokens": (30.5, 100)}


def test_another_version_says_nothing_of_the_one_that_answers(store: Store) -> None:
    """What the one before did, in the same weeks, is not held against it."""
    served(store, OLD, AFTER, 200, latency_ms=900.0)
    assert standing(store, {"metric": "latency_ms", "at_most": 500}).course is Course.UNKNOWN
    served(store, CHAMPION, AFTER + 0.5, 40, latency_ms=100.0)
    assert standing(store, {"metric": "latency_ms", "at_most": 500}).course is Course.MET


def test_what_judges_say_is_a_metric_of_its_own(store: Store) -> None:
    """Their ratings are no satisfaction of people's; and what a judge gave since it changed counts for nothing."""
    rows = served(store, CHAMPION, AFTER - 20 * DAY, 100)
    store.feedback.add(
        Feedback(
            id=f"fbk_{who}{k}", interaction=row.id, kind=FeedbackKind.RATING, value=value, time=row.time, source=who
        )
        for k, row in enumerate(rows)
        for who, value in (("user", "0.9"), ("judge:a", "0.4" if k < 60 else "1.0"))
    )

    def mean(metric: str) -> tuple[float, int]:
        now = standing(store, {"metric": metric, "at_least": 0.5}).now
        assert now is not None
        return round(now.mean, 3), now.n

    assert (mean("rating"), mean("judged")) == ((0.9, 100), (0.64, 100))
    store.signals.put(
        Signal(
            id="sig_1",
            task="desk",
            time=rows[70].time,
            moved=Moved.JUDGE,
            detector="judge_pairs",
            statistic=2.0,
            threshold=1.0,
            n=70,
            since=rows[60].time,
            slice="judge=judge:a",
        )
    )
    assert (mean("rating"), mean("judged")) == ((0.9, 100), (0.4, 60))

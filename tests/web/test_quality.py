from __future__ import annotations

from homeostat.store import Store
from homeostat.types.feedback import Feedback
from homeostat.types.interaction import Interaction
from homeostat.types.task import Kind
from homeostat.web.quality import course, measured, told
from web import factory

Pair = tuple[Interaction, Feedback]


def pairs(n: int, wrong: int, reply: str = "refund") -> list[Pair]:
    """`n` labeled replies, the first `wrong` of them wrong."""
    return [
        (factory.interaction(k, "x", "other" if k < wrong else reply), factory.feedback(k, reply)) for k in range(n)
    ]


def test_labels_give_a_share_with_its_interval() -> None:
    """Quality is the share of right replies among those whose label is known."""
    score = measured(Kind.LABEL, pairs(100, 20))
    assert score is not None
    assert (score.mean, score.n) == (0.8, 100)
    assert score.low < 0.8 < score.high


def test_no_labels_give_no_score() -> None:
    """Unknown is not zero."""
    assert measured(Kind.LABEL, []) is None
    assert course(Kind.LABEL, pairs(24, 0)) == []


def test_texts_are_scored_by_likeness() -> None:
    """A reply that was not corrected scores 1, one that shares nothing 0."""
    score = measured(Kind.TEXT, pairs(4, 2, reply="zzz kkk"))
    assert score is not None
    assert score.mean == 0.5


def test_the_course_is_in_batches_oldest_first() -> None:
    """At least 25 labels a point, at most 24 points, and the fall is seen where it was."""
    found = course(Kind.LABEL, pairs(1_000, 500))
    assert len(found) <= 24
    scores = [point["score"] for point in found]
    assert [s.mean for s in scores][:2] == [0.0, 0.0]  # type: ignore[attr-defined]
    assert [s.mean for s in scores][-2:] == [1.0, 1.0]  # type: ignore[attr-defined]


def test_requests_are_told_with_what_is_known_of_them(store: Store) -> None:
    """One version's newest requests, oldest first: confidence of all, and how right those are that were labeled."""
    rows = told(store, factory.config().task("routing"), factory.SECOND, 1000)
    labeled = store.interactions.labeled("routing", version=factory.SECOND)
    assert len(rows) == store.interactions.count("routing", version=factory.SECOND)
    assert [row.time for row in rows] == sorted(row.time for row in rows)
    assert sum(row.right is not None for row in rows) == len(labeled)
    assert sum(row.right or 0 for row in rows) == sum(i.reply == f.value for i, f in labeled)
    assert told(store, factory.config().task("routing"), "ver_nobody", 10) == []
    assert len(told(store, factory.config().task("routing"), factory.SECOND, 10)) == 10

from __future__ import annotations

from homeostat.types.feedback import Feedback
from homeostat.types.interaction import Interaction
from homeostat.types.task import Kind
from homeostat.web.quality import course, measured
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

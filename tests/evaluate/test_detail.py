"""A version in detail: classes, confusions and slices agree with scikit-learn and with each other."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics

from homeostat.evaluate.detail import beside, detail, of_class
from homeostat.evaluate.figures import Told
from homeostat.stats.intervals import proportion
from homeostat.types.task import Kind

LABELS = ["refund", "delivery", "login", "rare"]


@pytest.fixture(scope="module")
def rows() -> list[Told]:
    """Two hundred rows, three of them of a rare label, with a quarter wrong."""
    rng = np.random.default_rng(1)
    target = [LABELS[k] for k in rng.choice(3, 197)] + ["rare"] * 3
    said = [t if rng.random() < 0.75 else str(rng.choice(LABELS)) for t in target]
    return [Told(target=t, said=s, sure=float(rng.random())) for t, s in zip(target, said, strict=True)]


def test_classes_are_those_of_scikit_learn(rows: list[Told]) -> None:
    """Precision, recall and F1 of every class, the rare one too, with exact intervals."""
    found = detail(Kind.LABEL, rows, {})
    target, said = [row.target for row in rows], [row.said for row in rows]
    peer = metrics.precision_recall_fscore_support(target, said, labels=list(found.labels), zero_division=0.0)
    for label, precision, recall, f1, support in zip(found.labels, *peer, strict=True):
        one = found.classes[label]
        assert one.precision is not None
        assert one.recall is not None
        assert (one.precision.mean, one.recall.mean, one.f1.mean) == pytest.approx((precision, recall, f1))
        assert one.recall == proportion(round(recall * support), int(support))
        assert one.f1.low < one.f1.mean < one.f1.high or one.f1.mean in (0.0, 1.0)


def test_exact_intervals_of_f1_hold() -> None:
    """The F1 of a class with ten rows in a hundred lies in its interval in 95 of 100 draws or more."""
    held = []
    for seed in range(150):
        rng = np.random.default_rng(seed)
        wanted = rng.random(100) < 0.1
        said = np.where(wanted, rng.random(100) < 0.7, rng.random(100) < 0.03)
        told = [Told(target="ab"[t], said="ab"[s]) for t, s in zip(wanted.astype(int), said.astype(int), strict=True)]
        if not (wanted | said).any():
            continue
        f1 = detail_of_b(told)
        held.append(f1[0] <= 2 * 0.07 / (0.1 + 0.07 + 0.027) <= f1[1])
    assert np.mean(held) >= 0.95


def detail_of_b(told: list[Told]) -> tuple[float, float]:
    """The ends of the interval of the F1 of `b`, without what else there is to tell."""
    said, wanted = (np.array([getattr(row, side) == "b" for row in told]) for side in ("said", "target"))
    score = of_class(said, wanted, np.arange(len(told))).f1
    return score.low, score.high


def test_the_confusion_matrix_is_that_of_scikit_learn(rows: list[Told]) -> None:
    """By target and reply; the largest confusions come first and add up to what is wrong."""
    found = detail(Kind.LABEL, rows, {})
    target, said = [row.target for row in rows], [row.said for row in rows]
    assert np.array_equal(found.confusion, metrics.confusion_matrix(target, said, labels=list(found.labels)))
    counts = [one.rows for one in found.confusions]
    assert counts == sorted(counts, reverse=True)
    assert sum(counts) == sum(t != s for t, s in zip(target, said, strict=True))
    first = found.confusions[0]
    assert first.share.n == target.count(first.target)


def test_slices_stand_alone_and_small_ones_are_left_out(rows: list[Told]) -> None:
    """A slice has the figures of its rows; eleven rows are too few."""
    found = detail(Kind.LABEL, rows, {"language=de": range(50), "language=fr": range(50, 61)})
    assert set(found.slices) == {"language=de"}
    assert found.slices["language=de"]["accuracy"] == detail(Kind.LABEL, rows[:50], {}).figures["accuracy"]


def test_rows_that_are_all_right_leave_doubt() -> None:
    """Every draw of rows that are all right is right: the lower end comes from how many there are, by label."""
    found = detail(Kind.LABEL, [Told(target=label, said=label, sure=1.0) for label in "aaaaaaab"], {})
    macro = found.figures["macro F1"]
    assert (macro.mean, macro.low) == (1.0, proportion(3, 3).low)  # two labels, 7 and 1 rows: worth 2² / (1/7 + 1)


def test_a_label_that_is_never_said_has_no_precision() -> None:
    """And one that is nobody's target no recall."""
    found = detail(Kind.LABEL, [Told(target="a", said="b", sure=0.5)] * 4, {})
    assert (found.classes["a"].precision, found.classes["b"].recall) == (None, None)
    assert found.classes["a"].f1.mean == 0.0


def test_beside_another(rows: list[Told]) -> None:
    """Differences in all rows and by slice; other rows are refused."""
    better = [Told(target=row.target, said=row.target, sure=row.sure) for row in rows]
    found = beside(Kind.LABEL, better, rows, {"language=de": range(50)})
    wrong = np.mean([row.said != row.target for row in rows])
    assert found.figures["accuracy"].mean == pytest.approx(wrong)
    assert found.figures["macro F1"].low > 0.0
    assert set(found.slices["language=de"]) == set(found.figures)
    with pytest.raises(ValueError, match="same rows"):
        beside(Kind.LABEL, better[1:], rows[:-1], {})
    with pytest.raises(ValueError, match="no rows"):
        detail(Kind.LABEL, [], {})


def test_classes_count_users_too() -> None:
    """Ten rows of each of six users, alike for each: the recall of a class is as unsure as of six rows."""
    rows = [
        Told(target="a", said="ab"[user % 3 == 0], sure=0.8, cluster=f"user {user}")
        for user in range(6)
        for _ in range(10)
    ]
    found = detail(Kind.LABEL, rows, {})
    assert (found.rows, found.clusters) == (60, 6)
    recall, alone = found.classes["a"].recall, proportion(40, 60)
    assert recall is not None
    assert recall.mean == alone.mean
    assert recall.high - recall.low > 1.8 * (alone.high - alone.low)
    assert found.confusions[0].share.high > 0.6


def test_texts_have_no_classes(rows: list[Told]) -> None:
    """Neither classes nor confusions; slices as any other."""
    found = detail(Kind.TEXT, rows, {"plan=a": range(20)})
    assert (found.classes, found.labels, found.confusion, found.confusions) == ({}, (), (), ())
    assert "chrF" in found.slices["plan=a"]


def test_a_schema_is_held_in_every_slice() -> None:
    """And in the difference between two versions."""
    mine = [Told(target="words", said='{"a": 1}')] * 20
    theirs = [Told(target="words", said="no")] * 20
    schema = lambda reply: reply.startswith("{")  # noqa: E731
    assert detail(Kind.TEXT, mine, {"plan=a": range(15)}, schema).slices["plan=a"]["schema"].mean == 1.0
    found = beside(Kind.TEXT, mine, theirs, {"plan=a": range(15)}, schema)
    assert found.figures["schema"].mean == found.slices["plan=a"]["schema"].mean == 1.0

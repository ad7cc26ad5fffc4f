"""Scores of labels equal what their definitions give by hand."""

import numpy as np
import pytest
from sklearn import metrics

from homeostat.metrics.classification import (
    LabelScore,
    accuracy,
    label_sums,
    macro_f1,
    macro_f1_of_targets,
    macro_f1_rows,
    macro_of,
    per_class,
)

TARGET = ["a", "a", "a", "b", "b", "c"]
REPLY = ["a", "a", "b", "b", "d", "d"]


def test_accuracy_is_the_share_of_right_replies():
    """Three of six."""
    assert accuracy(REPLY, TARGET) == 0.5


def test_per_class_counts_right_wrong_and_never_replied_labels():
    """Each label by hand: `c` is never replied, `d` is nobody's target."""
    expected = {
        "a": LabelScore(precision=1.0, recall=2 / 3, f1=0.8, predicted=2, n=3),
        "b": LabelScore(precision=0.5, recall=0.5, f1=0.5, predicted=2, n=2),
        "c": LabelScore(precision=0.0, recall=0.0, f1=0.0, predicted=0, n=1),
        "d": LabelScore(precision=0.0, recall=0.0, f1=0.0, predicted=2, n=0),
    }

    assert per_class(REPLY, TARGET) == expected


def test_macro_f1_lets_a_rare_label_count_like_a_frequent_one():
    """The mean of the four F1 scores, not weighted by their rows."""
    assert macro_f1(REPLY, TARGET) == pytest.approx((0.8 + 0.5) / 4)
    assert macro_f1(["a"] * 99 + ["a"], ["a"] * 99 + ["b"]) < 0.5


def test_perfect_replies_score_one():
    """All right is 1 by every score."""
    assert accuracy(TARGET, TARGET) == macro_f1(TARGET, TARGET) == 1.0


@pytest.mark.parametrize("score", [accuracy, macro_f1, per_class])
@pytest.mark.parametrize(("predicted", "target"), [([], []), (["a"], ["a", "b"])])
def test_no_rows_or_unequal_lengths_are_refused(score, predicted, target):
    """There is no score of nothing, nor of replies without targets."""
    with pytest.raises(ValueError, match=r"rows|replies"):
        score(predicted, target)


@pytest.mark.parametrize("seed", range(10))
def test_sums_of_rare_classes_are_what_scikit_learn_says(seed):
    """Classes of one row among many, labels replied that nobody wanted, rows that count several times or not at all:
    macro precision, recall and F1, and F1 over the targets alone, are scikit-learn's.
    """
    rng = np.random.default_rng(seed)
    target = rng.choice(["often", "some", "rare", "once"], 80, p=[0.8, 0.15, 0.04, 0.01]).tolist()
    said = [t if rng.random() < 0.7 else str(rng.choice(["often", "some", "rare", "never"])) for t in target]
    labels, weights = sorted({*target, *said}), rng.integers(0, 3, 80)
    sums = weights @ label_sums(said, target, labels)
    again = np.repeat(np.arange(80), weights)
    mine, theirs = np.array(said)[again], np.array(target)[again]
    peer = metrics.precision_recall_fscore_support(theirs, mine, average="macro", zero_division=0.0)[:3]
    assert macro_of(sums) == pytest.approx(peer)
    wanted = sorted(set(theirs))
    f1 = metrics.f1_score(theirs, mine, labels=wanted, average="macro", zero_division=0.0)
    assert macro_f1_of_targets(sums)[0] == pytest.approx(f1)


def test_what_rows_add_is_what_leaving_them_out_takes():
    """The mean of what rows add is the figure; a row adds, to first order, what leaving it out changes."""
    rng = np.random.default_rng(0)
    target = rng.choice(["a", "b", "c"], 300, p=[0.6, 0.3, 0.1]).tolist()
    said = [t if rng.random() < 0.8 else "a" for t in target]
    sums = label_sums(said, target, ["a", "b", "c"])
    added, whole = macro_f1_rows(sums), macro_f1_of_targets(sums.sum(0))[0]
    assert added.mean() == pytest.approx(whole)
    without = macro_f1_of_targets(sums.sum(0) - sums)[:, 0]
    assert np.corrcoef(added, 300 * whole - 299 * without)[0, 1] > 0.999

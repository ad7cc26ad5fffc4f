"""Ways to make one of what several members say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeostat.llm.combine import (
    HOW,
    LEAST,
    UNKNOWN,
    Slices,
    aligned,
    assigned,
    disagreement,
    entropy,
    mean,
    product,
    vote,
)


def said(members: int, rows: int, labels: int, seed: int, sharp: float = 2.0) -> np.ndarray:
    """Normalized log-probabilities at random."""
    raw = np.random.default_rng(seed).normal(size=(members, rows, labels)) * sharp
    return raw - np.log(np.exp(raw).sum(-1, keepdims=True))


SHARES = st.tuples(st.integers(1, 5), st.integers(1, 4), st.integers(1, 6), st.integers(0, 10**6))


@pytest.mark.parametrize("how", HOW)
@given(shape=SHARES)
def test_each_way_gives_probabilities(how: str, shape: tuple[int, int, int, int]) -> None:
    """What comes out sums to 1 on every row; one member alone, or the same one several times, keeps its reply."""
    logs = said(*shape)
    assert np.exp(HOW[how](logs)).sum(-1) == pytest.approx(1.0)
    same = np.repeat(logs[:1], 3, axis=0)
    assert (HOW[how](same).argmax(-1) == logs[0].argmax(-1)).all()


def test_mean_and_product_by_hand() -> None:
    """The arithmetic mean, and the geometric one made to sum to 1."""
    logs = np.log(np.array([[[0.9, 0.1]], [[0.4, 0.6]]]))
    assert np.exp(mean(logs)) == pytest.approx(np.array([[0.65, 0.35]]))
    raw = np.sqrt([0.9 * 0.4, 0.1 * 0.6])
    assert np.exp(product(logs))[0] == pytest.approx(raw / raw.sum())


def test_a_veto_counts_in_a_product_and_not_in_a_mean() -> None:
    """One member that holds the first label impossible: the product drops it, the mean keeps it."""
    logs = np.log(np.array([[[0.8, 0.2]], [[0.8, 0.2]], [[1e-9, 1 - 1e-9]]]))
    assert mean(logs).argmax() == 0
    assert product(logs).argmax() == 1


def test_a_majority_outvotes_the_sure_one_and_the_mean_settles_ties() -> None:
    """Two hesitant members outvote a sure one; of two that differ, the surer one is heard."""
    logs = np.log(np.array([[[0.55, 0.45]], [[0.55, 0.45]], [[0.01, 0.99]]]))
    assert (vote(logs).argmax(), mean(logs).argmax()) == (0, 1)
    assert vote(logs[1:]).argmax() == 1


@given(shape=SHARES)
def test_disagreement_lies_between_none_and_all_there_is(shape: tuple[int, int, int, int]) -> None:
    """It is 0 where all say the same, never below, and never above the logarithm of the members or of the labels."""
    logs = said(*shape)
    doubt = disagreement(logs)
    assert (doubt >= 0).all()
    assert (doubt <= np.log(min(shape[0], shape[2])) + 1e-9).all()
    assert disagreement(np.repeat(logs[:1], 4, axis=0)) == pytest.approx(0.0, abs=1e-12)


def test_disagreement_is_doubt_of_the_model_alone() -> None:
    """Two members that are both undecided disagree in nothing; two that are sure of different labels by ln 2."""
    undecided, apart = np.log(np.full((2, 1, 2), 0.5)), np.log(np.array([[[1.0, 1e-12]], [[1e-12, 1.0]]]))
    assert disagreement(undecided) == pytest.approx(0.0, abs=1e-12)
    assert entropy(mean(undecided)) == pytest.approx(np.log(2))
    assert disagreement(apart) == pytest.approx(np.log(2), abs=1e-6)


def test_labels_that_some_members_do_not_know() -> None:
    """All labels in the order in which they come; who does not know one gives it next to nothing."""
    labels, logs = aligned([np.log([[0.7, 0.3]]), np.log([[0.2, 0.8]])], [("a", "b"), ("c", "a")])
    assert labels == ("a", "b", "c")
    assert np.exp(logs[0, 0]) == pytest.approx([0.7, 0.3, UNKNOWN], rel=1e-5)
    assert np.exp(logs[1, 0]) == pytest.approx([0.8, UNKNOWN, 0.2], rel=1e-5)
    assert np.exp(logs).sum(-1) == pytest.approx(1.0)


def test_each_slice_is_answered_by_its_best_member() -> None:
    """The best of each slice's rows; of equals the best over all; of few rows, or none, the best over all."""
    slices = ["x"] * LEAST + ["y"] * LEAST + ["z"] * (LEAST - 1)
    right = np.zeros((3, len(slices)))
    right[0, :LEAST] = right[2, :LEAST] = 1.0
    right[1, LEAST : 2 * LEAST] = 1.0
    right[2, 2 * LEAST :] = 1.0
    chosen = Slices.measure(slices, right)
    assert chosen == Slices({"x": 2, "y": 1}, 2)
    logs = said(3, 4, 5, 0)
    picked = chosen.choose(logs, ["x", "y", "z", "never seen"])
    assert np.array_equal(picked, np.stack([logs[2, 0], logs[1, 1], logs[2, 2], logs[2, 3]]))


def test_a_row_takes_the_word_of_its_member_or_the_mean() -> None:
    """Of each row what its member says, to the last digit; of a row that is nobody's what the mean says."""
    logs = said(3, 4, 5, seed=0)
    found = assigned(logs, np.array([2, 0, -1, 1]))
    for row, member in ((0, 2), (1, 0), (3, 1)):
        assert np.array_equal(found[row], logs[member, row])
    assert np.array_equal(found[2], mean(logs)[2])

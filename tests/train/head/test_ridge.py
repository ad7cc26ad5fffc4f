"""The exact head: any order of rows gives the batch solution, and what was taken out was never there."""

from __future__ import annotations

import numpy as np
import pytest

import tiny
from homeostat.train.head.ridge import RidgeHead, RidgeValues

LABELS = (*tiny.LABELS, "wrong_bill")


def material(count: int = 120, width: int = 24, seed: int = 0) -> tuple[np.ndarray, list[str]]:
    """Features with a mean of its own for every label."""
    rng = np.random.default_rng(seed)
    which = rng.integers(len(LABELS), size=count)
    centers = np.random.default_rng(99).standard_normal((len(LABELS), width))
    return centers[which] + 0.8 * rng.standard_normal((count, width)), [LABELS[k] for k in which]


def solved(head: RidgeHead) -> np.ndarray:
    """Weights with the labels' columns in a common order."""
    weights = head.weights()
    return np.stack([weights[:, head.labels.index(label)] for label in LABELS], axis=1)


def batch_solution(rows: np.ndarray, targets: list[str], ridge: float) -> np.ndarray:
    """Ridge regression on everything at once, by least squares."""
    hot = np.array([[float(target == label) for label in LABELS] for target in targets])
    wide = np.concatenate([rows, np.sqrt(ridge) * np.eye(rows.shape[1])])
    long = np.concatenate([hot, np.zeros((rows.shape[1], len(LABELS)))])
    solution: np.ndarray = np.linalg.lstsq(wide, long, rcond=None)[0]
    return solution


@pytest.mark.parametrize("asked", [False, True], ids=["solved once", "solved after every piece"])
@pytest.mark.parametrize("seed", range(5))
def test_any_order_gives_the_batch_solution(seed: int, asked: bool) -> None:
    """Rows in a random order, in pieces of random size, labels appearing on the way: the weights are the joint ones,
    whether they are solved for once or kept up from piece to piece.
    """
    rows, targets = material(240, width=120)
    rng = np.random.default_rng(seed)
    order, head = rng.permutation(len(rows)), RidgeHead(rows.shape[1], ridge=0.1)
    for piece in np.split(order, np.sort(rng.choice(len(rows), 39, replace=False))):
        head.add(rows[piece], [targets[k] for k in piece])
        if asked:
            head.weights()
    np.testing.assert_allclose(solved(head), batch_solution(rows, targets, 0.1), atol=1e-6)


def test_rows_taken_out_were_never_there() -> None:
    """After adding and removing rows the weights are those of a head that never saw them."""
    rows, targets = material()
    head, other = RidgeHead(rows.shape[1]), RidgeHead(rows.shape[1])
    head.add(rows, targets)
    head.remove(rows[80:], targets[80:])
    other.add(rows[:80], targets[:80])
    np.testing.assert_allclose(solved(head), solved(other), atol=1e-6)


def test_a_label_without_rows_is_not_known() -> None:
    """When its last row has gone, a label is as if it had never been met, and can come again."""
    rows, targets = material()
    bills = [k for k, target in enumerate(targets) if target == "wrong_bill"]
    others = [k for k, target in enumerate(targets) if target != "wrong_bill"]
    head, never = RidgeHead(rows.shape[1]), RidgeHead(rows.shape[1])
    head.add(rows, targets)
    head.weights()
    head.remove(rows[bills], [targets[k] for k in bills])
    never.add(rows[others], [targets[k] for k in others])
    assert sorted(head.labels) == sorted(never.labels) == sorted(tiny.LABELS)
    assert head.predict(rows) == never.predict(rows)
    head.add(rows[bills], [targets[k] for k in bills])
    np.testing.assert_allclose(solved(head), batch_solution(rows, targets, 0.1), atol=1e-6)


def test_what_was_never_there_cannot_go() -> None:
    """A head that is to forget more rows of a label than it holds says so, and has forgotten nothing."""
    rows, targets = material(12)
    head = RidgeHead(rows.shape[1])
    head.add(rows, targets)
    before = head.weights()
    with pytest.raises(ValueError, match="wrong_bill"):
        head.remove(rows[:1].repeat(12, axis=0), ["wrong_bill"] * 12)
    np.testing.assert_array_equal(head.weights(), before)


def test_balanced_scores() -> None:
    """Balanced by 1/√n, a head finds a label of one row in thirty more often, and stays exact in any order."""
    rows, targets = material(600)
    rare = [k for k, target in enumerate(targets) if target == "wrong_bill"]
    common = [k for k, target in enumerate(targets) if target != "wrong_bill"]
    kept = np.array([*common, *rare[:15]])
    plain, head = (RidgeHead(rows.shape[1], balance=power) for power in (0.0, 0.5))
    for order, one in ((kept, plain), (np.random.default_rng(0).permutation(kept), head)):
        for piece in np.array_split(order, 7):
            one.add(rows[piece], [targets[k] for k in piece])
    counts = np.array([[targets[k] for k in kept].count(label) for label in LABELS])
    np.testing.assert_allclose(solved(head), solved(plain) / np.sqrt(counts), atol=1e-6)
    tests, right = material(600, seed=1)
    found = [
        np.mean([t == p for p, t in zip(one.predict(tests), right, strict=True) if t == "wrong_bill"])
        for one in (plain, head)
    ]
    assert found[1] > found[0] + 0.12


def test_a_label_that_comes_later() -> None:
    """A head that meets a new label goes on answering the old ones, and learns it from its rows."""
    rows, targets = material(200)
    late = [k for k, target in enumerate(targets) if target == "wrong_bill"]
    early = [k for k, target in enumerate(targets) if target != "wrong_bill"]
    head = RidgeHead(rows.shape[1])
    head.add(rows[early], [targets[k] for k in early])
    assert "wrong_bill" not in head.predict(rows)
    head.add(rows[late], [targets[k] for k in late])
    test_rows, test_targets = material(200, seed=1)
    assert np.mean([a == b for a, b in zip(head.predict(test_rows), test_targets, strict=True)]) > 0.9


def test_an_empty_head() -> None:
    """A head that has seen nothing answers with no label."""
    head = RidgeHead(4)
    assert head.predict(np.ones((2, 4))) == ["", ""]
    assert head.weights().shape == (4, 0)


def test_frozen_weights_can_be_used_again() -> None:
    """Weights kept from before answer as the head did then."""
    rows, targets = material()
    head = RidgeHead(rows.shape[1])
    head.add(rows[:60], targets[:60])
    weights, before = head.weights(), head.predict(rows)
    head.add(rows[60:], targets[60:])
    assert head.predict(rows, weights) == before


def numbers(count: int = 90, width: int = 12, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Features, and a number that lies far from zero and depends on them."""
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((count, width))
    return rows, 40 + rows @ np.linspace(-1, 1, width) + 0.1 * rng.standard_normal(count)


def centered_solution(rows: np.ndarray, values: np.ndarray, ridge: float) -> np.ndarray:
    """Ridge regression of centered values on centered features, and the intercept that follows."""
    centered = rows - rows.mean(0)
    slopes = np.linalg.solve(
        centered.T @ centered + ridge * np.eye(rows.shape[1]), centered.T @ (values - values.mean())
    )
    return np.append(slopes, values.mean() - rows.mean(0) @ slopes)


@pytest.mark.parametrize("seed", range(5))
def test_numbers_in_any_order(seed: int) -> None:
    """A head that tells numbers has the batch solution with a free intercept, after rows in any order, and after some
    of them went as they came.
    """
    rows, values = numbers()
    order = np.random.default_rng(seed).permutation(len(rows))
    head = RidgeValues(rows.shape[1], ridge=3.0)
    for piece in np.array_split(order, 30):
        head.add(rows[piece], values[piece])
        head.weights()
    np.testing.assert_allclose(head.weights(), centered_solution(rows, values, 3.0), atol=1e-6)
    gone, stay = order[:40], order[40:]
    for piece in np.array_split(gone, 20):
        head.remove(rows[piece], values[piece])
        head.weights()
    np.testing.assert_allclose(head.weights(), centered_solution(rows[stay], values[stay], 3.0), atol=1e-6)
    head.remove(rows[stay], values[stay])
    assert head.rows == 0
    assert not head.weights().any()
    head.add(rows, values)
    np.testing.assert_allclose(head.weights(), centered_solution(rows, values, 3.0), atol=1e-6)


def test_the_last_number_goes() -> None:
    """Row by row down to none and up again: what is left is exact all the way, though a row was all there was."""
    rows, values = numbers(4)
    head = RidgeValues(rows.shape[1])
    head.add(rows, values)
    for k in (3, 2, 1, 0):
        head.weights()
        head.remove(rows[k : k + 1], values[k : k + 1])
        if k:
            np.testing.assert_allclose(head.weights(), centered_solution(rows[:k], values[:k], 0.1), atol=1e-6)
    head.add(rows[:2], values[:2])
    np.testing.assert_allclose(head.weights(), centered_solution(rows[:2], values[:2], 0.1), atol=1e-6)


def test_numbers_are_told() -> None:
    """Rows never seen are told to within the noise."""
    head = RidgeValues(12)
    head.add(*numbers())
    rows, values = numbers(50, seed=1)
    assert np.abs(head.predict(rows) - values).mean() < 0.15


@pytest.mark.parametrize("balance", [0.0, 0.5])
def test_what_the_others_say_of_a_row(balance: float) -> None:
    """Scores in closed form are those of heads that were never shown the row."""
    rows, targets = material(60)
    whole = RidgeHead(rows.shape[1], balance=balance)
    whole.add(rows, targets)
    told = whole.left_out(rows, targets)
    for k in (0, 17, 59):
        rest = [j for j in range(60) if j != k]
        other = RidgeHead(rows.shape[1], balance=0.0)
        other.add(rows[rest], [targets[j] for j in rest])
        scores = (rows[k] @ solved(other)) / np.array([targets.count(label) for label in LABELS]) ** balance
        columns = [whole.labels.index(label) for label in LABELS]
        np.testing.assert_allclose(told[k, columns], scores, atol=1e-8)

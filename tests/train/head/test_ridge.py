"""The exact head: any order of rows gives the batch solution, and what was taken out was never there."""

from __future__ import annotations

import numpy as np
import pytest

import tiny
from homeostat.train.head import RIDGES, Features, RidgeHead, choose_ridge

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


@pytest.mark.parametrize("seed", range(5))
def test_any_order_gives_the_batch_solution(seed: int) -> None:
    """Rows in a random order, in pieces of random size, labels appearing on the way: the weights are the joint ones."""
    rows, targets = material()
    rng = np.random.default_rng(seed)
    order, head = rng.permutation(len(rows)), RidgeHead(rows.shape[1], ridge=0.1)
    for piece in np.split(order, np.sort(rng.choice(len(rows), 9, replace=False))):
        head.add(rows[piece], [targets[k] for k in piece])
    np.testing.assert_allclose(solved(head), batch_solution(rows, targets, 0.1), atol=1e-6)


def test_rows_taken_out_were_never_there() -> None:
    """After adding and removing rows the weights are those of a head that never saw them."""
    rows, targets = material()
    head, other = RidgeHead(rows.shape[1]), RidgeHead(rows.shape[1])
    head.add(rows, targets)
    head.remove(rows[80:], targets[80:])
    other.add(rows[:80], targets[:80])
    np.testing.assert_allclose(solved(head), solved(other), atol=1e-6)


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


def test_features_tell_texts_apart() -> None:
    """With embeddings that say nothing, the words alone let a head learn; the features of a text never change."""
    texts = [(text, label) for label in tiny.LABELS for text in tiny.texts(label, 40, 0)]
    tests = [(text, label) for label in tiny.LABELS for text in tiny.texts(label, 20, 1)]
    nothing = np.zeros((len(texts), 1))
    features = Features.fixed(nothing, width=8, buckets=512, seed=0)
    rows = features.of(nothing, [text for text, _ in texts])
    assert rows.shape == (120, 520)
    np.testing.assert_array_equal(features.of(nothing[:5], [text for text, _ in texts[:5]]), rows[:5])
    np.testing.assert_allclose(np.linalg.norm(rows[:, 8:], axis=1), 1.0)
    head = RidgeHead(520)
    head.add(rows, [label for _, label in texts])
    found = head.predict(features.of(nothing[:60], [text for text, _ in tests]))
    assert np.mean([a == label for a, (_, label) in zip(found, tests, strict=True)]) > 0.9


def test_features_of_embeddings() -> None:
    """The projection of embeddings is fixed by its seed, standardized by the first rows, and rectified."""
    rng = np.random.default_rng(0)
    embeddings = 5 + 3 * rng.standard_normal((50, 6))
    some, others = (Features.fixed(embeddings, width=16, buckets=4, seed=seed) for seed in (1, 2))
    dense = some.of(embeddings, [""] * 50)[:, :16]
    assert dense.min() == 0.0
    assert (dense > 0).mean() == pytest.approx(0.5, abs=0.1)
    np.testing.assert_array_equal(
        dense, Features.fixed(embeddings, width=16, buckets=4, seed=1).of(embeddings, [""] * 50)[:, :16]
    )
    assert np.abs(dense - others.of(embeddings, [""] * 50)[:, :16]).max() > 0.1
    assert np.all(some.of(embeddings[:1], [""])[:, 16:] == 0.0)


def test_the_ridge_is_chosen_by_leaving_one_out() -> None:
    """The ridge chosen is the one with the best accuracy when every row is left out in turn and fitted anew."""
    rows, targets = material(60, width=40)
    accuracy = {}
    for ridge in RIDGES:
        hits = []
        for k in range(len(rows)):
            head = RidgeHead(rows.shape[1], ridge=ridge)
            rest = [j for j in range(len(rows)) if j != k]
            head.add(rows[rest], [targets[j] for j in rest])
            hits.append(head.predict(rows[k : k + 1])[0] == targets[k])
        accuracy[ridge] = np.mean(hits)
    assert len(set(accuracy.values())) > 1
    assert accuracy[choose_ridge(rows, targets)] == max(accuracy.values())

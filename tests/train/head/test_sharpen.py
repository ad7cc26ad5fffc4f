"""How sure scores are: the number that made the labels is found, and nothing is told as certain."""

from __future__ import annotations

import numpy as np

from homeostat.train.head.sharpen import MOST, sharpness


def test_the_sharpness_behind_labels_is_found() -> None:
    """Labels drawn from a softmax of five times the scores: about five is found."""
    rng = np.random.default_rng(0)
    scores = rng.random((4000, 4))
    chances = np.exp(5.0 * scores)
    chances /= chances.sum(1, keepdims=True)
    at = np.array([rng.choice(4, p=row) for row in chances])
    assert 4.5 < sharpness(scores, at) < 5.5


def test_scores_without_a_mistake_are_not_certain() -> None:
    """Where every row is right, the chance of a mistake is put at about that of one row more, and not at nothing."""
    at = np.arange(50) % 2
    scores = np.eye(2)[at]
    found = sharpness(scores, at)
    assert found < MOST
    assert 0.001 < 1.0 / (1.0 + np.exp(found)) < 0.03


def test_scores_that_say_nothing() -> None:
    """Labels that have nothing to do with the scores make every label about as likely."""
    rng = np.random.default_rng(1)
    scores, at = rng.random((500, 3)), rng.integers(3, size=500)
    assert sharpness(scores, at) < 1.0

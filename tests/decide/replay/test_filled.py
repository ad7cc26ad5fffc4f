"""A history of dear models, told from a few that were trained and from cheap heads."""

from __future__ import annotations

import numpy as np
import pytest

from homeostat.decide.replay.filled import Filled, filled

STEPS, ROWS = 16, 400
STEP = np.repeat(np.arange(STEPS), ROWS)
KNOWN = np.arange(STEPS) * 50


def world(share: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Heads that lose three points with each step of their age, and models that are ten points righter when new, and of
    whose changes a share is the heads'. Each row is as hard for one as for another.
    """
    rng = np.random.default_rng(seed)
    hard, other, coin = rng.random((3, len(STEP)))
    age = np.maximum(STEP[None] - np.arange(STEPS)[:, None], 0)
    heads = (hard[None] < 0.85 - 0.03 * age).astype(float)
    models = (np.where(coin < 0.5, hard, other)[None] < 0.95 - 0.03 * share * age).astype(float)
    return heads, models


def off(found: Filled, models: np.ndarray, but: tuple[int, ...]) -> float:
    """Mean distance of a model's share of right rows of a step, over models that were not trained."""
    lies = [
        abs(found.right[i, t == STEP].mean() - models[i, t == STEP].mean())
        for i in range(STEPS)
        for t in range(i, STEPS)
        if i not in but
    ]
    return float(np.mean(lies))


@pytest.mark.parametrize("share", [0.3, 0.8])
def test_models_between_are_told_better_than_by_heads_or_by_the_newest(share: float) -> None:
    """Four of sixteen models trained: the others are within 2 points a step, where heads are off by 5 and more, and the
    newest trained model by more than twice as much. The share of a head's change is found again.
    """
    heads, models = world(share)
    trained = {i: models[i] for i in (0, 4, 8, 12)}
    found = filled(heads, STEP, KNOWN, trained)
    told = off(found, models, (0, 4, 8, 12))
    assert told < 0.02
    assert off(Filled(right=heads, share=found.share), models, (0, 4, 8, 12)) > 0.05
    newest = np.stack([models[max(age for age in trained if age <= i)] for i in range(STEPS)])
    assert told < 0.5 * off(Filled(right=newest, share=found.share), models, (0, 4, 8, 12))
    assert found.share.low - 0.05 <= share <= found.share.high + 0.05
    assert found.share.high - found.share.low < 0.5
    assert found.share.n == 6


def test_what_was_trained_is_taken_as_it_is() -> None:
    """Where every model was trained, nothing is told from others."""
    heads, models = world(0.5)
    found = filled(heads, STEP, KNOWN, dict(enumerate(models)))
    for i in range(STEPS):
        assert (found.right[i, i <= STEP] == models[i, i <= STEP]).all()


def test_nobody_is_told_from_rows_that_a_later_model_learned() -> None:
    """What a model would have right of rows before it was trained changes nothing: it may know them by heart."""
    heads, models = world(0.5)
    trained = {i: models[i].copy() for i in (0, 8)}
    before = filled(heads, STEP, KNOWN, trained)
    trained[8][STEP < 8] = 1.0
    after = filled(heads, STEP, KNOWN, trained)
    assert before.share == after.share
    for i in range(STEPS):
        assert (before.right[i, i <= STEP] == after.right[i, i <= STEP]).all()


def test_one_model_alone_changes_as_heads_do() -> None:
    """Nothing says otherwise; that nothing was fitted is said."""
    heads, models = world(1.0)
    found = filled(heads, STEP, KNOWN, {0: models[0]})
    assert (found.share.mean, found.share.n) == (1.0, 0)
    late = STEP >= 12
    assert found.right[12, late].mean() > models[0, late].mean() + 0.1
    assert found.right.min() >= 0.0
    assert found.right.max() <= 1.0

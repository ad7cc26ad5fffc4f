"""The bar of few examples: what counts as met, and that columns are compared with the best of the column."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parents[2] / "bench"))

from train_6 import LEAST, behind, best, line, shares
from waves import Reached

SHOTS = (1, 5)


def waves(share: float, n: int = 40) -> dict[str, Reached]:
    """Reptile ends at this share of what the multi-task beginning leaves."""
    left = np.random.default_rng(0).uniform(1, 3, n)
    return {
        "multi-task": Reached(rate=0.01, losses=left),
        "reptile": Reached(rate=0.02, losses=share * left),
    }


def right(ridge: float, tuned: float, n: int = 40) -> dict[str, dict[int, np.ndarray]]:
    """Two arms with these means and noise of their own, in both columns."""
    rng = np.random.default_rng(1)
    return {
        arm: {k: mean + rng.normal(0, 0.02, n) for k in SHOTS} for arm, mean in (("ridge", ridge), ("tuned", tuned))
    }


@pytest.mark.parametrize(
    ("share", "ridge", "tuned", "n", "met"),
    [
        (0.4, 0.9, 0.8, 40, True),
        (0.6, 0.9, 0.8, 40, False),
        (0.4, 0.8, 0.9, 40, False),
        (0.4, 0.9, 0.902, 40, True),
        (0.4, 0.9, 0.8, 20, False),
    ],
    ids=["met", "Reptile is not ahead", "the default is behind", "not surely behind", "too few tasks"],
)
def test_what_the_bar_asks_for(share: float, ridge: float, tuned: float, n: int, met: bool) -> None:
    """Half of the loss where tasks conflict, a default that is not surely behind, and thirty tasks."""
    shown = line(waves(share, n), right(ridge, tuned, n), {}, SHOTS, LEAST)
    assert shown["met"] is met
    assert shown["value"] == pytest.approx(share)
    assert shown["interval"][0] <= shown["value"] <= shown["interval"][1]


def test_a_column_is_compared_with_its_own_best() -> None:
    """The best differs by column, is behind itself by nothing, and an arm without the column is left out."""
    some = {
        "a": {1: np.array([0.5, 0.6]), 5: np.array([0.9, 0.9])},
        "b": {1: np.array([0.7, 0.6]), 5: np.array([0.6, 0.8])},
        "c": {1: np.array([0.1, 0.1])},
    }
    assert (best(some, 1), best(some, 5)) == ("b", "a")
    apart = behind(some, SHOTS)
    assert apart["a"][1].mean == pytest.approx(-0.1)
    assert (apart["b"][1].low, apart["b"][1].mean, apart["b"][1].high) == (0.0, 0.0, 0.0)
    assert list(apart["c"]) == [1]


def test_shares_are_lined_up_by_task() -> None:
    """One value for each task; prompting without examples stands in every column, other arms in their own."""
    tasks = [{"ridge": {"1": [0.5 + k, 2.0], "5": [0.7, 1.0]}, "prompted": {"0": [0.1 * k, 9.0]}} for k in range(3)]
    found = shares(tasks, SHOTS, 0)
    assert found["ridge"][1].tolist() == [0.5, 1.5, 2.5]
    assert list(found["prompted"]) == [1, 5]
    assert found["prompted"][5].tolist() == pytest.approx([0.0, 0.1, 0.2])
    assert shares(tasks, SHOTS, 1)["ridge"][1].tolist() == [2.0] * 3

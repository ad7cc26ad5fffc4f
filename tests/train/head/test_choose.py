"""The ridge is the one that leaving each row out in turn speaks for."""

from __future__ import annotations

import numpy as np
import pytest

from homeostat.train.head.choose import RIDGES, choose_ridge, choose_ridge_of_values
from homeostat.train.head.ridge import RidgeHead, RidgeValues
from train.head.test_ridge import material, numbers


def without(k: int, count: int) -> list[int]:
    return [j for j in range(count) if j != k]


@pytest.mark.parametrize("width", [40, 90], ids=["narrow", "wider than there are rows"])
def test_the_ridge_is_chosen_by_leaving_one_out(width: int) -> None:
    """The ridge chosen is the one with the best accuracy when every row is left out in turn and fitted anew."""
    rows, targets = material(60, width=width)
    rows += 2.0 * np.random.default_rng(5).standard_normal(rows.shape)
    accuracy = {}
    for ridge in RIDGES:
        hits = []
        for k in range(len(rows)):
            head, rest = RidgeHead(rows.shape[1], ridge=ridge), without(k, len(rows))
            head.add(rows[rest], [targets[j] for j in rest])
            hits.append(head.predict(rows[k : k + 1])[0] == targets[k])
        accuracy[ridge] = np.mean(hits)
    assert len(set(accuracy.values())) > 1
    assert accuracy[choose_ridge(rows, targets)] == max(accuracy.values())


@pytest.mark.parametrize("width", [6, 40], ids=["narrow", "wider than there are rows"])
def test_the_ridge_for_numbers(width: int) -> None:
    """The same for a head that tells numbers, by the squared error."""
    rows, values = numbers(30, width)
    values += 2.0 * np.random.default_rng(5).standard_normal(len(values))
    errors = {}
    for ridge in RIDGES:
        missed = []
        for k in range(len(rows)):
            head, rest = RidgeValues(width, ridge=ridge), without(k, len(rows))
            head.add(rows[rest], values[rest])
            missed.append((head.predict(rows[k : k + 1])[0] - values[k]) ** 2)
        errors[ridge] = np.mean(missed)
    assert choose_ridge_of_values(rows, values) == min(errors, key=errors.__getitem__)

"""The bench of features counts what it says."""

from __future__ import annotations

import runpy
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

BENCH = runpy.run_path(str(Path(__file__).parents[2] / "bench" / "features.py"))


def test_languages_that_are_not_known_are_counted_apart() -> None:
    """Two texts of a known language, one of them a number of which nothing can be told, and one of an unknown one."""
    rows = [
        {"lang": "eng_Latn", "text": "where is my parcel and why does nobody answer the phone"},
        {"lang": "eng_Latn", "text": "12 345"},
        {"lang": "quy_Latn", "text": "qwrtz"},
    ]
    found = BENCH["told"](rows, 0)
    assert (found["told"][0], found["told"][3]) == (0.5, 2)
    assert (found["right_of_told"][0], found["right_of_told"][3]) == (1.0, 1)
    assert (found["unknown_told"][0], found["unknown_told"][3]) == (0.0, 1)


def test_the_area_is_that_of_a_known_library() -> None:
    """With ties, and an interval around it that ten thousand rows make narrow."""
    rng = np.random.default_rng(0)
    higher, lower = rng.poisson(1.5, 4000), rng.poisson(1.0, 6000)
    truth = roc_auc_score(np.repeat([1, 0], [4000, 6000]), np.concatenate([higher, lower]))
    found = BENCH["area"](higher, lower)
    assert found[0] == pytest.approx(truth, abs=1e-4)
    assert found[0] - 0.02 < found[1] < found[0] < found[2] < found[0] + 0.02

"""A head that was put away goes on as if it had not been."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import tiny
from homeostat.errors import CorruptWeights
from homeostat.llm.features import Features
from homeostat.train.head.kept import load, save
from homeostat.train.head.ridge import RidgeHead, RidgeValues
from train.head.test_ridge import centered_solution, numbers

TEXTS, TARGETS = [row.text for row in tiny.examples()], [row.target for row in tiny.examples()]
READ = """
import sys
import numpy as np
from pathlib import Path
from homeostat.train.head.kept import load
features, head = load(Path(sys.argv[1]))
print(" ".join(head.predict(features.of(np.zeros((1, 1)), ["my pump leaks water"]))))
"""


def made(path: Path) -> tuple[Features, RidgeHead]:
    """A head that has learned 40 rows and was put away."""
    features = Features.fixed(np.zeros((1, 1)), width=1, buckets=256)
    head = RidgeHead(features.width, ridge=0.3, balance=0.5)
    head.add(features.of(np.zeros((40, 1)), TEXTS[:40]), TARGETS[:40])
    head.weights()
    save(path, features, head)
    return features, head


def test_it_goes_on(tmp_path: Path) -> None:
    """Rows that come and go after a restart give the weights that they would have given without it."""
    _, head = made(tmp_path / "routing.head")
    features, again = load(tmp_path / "routing.head")
    assert isinstance(again, RidgeHead)
    rows = features.of(np.zeros((60, 1)), TEXTS)
    np.testing.assert_allclose(again.weights(), head.weights(), atol=1e-12)
    for one in (head, again):
        one.add(rows[40:], TARGETS[40:])
        one.remove(rows[:9], TARGETS[:9])
    whole = RidgeHead(rows.shape[1], ridge=0.3, balance=0.5)
    whole.add(rows[9:], TARGETS[9:])
    assert again.labels == head.labels == whole.labels
    np.testing.assert_allclose(again.weights(), head.weights(), atol=1e-9)
    np.testing.assert_allclose(again.weights(), whole.weights(), atol=1e-6)


def test_features_are_the_same_in_another_process(tmp_path: Path) -> None:
    """Another process makes of a text what this one made, and answers as it does."""
    made(tmp_path / "routing.head")
    done = subprocess.run(
        [sys.executable, "-c", READ, str(tmp_path / "routing.head")], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["broken_pump"]


def test_a_head_of_numbers(tmp_path: Path) -> None:
    """A head that tells numbers is put away and taken up too."""
    rows, values = numbers()
    head, features = RidgeValues(rows.shape[1], ridge=2.0), Features.fixed(rows, width=4, buckets=4)
    head.add(rows[:50], values[:50])
    save(tmp_path / "price.head", features, head)
    taken, again = load(tmp_path / "price.head")
    assert isinstance(again, RidgeValues)
    again.add(rows[50:], values[50:])
    np.testing.assert_allclose(again.weights(), centered_solution(rows, values, 2.0), atol=1e-6)
    np.testing.assert_array_equal(taken.of(rows, ["x"] * 90), features.of(rows, ["x"] * 90))


def test_half_a_file_is_refused(tmp_path: Path) -> None:
    """A file that was cut off is no head."""
    path = tmp_path / "routing.head"
    made(path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(CorruptWeights):
        load(path)

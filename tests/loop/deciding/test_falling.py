"""How far confidence says that quality fell, where no label says so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from homeostat.loop.deciding.falling import WINDOW, fall
from homeostat.store import Store
from homeostat.types.interaction import Interaction

Floats = NDArray[np.float64]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(f"sqlite:///{tmp_path / 'h.db'}", tmp_path / "blobs") as opened:
        yield opened


def put(store: Store, sure: Floats, version: str = "ver_1", since: int = 0) -> None:
    """Requests that a version answered so surely."""
    store.interactions.add(
        Interaction(
            id=f"int_{version}_{since + k:05}", task="a", time=float(since + k), text="t", reply="r", version=version,
            confidence=float(each),
        )
        for k, each in enumerate(sure)
    )  # fmt: skip


def confident(rng: np.random.Generator, n: int, hard: float) -> Floats:
    """Confidences of which a share is low; a reply is right as often as its confidence says."""
    low = rng.random(n) < hard
    return np.where(low, rng.uniform(0.3, 0.6, n), rng.uniform(0.85, 0.99, n))


def test_what_requests_that_became_harder_cost(store: Store) -> None:
    """The fall of what was really right lies in the interval, by a few labels and by many; more make it narrower."""
    rng = np.random.default_rng(1)
    sure = np.concatenate([confident(rng, 1000, 0.1), confident(rng, 1000, 0.45)])
    right = (rng.random(len(sure)) < sure).astype(float)
    put(store, sure)
    came = right[:WINDOW].mean() - right[-WINDOW:].mean()
    widths = []
    for labels in (20, 400):
        known = [(float(sure[k]), float(right[k])) for k in rng.choice(1000, labels, replace=False)]
        found = fall(store, "a", "ver_1", known, 1e9)
        assert found is not None
        assert found.low < came < found.high
        assert found.n == 2 * WINDOW
        widths.append(found.high - found.low)
    assert widths[1] < widths[0] / 2
    assert found.low > 0.0


def test_confidence_that_means_less_than_it_says_is_put_right(store: Store) -> None:
    """A model that is too sure of itself by half: labels tell, and the fall is that of what is right."""
    rng = np.random.default_rng(2)
    sure = np.concatenate([confident(rng, 600, 0.0), confident(rng, 600, 0.5)])
    right = (rng.random(1200) < 0.2 + 0.6 * sure).astype(float)
    put(store, sure)
    known = [(float(sure[k]), float(right[k])) for k in rng.choice(1200, 500, replace=False)]
    plain, found = fall(store, "a", "ver_1", [], 1e9), fall(store, "a", "ver_1", known, 1e9)
    assert plain is not None
    assert found is not None
    came = right[:600].mean() - right[600:].mean()
    assert abs(found.mean - came) < abs(plain.mean - came)
    assert found.low < came < found.high


def test_nothing_fell(store: Store) -> None:
    """The same requests before and after: an interval about zero, and a narrow one."""
    put(store, confident(np.random.default_rng(5), 1000, 0.3))
    found = fall(store, "a", "ver_1", [], 1e9)
    assert found is not None
    assert found.low < 0.0 < found.high < 0.1


def test_of_too_few_requests_nothing_is_told(store: Store) -> None:
    """Two windows of a hundred are needed, of this version, before the moment of the look."""
    rng = np.random.default_rng(3)
    put(store, confident(rng, 199, 0.3))
    assert fall(store, "a", "ver_1", [], 1e9) is None
    put(store, confident(rng, 50, 0.3), since=199)
    assert fall(store, "a", "ver_1", [], 150.0) is None
    assert fall(store, "a", "ver_2", [], 1e9) is None
    found = fall(store, "a", "ver_1", [], 1e9)
    assert found is not None
    assert found.n == 248

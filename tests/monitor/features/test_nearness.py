"""Novelty is the distance to the nearest known requests: by embeddings, or by words where there are none."""

from __future__ import annotations

import numpy as np
import pytest

from homeostat.monitor.channels import NeighborIndex
from homeostat.monitor.features.nearness import EMBEDDING, MOST, NEIGHBORS, NOVELTY, novelty
from monitor.desk import desk, manual, said


def embedded(rng: np.random.Generator, rows: int, center: np.ndarray, first: int = 0) -> list:
    """Requests around a center."""
    x = (center + rng.normal(size=(rows, len(center)))).astype(np.float16)
    return [said(first + k, "?", embedding=row.tobytes()) for k, row in enumerate(x)]


def test_by_embeddings_it_is_the_watchers_distance() -> None:
    """The same number as the neighbor channel of the e-detector, from an index of the known rows."""
    rng = np.random.default_rng(0)
    known, new = embedded(rng, 60, np.zeros(8)), embedded(rng, 9, np.ones(8), first=100)
    points, queries = EMBEDDING.of(known, ()), EMBEDDING.of(new, ())
    assert novelty(new, known) == pytest.approx(NeighborIndex(points, NEIGHBORS).distance(queries))


def test_without_embeddings_it_goes_by_words() -> None:
    """Another domain is farther from the desk's messages than new messages are, also where one row lacks a vector."""
    known, new = desk()[:500], desk()[500:700]
    other = [said(k, text) for k, text in enumerate(manual()[:200])]
    assert np.median(novelty(other, known)) > np.quantile(novelty(new, known), 0.85)
    rng = np.random.default_rng(1)
    mixed = [*embedded(rng, 5, np.zeros(4)), said(99, "where is my parcel")]
    assert np.isfinite(NOVELTY.of([said(7, "my parcel")], mixed)).all()


def test_rows_without_vectors_are_unknown() -> None:
    """Nothing embedded: not a single value; one of many: a NaN in its place."""
    rng = np.random.default_rng(2)
    assert np.isnan(EMBEDDING.of([said(1, "a"), said(2, "b")], ())).all()
    found = EMBEDDING.of([*embedded(rng, 2, np.zeros(4)), said(9, "none")], ())
    assert np.isfinite(found).all(axis=1).tolist() == [True, True, False]


def test_nobody_known_knows_nothing() -> None:
    """Without known rows every distance is unknown."""
    assert np.isnan(novelty([said(1, "hello")], [])).all()


def test_the_index_is_bounded() -> None:
    """More known rows than are looked at are thinned evenly: the last of them still counts."""
    known = [said(k, f"word{k} of row {k}") for k in range(2 * MOST - 1)]
    assert novelty([known[-1]], known)[0] < novelty([said(1, "something else entirely")], known)[0]


def test_embeddings_of_two_models_are_not_measured() -> None:
    """Of another width than the known ones: the distance goes by words, as if there were none."""
    rng = np.random.default_rng(3)
    known, new = embedded(rng, 9, np.zeros(4)), embedded(rng, 3, np.zeros(6))
    bare = [said(k, "?") for k in range(3)]
    assert repr(novelty(new, known)) == repr(novelty(bare, known))

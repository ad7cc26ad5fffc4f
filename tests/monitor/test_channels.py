"""Strangeness is what it says: lack of confidence, and distance to a set that never changes."""

import numpy as np
import pytest

from homeostat.monitor.channels import NeighborIndex, confidence_edges, confidence_score, neighbor_edges, vectors
from homeostat.types.interaction import Interaction


def interaction(row=0, *, confidence=0.9, embedding=b""):
    """An interaction with what the channels read."""
    return Interaction(
        id=f"int_{row}", task="t", time=float(row), text="", reply="", version="ver_1",
        confidence=confidence, embedding=embedding,
    )  # fmt: skip


def half(vector):
    """Bytes of an embedding as the log keeps it."""
    return np.asarray(vector, dtype=np.float16).tobytes()


def test_less_confident_is_stranger():
    """One minus the confidence."""
    assert confidence_score(interaction(confidence=0.25)) == 0.75


@pytest.mark.parametrize("edges", [confidence_edges, neighbor_edges])
@pytest.mark.parametrize("bins", [8, 512])
def test_edges_are_constants_that_rise(edges, bins):
    """One edge less than bins, strictly rising, the same at every call."""
    assert len(edges(bins)) == bins - 1
    assert (np.diff(edges(bins)) > 0).all()
    assert (edges(bins) == edges(bins)).all()


def test_edges_tell_high_confidences_apart():
    """Between 0.99 and 0.999, where a trained model's confidences crowd, there are dozens of bins and not one."""
    edges = confidence_edges(512)

    assert ((edges > 0.001) & (edges < 0.01)).sum() > 30


def test_vectors_read_float16_and_mark_the_missing():
    """A row per interaction; one without an embedding is all NaN."""
    x = vectors([interaction(embedding=half([1, 2])), interaction()])

    assert x[0].tolist() == [1.0, 2.0]
    assert np.isnan(x[1]).all()


def test_vectors_refuse_two_models_at_once():
    """Embeddings of different widths cannot be one channel."""
    with pytest.raises(ValueError, match="widths"):
        vectors([interaction(embedding=half([1, 2])), interaction(embedding=half([1, 2, 3]))])


def test_distance_is_the_mean_cosine_distance_to_the_nearest():
    """Equal to a plain computation with the index's own standardization."""
    rng = np.random.default_rng(0)
    known, asked = rng.normal(2.0, [1, 5, 0.1, 2], (50, 4)), rng.normal(2.0, [1, 5, 0.1, 2], (7, 4))

    def unit(x):
        centered = (x - known.mean(axis=0)) / known.std(axis=0)
        return centered / np.linalg.norm(centered, axis=1, keepdims=True)

    expected = np.sort(1 - unit(asked) @ unit(known).T, axis=1)[:, :3].mean(axis=1)

    assert NeighborIndex(known, 3).distance(asked) == pytest.approx(expected, abs=1e-5)


def test_distance_does_not_depend_on_how_rows_are_cut_into_calls():
    """A thousand queries at once and one by one."""
    rng = np.random.default_rng(1)
    index, asked = NeighborIndex(rng.normal(size=(40, 8)), 5), rng.normal(size=(1100, 8))

    single = np.concatenate([index.distance(row[None]) for row in asked])

    assert index.distance(asked) == pytest.approx(single, abs=1e-6)


def test_a_known_request_is_near_and_an_unknown_one_far():
    """Its own row is at distance 0; a vector in a direction nobody else takes is at a wide angle to all."""
    known = np.random.default_rng(0).normal(size=(30, 40))
    index = NeighborIndex(known, 1)

    assert index.distance(known) == pytest.approx(np.zeros(30), abs=1e-6)
    assert index.distance(np.random.default_rng(1).normal(size=(5, 40))).min() > 0.5


def test_a_dimension_that_hardly_varies_is_not_blown_up():
    """A constant dimension that wavers by rounding leaves the neighbors as they are."""
    rng = np.random.default_rng(3)
    known, asked = rng.normal(size=(60, 4)), rng.normal(size=(9, 4))
    constant, wavering = np.full((60, 1), 7.0), 7.0 + 1e-4 * rng.normal(size=(9, 1))

    with_it = NeighborIndex(np.hstack([known, constant]), 3).distance(np.hstack([asked, wavering]))

    assert with_it == pytest.approx(NeighborIndex(known, 3).distance(asked), abs=1e-3)


def test_one_dwarfing_dimension_does_not_drown_the_others():
    """A dimension a thousand times larger than the rest changes no neighbor."""
    rng = np.random.default_rng(2)
    known, asked = rng.normal(size=(60, 5)), rng.normal(size=(9, 5))
    scale = np.array([1000, 1, 1, 1, 1])

    plain, dwarfed = NeighborIndex(known, 3).distance(asked), NeighborIndex(known * scale, 3).distance(asked * scale)

    assert dwarfed == pytest.approx(plain, abs=1e-4)


def test_an_embedding_that_is_not_finite_has_no_distance():
    """NaN and infinity (a float16 that overflowed) do not poison their neighbors."""
    index = NeighborIndex(np.random.default_rng(0).normal(size=(20, 3)), 2)

    distance = index.distance(np.array([[1.0, 2.0, 3.0], [np.nan] * 3, [np.inf, 0, 0]]))

    assert np.isnan(distance).tolist() == [False, True, True]


def test_an_index_keeps_finite_rows_only_and_may_be_smaller_than_k():
    """Three rows, one broken: distances to the two that remain."""
    index = NeighborIndex(np.array([[1.0, 0.0], [0.0, 1.0], [np.nan, 0.0]]), 5)

    assert len(index) == index.k == 2


def test_another_models_embeddings_are_refused():
    """A width that is not the index's is an error with both numbers in it."""
    with pytest.raises(ValueError, match=r"3 values.*2"):
        NeighborIndex(np.eye(2), 1).distance(np.ones((1, 3)))


def test_the_fingerprint_tells_indexes_apart():
    """Equal rows, equal fingerprint; one other value, another."""
    rows = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    other = rows.copy()
    other[2, 1] += 1

    assert NeighborIndex(rows, 1).fingerprint == NeighborIndex(rows.copy(), 1).fingerprint
    assert NeighborIndex(rows, 1).fingerprint != NeighborIndex(other, 1).fingerprint

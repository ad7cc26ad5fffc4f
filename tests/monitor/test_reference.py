"""The p-values are exactly uniform while nothing moves, with ties and however small the reference."""

from itertools import pairwise, permutations

import numpy as np
import pytest
from scipy import stats

from homeostat.monitor.channels import NeighborIndex
from homeostat.monitor.reference import Histogram, Reference, split
from homeostat.types.interaction import Interaction

EDGES = np.arange(0.5, 5.0)


def interaction(row=0, *, confidence=0.9, vector=None):
    """An interaction with what the channels read."""
    embedding = b"" if vector is None else np.asarray(vector, dtype=np.float16).tobytes()
    return Interaction(
        id=f"int_{row}", task="t", time=float(row), text="", reply="", version="ver_1",
        confidence=confidence, embedding=embedding,
    )  # fmt: skip


def test_p_values_are_uniform_over_all_orders_of_any_scores():
    """By enumeration: over the 120 orders of five scores with ties, the last one's p-value has P(p <= t) = t exactly.

    A uniform tie-break spreads p evenly between its values at u = 0 and u = 1, so the distribution is a sum of pieces.
    """
    scores, levels = [1.0, 1.0, 2.0, 3.0, 3.0], np.linspace(0, 1, 41)
    below = np.zeros_like(levels)
    for order in permutations(scores):
        ends = []
        for u in (0.0, 1.0):
            histogram = Histogram(EDGES)
            histogram.learn(np.array(order[:4]))
            ends.append(histogram.rank(np.array(order[4:]), np.array([u]))[0])
        below += np.clip((levels - ends[0]) / (ends[1] - ends[0]), 0, 1)

    assert below / 120 == pytest.approx(levels, abs=1e-12)


def test_p_values_of_a_growing_reference_are_independent():
    """Over 4,000 short streams that begin with a reference of three, no p-value tells anything about the next ones."""
    rng = np.random.default_rng(0)
    p = np.empty((4000, 6))
    for row in p:
        histogram = Histogram(EDGES)
        x = rng.integers(0, 6, 9).astype(float)
        histogram.learn(x[:3])
        row[:] = histogram.rank(x[3:], 1 - rng.random(6))

    correlation = np.corrcoef(p.T)[np.triu_indices(6, 1)]

    assert stats.kstest(p.ravel(), "uniform").pvalue > 0.01
    assert np.abs(correlation).max() < 4 / np.sqrt(4000)


def test_p_values_against_a_fixed_window_are_not_independent():
    """The trap, and that the test above could see it: p-values that share a window of three go up and down together."""
    rng = np.random.default_rng(0)
    p = np.empty((4000, 2))
    for row in p:
        window = rng.integers(0, 6, 3).astype(float)
        for i in range(2):
            histogram = Histogram(EDGES)
            histogram.learn(window)
            row[i] = histogram.rank(rng.integers(0, 6, 1).astype(float), 1 - rng.random(1))[0]

    assert np.corrcoef(p.T)[0, 1] > 8 / np.sqrt(4000)


def test_a_strange_score_has_a_small_p_value():
    """Higher than all nine before it: p is below one tenth."""
    histogram = Histogram(EDGES)
    histogram.learn(np.array([0, 1, 1, 2, 2, 2, 3, 3, 3.0]))

    assert histogram.rank(np.array([5.0]), np.array([1.0]))[0] == pytest.approx(0.1)


def test_ranks_equal_a_plain_count_over_everything_before():
    """Two thousand scores with many ties, cut into odd calls: each p-value is what counting by hand gives."""
    rng = np.random.default_rng(4)
    x, u = rng.integers(0, 7, 2000).astype(float), 1 - rng.random(2000)
    histogram = Histogram(EDGES)
    cuts = [0, 1, 7, 300, 1111, 2000]
    found = np.concatenate([histogram.rank(x[a:b], u[a:b]) for a, b in pairwise(cuts)])

    places = np.searchsorted(EDGES, x, side="right")
    expected = [
        ((places[:i] > places[i]).sum() + u[i] * ((places[:i] == places[i]).sum() + 1)) / (i + 1) for i in range(2000)
    ]

    assert found == pytest.approx(expected)
    assert histogram.n == 2000


def test_a_missing_score_has_no_p_value_and_leaves_no_count():
    """NaN in, NaN out, and the others are ranked as if it were not there."""
    with_gap, without = Histogram(EDGES), Histogram(EDGES)
    gap = with_gap.rank(np.array([1.0, np.nan, 2.0]), np.array([0.5, 0.5, 0.25]))

    assert np.isnan(gap[1])
    assert gap[[0, 2]].tolist() == without.rank(np.array([1.0, 2.0]), np.array([0.5, 0.25])).tolist()
    assert with_gap.n == 2


def test_memory_does_not_grow_with_traffic():
    """A million scores are as many numbers as none."""
    histogram = Histogram(EDGES)
    before = histogram.counts.nbytes
    histogram.learn(np.random.default_rng(0).uniform(0, 5, 1_000_000))

    assert histogram.counts.nbytes == before
    assert histogram.n == 1_000_000


def test_a_reference_scores_both_channels_and_goes_through_its_state():
    """Columns are confidence and neighbors; a copy made from the state ranks alike."""
    rng = np.random.default_rng(0)
    index = NeighborIndex(rng.normal(size=(30, 4)), 3)
    rows = [interaction(i, confidence=rng.random(), vector=rng.normal(size=4)) for i in range(50)]
    times = np.array([row.time for row in rows])
    reference = Reference(index, 64)
    reference.learn(reference.scores(rows), times)
    copy = Reference(index, 64)
    copy.load(reference.state())
    u = np.full((50, 2), 0.5)

    assert reference.channels == ("confidence", "neighbors")
    assert (reference.rank(reference.scores(rows), u, times) == copy.rank(copy.scores(rows), u, times)).all()
    assert copy.n == 100


def test_without_an_index_confidence_is_the_only_channel():
    """A model that gives no embeddings is watched all the same."""
    reference = Reference(NeighborIndex(np.empty((0, 0)), 5), 64)

    assert reference.channels == ("confidence",)
    assert reference.scores([interaction()]).shape == (1, 1)


def test_an_interaction_without_an_embedding_misses_one_channel_only():
    """Its confidence is scored; its distance is unknown."""
    reference = Reference(NeighborIndex(np.eye(3), 1), 64)

    scores = reference.scores([interaction(confidence=0.75)])

    assert scores[0, 0] == 0.25
    assert np.isnan(scores[0, 1])


def test_split_shares_no_row_and_does_not_follow_time():
    """Each interaction is in the index or in the calibration, and both hold early and late ones."""
    rows = [interaction(i, vector=[i, 1]) for i in range(200)]

    index, calibration = split(rows, seed=3)
    indexed = {int(x) for x in index[:, 0]}
    calibrating = {int(i.time) for i in calibration}

    assert indexed | calibrating == set(range(200))
    assert not indexed & calibrating
    assert 70 < np.mean(list(indexed)) < 130

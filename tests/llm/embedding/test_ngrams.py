"""Vectors without a model."""

from __future__ import annotations

import numpy as np

from homeostat.llm.embedding.ngrams import BUCKETS, Ngrams
from tiny import LABELS, texts


def test_they_are_of_length_one_and_the_same_every_time() -> None:
    """A row for each text, zeros for one without any gram."""
    said = ["where is my parcel", "", "WHERE is  my parcel"]
    found = Ngrams().embed(said)
    assert (found.shape, found.dtype) == ((3, BUCKETS), np.float32)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), [1, 0, 1], atol=1e-6)
    np.testing.assert_array_equal(found[0], found[2])
    np.testing.assert_array_equal(found, Ngrams().embed(said))
    assert Ngrams().embed([]).shape == (0, BUCKETS)


def test_messages_of_one_desk_lie_near_each_other() -> None:
    """The nearest other message is of the same label nearly always, though each holds as much filler as words."""
    rows = [(text, label) for label in LABELS for text in texts(label, 20, 3)]
    found = Ngrams().embed([text for text, _ in rows])
    alike = found @ found.T - 2 * np.eye(len(rows))
    right = [rows[k][1] == rows[int(near)][1] for k, near in enumerate(alike.argmax(1))]
    assert np.mean(right) > 0.9

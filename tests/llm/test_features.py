"""Features: fixed at the start, and enough to tell texts apart."""

from __future__ import annotations

import numpy as np
import pytest

import tiny
from homeostat.llm.features import Features, grams, unit
from homeostat.train.head.ridge import RidgeHead


def test_features_tell_texts_apart() -> None:
    """With embeddings that say nothing, the words alone let a head learn; the features of a text never change."""
    texts = [(text, label) for label in tiny.LABELS for text in tiny.texts(label, 40, 0)]
    tests = [(text, label) for label in tiny.LABELS for text in tiny.texts(label, 20, 1)]
    nothing = np.zeros((len(texts), 1))
    features = Features.fixed(nothing, width=8, buckets=512, seed=0)
    rows = features.of(nothing, [text for text, _ in texts])
    assert rows.shape == (120, 520)
    np.testing.assert_array_equal(features.of(nothing[:5], [text for text, _ in texts[:5]]), rows[:5])
    np.testing.assert_allclose(np.linalg.norm(rows[:, 8:], axis=1), 1.0)
    head = RidgeHead(520)
    head.add(rows, [label for _, label in texts])
    found = head.predict(features.of(nothing[:60], [text for text, _ in tests]))
    assert np.mean([a == label for a, (_, label) in zip(found, tests, strict=True)]) > 0.9


def test_features_of_embeddings() -> None:
    """The projection of embeddings is fixed by its seed, standardized by the first rows, and rectified."""
    rng = np.random.default_rng(0)
    embeddings = 5 + 3 * rng.standard_normal((50, 6))
    some, others = (Features.fixed(embeddings, width=16, buckets=4, seed=seed) for seed in (1, 2))
    dense = some.of(embeddings, [""] * 50)[:, :16]
    assert dense.min() == 0.0
    assert (dense > 0).mean() == pytest.approx(0.5, abs=0.1)
    np.testing.assert_array_equal(
        dense, Features.fixed(embeddings, width=16, buckets=4, seed=1).of(embeddings, [""] * 50)[:, :16]
    )
    assert np.abs(dense - others.of(embeddings, [""] * 50)[:, :16]).max() > 0.1
    assert np.all(some.of(embeddings[:1], [""])[:, 16:] == 0.0)


def test_words_may_be_left_out() -> None:
    """Without buckets there are no n-grams, of texts or of none."""
    assert grams(["a word", "another"], 0).shape == (2, 0)
    assert grams([], 8).shape == (0, 8)


def test_rows_of_length_one() -> None:
    """A row of zeros stays what it is."""
    rows = unit(np.array([[3.0, 4.0], [0.0, 0.0]]))
    assert np.allclose(rows, [[0.6, 0.8], [0.0, 0.0]])

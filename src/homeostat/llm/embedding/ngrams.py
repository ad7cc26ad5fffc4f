"""Hashed words, pairs of words and runs of four letters: vectors without any model.

Nothing is learned and nothing is loaded, so they mean the same in every project and for ever. What they miss is that
two words may mean the same.
"""

from __future__ import annotations

import numpy as np

from homeostat.llm.embedding.embedder import Vectors
from homeostat.llm.features import grams

BUCKETS = 512


class Ngrams:
    """Texts as their n-grams."""

    def embed(self, texts: list[str]) -> Vectors:
        """float32[texts, 512] of length 1; zeros for a text without any."""
        return grams(texts, BUCKETS).astype(np.float32)

"""Finds every near duplicate of a text among many: an exact similarity join over character shingles.

Two texts are near duplicates when the Jaccard similarity of their sets of 5-character shingles reaches a threshold t.
Two sets of n and more elements that do so have at least t n in common. If both are sorted from rare to frequent in one
fixed order, the first k of what they share stand among the first n - ceil(t n) + k of each (prefix filtering:
Chaudhuri, Ganti and Kaushik, ICDE 2006; with k > 1: Wang, Li and Feng, SIGMOD 2012; neither is on arXiv). A product of
sparse matrices counts what the prefixes share; pairs that share k are verified by their true similarity. Unlike MinHash
banding this misses nothing, which a fence around evaluation sets needs, and it draws no random numbers.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from homeostat.curate.text import key

Numbers = NDArray[np.int64]

SHINGLE = 5
"""Characters of a shingle."""
_ROUNDING = 1e-9
_SHARED = 10  # rare shingles that two texts must share before they are compared: few pairs do by chance
_TEXTS, _PAIRS = 256, 50_000  # texts asked about, and pairs verified, at once: bounds memory, not results


def shingles(text: str) -> frozenset[str]:
    """The set of 5-character pieces of the text's key with a space on either side; the whole if it is shorter."""
    padded = f" {key(text)} "
    return frozenset(padded[start : start + SHINGLE] for start in range(max(1, len(padded) - SHINGLE + 1)))


def similarity(a: frozenset[str], b: frozenset[str]) -> float:
    """Jaccard similarity of two sets: shared over all, between 0 and 1."""
    shared = len(a & b)
    return shared / (len(a) + len(b) - shared)


class Near:
    """Texts, named by their numbers 0, 1, …, that can be asked for the near duplicates of other texts."""

    def __init__(self, texts: Sequence[str], threshold: float) -> None:
        rows = [shingles(text) for text in texts]
        frequency = Counter(shingle for row in rows for shingle in row)
        ordered = sorted(frequency, key=lambda shingle: (frequency[shingle], shingle))
        self.threshold = threshold
        self._rank = {shingle: rank for rank, shingle in enumerate(ordered)}
        self._sets = _Sets(rows, self._rank, threshold)
        self._having = self._sets.rare.T.tocsr()

    def each(self, texts: Sequence[str]) -> Iterator[Numbers]:
        """For each of these texts, in turn, the numbers of the texts whose similarity to it reaches the threshold."""
        for start in range(0, len(texts), _TEXTS):
            asked = _Sets([shingles(text) for text in texts[start : start + _TEXTS]], self._rank, self.threshold)
            shared = (asked.rare @ self._having).tocoo()
            enough = shared.data >= np.minimum(asked.enough[shared.row], self._sets.enough[shared.col])
            row, column = shared.row[enough], shared.col[enough]
            alike = self._alike(asked, row, column)
            row, column = row[alike], column[alike]
            order = np.lexsort((column, row))
            ends = np.searchsorted(row[order], np.arange(1, len(asked.sizes)))
            yield from np.split(column[order].astype(np.int64), ends)

    def _alike(self, asked: _Sets, row: NDArray[Any], column: NDArray[Any]) -> NDArray[np.bool_]:
        """Which of these pairs reach the threshold, by comparing all their shingles."""
        alike = np.zeros(len(row), dtype=np.bool_)
        for start in range(0, len(row), _PAIRS):
            part = slice(start, start + _PAIRS)
            shared = (asked.all[row[part]] * self._sets.all[column[part]]).sum(axis=1)
            both = asked.sizes[row[part]] + self._sets.sizes[column[part]] - shared
            alike[part] = shared / both >= self.threshold - _ROUNDING
        return alike


class _Sets:
    """Sets of shingles as sparse rows of ones, columns from rare to frequent; unknown shingles count in size alone."""

    def __init__(self, rows: Sequence[frozenset[str]], rank: Mapping[str, int], threshold: float) -> None:
        least = [max(1, math.ceil(threshold * len(row) - _ROUNDING)) for row in rows]
        known = [sorted(rank[shingle] for shingle in row if shingle in rank) for row in rows]
        self.sizes = np.array([len(row) for row in rows], dtype=np.int64)
        self.enough = np.minimum(_SHARED, np.array(least, dtype=np.int64))
        self.all = _ones(known, len(rank))
        # Unknown shingles are rarer than any known: they come first in the prefix and leave that much less of it.
        ends = (max(0, len(some) - needed + min(_SHARED, needed)) for some, needed in zip(known, least, strict=True))
        self.rare = _ones([some[:end] for some, end in zip(known, ends, strict=True)], len(rank))


def _ones(columns: Sequence[Sequence[int]], width: int) -> csr_array:
    indices = np.fromiter((column for row in columns for column in row), dtype=np.int32)
    ends = np.cumsum([0, *map(len, columns)])
    return csr_array((np.ones(len(indices), dtype=np.int32), indices, ends), shape=(len(columns), width))

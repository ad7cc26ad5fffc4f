"""The texts of a collection most like a text, by their words or by what a model makes of them: fast enough to be asked
before every reply.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

BUCKETS = 1 << 18
"""Pieces of text are counted by their hash: so many that two of them rarely meet."""


@dataclass(frozen=True, slots=True)
class Nearest:
    """Texts as words, pairs of words and runs of four letters, of which those count more that are rare (tf-idf)."""

    rows: csr_matrix
    """float[texts, buckets], each of unit length where it has any piece."""
    rarity: NDArray[np.float64]

    @staticmethod
    def of(texts: Sequence[str]) -> Nearest:
        """The collection of these texts."""
        counts = _counts(texts)
        met = np.asarray((counts > 0).sum(axis=0)).ravel()
        rarity = np.log((1.0 + len(texts)) / (1.0 + met))
        return Nearest(_scaled(counts, rarity), rarity)

    def find(self, text: str, k: int) -> list[int]:
        """Places of the `k` texts most like this one, the most like first; those that share nothing with it are left
        out, so that there may be fewer.
        """
        likeness = np.asarray((self.rows @ _scaled(_counts([text]), self.rarity).T).todense()).ravel()
        best = np.argsort(-likeness, kind="stable")[:k]
        return [int(place) for place in best if likeness[place] > 0.0]


@dataclass(frozen=True, slots=True)
class NearestStates:
    """Texts as a model's hidden states, by the angle between them: alike is what it reads alike, whatever the words.

    States of one model lie close together in most directions; what all have in common is taken off, and each direction
    is scaled by how far the collection spreads in it.
    """

    rows: NDArray[np.float32]
    """float32[texts, hidden], each of unit length."""
    mean: NDArray[np.float32]
    scale: NDArray[np.float32]

    @staticmethod
    def of(states: NDArray[np.floating]) -> NearestStates:
        """The collection of these states, float[texts, hidden]."""
        known = np.asarray(states, np.float32)
        mean, scale = known.mean(0), np.maximum(known.std(0), 1e-6)
        return NearestStates(_unit((known - mean) / scale), mean, scale)

    def find(self, state: NDArray[np.floating], k: int) -> list[int]:
        """Places of the `k` texts whose states are most like this one, float[hidden], the most like first."""
        likeness = self.rows @ _unit(((np.asarray(state, np.float32) - self.mean) / self.scale)[None])[0]
        return [int(place) for place in np.argsort(-likeness, kind="stable")[:k]]


def _unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12), np.float32)


def _scaled(counts: csr_matrix, rarity: NDArray[np.float64]) -> csr_matrix:
    weighted = csr_matrix(counts.multiply(rarity[None, :]))
    lengths = np.sqrt(np.asarray(weighted.multiply(weighted).sum(axis=1)).ravel())
    return csr_matrix(weighted.multiply(1.0 / np.maximum(lengths, 1e-12)[:, None]))


def _counts(texts: Sequence[str]) -> csr_matrix:
    rows: list[int] = []
    columns: list[int] = []
    for row, text in enumerate(texts):
        pieces = _pieces(text)
        rows += [row] * len(pieces)
        columns += [zlib.crc32(piece.encode()) % BUCKETS for piece in pieces]
    ones = np.ones(len(rows))
    return csr_matrix((ones, (rows, columns)), shape=(len(texts), BUCKETS))  # equal places are added up


def _pieces(text: str) -> list[str]:
    words = text.lower().split()
    padded = f" {' '.join(words)} "
    runs = [padded[k : k + 4] for k in range(max(0, len(padded) - 3))]
    return [*words, *(" ".join(two) for two in pairwise(words)), *runs]

"""How strange an interaction is, by two channels: the model's confidence and the distance to the nearest neighbors.

Strangeness is a number per interaction, higher for stranger; only its rank matters. The edges of the bins that ranks
are read from are constants given here: no data enters them, so that they cannot spoil the ranks' validity.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from homeostat.types.interaction import Interaction

Floats = NDArray[np.float64]
Vectors = NDArray[np.float32]

CONFIDENCE = "confidence"
NEIGHBORS = "neighbors"

# Queries per matrix product: bounds memory at this many rows times the index.
_ROWS = 512
# Range of the two grids. Beyond them scores share a bin; only how strange matters there, not how exactly.
_LOG_ODDS = 10.0
_NEAREST, _FARTHEST = 1e-3, 2.0


def confidence_score(interaction: Interaction) -> float:
    """Strangeness by confidence: one minus the confidence of the reply, in [0, 1]."""
    return 1.0 - interaction.confidence


def confidence_edges(bins: int) -> Floats:
    """Edges of bins that are equally wide in log-odds, because a trained model's confidences crowd near 1."""
    return np.asarray(1 / (1 + np.exp(-np.linspace(-_LOG_ODDS, _LOG_ODDS, bins - 1))), dtype=np.float64)


def neighbor_edges(bins: int) -> Floats:
    """Edges of bins that are equally wide in the logarithm of the distance; below 0.001 all count as duplicates."""
    return np.geomspace(_NEAREST, _FARTHEST, bins - 1)


def vectors(interactions: Sequence[Interaction]) -> Vectors:
    """Embeddings as float32[rows, hidden]; NaN where an interaction has none, no columns where none has one.

    Raises:
        ValueError: embeddings of different widths, such as those of two different models.
    """
    sizes = {len(i.embedding) for i in interactions} - {0}
    if len(sizes) > 1:
        raise ValueError(f"embeddings of {len(sizes)} different widths in one task; watch one model's at a time")
    width = sizes.pop() // 2 if sizes else 0
    out = np.full((len(interactions), width), np.nan, dtype=np.float32)
    for row, interaction in zip(out, interactions, strict=True):
        if interaction.embedding:
            row[:] = np.frombuffer(interaction.embedding, dtype=np.float16)
    return out


class NeighborIndex:
    """The fixed set of requests that distances are measured to.

    Vectors are standardized by the index's own means and deviations first, since a few dimensions of a language
    model's hidden state would otherwise drown the rest (Timkey and van Schijndel 2021, 2109.04404), then scaled to
    length 1. The index never changes: a distance means the same today and next year.
    """

    def __init__(self, embeddings: NDArray[np.floating], neighbors: int) -> None:
        """`embeddings` is [rows, hidden]; rows with a value that is not finite are left out."""
        x = np.asarray(embeddings, dtype=np.float32)
        x = x[np.isfinite(x).all(axis=1)]
        self.fingerprint = hashlib.sha256(np.ascontiguousarray(x).tobytes()).hexdigest()
        self.k = min(neighbors, len(x))
        self.width = x.shape[1]
        self._mean = x.mean(axis=0) if len(x) else np.zeros(self.width, np.float32)
        spread = x.std(axis=0) if len(x) else np.ones(self.width, np.float32)
        # A dimension that hardly varies in the index is not blown up until it drowns the others in its turn.
        typical = np.median(spread) if self.width else 0.0
        self._scale = np.maximum(spread, np.float32(0.01 * typical + 1e-12))
        self._points = self._unit(x)

    def __len__(self) -> int:
        """Number of rows."""
        return len(self._points)

    @property
    def points(self) -> Vectors:
        """The rows as points of length 1, float32[rows, hidden]."""
        return self._points

    def place(self, x: Vectors) -> Vectors:
        """Where vectors, float32[rows, hidden], all finite, lie among the points: of length 1 too."""
        return self._unit(x)

    def distance(self, x: NDArray[np.floating]) -> Floats:
        """Mean cosine distance to the k nearest rows, float64[rows] in [0, 2]; NaN where a vector is not finite.

        Raises:
            ValueError: vectors of another width than the index.
        """
        queries = np.asarray(x, dtype=np.float32)
        if queries.shape[1] != self.width:
            raise ValueError(f"embeddings of {queries.shape[1]} values, an index of {self.width}: not the same model")
        parts = [self._nearest(queries[i : i + _ROWS]) for i in range(0, len(queries), _ROWS)]
        return np.concatenate(parts) if parts else np.empty(0)

    def _nearest(self, queries: Vectors) -> Floats:
        whole: NDArray[np.bool_] = np.asarray(np.isfinite(queries).all(axis=1))
        similar = self._unit(np.where(whole[:, None], queries, 0)) @ self._points.T
        nearest = np.partition(similar, -self.k, axis=1)[:, -self.k :]
        distance = np.clip(1.0 - nearest.mean(axis=1, dtype=np.float64), 0.0, 2.0)
        return np.where(whole, distance, np.nan)

    def _unit(self, x: Vectors) -> Vectors:
        centered = (x - self._mean) / self._scale
        length = np.sqrt(np.square(centered).sum(axis=1, keepdims=True))
        return np.asarray(centered / np.maximum(length, np.float32(1e-12)), dtype=np.float32)

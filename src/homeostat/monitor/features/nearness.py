"""Features of where a request lies: its embedding, and how far it is from the requests that are known."""

from __future__ import annotations

import numpy as np

from homeostat.monitor.channels import NeighborIndex, vectors
from homeostat.monitor.features.feature import Feature, Floats, Rows, Shape
from homeostat.monitor.features.text import wording

NEIGHBORS = 5
"""Nearest known requests whose mean distance is taken."""
COLUMNS = 2048
"""Columns in which words are counted, where distances go by words."""
MOST = 2000
"""Known requests that distances are measured to, at most, evenly from all there are."""
_ROWS = 512


def novelty(rows: Rows, known: Rows) -> Floats:
    """Mean cosine distance of each row to its nearest known ones, float64[rows] in [0, 2]; NaN where nothing is known.

    By embeddings where all rows have one of the same width, as the watcher's channel measures it; else by their words.
    """
    some = known[:: max(1, -(-len(known) // MOST))]
    if not some:
        return np.full(len(rows), np.nan)
    widths = {len(row.embedding) for row in (*rows, *some)}
    if len(widths) == 1 and 0 not in widths:
        return NeighborIndex(vectors(some), NEIGHBORS).distance(vectors(rows))
    return _by_words(rows, some)


def _by_words(rows: Rows, known: Rows) -> Floats:
    points = wording((row.text for row in known), COLUMNS)
    points = points[np.isfinite(points).all(axis=1)]
    k = min(NEIGHBORS, len(points))
    found = [np.empty(0)]
    for first in range(0, len(rows) if k else 0, _ROWS):
        queries = wording((row.text for row in rows[first : first + _ROWS]), COLUMNS)
        nearest = np.partition(queries @ points.T, -k, axis=1)[:, -k:]
        found.append(1 - nearest.mean(axis=1))
    return np.concatenate(found) if k else np.full(len(rows), np.nan)


def _embeddings(rows: Rows, known: Rows) -> Floats:
    found = vectors(rows).astype(np.float64)
    return found if found.shape[1] else np.full((len(rows), 1), np.nan)


NOVELTY = Feature(shape=Shape.NUMBER, unit="from the nearest known requests", of=novelty, learns=True)
EMBEDDING = Feature(shape=Shape.VECTOR, unit="where a request lies", of=_embeddings)

"""Features of where a request lies: its embedding, and how far it is from the requests that are known."""

from __future__ import annotations

import numpy as np

from homeostat.monitor.channels import NeighborIndex, vectors
from homeostat.monitor.features.feature import Feature, Floats, Rows, Shape
from homeostat.monitor.features.text import wording

NEIGHBORS = 5
"""Nearest known requests whose mean distance is taken."""
MOST = 2000
"""Known requests that distances are measured to, at most, evenly from all there are."""


def novelty(rows: Rows, known: Rows) -> Floats:
    """Mean cosine distance of each row to its nearest known ones, float64[rows] in [0, 2]: by embeddings where all rows
    have one, else by their words.

    Raises:
        ValueError: embeddings of different widths.
    """
    some = known[:: max(1, -(-len(known) // MOST))]
    embedded = all(row.embedding for row in (*rows, *some))
    points, queries = (vectors(part) if embedded else wording(row.text for row in part) for part in (some, rows))
    index = NeighborIndex(points, NEIGHBORS)
    return index.distance(queries) if len(index) else np.full(len(rows), np.nan)


def _embeddings(rows: Rows, known: Rows) -> Floats:
    found = vectors(rows).astype(np.float64)
    return found if found.shape[1] else np.full((len(rows), 1), np.nan)


NOVELTY = Feature(shape=Shape.NUMBER, unit="from the nearest known requests", of=novelty, learns=True)
EMBEDDING = Feature(shape=Shape.VECTOR, unit="where a request lies", of=_embeddings)

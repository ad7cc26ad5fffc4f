"""Groups of requests that lie near each other, and the words that tell a group from the rest."""

from __future__ import annotations

import math
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.vq import kmeans2

from homeostat.monitor.channels import vectors
from homeostat.monitor.features.feature import Floats, Rows
from homeostat.monitor.features.text import wording, words_of
from homeostat.monitor.naming.change import normal_scores

Mask = NDArray[np.bool_]

GRAINS = (6, 12, 24)
"""Numbers of groups that the requests are cut into, coarse to fine: nobody knows beforehand how large a topic is."""
LEAST_PER_GROUP = 15
"""Requests a group should have on average."""
STRANGEST = (0.3, 0.15)
"""Shares of the rows, the strangest, that are cut once more by themselves: there what is new is not outnumbered."""
PARTS = (2, 4, 8)
COLUMNS = 24
"""Directions that are looked at: those in which the requests differ most."""
PRIOR = 500.0
"""Words that the prior of `telling` counts for."""
RARE = 3
"""Texts of a group, at least, that hold a word by which it is named."""


def groups(rows: Rows, seed: int) -> list[Mask]:
    """Which rows belong to each group, bool[rows] for every group of every grain.

    By k-means on the embeddings, or on the words where a row has none. Nothing tells it which window a row is from, so
    that where nothing moved each group falls to both windows by lot.
    """
    points, everything = _points(rows), np.ones(len(rows), dtype=bool)
    return [group for grain in GRAINS for group in _cut(points, everything, grain, seed)]


def strange_groups(rows: Rows, strangeness: Floats, seed: int) -> list[Mask]:
    """The same of the strangest rows alone, by all channels of float64[rows, channels] together; NaN is not strange."""
    points = _points(rows)
    ranks = np.column_stack([normal_scores(column) for column in strangeness.T]).sum(axis=1)
    strangest = [ranks > np.quantile(ranks, 1 - share) for share in STRANGEST]
    return [group for chosen in strangest for parts in PARTS for group in _cut(points, chosen, parts, seed)]


def _cut(points: Floats, chosen: Mask, parts: int, seed: int) -> Iterator[Mask]:
    """The chosen rows in so many groups; none where that makes them too small, or all lie at the same place."""
    where = np.flatnonzero(chosen)
    if len(where) < parts * LEAST_PER_GROUP or not np.ptp(points[where], axis=0).any():
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a group that has lost all its rows stays empty
        _, label = kmeans2(points[where], parts, iter=15, minit="++", seed=seed, missing="warn")
    for part in range(parts):
        group = np.zeros(len(points), dtype=bool)
        group[where[label == part]] = True
        yield group


def telling(inside: Sequence[str], outside: Sequence[str], most: int = 3) -> tuple[str, ...]:
    """The words and pairs of words that tell the texts inside from those outside best, strongest first.

    By the z-score of the log-odds with an informative prior (Monroe, Colaresi and Quinn 2008, Political Analysis
    16:372), of words in RARE texts or more. A word that is part of a pair already told is left out, and so is a pair
    that holds one.
    """
    here, there = _documents(inside), _documents(outside)
    n, m, whole = here.total(), there.total(), here.total() + there.total()
    scored: list[tuple[float, str]] = []
    for gram, count in here.items():
        prior = PRIOR * (count + there[gram]) / whole
        a, b = count + prior, there[gram] + prior
        gap = math.log(a / max(n + PRIOR - a, 1e-9)) - math.log(b / max(m + PRIOR - b, 1e-9))
        if count >= min(RARE, len(inside)):
            scored.append((gap / math.sqrt(1 / a + 1 / b), gram))
    told: list[str] = []
    for z, gram in sorted(scored, key=lambda one: (-one[0], one[1])):
        own = set(gram.split())
        if len(told) < most and z > 0 and not any(own & set(other.split()) for other in told):
            told.append(gram)
    return tuple(told)


def nearest(rows: Rows, inside: NDArray[np.int64], most: int) -> list[int]:
    """The numbers of those rows inside that lie nearest to their middle, nearest first."""
    points = _points(rows)[inside]
    distance = np.square(points - points.mean(axis=0)).sum(axis=1)
    return [int(inside[k]) for k in np.argsort(distance, kind="stable")[:most]]


def _points(rows: Rows) -> Floats:
    """float64[rows, columns]: standardized, of length 1, turned so that the first columns vary most."""
    widths = {len(row.embedding) for row in rows}
    known = len(widths) == 1 and 0 not in widths
    x = vectors(rows).astype(np.float64) if known else wording(row.text for row in rows)
    x = np.nan_to_num(x)
    spread = x.std(axis=0)
    x = (x - x.mean(axis=0)) / np.maximum(spread, 0.01 * np.median(spread) + 1e-12) if known else x - x.mean(axis=0)
    x /= np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12)
    _, turn = np.linalg.eigh(x.T @ x)
    return np.asarray(x @ turn[:, ::-1][:, :COLUMNS], dtype=np.float64)


def _documents(texts: Sequence[str]) -> Counter[str]:
    """In how many texts each word and each pair of words stands."""
    found: Counter[str] = Counter()
    for text in texts:
        words = [word for word in words_of(text) if not word.isdigit()]
        found.update({*(w for w in words if len(w) > 2), *(" ".join(pair) for pair in pairwise(words))})
    return found

"""Kinds of requests that are fixed beforehand: groups of the known requests, or the replies where those are labels.

Which kind a request is of must be a function of it alone, or its ranks are not even: so groups are cut from the index,
which shares no row with the traffic, once; and a label is one of those that the version knows.
"""

from __future__ import annotations

import warnings
from collections.abc import Collection, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.vq import kmeans2, vq

from homeostat.monitor.channels import NeighborIndex, vectors
from homeostat.types.interaction import Interaction

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

GROUPS = 24
"""Groups that the index is cut into, at most: fewer hold less of what requests are about, more cost more."""
MOST = 2 * GROUPS
"""Labels from which on they are too many to be kinds."""
ROWS = 20
"""Rows of the index for each group, at least."""
COLUMNS = 24
"""Directions that are looked at: those in which the index differs most."""
NONE = -1
"""Of no kind: a request without an embedding, a reply that is no label."""


class Groups:
    """Tells of which kind each request is. There are none (`len` is 0) where there is nothing to tell kinds by."""

    def __init__(self, index: NeighborIndex, labels: Collection[str] = ()) -> None:
        """By the embeddings where the index has rows enough, else by the replies where they are labels."""
        self._index = index
        many = min(GROUPS, len(index) // ROWS)
        told = () if many > 1 or len(labels) > MOST else sorted(labels)
        self._labels = {label: k for k, label in enumerate(told)} if len(told) > 1 else {}
        self._many = max(many, len(self._labels)) if many > 1 or self._labels else 0

    @property
    def names(self) -> dict[int, str]:
        """Kind -> its label; empty where kinds are groups."""
        return {kind: label for label, kind in self._labels.items()}

    def __len__(self) -> int:
        """Number of kinds."""
        return self._many

    def of(self, interactions: Sequence[Interaction]) -> Ints:
        """The kind of each, int64[rows] from 0 on; NONE where it is of none.

        Raises:
            ValueError: embeddings of another width than the index.
        """
        if self._labels:
            return np.array([self._labels.get(row.reply.strip(), NONE) for row in interactions], dtype=np.int64)
        x = vectors(interactions)
        if not len(self) or not x.shape[1]:
            return np.full(len(interactions), NONE)
        whole: NDArray[np.bool_] = np.asarray(np.isfinite(x).all(axis=1))
        turn, middles = self._cut
        kinds, _ = vq(self._index.place(np.where(whole[:, None], x, 0)) @ turn, middles)
        return np.where(whole, kinds, NONE).astype(np.int64)

    @cached_property
    def _cut(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """What turns a point of the index, float32[hidden, columns], and the middles of the groups, so turned.

        Cut when first asked for: the same from the same index, so none of it need be put down.
        """
        points = self._index.points
        turn = np.linalg.eigh((points.T @ points).astype(np.float64))[1][:, ::-1][:, :COLUMNS].astype(np.float32)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # a group that has lost all its rows stays empty
            middles, _ = kmeans2(points @ turn, self._many, iter=20, minit="++", seed=0, missing="warn")
        return turn, np.asarray(middles, dtype=np.float32)

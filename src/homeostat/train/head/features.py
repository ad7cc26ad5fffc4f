"""The exact incremental head: a ridge classifier whose solution after any order of rows is the batch solution.

Frozen features, random projection, normal equations kept as sums, so a row costs its own outer product, nothing is
forgotten, and a row can be taken out again (RanPAC: McDonnell et al. 2023, 2307.02251). It is the cheap challenger that
is always fresh: what it gains over itself frozen at the champion's date is what retraining could gain.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

Floats = NDArray[np.float64]
RIDGES = (1e-2, 1e-1, 1.0, 1e1)


@dataclass(frozen=True, slots=True)
class Features:
    """Random features of (embedding, text), fixed at the start; never fitted to later rows."""

    mean: Floats
    scale: Floats
    projection: Floats
    """float64[hidden, width]"""
    buckets: int

    @staticmethod
    def fixed(embeddings: Floats, *, width: int = 512, buckets: int = 1024, seed: int = 0) -> Features:
        """Standardize by these embeddings, float[n, hidden], and draw the projection."""
        rng = np.random.default_rng(seed)
        hidden = embeddings.shape[1]
        scale = np.maximum(embeddings.std(0), 1e-6)
        return Features(embeddings.mean(0), scale, rng.standard_normal((hidden, width)) / np.sqrt(hidden), buckets)

    def of(self, embeddings: Floats, texts: Sequence[str]) -> Floats:
        """float64[n, width + buckets]: rectified projections, then hashed character and word n-grams of unit length."""
        dense = np.maximum((embeddings - self.mean) / self.scale @ self.projection, 0.0)
        dense /= np.sqrt(dense.shape[1])
        return np.concatenate([dense, np.stack([self._grams(t) for t in texts])], axis=1)

    def _grams(self, text: str) -> Floats:
        words = text.lower().split()
        padded = f" {' '.join(words)} "
        grams = words + [" ".join(p) for p in pairwise(words)]
        grams += [padded[k : k + 4] for k in range(max(0, len(padded) - 3))]
        row = np.zeros(self.buckets)
        for gram in grams:
            code = zlib.crc32(gram.encode())
            row[code % self.buckets] += 1.0 if code & 0x80000000 else -1.0
        norm = float(np.linalg.norm(row))
        return row / norm if norm else row


@dataclass(slots=True)
class RidgeHead:
    """Sums of the normal equations and the labels seen so far."""

    width: int
    ridge: float = 0.1
    labels: list[str] = field(default_factory=list)
    gram: Floats = field(init=False)
    cross: Floats = field(init=False)

    def __post_init__(self) -> None:
        self.gram = np.zeros((self.width, self.width))
        self.cross = np.zeros((self.width, 0))

    def add(self, features: Floats, targets: Sequence[str], *, sign: float = 1.0) -> None:
        """Learn rows, float[n, width]; a label seen for the first time gets a column. `sign=-1` takes rows out."""
        for target in targets:
            if target not in self.labels:
                self.labels.append(target)
        missing = len(self.labels) - self.cross.shape[1]
        self.cross = np.concatenate([self.cross, np.zeros((self.width, missing))], axis=1)
        self.gram += sign * features.T @ features
        column = {label: k for k, label in enumerate(self.labels)}
        hot = np.zeros((len(targets), len(self.labels)))
        hot[np.arange(len(targets)), [column[t] for t in targets]] = 1.0
        self.cross += sign * features.T @ hot

    def remove(self, features: Floats, targets: Sequence[str]) -> None:
        """Take rows out again, as if they had never been seen."""
        self.add(features, targets, sign=-1.0)

    def weights(self) -> Floats:
        """float64[width, labels]: the ridge solution on all rows held."""
        if not self.labels:
            return self.cross
        factor = cho_factor(self.gram + self.ridge * np.eye(self.width), check_finite=False)
        solution: Floats = cho_solve(factor, self.cross, check_finite=False)
        return solution

    def predict(self, features: Floats, weights: Floats | None = None) -> list[str]:
        """The label with the highest score, per row."""
        if not self.labels:
            return [""] * len(features)
        scores = features @ (self.weights() if weights is None else weights)
        return [self.labels[k] for k in scores.argmax(1)]


def choose_ridge(features: Floats, targets: Sequence[str]) -> float:
    """The ridge of RIDGES with the best leave-one-out accuracy, in closed form: e = (y - ŷ) / (1 - h)."""
    labels = sorted(set(targets))
    hot = np.equal.outer(np.array(targets), np.array(labels)).astype(float)
    gram, cross = features.T @ features, features.T @ hot
    best, ridge = -1.0, RIDGES[0]
    for candidate in RIDGES:
        inverse = np.linalg.inv(gram + candidate * np.eye(gram.shape[0]))
        fitted = features @ inverse @ cross
        leverage = np.einsum("ij,jk,ik->i", features, inverse, features, optimize=True)
        left_out = hot - (hot - fitted) / np.maximum(1.0 - leverage, 1e-6)[:, None]
        accuracy = float((left_out.argmax(1) == hot.argmax(1)).mean())
        if accuracy > best:
            best, ridge = accuracy, candidate
    return ridge

"""From confidence to the probability of being right, by labels, with how sure that is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

EDGE = 1e-4
"""Confidence is held so far from 0 and 1: beyond, the model's digits mean nothing."""
DRAWN = 1.0
"""Weight of the belief that confidence means what it says, in squared units of the coefficients."""
STEPS = 50
"""Most of Newton's steps."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """p = σ(a · ln c − b · ln(1 − c) + d) of confidence c; a = b = 1, d = 0 where confidence means what it says.

    A beta calibration (Kull, Silva Filho & Flach 2017, AISTATS): the two ends of the scale bend apart, which is how
    trained models are wrong. Few labels leave it near the identity. A quality that is not just right or wrong but
    in [0, 1] is fitted by the same means, its scatter measured.
    """

    coefficients: Floats
    """float[3]: a, b, d."""
    spread: Floats
    """float[3, 3]: their covariance."""
    scatter: float
    """Variance of a row's quality about p, in units of p · (1 − p); 1 for right and wrong."""
    labels: int

    @staticmethod
    def fit(confidence: ArrayLike, right: ArrayLike) -> Calibration:
        """By labeled rows: float[n] in [0, 1] each. Without any, confidence is taken at its word, doubtfully.

        Raises:
            ValueError: not as many confidences as labels.
        """
        x, y = _features(confidence), np.asarray(right, dtype=np.float64).ravel()
        if len(x) != len(y):
            raise ValueError(f"{len(x)} confidences beside {len(y)} labels")
        begun = np.array([1.0, 1.0, 0.0])
        found, curvature = _newton(x, y, begun)
        p = _sigmoid(x @ found)
        each = np.square(y - p) / np.maximum(p * (1 - p), EDGE)
        scatter = 1.0 if np.isin(y, (0.0, 1.0)).all() else float(each.sum() / max(1, len(y) - 3))
        spread = np.asarray(np.linalg.inv(curvature), dtype=np.float64) * max(scatter, EDGE)
        return Calibration(found, spread, scatter, len(y))

    def __call__(self, confidence: ArrayLike) -> Floats:
        """float[n]: the probability that replies of these confidences are right."""
        return _sigmoid(_features(confidence) @ self.coefficients)

    def doubt(self, confidence: ArrayLike) -> float:
        """Variance of the mean of these probabilities that comes of the calibration's few labels."""
        slope = self._slope(confidence)
        return float(slope @ self.spread @ slope)

    def _slope(self, confidence: ArrayLike) -> Floats:
        """float[3]: what the mean of these probabilities gains with each coefficient."""
        x, p = _features(confidence), self(confidence)
        return np.asarray((x * (p * (1 - p))[:, None]).mean(axis=0))

    def between(self, then: ArrayLike, now: ArrayLike) -> float:
        """Variance of the difference of two windows' mean qualities: the luck of both, and what the doubt of the one
        calibration has different for them.
        """
        slope = self._slope(then) - self._slope(now)
        luck = sum(self.variance(one) - self.doubt(one) for one in (then, now))
        return float(slope @ self.spread @ slope) + luck

    def variance(self, confidence: ArrayLike) -> float:
        """Variance of the mean quality of replies of these confidences: their own luck, and doubt."""
        p = self(confidence)
        return self.scatter * float((p * (1 - p)).sum()) / len(p) ** 2 + self.doubt(confidence)


def _features(confidence: ArrayLike) -> Floats:
    c = np.clip(np.asarray(confidence, dtype=np.float64).ravel(), EDGE, 1 - EDGE)
    return np.column_stack([np.log(c), -np.log1p(-c), np.ones_like(c)])


def _newton(x: Floats, y: Floats, begun: Floats) -> tuple[Floats, Floats]:
    """The coefficients with the least log loss plus the pull toward `begun`, and the curvature there."""
    found, curvature = begun.copy(), DRAWN * np.eye(3)
    for _ in range(STEPS):
        p = _sigmoid(x @ found)
        slope = x.T @ (p - y) + DRAWN * (found - begun)
        curvature = (x * (p * (1 - p))[:, None]).T @ x + DRAWN * np.eye(3)
        step = np.linalg.solve(curvature, slope)
        found = found - step / max(1.0, float(np.abs(step).max()))
        if float(np.abs(step).max()) < 1e-9:
            break
    return found, curvature


def _sigmoid(z: Floats) -> Floats:
    return np.asarray(0.5 * (1 + np.tanh(z / 2)))

"""ADWIN: a window that is cut wherever its older and its newer part have different means.

Bifet and Gavaldà 2007, "Learning from time-changing data with adaptive windowing" (SIAM International Conference on
Data Mining). A cut between n0 older and n1 newer numbers is made where their means differ by more than

    sqrt(2 / m * variance * ln(2 / d)) + 2 / (3 m) * ln(2 / d),   1 / m = 1 / n0 + 1 / n1,   d = delta / ln(n)

with the variance of all n numbers. The numbers are kept as an exponential histogram: buckets of 1, 2, 4, … numbers, at
most so many of each size, so that memory and a look at every cut grow with the logarithm of the window.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

LEAST = 5
"""Numbers on each side of a cut, at least."""


@dataclass(frozen=True, slots=True)
class _Bucket:
    """Some numbers in a row: how many, their sum, and the sum of their squared distances from their mean."""

    n: int
    total: float
    squares: float

    def __add__(self, other: _Bucket) -> _Bucket:
        n = self.n + other.n
        apart = self.total / self.n - other.total / other.n
        squares = self.squares + other.squares + apart * apart * self.n * other.n / n
        return _Bucket(n, self.total + other.total, squares)


class Adwin:
    """For numbers in [0, 1]. Where nothing moves it cuts with a probability of about `delta` per look, at most, by a
    bound that is far from tight: it alarms rarely and late.
    """

    standard: ClassVar[bool] = False

    def __init__(self, delta: float = 0.002, *, buckets: int = 5, every: int = 32) -> None:
        """`buckets` of each size are kept at most; it looks at the cuts after `every` so many numbers."""
        self.delta, self._most, self._every = delta, buckets, every
        self._sizes: list[list[_Bucket]] = []  # _sizes[k] holds buckets of 2^k numbers, oldest first
        self._seen = 0

    @property
    def window(self) -> int:
        """Numbers in the window now."""
        return sum(bucket.n for bucket in self._oldest_first())

    @property
    def mean(self) -> float:
        """Mean of the window; NaN while it is empty."""
        held = self._oldest_first()
        return sum(bucket.total for bucket in held) / self.window if held else math.nan

    @property
    def memory(self) -> int:
        """Buckets kept."""
        return sum(map(len, self._sizes))

    def update(self, value: float) -> bool:
        """Take a number; whether the window was cut."""
        if math.isnan(value):
            return False
        self._keep(_Bucket(1, value, 0.0))
        self._seen += 1
        return self._seen % self._every == 0 and self._shrink()

    def state(self) -> dict[str, Any]:
        """Everything needed to go on later, as JSON values."""
        return {"seen": self._seen, "sizes": [[[b.total, b.squares] for b in size] for size in self._sizes]}

    def load(self, state: Mapping[str, Any]) -> None:
        """Take over what `state` gave."""
        self._seen = int(state["seen"])
        self._sizes = [[_Bucket(2**k, *bucket) for bucket in size] for k, size in enumerate(state["sizes"])]

    def _keep(self, bucket: _Bucket) -> None:
        """Add a bucket; where there are too many of a size, the two oldest become one of the next."""
        for size in self._sizes:
            size.append(bucket)
            if len(size) <= self._most:
                return
            bucket = size.pop(0) + size.pop(0)
        self._sizes.append([bucket])

    def _shrink(self) -> bool:
        """Drop the oldest buckets until no cut is left; whether any was dropped."""
        held = self._oldest_first()
        first = next((k for k in range(len(held)) if not self._cuts(held[k:])), len(held))
        for _ in range(first):
            largest = next(size for size in reversed(self._sizes) if size)
            largest.pop(0)
        while self._sizes and not self._sizes[-1]:
            self._sizes.pop()
        return first > 0

    def _cuts(self, held: list[_Bucket]) -> bool:
        """Whether some place between two buckets is a cut."""
        if len(held) < 2:
            return False
        whole = held[0]
        for bucket in held[1:]:
            whole = whole + bucket
        older, total = 0, 0.0
        for bucket in held[:-1]:
            older, total = older + bucket.n, total + bucket.total
            newer = whole.n - older
            if min(older, newer) >= LEAST:
                apart = abs(total / older - (whole.total - total) / newer)
                if apart > self._limit(older, newer, whole.squares / whole.n):
                    return True
        return False

    def _limit(self, older: int, newer: int, variance: float) -> float:
        """How far apart two means may be that are one."""
        harmonic = 1 / (1 / older + 1 / newer)
        sure = math.log(2 * math.log(older + newer) / self.delta)
        return math.sqrt(2 / harmonic * variance * sure) + 2 / (3 * harmonic) * sure

    def _oldest_first(self) -> list[_Bucket]:
        return [bucket for size in reversed(self._sizes) for bucket in size]

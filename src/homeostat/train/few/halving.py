"""Finds the best of many candidates where each look at a row costs a forward pass: successive halving.

All candidates are scored on a few rows, the better third of them on three times as many, and so on (Jamieson &
Talwalkar 2015, 1502.07943). The first candidate, what is in force, stays to the end, so that nothing wins without
having been measured beside it on all rows. Whoever wins was chosen for its luck too: measure its gain on other rows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

C = TypeVar("C")
FIRST, FACTOR = 16, 3
"""Rows of the first rung; how many times as many the next has, and which part of the candidates goes on to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found(Generic[C]):
    """What a search found."""

    best: C
    mean: float
    """Mean score of the best on all rows."""
    first: float
    """That of the candidate in force."""
    tried: int
    asked: int
    """Rows that were scored, over all candidates."""


def search(
    candidates: Sequence[C], score: Callable[[C, Sequence[int]], Sequence[float]], rows: int, *, seed: int = 0
) -> Found[C]:
    """The candidate with the highest mean score; the earlier of equals.

    Args:
        candidates: the one in force first.
        score: of a candidate, how well it does on the rows of these numbers, each in [0, 1].
        rows: how many there are.
        seed: of the order in which rows are taken.

    Raises:
        ValueError: no candidate, or no row.
    """
    if not candidates or rows < 1:
        raise ValueError(f"{len(candidates)} candidates on {rows} rows: nothing to search")
    order = np.random.default_rng(seed).permutation(rows).tolist()
    left, known = list(range(len(candidates))), [list[float]() for _ in candidates]
    upto = min(FIRST, rows)
    while True:
        for k in left:
            new = order[len(known[k]) : upto]
            known[k] += score(candidates[k], new) if new else []
        left.sort(key=lambda k: (-float(np.mean(known[k])), k))
        if upto == rows:
            break
        best = left[: max(1, math.ceil(len(left) / FACTOR))]
        left = sorted({0, *best})
        upto = min(rows, upto * FACTOR)
    return Found(
        best=candidates[left[0]],
        mean=float(np.mean(known[left[0]])),
        first=float(np.mean(known[0])),
        tried=len(candidates),
        asked=sum(map(len, known)),
    )

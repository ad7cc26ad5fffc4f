"""Rendered training rows, split and put into batches of like length, the same for the same seed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from homeostat.llm.render import Rendered

CHUNK = 16
"""About so many batches are sorted by length together; more pads less and mixes less."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One rendered row to learn, and whether it is replayed."""

    rendered: Rendered
    replay: bool = False
    weight: float = 1.0


def split(count: int, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Positions of the training and of the held-out rows; at least one of each where there are two rows."""
    order = np.random.default_rng([seed, 1]).permutation(count)
    held = min(max(round(count * share), 1), count - 1) if count > 1 and share > 0 else 0
    return np.sort(order[held:]), np.sort(order[:held])


def batches(lengths: Sequence[int], rows: int, seed: int, epoch: int) -> list[np.ndarray]:
    """Positions per batch for one pass: shuffled, sorted by length inside chunks, chunks' batches shuffled again."""
    rng = np.random.default_rng([seed, 2, epoch])
    order, size = rng.permutation(len(lengths)), np.asarray(lengths)
    whole = math.ceil(len(order) / rows)
    # Chunks of like size: a short one at the end would pad the most.
    step = rows * max(1, math.ceil(whole / max(1, round(whole / CHUNK))))
    out: list[np.ndarray] = []
    for start in range(0, len(order), step):
        chunk = order[start : start + step]
        chunk = chunk[np.argsort(size[chunk], kind="stable")]
        out += [chunk[k : k + rows] for k in range(0, len(chunk), rows)]
    return [out[k] for k in rng.permutation(len(out))]


def padding(lengths: Sequence[int], plan: Sequence[np.ndarray]) -> float:
    """Share of the positions in padded batches that hold no token."""
    size = np.asarray(lengths)
    places = sum(len(b) * int(size[b].max()) for b in plan)
    return 1.0 - float(sum(int(size[b].sum()) for b in plan)) / max(places, 1)

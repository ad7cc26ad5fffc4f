"""Which requests to have labeled: those that teach most, and beside them some drawn by lot, to measure quality by.

Requests that the model is least sure of teach most, but many of them ask the same. So every request is a point, in the
direction of what it says and as far out as its reply is doubtful, and picks are drawn far from one another as k-means++
draws its centers (after BADGE, Ash et al. 2020, arXiv 1906.03671, whose gradients have that length; here without a
backward pass). What is picked so says nothing of the traffic as a whole: whoever measures goes by those drawn by lot.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from homeostat.curate.text import key
from homeostat.llm.features import grams
from homeostat.types.interaction import Interaction

DRAWN = 0.15
"""Share that is drawn by lot."""
_BUCKETS = 512

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Pick:
    """A request to have labeled."""

    request: Interaction
    drawn: bool
    """Whether chance alone chose it."""


def pick(requests: Sequence[Interaction], n: int, seed: int) -> list[Pick]:
    """At most `n` requests, no two the same text: those drawn by lot first, then those picked.

    Args:
        requests: what nobody has labeled, each with the confidence of its reply.
        n: how many to have labeled.
        seed: of all draws; the same requests and seed give the same picks.
    """
    generator = np.random.default_rng(seed)
    distinct = list({key(request.text): request for request in requests}.values())
    lots = min(len(distinct), max(1, round(DRAWN * n))) if n > 1 else 0
    chosen = sorted(generator.choice(len(distinct), size=lots, replace=False)) if lots else []
    drawn = [Pick(distinct[place], drawn=True) for place in chosen]
    rest = [request for place, request in enumerate(distinct) if place not in set(chosen)]
    return drawn + [Pick(rest[place], drawn=False) for place in _apart(_points(rest), n - lots, generator)]


def _apart(points: Floats, n: int, generator: np.random.Generator) -> list[int]:
    """Places of at most n points, each drawn by its squared distance from those before it; from the origin at first."""
    apart, found = (points**2).sum(axis=1), list[int]()
    while len(found) < n and apart.sum() > 0.0:
        found.append(int(generator.choice(len(points), p=apart / apart.sum())))
        apart = np.minimum(apart, ((points - points[found[-1]]) ** 2).sum(axis=1))
    return found


def _points(requests: Sequence[Interaction]) -> Floats:
    """float64[requests, width]: what each says, by its words and, where the log has them, its hidden states; as long as
    its reply is doubtful.
    """
    if not requests:
        return np.zeros((0, _BUCKETS))
    parts = [grams([request.text for request in requests], _BUCKETS)]
    states = [np.frombuffer(request.embedding, dtype=np.float16).astype(np.float64) for request in requests]
    if len({len(state) for state in states}) == 1 and len(states[0]):
        around = np.stack(states) - np.mean(states, axis=0)
        parts.append(around / max(float(np.sqrt((around**2).sum(axis=1).mean())), 1e-12))
    doubt = np.array([[max(0.0, 1.0 - request.confidence)] for request in requests])
    return np.asarray(doubt * np.concatenate(parts, axis=1), dtype=np.float64)

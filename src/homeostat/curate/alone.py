"""Contradictions that nobody shares: they wait for a second voice before they teach.

Lies told here and there by as many accounts make no group that `curate.suspect` could doubt, and 5 % of them cost a
model that learns by steps more than they cost an exact head. What they have in common is that other people say
something else of the very same requests. A change of policy, new wording, or a corner in which what is known is wrong
is told by more than one, so that each of them has company as soon as a second speaks up.

This is the deep nearest-neighbor defense (Peri et al. 2020, 1909.13374), asked only of what contradicts what is known,
and with neighbors of other sources alone: on honest rows it waits for 1.2 % where pruning by neighbors alone would take
every hard one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from homeostat.curate.sources import FEW
from homeostat.curate.suspect import Statement, read

NEIGHBORS = 3
"""Statements of others about the requests most like it, none of which says the same."""
NEWEST = 4000
"""Newest statements that are looked at."""


def alone(statements: Sequence[Statement]) -> frozenset[str]:
    """Ids of the newest statements that contradict what is known, and that nobody says with them.

    Where fewer than `FEW` sources are named nobody waits: one of a desk of a few people who corrects a reply means it.

    Args:
        statements: of sources that are not trusted, about labels that are known, in the order in which they were said.
    """
    newest = statements[-NEWEST:]
    against = [k for k, one in enumerate(newest) if one.contradicts]
    if not against or len({one.source for one in newest if one.source}) < FEW:
        return frozenset()
    features = np.stack([read(one.text) for one in newest])
    voices = np.array([one.source or one.id for one in newest])
    said = np.array([one.said for one in newest])
    alike = features[against] @ features.T
    alike[voices[against][:, None] == voices[None]] = -np.inf
    nearest = np.argsort(-alike, axis=1, kind="stable")[:, :NEIGHBORS]
    shared = (said[nearest] == said[against][:, None]).any(axis=1)
    return frozenset(newest[k].id for k, both in zip(against, shared, strict=True) if not both)

"""In which shares kinds of requests came before a change and since, with a name for each kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from homeostat.monitor.features.feature import Rows
from homeostat.monitor.naming.clusters import telling
from homeostat.stats.intervals import share_change

Ints = NDArray[np.int64]

SAID = 2
"""Kinds that a sentence names of those that grew, and of those that shrank."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A kind's share of the requests before a change and since, in [0, 1]."""

    name: str
    """The words that tell its requests from the others, or the label."""
    before: float
    since: float
    low: float
    """The 95 % interval of the change. It was looked at because it had moved: some say too much."""
    high: float


def shares_key(signal: str) -> str:
    """Under which key of the store's state stand the shares of a signal of this id, and the sentence about them."""
    return f"shares:{signal}"


def shares_of(sides: tuple[Rows, Rows], kinds: tuple[Ints, Ints], names: Mapping[int, str]) -> tuple[Share, ...]:
    """The kinds of the rows before and since, numbered alike; whichever grew most first. A kind that is not among
    `names` is named by its words. A number below 0 is no kind; empty where either side has none.
    """
    counted = [int((side >= 0).sum()) for side in kinds]
    if not min(counted):
        return ()
    rows, of = [row for side in sides for row in side], np.concatenate(kinds)
    found = []
    for kind in np.unique(of[of >= 0]).tolist():
        n, m = (int((side == kind).sum()) for side in kinds)
        change = share_change((n, counted[0]), (m, counted[1]))
        name = names.get(kind) or _named(rows, of == kind) or f"group {kind + 1}"
        ends = {"low": change.low, "high": change.high}
        found.append(Share(name=name, before=n / counted[0], since=m / counted[1], **ends))
    return tuple(sorted(found, key=lambda one: one.before - one.since))


def says(shares: Sequence[Share]) -> str:
    """Which kinds grew, and which shrank, as far as their intervals tell; empty where none do."""
    grew = [one for one in shares if one.low > 0.0][:SAID]
    shrank = [one for one in reversed(shares) if one.high < 0.0][:SAID]
    told = ", ".join(f"{one.name} from {one.before:.1%} to {one.since:.1%}" for one in (*grew, *shrank))
    return f"shares of the requests: {told}" if told else ""


def _named(rows: Rows, inside: NDArray[np.bool_]) -> str:
    here, there = ([row.text for row, own in zip(rows, inside, strict=True) if own == side] for side in (True, False))
    return ", ".join(telling(here, there, 2))

"""Which slice of the requests suffers most under each disturbance: a mean over all of them may hide it.

What a slice suffers is what its rows lose by being disturbed, each held against itself as it is, beyond what the other
rows of the part lose: a slice that is hard anyway is not weak under a disturbance, and what hits everybody alike hits
no slice. Several slices are looked at under several disturbances, so that the worst of them looks bad by chance alone:
every interval is at alpha over all that were looked at (Bonferroni) and holds for whichever is named.

Which slices are looked at hangs on the rows alone, as in `evaluate.slices`. It is told, and nothing is held to it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from homeostat.evaluate.score import Floats
from homeostat.evaluate.slices import FEWEST, MOST_SHARE
from homeostat.stats import clustered
from homeostat.stats.clustered import Ints, clusters_of
from homeostat.stats.gaps import difference
from homeostat.types.report import Score, Weakest


@dataclass(frozen=True, slots=True, kw_only=True)
class Disturbed:
    """What a disturbance does to one case."""

    slices: tuple[str, ...]
    """Those that it is in."""
    plain: float
    """What the reply to it as it is is worth, in [0, 1]."""
    value: float
    """What the reply to it disturbed is worth, of several tries the worst."""
    cluster: str = ""
    """The same of cases of one user, one episode, or one family; empty for a case by itself."""


@dataclass(frozen=True, slots=True)
class _Part:
    """The cases of a part of a suite, and the rows of every slice that is looked at."""

    plain: Floats
    value: Floats
    clusters: Ints
    slices: Mapping[str, Ints]
    """Slice -> int64[rows in it]."""


def weakest(parts: Mapping[str, Sequence[Disturbed]], alpha: float) -> dict[str, Weakest]:
    """Of every part the slice of which it is surest that it suffers most; none of a part without slices of rows enough.

    Args:
        parts: part of a suite, under one disturbance -> its cases.
        alpha: how often something may be said of any slice of any part that is not so.
    """
    looked = {part: _part(cases) for part, cases in parts.items()}
    every = sum(len(one.slices) for one in looked.values())
    return {part: _worst(one, 1.0 - alpha / every) for part, one in looked.items() if one.slices}


def _part(cases: Sequence[Disturbed]) -> _Part:
    clusters = clusters_of([case.cluster for case in cases])
    members: dict[str, list[int]] = {}
    for k, case in enumerate(cases):
        for name in case.slices:
            members.setdefault(name, []).append(k)
    slices = {name: np.array(at, np.int64) for name, at in members.items()}
    return _Part(
        plain=np.array([case.plain for case in cases], np.float64),
        value=np.array([case.value for case in cases], np.float64),
        clusters=clusters,
        slices={name: at for name, at in slices.items() if _enough(at, clusters)},
    )


def _enough(at: Ints, clusters: Ints) -> bool:
    """Whether a slice, and what lies outside it, are rows of users enough, and it is not nearly everything."""
    sides = (clusters[at], np.delete(clusters, at))
    return len(at) <= MOST_SHARE * len(clusters) and all(len(np.unique(side)) >= FEWEST for side in sides)


def _worst(part: _Part, level: float) -> Weakest:
    found = {name: _beyond(part, at, level) for name, at in part.slices.items()}
    name = min(found, key=lambda one: (found[one].high, one))
    at, whose = part.slices[name], part.clusters
    return Weakest(
        slice=name,
        score=clustered.mean(part.value[at], whose[at], level),
        plain=clustered.mean(part.plain[at], whose[at], level),
        beyond=found[name],
        shown=found[name].high < 0.0,
        among=len(found),
    )


def _beyond(part: _Part, at: Ints, level: float) -> Score:
    gained, whose, others = part.value - part.plain, part.clusters, np.delete(np.arange(len(part.value)), at)
    return difference(gained[at], gained[others], level=level, whose=(whose[at], whose[others]))

"""What replies say of a candidate before anybody says what is right: where it replies as the champion, it is no worse.

Two versions that give the same reply are equally right, whatever is right. So the candidate's mean score is below the
champion's by at most the share of requests on which their replies differ, in all traffic and in every slice of it. If
that share is shown to be under the margin, nothing worse than the margin is left to be afraid of: a bound that needs no
label, no judge, and no belief in anybody's confidence, and that an update in which little changed reaches soon.

Bet on is minus one where replies differ and zero where they do not, against "the mean is at most minus the margin":
no more than the difference of the scores, request by request, so that whatever holds that null for the scores holds it
here (betting e-processes, 2010.09686). Replies in words are the same where they are so letter by letter.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from homeostat.stats.clustered import whose
from homeostat.stats.depths import at_depth, depths, most_wealth
from homeostat.stats.eprocess import Betting

PART = 0.1
"""Part of the stake of "not worse" that is bet on replies being the same; the rest is bet on labels, and is hardly less
for it: 4 % more of them at 5 %."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replied:
    """One request that both versions answered."""

    same: bool
    slices: Collection[str] = ()
    """Those that it is in, as `tag=value`."""
    whose: str = ""
    """Who asked, or the episode; empty for somebody else than everybody."""


def alike(replied: Sequence[Replied], slices: Sequence[str], margin: float) -> tuple[float, ...]:
    """Natural logarithms of the wealth against "the candidate is worse by the margin or more", in all traffic and in
    each of the slices, by replies that are the same alone. 0 while no pair is known; it falls where replies differ.
    """
    differ = np.array([-float(not one.same) for one in replied], np.float64)
    clusters = whose([one.whose for one in replied])
    inside = [np.ones(len(differ), bool), *(np.array([name in one.slices for one in replied], bool) for name in slices)]
    parts = depths(clusters)

    def wealth(rows: np.ndarray) -> float:
        # Of a user at a depth the rows outside count as worth nothing, as they do for labels.
        found = differ[rows] if clusters is None else np.where(rows, differ, -margin)
        at = {k: Betting(margin).take(at_depth(found, clusters, k)) for k in parts}
        return most_wealth(at, parts)

    return tuple(wealth(rows) for rows in inside)


def either(labeled: float, same: float) -> float:
    """Natural logarithm of the wealth by labels and by replies that are the same together: their mean by stakes."""
    return float(np.logaddexp(math.log1p(-PART) + labeled, math.log(PART) + same))

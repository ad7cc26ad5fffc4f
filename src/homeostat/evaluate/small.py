"""What was too small at the first look: groups, slices and gaps that a second look asks once enough labels have come.

The gate asks a proof only where rows suffice, and by its test rows a slice or a group may have too few. While a
candidate is on trial such places get labels too. Each is written down before the first of them, with the whole of what
is kept for a guard at a second look (`stats.again.KEPT`): the first look has spent nothing on it. It is bet on from its
first label, and has to be shown from the moment on at which as many have come as show it with 80 % chance where nothing
was lost. That moment follows from how many there are and not from how anybody did, so a candidate that has lost its
margin there passes from then on with probability at most that level. Until then it holds nobody up, as at the first
look.

That something was lost is asked as well, at a part of alpha that is shared evenly by all of them: a candidate that has
lost its margin nowhere is taken for worse by any of them at most so often.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from homeostat.config.schema import Evaluate
from homeostat.evaluate.asked import Asked, Ground
from homeostat.evaluate.besides import small_gaps
from homeostat.evaluate.groups import PLANNED_DISCORDANCE, POWER, places, rows_needed, split
from homeostat.evaluate.score import PairedRow
from homeostat.evaluate.slices import slices
from homeostat.evaluate.watched import COST
from homeostat.stats.again import KEPT
from homeostat.stats.power import needed

MOST = 12
"""Small places that are asked about, the largest first: each may hold a candidate up that lost nothing."""
_WIDEST = 0.9


def small(rows: Sequence[PairedRow], settings: Evaluate, ground: Ground) -> list[Asked]:
    """The claims about places of which these rows, those of the first look without suites, were too few."""
    if settings.alpha <= 0.0:
        return []
    gaps = [one for demand in ground.fair for one in small_gaps(demand, rows, settings)]
    found = sorted([*_places(rows, settings, ground), *gaps], key=lambda one: (-one[0], one[1].name))[:MOST]
    level = KEPT * min(ground.live, settings.alpha)
    return [
        replace(claim, level=level, rows=_plan(claim, level), small=True, harm=KEPT * settings.alpha / len(found))
        for _, claim in found
    ]


def _places(rows: Sequence[PairedRow], settings: Evaluate, ground: Ground) -> Iterator[tuple[int, Asked]]:
    """Groups and slices that were not asked for a proof, with their users at the first look."""
    widest = max(settings.margin, settings.small_margin)
    if widest <= 0.0:
        return
    blank = Asked(name="", bound=-widest, level=1.0, rows=0, gain=False)
    sizes = {name: sample.worth for name, sample in split(rows).items()}
    for place in places(sizes, settings, ground.target):
        if not place.gated:
            told = all(group in ground.told for group in place.groups)
            size = sum(sizes[group] for group in place.groups)
            yield size, replace(blank, name=place.name, groups=place.groups, told=told)
    for name, sample in slices(rows, ground.target).items():
        if sample.worth < rows_needed(widest, settings):
            told = not ground.target and "=" in name
            yield sample.worth, replace(blank, name=name, slice=name, without=ground.target, told=told)


def _plan(claim: Asked, level: float) -> int:
    """Labels by which it is shown with 80 % chance where nothing was lost, going by a share of requests on which the
    two differ that is planned and not seen, so that a candidate which breaks a place is not asked later for that.
    Where only these are played, they are counted.
    """
    if claim.told:
        return math.ceil(COST * needed(1.0, 0.0, min(-claim.bound / PLANNED_DISCORDANCE, _WIDEST), level, POWER))
    square = 2.0 * PLANNED_DISCORDANCE if claim.gap is not None else PLANNED_DISCORDANCE
    return math.ceil(COST * needed(square, 0.0, -claim.bound, level, POWER))

"""The last thing a turn tries: to make of a candidate that forgot a version that the gate may pass."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from homeostat.loop.making import between, repair
from homeostat.loop.steps import Now
from homeostat.loop.tried import Tried, tried
from homeostat.loop.workshop import Workshop
from homeostat.types.report import Outcome
from homeostat.types.version import State

Way = Callable[[Workshop, Now, Sequence[Tried]], str]
WAYS: dict[str, Way] = {between.NAME: between.between, repair.NAME: repair.repair}
"""Ways of mending by name, the cheapest first: the line between two versions costs forward passes, a repair a training.
The gate sees what comes of each."""


def mend(shop: Workshop, now: Now, way: str) -> str:
    """The version that this way makes of the refused candidates, under an id of its own.

    Empty where `train.mend` is off, where none was refused, and where the way finds nothing.
    """
    refused = [one for one in tried(shop, now) if one.candidate.state is State.REFUSED]
    return WAYS[way](shop, now, refused) if refused and shop.config.train.mend else ""


def acceptable(shop: Workshop, now: Now, verdict: str) -> str:
    """The candidate of a verdict, unless it was refused: live pairs may decide what test rows did not."""
    told = shop.store.verdicts.get(verdict)
    return "" if told.outcome is Outcome.FAIL else told.candidate

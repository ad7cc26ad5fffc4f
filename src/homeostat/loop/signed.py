"""The rest of a turn whose release somebody has signed off: from copies of the traffic to everybody, or back."""

from __future__ import annotations

from dbos import DBOS

from homeostat.loop import steps
from homeostat.loop.turn import rolled_out
from homeostat.loop.workshop import Workshop
from homeostat.types.turn import SIGN, SIGNED


@DBOS.workflow(name=SIGNED)
def signed(turn_id: str, task: str, until: float) -> str:
    """Release the candidate that the turn has waited with."""
    now = steps.Now(turn_id, task, until)
    step = steps.durably(now)

    return rolled_out(step, step("cleared", candidate))


def candidate(shop: Workshop, now: steps.Now) -> str:
    """The version whose release was signed off."""
    return steps.turn_of(shop, now).diary[SIGN]

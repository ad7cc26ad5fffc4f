"""The trial of a version that somebody brought: trained by hand, distilled, tuned, or received.

It goes the way of every candidate, from the gate on.
"""

from __future__ import annotations

from dbos import DBOS

from homeostat.loop import steps
from homeostat.loop.making.mend import acceptable
from homeostat.loop.proving import judging
from homeostat.loop.turn import released
from homeostat.loop.workshop import Workshop
from homeostat.types.turn import GIVEN


@DBOS.workflow(name="trial")
def trial(turn_id: str, task: str, until: float) -> str:
    """Ask the gate about a version, and release it step by step unless it is refused."""
    now = steps.Now(turn_id, task, until)
    step = steps.durably(now)

    candidate = step(GIVEN, brought)
    report = step(f"evaluate.{GIVEN}", judging.evaluate, candidate)
    verdict = step(f"gate.{GIVEN}", judging.gate, report, candidate)
    if not step(f"judge.{GIVEN}", acceptable, verdict):
        return step("end", steps.end, "gate", verdict)
    return released(step, candidate)


def brought(shop: Workshop, now: steps.Now) -> str:
    """The version that the trial was opened for.

    Raises:
        NotFound: there is no such version.
    """
    return shop.store.versions.get(shop.store.turns.get(now.turn).diary[GIVEN]).id

"""The turn that follows an erasure: the champion is made again without the rows, tried as any candidate, and the old
one is gone once it has been replaced.

No gate asks whether it is better, for that is not what it is made for: it answers everybody when its canary has shown,
at `release.alpha`, that it is not worse than the old one by `release.harm_margin`, and it is taken back if it harms.
"""

from __future__ import annotations

from dataclasses import replace

from dbos import DBOS

from homeostat.decide.rule import rule_of
from homeostat.loop import steps
from homeostat.loop.making.rebuild import rebuild
from homeostat.loop.turn import rolled_out
from homeostat.loop.undoing.erase import erase, plan
from homeostat.loop.workshop import Workshop
from homeostat.release.states import is_open
from homeostat.store.erased import learned_from_erased
from homeostat.types import ids
from homeostat.types.release import Stage
from homeostat.types.turn import REBUILT, Turn

STORY = REBUILT
"""What it is called in the queue, and its first entry in the diary of a turn."""


@DBOS.workflow(name=STORY)
def rebuilding(turn_id: str, task: str, until: float) -> str:
    """Make the champion again without what was erased, release it, and remove the weights that it replaces."""
    now = steps.Now(turn_id, task, until)
    step = steps.durably(now)

    candidate = step(STORY, made)
    if not candidate:
        return step("end", nothing_left)
    ended = rolled_out(step, candidate)
    step("erase", finished)
    return ended


def due(shop: Workshop, task: str, champion: str, until: float) -> Turn | None:
    """The turn that makes a champion again which has learned from erased rows; None where it has not, where a candidate
    is being tried, where such a turn was tried for it already, and where a person has the say about retraining.
    """
    if champion not in learned_from_erased(shop.store, task) or rule_of(shop.config, task).action != "retrain":
        return None
    turn = ids.derived("trn", task, champion, STORY)
    if is_open(shop.store.releases.current(task)) or any(one.id == turn for one in shop.store.turns.list(task)):
        return None
    return Turn(id=turn, task=task, time=until, diary={STORY: ""})


def made(shop: Workshop, now: steps.Now) -> str:
    """Id of the candidate; empty where nothing is left to learn from."""
    candidate = rebuild(shop, shop.champion(now.task))
    return candidate.id if candidate else ""


def finished(shop: Workshop, now: steps.Now) -> str:
    """Finish what the erasure left because the old version answered, if it no longer does."""
    release = shop.store.releases.current(now.task)
    if release is None or release.stage is not Stage.FULL:
        return ""
    done = erase(shop, plan(shop, ""))
    return " ".join(done.removed)


def nothing_left(shop: Workshop, now: steps.Now) -> str:
    """Close the turn where there is nothing to make a version of."""
    because = "nothing is left to learn from: the version that has learned from erased rows goes on answering"
    shop.store.turns.change(now.turn, lambda turn: replace(turn, state=STORY, because=because))
    return STORY

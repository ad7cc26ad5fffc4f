"""A person's word on a turn that waits for it. Imports no model library, so it is quick."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from homeostat.config.schema import Config
from homeostat.decide.record import give_back
from homeostat.errors import NotAwaited
from homeostat.store import Store
from homeostat.types.turn import AWAITING, OPEN, SIGN, Turn
from homeostat.types.version import State


def answer(config: Config, store: Store, turn: str, *, yes: bool, who: str, why: str) -> Turn:
    """Approve or reject a turn, and write down who did and why; the turn as it is then.

    One that is approved is open again, and the worker goes on with it. One that is rejected has ended: before it was
    trained its policy has back what was booked for it, before its release the candidate is refused. Of two who answer
    at once the first is heard.

    Raises:
        NotFound: there is no such turn.
        NotAwaited: nobody's word is awaited: it has not come so far, it has ended, or somebody has answered.
    """
    said = f"{'approved' if yes else 'rejected'} by {who}" + (f": {why}" if why else "")

    def change(known: Turn) -> Turn:
        if known.state != AWAITING:
            raise _not_awaited(config, known)
        diary = {**known.diary, known.wanted: said}
        return replace(known, state=OPEN if yes else known.wanted, because="" if yes else said, diary=diary)

    answered = store.turns.change(turn, change)
    store.events.append(turn, answered.wanted, {"yes": yes, "who": who, "why": why})
    if candidate := answered.diary.get(SIGN):
        if not yes:
            store.versions.set_state(candidate, State.REFUSED)
    elif not yes and answered.task in config.tasks and (policy := config.tasks[answered.task].policy):
        give_back(store, policy, turn)
    return answered


def awaiting(store: Store) -> list[Turn]:
    """The turns that wait for a person, oldest first."""
    return [turn for turn in store.turns.list() if turn.state == AWAITING]


def _not_awaited(config: Config, turn: Turn) -> NotAwaited:
    what = turn.diary.get(turn.wanted, f"it is {turn.state}" if turn.state == OPEN else f"it ended at {turn.state}")
    fix = "`homeostat approve` lists those that wait"
    return NotAwaited(f"{turn.id} waits for nobody: {what}", where=str(Path(config.folder)), fix=fix)

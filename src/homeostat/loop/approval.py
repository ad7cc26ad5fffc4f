"""A person's word on a turn that waits for it. Imports no model library, so it is quick."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from homeostat.config.schema import Config
from homeostat.decide.record import give_back
from homeostat.errors import NotAwaited
from homeostat.store import Store
from homeostat.types.turn import APPROVAL, AWAITING, OPEN, Turn


def answer(config: Config, store: Store, turn: str, *, yes: bool, who: str, why: str) -> Turn:
    """Approve or reject a turn, and write down who did and why; the turn as it is then.

    One that is approved is open again, and the worker goes on with it. One that is rejected has ended, and its policy
    has back what was booked for it. Of two who answer at once the first is heard.

    Raises:
        NotFound: there is no such turn.
        NotAwaited: nobody's word is awaited: it has not come so far, it has ended, or somebody has answered.
    """
    said = f"{'approved' if yes else 'rejected'} by {who}" + (f": {why}" if why else "")

    def change(known: Turn) -> Turn:
        if known.state != AWAITING:
            raise _not_awaited(config, known)
        diary = {**known.diary, APPROVAL: said}
        return replace(known, state=OPEN if yes else APPROVAL, because="" if yes else said, diary=diary)

    answered = store.turns.change(turn, change)
    store.events.append(turn, APPROVAL, {"yes": yes, "who": who, "why": why})
    if not yes and answered.task in config.tasks and (policy := config.tasks[answered.task].policy):
        give_back(store, policy, turn)
    return answered


def awaiting(store: Store) -> list[Turn]:
    """The turns that wait for a person, oldest first."""
    return [turn for turn in store.turns.list() if turn.state == AWAITING]


def _not_awaited(config: Config, turn: Turn) -> NotAwaited:
    what = turn.diary.get(APPROVAL, f"it is {turn.state}" if turn.state == OPEN else f"it ended at {turn.state}")
    fix = "`homeostat decide --dry-run` shows what waits"
    return NotAwaited(f"{turn.id} waits for nobody: {what}", where=str(Path(config.folder)), fix=fix)

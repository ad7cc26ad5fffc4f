"""Looks after open turns that nobody works on, so that none stays open forever and keeps the next from being opened.

DBOS goes on with a turn whose worker was killed. What it cannot know: a turn whose row was written but which a crash
kept from the queue, a step that raised an error, and steps that have changed since the turn was opened.
"""

from __future__ import annotations

import time
from dataclasses import replace

from homeostat.loop.durable import TurnQueue, story, workflow
from homeostat.loop.workshop import Workshop
from homeostat.release.registry import stop
from homeostat.release.states import is_open
from homeostat.types.turn import OPEN, Turn

FAILED = "failed"
"""State of a turn that broke off."""


def tend(shop: Workshop, queue: TurnQueue, turn: Turn) -> None:
    """Put an open turn into the queue if it is not there; close it, with the reason, if it will never end by itself.

    The candidate of a turn that is closed so is taken back: nobody looks after it any more.
    """
    part = workflow(turn)
    if not queue.knows(part):
        queue.open(turn.id, turn.task, turn.time, story=story(turn), under=part)
    trouble = queue.trouble(part)
    known = shop.store.turns.get(turn.id)  # read after the queue: it may have come to its end in between
    if not trouble or known.state != OPEN:
        return
    queue.give_up(part)
    release = shop.store.releases.current(turn.task)
    if release is not None and is_open(release):
        because = f"{' and '.join(release.tried)} taken back with its turn {turn.id}: {trouble}"
        stop(shop.store, release, because, now=time.time())
    shop.store.turns.put(replace(known, state=FAILED, because=trouble))

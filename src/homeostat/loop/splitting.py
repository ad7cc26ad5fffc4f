"""A split of the traffic among several versions, looked after until it has ended."""

from __future__ import annotations

import time

from dbos import DBOS

from homeostat.loop import releasing, steps
from homeostat.loop.turn import SETTLED
from homeostat.loop.workshop import Workshop
from homeostat.release.split import advance_split, open_split, ordered

PATIENCE = 20.0
"""So many times as long as a look took is waited for the next: every look reads all rows of the split."""


@DBOS.workflow(name="split")
def split(turn_id: str, task: str, until: float) -> str:
    """Divide the traffic as was ordered, and go by what the rows say until one version answers everything."""
    now = steps.Now(turn_id, task, until)
    step = steps.durably(now)

    release, moves = step("release", opened), 0
    while step(f"stage.{moves}", releasing.stage, release) not in SETTLED:
        release = step(f"advance.{moves}", advance, release)
        moves += 1
    return step("end", steps.end, "release", release)


def opened(shop: Workshop, now: steps.Now) -> str:
    """Put the split in force; as it was opened, if a crash fell between that and the diary."""
    wish = ordered(shop.store, now.turn)
    return open_split(shop.store, now.task, wish, under=now.turn, now=time.time()).id


def advance(shop: Workshop, now: steps.Now, release: str) -> str:
    """Look at the rows of the split until they take it on or back, or somebody else does."""
    settings = shop.config.release
    while True:
        began, frozen = time.monotonic(), releasing.frozen_until(shop.config, shop.store, now.task)
        base = shop.config.model.weights
        row = advance_split(shop.store, now.task, settings, now=time.time(), frozen=frozen, base=base)
        if row.id != release:
            return row.id
        time.sleep(max(settings.poll_s, PATIENCE * (time.monotonic() - began)))

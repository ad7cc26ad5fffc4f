"""Asks the running worker for a turn, and waits until it has ended. Imports no model library, so it is quick."""

from __future__ import annotations

import time
from contextlib import closing, suppress
from pathlib import Path

from sqlalchemy.exc import OperationalError

from homeostat.cli.project import Project, told_until
from homeostat.errors import NotReleasable, NoWorker
from homeostat.loop.durable import TurnQueue, only_worker
from homeostat.loop.story.follow import Follower
from homeostat.release.states import is_open
from homeostat.types import ids
from homeostat.types.turn import ASKED, OPEN, Turn

LOOK_S = 0.5
"""Seconds between two looks at the diary."""
FAILED = "failed"
"""State of a turn that broke off, as `homeostat.loop.tending` has it; importing that would load a model library."""


def require_worker(
    opened: Project, problem: str = "no worker runs on this project", then: str = ", then ask again"
) -> None:
    """Hold that a worker runs.

    Raises:
        NoWorker: none does; `problem` says what that means, and `then` what follows once one does.
    """
    if not _worker_runs(Path(opened.config.folder)):
        raise NoWorker(problem, where=opened.config.folder, fix=f"start one with `homeostat up`{then}")


def until(opened: Project, task: str) -> float:
    """The moment up to which a turn opened now looks: that of the newest label, or now where there is none."""
    return told_until(opened.store, task) or time.time()


def ask(opened: Project, task: str, moment: float | None = None, *, by: str = "") -> tuple[Turn, bool]:
    """The turn under way, or a new one up to a moment (`until`, if left out) that a person wants; whether it is new."""
    if under_way := opened.store.turns.under_way(task):
        return under_way[0], False
    moment = until(opened, task) if moment is None else moment
    new = Turn(id=ids.new("trn"), task=task, time=moment, diary={ASKED: by} if by else {})
    enqueue(opened, new)
    return new, True


def enqueue(opened: Project, new: Turn) -> None:
    """Write a turn, drill or trial down, and put it into the worker's queue."""
    opened.store.turns.put(new)
    with (
        closing(TurnQueue(Path(opened.config.folder))) as queue,
        suppress(OperationalError),  # a worker that only just starts has no queue yet; it will find the row
    ):
        queue.open(new.id, new.task, new.time, story=new.story)


def hold_free(opened: Project, task: str) -> None:
    """Hold that nothing is under way for a task, and no candidate is being tried.

    Raises:
        NotReleasable: something is.
    """
    busy = [turn.id for turn in opened.store.turns.under_way(task)]
    release = opened.store.releases.current(task)
    fix = "wait for its end, then ask again"
    if release is not None and is_open(release):
        busy += release.tried
        fix = f"wait for its end, or end its trial with `homeostat rollback {task}`, then ask again"
    if busy:
        raise NotReleasable(f"{busy[0]} is under way for task '{task}'", fix=fix)


def follow(opened: Project, follower: Follower, turn: str) -> Turn:
    """Tell what the turn does until it has ended or a person has to approve it, and what it waits for while it does
    nothing; the turn as it is then.

    Raises:
        NoWorker: the worker has ended before it.
    """
    while (known := opened.store.turns.get(turn)).state == OPEN:
        follower.look()
        require_worker(opened, f"the worker has ended before {turn} did", "; the turn goes on where it stood")
        follower.look_at_release(opened.config.release)
        time.sleep(LOOK_S)
    follower.look()
    return known


def _worker_runs(folder: Path) -> bool:
    """Whether a process holds the folder's worker lock."""
    try:
        with only_worker(folder, patience_s=0.0):
            return False
    except BlockingIOError:
        return True

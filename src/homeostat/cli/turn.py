"""Open a turn of the loop now, for the running worker: watch, decide, curate, train, evaluate, gate, release.

The turn looks at everything said up to the newest label; it ends early where retraining does not pay. If one is under
way already it is that one. With `--wait` its diary is printed until it ends; an interrupt ends the waiting, not the
turn.

Exit codes: 0 opened, or ended in order; 1x configuration; 53 no version answers the task yet; 63 no worker runs; 64 the
turn broke off with an error.

Example: `homeostat turn routing --wait`
"""

from __future__ import annotations

import time
from contextlib import closing, suppress
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from sqlalchemy.exc import OperationalError

from homeostat.cli.project import Project, project, told_until
from homeostat.errors import NoWorker, TurnFailed
from homeostat.loop.durable import TurnQueue, only_worker
from homeostat.loop.story.follow import Follower
from homeostat.loop.story.scene import Scene
from homeostat.types import ids
from homeostat.types.turn import Turn

LOOK_S = 0.5
"""Seconds between two looks at the diary."""
FAILED = "failed"
"""State of a turn that broke off, as `homeostat.loop.tending` has it; importing that would load a model library."""


def command(
    task: Annotated[str, typer.Argument(help="Name of the task; may be left out where there is one.")] = "",
    config: Annotated[Path, typer.Option(help="The project's file.")] = Path("homeostat.yaml"),
    wait: Annotated[bool, typer.Option("--wait", help="Print the turn's diary until it ends.")] = False,
) -> None:
    """Open a turn of the loop now, for the running worker."""
    with project(config) as opened:
        name, folder = opened.task(task), Path(opened.config.folder)
        opened.champion(name)
        if not _worker_runs(folder):
            fix = "start one with `homeostat up`, then ask again"
            raise NoWorker("no worker runs on this project", where=str(folder), fix=fix)
        follower = Follower(opened.store, name, Scene(Console(quiet=True)))
        follower.look()  # what happened before is not told again
        turn = _open(opened, name)
        if wait:
            follower.scene = Scene()
            _follow(opened, follower, turn)


def _worker_runs(folder: Path) -> bool:
    """Whether a process holds the folder's worker lock."""
    try:
        with only_worker(folder, patience_s=0.0):
            return False
    except BlockingIOError:
        return True


def _open(opened: Project, task: str) -> str:
    """Id of the turn under way, or of a new one."""
    for turn in opened.store.turns.list(task):
        if turn.state == "open":
            typer.echo(f"{turn.id} is under way already")
            return turn.id
    new = Turn(id=ids.new("trn"), task=task, time=told_until(opened.store, task) or time.time())
    opened.store.turns.put(new)
    with (
        closing(TurnQueue(Path(opened.config.folder))) as queue,
        suppress(OperationalError),  # a worker that only just starts has no queue yet; it will find the row
    ):
        queue.open(new.id, task, new.time)
    typer.echo(f"{new.id} is opened")
    return new.id


def _follow(opened: Project, follower: Follower, turn: str) -> None:
    """Tell what the turn does until it has ended, and what it waits for while it does nothing."""
    while (known := opened.store.turns.get(turn)).state == "open":
        follower.look()
        if not _worker_runs(Path(opened.config.folder)):
            fix = "start one with `homeostat up`; the turn goes on where it stood"
            raise NoWorker(f"the worker has ended before {turn} did", where=opened.config.folder, fix=fix)
        follower.look_at_release(opened.config.release)
        time.sleep(LOOK_S)
    follower.look()
    if known.state == FAILED:
        after = (list(known.diary) or ["nothing"])[-1]
        fix = "mend what the worker says, and ask for another turn"
        raise TurnFailed(f"{turn} broke off: {known.because}", where=f"after {after}", fix=fix)
    typer.echo(f"ended at {known.state}: {known.because}")

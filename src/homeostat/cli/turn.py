"""Open a turn of the loop now, for the running worker: watch, decide, curate, train, evaluate, gate, release.

The turn looks at everything said up to the newest label; it ends early where retraining does not pay. If one is under
way already it is that one. With `--wait` its diary is printed until it ends; an interrupt ends the waiting, not the
turn.

Exit codes: 0 opened, or ended in order; 2 configuration; 6 no version answers the task yet; 7 no worker runs, or the
turn broke off with an error.

Example: `homeostat turn routing --wait`
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from homeostat.cli.project import Project, project, told_until
from homeostat.errors import NoWorker, TurnFailed
from homeostat.loop.durable import TurnQueue, only_worker
from homeostat.loop.story.follow import Follower
from homeostat.loop.story.scene import Scene
from homeostat.types import ids

LOOK_S = 0.5
"""Seconds between two looks at the diary."""


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
        queue = TurnQueue(folder)
        try:
            turn = _open(opened, queue, name)
            if wait:
                follower.scene = Scene()
                _follow(opened, queue, follower, turn)
        finally:
            queue.close()


def _worker_runs(folder: Path) -> bool:
    """Whether a process holds the folder's worker lock."""
    try:
        with only_worker(folder, patience_s=0.0):
            return False
    except BlockingIOError:
        return True


def _open(opened: Project, queue: TurnQueue, task: str) -> str:
    """Id of the turn under way, or of a new one."""
    for turn in opened.store.turns.list(task):
        if turn.state == "open" and not queue.finished(turn.id):
            typer.echo(f"{turn.id} is under way already")
            return turn.id
    new = ids.new("trn")
    queue.open(new, task, told_until(opened.store, task) or time.time())
    typer.echo(f"{new} is opened")
    return new


def _follow(opened: Project, queue: TurnQueue, follower: Follower, turn: str) -> None:
    """Tell what the turn does until it has ended."""
    while not queue.finished(turn):
        follower.look()
        if not _worker_runs(Path(opened.config.folder)):
            fix = "start one with `homeostat up`; the turn goes on where it stood"
            raise NoWorker(f"the worker has ended before {turn} did", where=opened.config.folder, fix=fix)
        time.sleep(LOOK_S)
    follower.look()
    known = {one.id: one for one in opened.store.turns.list(follower.task)}.get(turn)
    if known is None or known.state == "open":
        after = list(known.diary)[-1:] if known else []
        fix = "the worker has printed why; mend it and ask for another turn"
        raise TurnFailed(f"turn {turn} broke off with an error", where=f"after {(after or ['nothing'])[0]}", fix=fix)
    typer.echo(f"ended at {known.state}: {known.because}")

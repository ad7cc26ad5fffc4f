"""Try a version that you made or received, as a turn tries its own: the gate, copies of the traffic, a few users, all.

The running worker does it. A version that the gate refuses reaches nobody; one that it is unsure about has to show
itself on live pairs; one that disappoints is taken back. `homeostat eval VERSION` tells beforehand what the gate would
say, and changes nothing. With `--wait` what happens is told until it ends; an interrupt ends the waiting alone.

Exit codes: 0 opened, or ended in order; 1x configuration; 41 there is no such version; 53 no version answers the task
yet; 61 it is no candidate, or a turn or a trial is under way; 63 no worker runs; 64 the trial broke off.

Example: `homeostat try ver_1v9x3k --wait`
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from homeostat.cli.asking import FAILED, enqueue, follow, hold_free, require_worker, until
from homeostat.cli.project import project
from homeostat.cli.table import document
from homeostat.errors import NotReleasable, TurnFailed
from homeostat.loop.story.follow import Follower
from homeostat.loop.story.scene import Scene
from homeostat.types import ids
from homeostat.types.turn import GIVEN, Turn
from homeostat.types.version import State


def command(
    version: Annotated[str, typer.Argument(help="Id of the version.")],
    wait: Annotated[bool, typer.Option("--wait", help="Tell what happens until it ends.")] = False,
    config: Annotated[Path, typer.Option(help="The project's file.")] = Path("homeostat.yaml"),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Try a version that you made or received, as a turn tries its own."""
    with project(config) as opened:
        known = opened.store.versions.get(version)
        opened.champion(known.task)
        if known.state is not State.CANDIDATE:
            fix = "train another, or `homeostat promote` it without a trial"
            raise NotReleasable(f"{version} is {known.state.value}, not a candidate", where=version, fix=fix)
        hold_free(opened, known.task)
        require_worker(opened)
        follower = Follower(opened.store, known.task, Scene(Console(quiet=True)))
        follower.look()  # what happened before is not told again
        moment = max(until(opened, known.task), known.time)
        turn = Turn(id=ids.new("trn"), task=known.task, time=moment, diary={GIVEN: version})
        enqueue(opened, turn)
        if wait:
            follower.scene = Scene(Console(quiet=as_json))
            turn = follow(opened, follower, turn.id)
    if as_json:
        document(turn)
    if turn.state == FAILED:
        raise TurnFailed(f"{turn.id} broke off: {turn.because}", fix="mend what the worker says, and try it again")
    if not as_json:
        typer.echo(f"{turn.id}: ended at {turn.state}: {turn.because}" if wait else f"{turn.id} is opened")

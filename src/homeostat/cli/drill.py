"""Release a version that is broken on purpose to a few, and see whether it is taken back by itself.

The running worker does it, with the traffic that there is: it puts the broken version into the canary, and the guard
must take it back. Kinds: `sabotaged` (fluent and wrong), `slow`, `erroring`, `biased` (wrong about a fifth of one
slice), or `next`: the one that was drilled longest ago. Users who are drawn meet the broken version until then;
requests that it fails on are answered by the champion. However the drill goes, and whatever is killed, the broken
version answers nobody once `--within` is over. An interrupt ends the waiting, not the drill; `homeostat rollback`
ends the drill. `--past` begins none and tells what came of those before: each, by kind how many were seen, and when a
policy with `action: drill` has the next one due.

Exit codes: 0 seen and taken back, or told; 1x configuration; 53 no version answers the task yet; 61 a turn or a trial
is under way; 63 no worker runs; 64 the drill broke off; 66 it was not seen.

Example: `homeostat drill routing --kind slow`
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console

from homeostat.alert.span import seconds
from homeostat.cli.asking import FAILED, enqueue, follow, hold_free, require_worker
from homeostat.cli.drilled import tell_past
from homeostat.cli.project import Project, project
from homeostat.cli.table import document, facts
from homeostat.errors import NotSeen, TurnFailed
from homeostat.loop.story.follow import Follower
from homeostat.loop.story.scene import Scene
from homeostat.loop.undoing.drilling import comings
from homeostat.release.drills import due, order, outcome, past
from homeostat.types import ids
from homeostat.types.turn import PUSHED, Turn


def command(
    task: Annotated[str, typer.Argument(help="Name of the task; may be left out where there is one.")] = "",
    config: Annotated[Path, typer.Option(help="The project's file.")] = Path("homeostat.yaml"),
    kind: Annotated[
        Literal["next", "sabotaged", "slow", "erroring", "biased"], typer.Option(help="What is broken.")
    ] = "next",
    within: Annotated[str, typer.Option(help="When it ends at the latest, e.g. `20min`.")] = "1h",
    only_past: Annotated[bool, typer.Option("--past", help="Tell what came of drills so far, and begin none.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Release a version that is broken on purpose to a few, and see whether it is taken back by itself."""
    try:
        limit_s = seconds(within)
    except ValueError as problem:
        raise typer.BadParameter(str(problem), param_hint="--within") from None
    with project(config) as opened:
        name = opened.task(task)
        if only_past:
            told = past(opened.store, name, opened.config.release)
            tell_past(name, told, comings(opened.config, opened.store, name), as_json=as_json)
            return
        opened.champion(name)
        require_worker(opened)
        follower = Follower(opened.store, name, Scene(Console(quiet=True)))
        follower.look()  # what happened before is not told again
        drill = _open(opened, name, due(opened.store, name) if kind == "next" else kind, limit_s)
        follower.scene = Scene(Console(quiet=as_json))
        turn = follow(opened, follower, drill)
        found = outcome(opened.store, name, drill, opened.config.release)
    if turn.state == FAILED:
        raise TurnFailed(f"{drill} broke off: {turn.because}", fix="mend what the worker says, and drill again")
    document(found) if as_json else facts(f"drill {drill}", {k: v for k, v in found.items() if k != "evidence"})
    if not found["seen"]:
        fix = "more feedback on the canary, a larger `release.canary_share`, or a longer `--within`"
        raise NotSeen(f"the {found['kind']} version was not seen to be broken", where=drill, fix=fix)


def _open(opened: Project, task: str, kind: str, within_s: float) -> str:
    """Write the drill down and put it into the worker's queue; its id.

    Raises:
        NotReleasable: a turn is under way, or another candidate is being tried.
    """
    hold_free(opened, task)
    new = Turn(id=ids.new("trn"), task=task, time=time.time(), diary={PUSHED: ""})
    order(opened.store, task, new.id, kind, within_s)
    enqueue(opened, new)
    return new.id

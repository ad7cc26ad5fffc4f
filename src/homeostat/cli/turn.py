"""Open a turn of the loop now, for the running worker: watch, decide, curate, train, evaluate, gate, release.

The turn looks at everything said up to the newest label; it ends early where retraining does not pay. If one is under
way already it is that one. A policy's triggers are not asked, for you are one, and one that only advises has you to do
what it would advise; its quiet hours, cool-down and budget hold all the same. With `--wait` its diary is printed until
it ends or waits for approval; an interrupt ends the waiting, not the turn. With `--json` the turn is the document, as
it was opened or, with `--wait`, as it ended.

`--dry-run` needs no worker and changes nothing: it says what a turn opened now would decide, which datasets it would
build and what training on them would take. Whether a candidate would pass the gate cannot be foreseen.

Exit codes: 0 opened, ended in order, or foreseen; 1x configuration; 26 it would retrain and there is nothing to train
on; 53 no version answers the task yet; 63 no worker runs; 64 the turn broke off with an error.

Example: `homeostat turn routing --wait`
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from homeostat.cli.asking import FAILED, ask, follow, require_worker, until
from homeostat.cli.project import project
from homeostat.cli.table import document
from homeostat.errors import TurnFailed
from homeostat.loop.story.follow import Follower
from homeostat.loop.story.scene import Scene
from homeostat.types.turn import AWAITING, Turn
from homeostat.web.plain import plain


def command(
    task: Annotated[str, typer.Argument(help="Name of the task; may be left out where there is one.")] = "",
    config: Annotated[Path, typer.Option(help="The project's file.")] = Path("homeostat.yaml"),
    wait: Annotated[bool, typer.Option("--wait", help="Print the turn's diary until it ends.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what it would do, and change nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Open a turn of the loop now, for the running worker."""
    if wait and dry_run:
        raise typer.BadParameter("give one of --wait and --dry-run: there is no turn to wait for")
    with project(config) as opened:
        name = opened.task(task)
        opened.champion(name)
        if dry_run:
            # Imported here and not above: it reads a model library, which asking a worker does without.
            show = importlib.import_module("homeostat.cli.foresight").show
            show(opened.config, name, until(opened, name), as_json=as_json)
            return
        require_worker(opened)
        follower = Follower(opened.store, name, Scene(Console(quiet=True)))
        follower.look()  # what happened before is not told again
        turn, new = ask(opened, name, by=opened.store.signs)
        if not as_json:
            other = "" if turn.story == "turn" else f", a {turn.story}: no turn begins before it has ended"
            typer.echo(f"{turn.id} is {'opened' if new else 'under way already' + other}")
        if wait:
            follower.scene = Scene()
            turn = follow(opened, follower, turn.id)
    if as_json:
        document({**plain(turn), "opened": new})
    if turn.state == FAILED:
        raise _failure(turn)
    if wait and not as_json and turn.state == AWAITING:
        typer.echo(f"{turn.id} waits until somebody approves it (`homeostat approve {turn.id}`): {turn.because}")
    elif wait and not as_json:
        typer.echo(f"ended at {turn.state}: {turn.because}")


def _failure(turn: Turn) -> TurnFailed:
    after = (list(turn.diary) or ["nothing"])[-1]
    fix = "mend what the worker says, and ask for another turn"
    return TurnFailed(f"{turn.id} broke off: {turn.because}", where=f"after {after}", fix=fix)

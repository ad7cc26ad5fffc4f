"""Judge pairs of replies, the champion's and a candidate's, not knowing whose they are.

Without a terminal, or with `--json`, the next pairs are printed, to be judged elsewhere; `--take FILE` reads the
answers (JSON lines of `interaction` and `choice`: left, right or tie). `--result` tells what was said so far. What
people prefer counts for a release like labels do, where there is no label.

Exit codes: 0 done; 1x configuration; 21 the file is no such answers; 61 no candidate is being tried.

Example: `homeostat prefer replies --n 10`
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from homeostat.cli.pairs import answers, ask, show
from homeostat.cli.project import project
from homeostat.cli.table import document
from homeostat.errors import NotReleasable
from homeostat.release.preferred import judge, preferred, queue
from homeostat.release.states import is_open
from homeostat.store import Store


def command(
    task: Annotated[str, typer.Argument(help="Name of the task; may be left out where there is one.")] = "",
    n: Annotated[int, typer.Option("--n", min=1, help="Pairs to judge.")] = 20,
    by: Annotated[str, typer.Option(help="Who judges. Empty: whoever is logged in.")] = "",
    take: Annotated[Path | None, typer.Option(help="JSON lines with answers from elsewhere.")] = None,
    result: Annotated[bool, typer.Option("--result", help="Tell what was said so far.")] = False,
    config: Annotated[Path, typer.Option(help="The project's file.")] = Path("homeostat.yaml"),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Judge pairs of replies, the champion's and a candidate's, not knowing whose they are."""
    with project(config) as opened:
        name, who = opened.task(task), by or opened.store.signs
        store, candidate = opened.store, tried(opened.store, name)
        waiting = [] if result or take else queue(store, name, candidate, who, n)
        if take is not None:
            known = {pair.interaction for pair in queue(store, name, candidate, who, sys.maxsize)}
            judge(store, name, candidate, who, dict(answers(take, known)))
        elif not result and (as_json or not sys.stdin.isatty()):
            document({"task": name, "by": who, "pairs": waiting})
            return
        for place, pair in enumerate(waiting, 1):
            choice = ask(pair, f"{place} of {len(waiting)}")
            if choice is None:
                break
            if choice:
                judge(store, name, candidate, who, {pair.interaction: choice})
        found = preferred(store, name, candidate)
    document(found) if as_json else show(found)


def tried(store: Store, task: str) -> str:
    """The candidate that is being tried.

    Raises:
        NotReleasable: none is.
    """
    release = store.releases.current(task)
    if release is None or not is_open(release) or not release.candidate:
        fix = "a turn tries one, once its gate has let it pass: `homeostat turn`"
        raise NotReleasable(f"no candidate of task '{task}' is being tried", where=task, fix=fix)
    return release.candidate

"""Show the judges of a task, and whether they still rate as they did.

A judge is a rule or a model that rates replies: a source of ratings whose name is `judge` or begins with it
(`judge:large`). What people say of the same replies tells a judge that has changed from a system that got worse; a
signal then names the judge. `--anchors` prints replies that people have judged, to be scored by the judge again and
again, each time the same ones; `--take FILE` reads its scores (JSON lines `{"anchor": …, "score": 0.7}`, an anchor
several times if it was asked several times) and says whether they are still what they were: a judge that does not
change is called changed at most once in 365 looks.

Exit codes: 0 printed, changed or not; 1x configuration; 2 no judge is called so; 21 FILE holds no scores of anchors;
22 there are no anchors.

Example: `homeostat judge routing --by judge:large --take scores.jsonl`
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from homeostat.cli.project import Project, project
from homeostat.cli.scores import read_scores
from homeostat.cli.scores import show as show_look
from homeostat.cli.table import document, table
from homeostat.errors import EmptyStream, did_you_mean
from homeostat.loop.deciding.seeing import clock
from homeostat.loop.listening.judges import anchors, scored, standings
from homeostat.release.judges import JUDGE, is_judge
from homeostat.types.interaction import Interaction
from homeostat.web import words

COLUMNS = ("judge", "ratings", "beside people", "evidence", "looks at anchors", "changed (UTC)", "told by")


def command(
    task: Annotated[str, typer.Argument(help="Name of the task; may be left out where there is one.")] = "",
    show: Annotated[bool, typer.Option("--anchors", help="Print the anchors as JSON lines.")] = False,
    n: Annotated[int, typer.Option("--n", min=10, help="Anchors, when they are chosen.")] = 60,
    take: Annotated[Path | None, typer.Option(help="Scores of the anchors.")] = None,
    by: Annotated[str, typer.Option(help="The judge whose scores they are.")] = JUDGE,
    config: Annotated[Path, typer.Option(help="The project's file.")] = Path("homeostat.yaml"),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Show the judges of a task, and whether they still rate as they did."""
    if not is_judge(by):
        raise typer.BadParameter(
            f"'{by}' is no judge's name; one is `judge`, or begins so: `judge:{by}`", param_hint="--by"
        )
    with project(config) as opened:
        name = opened.task(task)
        if show or take is not None:
            fixed = _anchors(opened, name, n)
            if take is None:
                for row in fixed:
                    typer.echo(json.dumps({"anchor": row.id, "text": row.text, "reply": row.reply}, ensure_ascii=False))
                return
            _taken(opened, name, by, read_scores(take, {row.id for row in fixed}), as_json=as_json)
            return
        found = standings(opened.store, name)
    if as_json:
        document({"task": name, "judges": found})
        return
    rows = [
        (
            one.judge,
            words.count(one.ratings),
            words.count(one.pairs),
            f"{one.evidence:.3g}, an alarm at {one.every:,.0f}",
            words.count(one.looks),
            words.when(one.changed) if one.changed is not None else "",
            one.because.replace("_", " "),
        )
        for one in found
    ]
    table(f"judges of {name}", COLUMNS, rows)


def _anchors(opened: Project, name: str, n: int) -> list[Interaction]:
    found = anchors(opened.store, opened.config.task(name), n)
    if not found:
        fix = "label some replies first: an anchor is a reply that people have judged"
        raise EmptyStream("there is no reply to be an anchor", where=name, fix=fix)
    return found


def _taken(opened: Project, name: str, by: str, scores: dict[str, list[float]], *, as_json: bool) -> None:
    found = scored(opened.store, name, by, scores, clock(opened.config, opened.store, name))
    rate = [one.judge for one in standings(opened.store, name) if one.ratings]
    if found.looks == 1 and rate and by not in rate:
        typer.echo(f"'{by}' has rated nothing so far; {did_you_mean(by, rate)}", err=True)
    if as_json:
        document({"task": name, "judge": by, "look": found})
        return
    show_look(by, found)

"""Tell what a version would have been worth had it answered everybody, from the share of the traffic that it was given.

A candidate in the canary answers one request in ten. Each row of the log carries the chance with which it was routed,
so that what the candidate was given can stand for what it was not: its mean rating by people (`--outcome rating`), by
judges (`judged`), the share of its replies that are corrected (`corrected`), or how many are right (`right`), overall
and by tag, with 95 % intervals.
A plain mean over what it answered is printed beside; where the share was raised while the traffic moved, that is
another number. Requests that another version answered with the same reply, as copies show, count as its own.

Nothing is estimated where the effective sample is below 30 rows; the sentence says how many more requests it takes.

Exit codes: 0 printed, refused or not; 1x configuration; 28 a window is not understood; 41 there is no such version.

Example: `homeostat hindsight ver_1v9x3k --outcome corrected --over 2026-01-01..2026-02-01`
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from homeostat.cli.project import project
from homeostat.cli.table import document, table
from homeostat.cli.windows import stretch
from homeostat.errors import UnknownKey, did_you_mean
from homeostat.release.hindsight import OUTCOMES, Hindsight, Question, hindsight
from homeostat.stats.off_policy import Valued
from homeostat.web import words

MONTH = 30 * 86400.0


def command(
    version: Annotated[str, typer.Argument(help="Id of the version.")],
    outcome: Annotated[str, typer.Option(help="`rating`, `judged`, `corrected` or `right`.")] = "rating",
    over: Annotated[str, typer.Option(help="`A..B`, dates. Empty: the last 30 days of the log.")] = "",
    config: Annotated[Path, typer.Option(help="The project's file.")] = Path("homeostat.yaml"),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Tell what a version would have been worth had it answered everybody."""
    if outcome not in OUTCOMES:
        raise UnknownKey(f"no outcome '{outcome}'", where="--outcome", fix=did_you_mean(outcome, OUTCOMES))
    with project(config) as opened:
        asked = opened.store.versions.get(version)
        newest = opened.store.interactions.newest(asked.task)
        since, until = stretch(over, "--over") if over else (max(newest - MONTH, 0.0), float("inf"))
        kind = opened.config.task(asked.task).kind
        question = Question(task=asked.task, version=asked.id, kind=kind, outcome=outcome, since=since, until=until)
        found = hindsight(opened.store, question)
    document(found) if as_json else _print(found, "" if over else ", over the last 30 days of the log (`--over`)")


def _print(found: Hindsight, stretched: str) -> None:
    title = f"{found.outcome} of {found.version}, had it answered everybody{stretched}"
    parts = {"overall": found.value, **found.slices}
    table(
        title, ("over", "estimate", "effective rows", "plain mean of its own"), [_row(*part) for part in parts.items()]
    )
    typer.echo(
        f"\n{words.count(found.reached)} of {words.count(found.requests)} requests could have been given to it; it "
        f"answered {words.count(found.own)}, and others gave its very reply to {words.count(found.agreed)}"
    )
    if found.value.left_out:
        typer.echo(f"weights are clipped at {found.value.limit:.1f}: {words.percent(found.value.left_out)} left out")


def _row(name: str, value: Valued) -> tuple[str, ...]:
    score = value.score
    said = words.scored(score.mean, score.low, score.high, score.n) if score else value.because
    naive = words.percent(value.naive) if value.naive == value.naive else "–"
    return name, said, f"{value.effective:.0f}", naive

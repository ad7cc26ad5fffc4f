"""Show a task's account of false discoveries: every candidate that was gated, what it had to show, and what it showed.

One candidate that is no better passes a gate at 5 % once in twenty times; of hundreds, many do. So all candidates of a
task spend from one account: the more there were and the fewer passed, the lower the level at which the next has to show
that it is better. What passes at `evaluate.alpha` and not at that level is undecided: the gate looks at it again as
live requests are labeled, for which a tenth of its level was kept, and nothing more is spent. Then at most a share
`evaluate.alpha` of those that passed is no better, on average. Every level follows from the verdicts before it, and is
computed again here. An undecided candidate that was passed later stands there twice, under one number.

With `--next` it tells, before there is a candidate, each claim that the gate will make of the next one: how many rows
(users, where rows carry the tag) it takes to be shown with 80 % chance, how many test rows and cases of suites there
are, and what as many can show. Nothing is spent for that.

Exit codes: 0 shown, and what stands there follows; 1 a level or an outcome does not follow from the verdicts before it;
1x configuration; 53 nothing answers the task yet.

Example: `homeostat account routing --last 50`
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from homeostat.cli.needed import show_needs
from homeostat.cli.project import project
from homeostat.cli.table import document, facts, table
from homeostat.evaluate.account import Account, entries, standing
from homeostat.release.promoted import promoted
from homeostat.types.report import Spent, Verdict
from homeostat.web import words

COLUMNS = ("candidate", "no.", "passed before", "had to show", "shows", "outcome", "time (UTC)")


def command(
    task: Annotated[str, typer.Argument(help="Name of the task; may be left out where there is one.")] = "",
    most: Annotated[int, typer.Option("--last", min=0, help="Newest candidates that are listed; 0 for all.")] = 20,
    coming: Annotated[bool, typer.Option("--next", help="What the gate will ask of the next candidate.")] = False,
    config: Annotated[Path, typer.Option(help="The project's file.")] = Path("homeostat.yaml"),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Show a task's account of false discoveries."""
    if coming:
        show_needs(config, task, as_json=as_json)
        return
    with project(config) as opened:
        name = opened.task(task)
        verdicts, ways = opened.store.verdicts.list(name), promoted(opened.store, name)
    account, known = standing(verdicts, opened.config.evaluate.alpha), entries(verdicts)
    if as_json:
        listed = [
            {"candidate": v.candidate, "time": v.time, "outcome": v.outcome, "spent": s} for v, s in known[-most:]
        ]
        document({"task": name, "account": account, "promoted": ways, "n": len(known), "candidates": listed})
    else:
        table(f"candidates of {name}", COLUMNS, [_row(*entry) for entry in known[-most:]])
        facts(f"\naccount of {name}", _said(account, Counter(ways.values())))
    if not account.replays:
        typer.echo("a level or an outcome does not follow from the verdicts before it: `homeostat verify`", err=True)
        raise typer.Exit(1)


def _row(verdict: Verdict, spent: Spent) -> tuple[str, ...]:
    return (
        verdict.candidate,
        str(spent.place),
        str(spent.found),
        f"p = {spent.level:.2g}" + (f", later {spent.asked:.2g}" if spent.asked else ""),
        f"p = {spent.p:.2g}" + (f", later {spent.again:.2g}" if spent.asked else ""),
        verdict.outcome.value,
        words.when(verdict.time),
    )


def _said(account: Account, ways: Counter[str]) -> dict[str, object]:
    """The account in words."""
    no_better = f"at most {100 * account.alpha:g} % on average: {account.false_at_most:.2f} of {account.passed}"
    return {
        "tried": str(account.tried),
        "passed": str(account.passed),
        "of these no better": no_better if account.passed else "",
        "passed alone, not here": f"{account.weak}, undecided" if account.weak else "",
        "spent": f"{100 * account.spent:.0f} % of the account",
        "the next has to show": f"p = {account.next_level:.2g}",
        "promoted": ", ".join(f"{n} {way}" for way, n in ways.items()),
    }

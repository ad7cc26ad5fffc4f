"""Try other values of a line of a policy on what was logged: what each would have cost, on one history.

A LINE is `KEY=A,B,…` or `KEY=LOW..HIGH` (nine values), where KEY is any key of the file that a backtest looks at
(`policies.steady.any.drop`, `policies.steady.cool_down`, `decide.value_per_correct`, …), or `cost` (of a retraining),
`calendar` (days between two), `drift` (requests to a false alarm), `performance` (points of a fall). A policy that the
file has not consists of the line alone; keys of no policy are tried on the task's own. Each value stands beside an
oracle that knows the future and the best calendar in hindsight, and what the first half of the time would have chosen
is asked in the second. Nothing is trained anew, and nothing is written but the page, if one is asked for.

Exit codes: 0 printed; 1x configuration, a value that cannot stand there, or a key that no backtest looks at; 22 too few
labeled requests; 28 a date that is not understood.

Example: `homeostat backtest what-if policies.steady.any.drop=0.02..0.2 --task routing --page what-if.html`
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from homeostat.cli.backtested import USUAL, history_of, show_values
from homeostat.cli.places import hold_writable
from homeostat.cli.project import project
from homeostat.cli.table import document
from homeostat.decide.replay.policies import FRESH, Prices
from homeostat.decide.replay.replay import policy_of, replay_made
from homeostat.decide.replay.whatif import wanted
from homeostat.loop.backtests.supposing import Ground, suppose
from homeostat.web.backtest import render


def command(
    lines: Annotated[list[str], typer.Argument(help="KEY=A,B,… or KEY=LOW..HIGH; several.")],
    task: Annotated[str, typer.Option(help="Name of the task; may be left out where there is one.")] = "",
    config: Annotated[Path, typer.Option(help="The project's file.")] = Path("homeostat.yaml"),
    since: Annotated[str, typer.Option("--from", help="A date: only what was asked from then on.")] = "",
    until: Annotated[str, typer.Option("--to", help="A date: only what was asked before it.")] = "",
    cost: Annotated[float, typer.Option(min=0.0, help="Of a retraining, in decide.value_per_correct's unit.")] = 20.0,
    page: Annotated[Path | None, typer.Option(help="Write the curves as an HTML page.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Try other values of a line of a policy on what was logged."""
    hold_writable(page)
    for line in lines:
        wanted(line)
    with project(config) as opened:
        known = opened.task(task)
        past = history_of(opened, known, since, until)
        ground = Ground(file=config, task=known, answered=past.models, cost=cost)
        tried = [suppose(ground, line) for line in lines]
        prices = Prices(per_wrong=opened.config.deciding(known).value_per_correct, retraining=cost)
        history = past.models.history(opened.config.monitor)
    if page:
        usual = replay_made(history, prices, {name: policy_of(name) for name in USUAL.split(",")}, FRESH)
        drawn = render(known, history.times, usual, cost, what_if=tried, trained=past.recipe)
        page.write_text(drawn, encoding="utf-8")
    if as_json:
        document({"task": known, "steps": history.steps, "cost": cost, "recipe": past.recipe, "what_if": tried})
    else:
        for each in tried:
            show_values(each)

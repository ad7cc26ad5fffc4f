"""Try policies of retraining on what was logged: how often each would have retrained, what it would have cost.

The log's labeled requests are gone through in steps. Before each a model is trained with exactly what was known then
(the cheap head that a turn looks at too, not the model that answers), so that every policy is judged on what its
choices would have come to, beside an oracle that knows the future. Policies: never, always, daily, weekly, monthly,
quarterly, yearly, drift, performance, excess, value (what decides in a turn) and square-root; those of the file by
their names, and `yaml` for the one that the task has. A second table repeats it for an eighth to eight times the cost.
`homeostat backtest what-if` tries values of one line, and where `homeostat backtest train` has trained versions for the
same stretch of time, it is they that are judged. Nothing is written but the page, if one is asked for.

Exit codes: 0 printed; 1x configuration, of them 13 there is no such policy; 22 too few labeled requests; 23 the page
cannot be written; 28 a date that is not understood.

Example: `homeostat backtest routing --policies never,monthly,value --from 2026-01-01 --page backtest.html`
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from homeostat.cli.backtested import USUAL, history_of, show, told_of
from homeostat.cli.places import hold_writable
from homeostat.cli.project import project
from homeostat.cli.table import document
from homeostat.decide.replay.policies import FRESH, Prices
from homeostat.decide.replay.replay import policy_of, replay_made
from homeostat.loop.backtests.backtest import of_file
from homeostat.web.backtest import render

FACTORS = (1 / 8, 1 / 4, 1 / 2, 1, 2, 4, 8)


def command(
    task: Annotated[str, typer.Argument(help="Name of the task; may be left out where there is one.")] = "",
    config: Annotated[Path, typer.Option(help="The project's file.")] = Path("homeostat.yaml"),
    policies: Annotated[str, typer.Option(help="Their names, with commas between.")] = USUAL,
    since: Annotated[str, typer.Option("--from", help="A date: only what was asked from then on.")] = "",
    until: Annotated[str, typer.Option("--to", help="A date: only what was asked before it.")] = "",
    cost: Annotated[float, typer.Option(min=0.0, help="Of a retraining, in decide.value_per_correct's unit.")] = 20.0,
    page: Annotated[Path | None, typer.Option(help="Write the courses as an HTML page.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Try policies of retraining on what was logged."""
    hold_writable(page)
    names = [name.strip() for name in policies.split(",") if name.strip()]
    with project(config) as opened:
        known = opened.task(task)
        own = of_file(opened.config, known)
        made = {name: policy_of(name, own) for name in names}
        past = history_of(opened, known, since, until)
        history, worth = past.models.history(opened.config.monitor), opened.config.deciding(known).value_per_correct
    fresh = FRESH | own.keys()
    at = {f: replay_made(history, Prices(per_wrong=worth, retraining=f * cost), made, fresh) for f in FACTORS}
    if page:
        page.write_text(render(known, history.times, at[1], cost, trained=past.recipe), encoding="utf-8")
    if as_json:
        told = {"task": known, "steps": history.steps, "rows": len(history.step), "cost": cost, "outcomes": at}
        document(told | {"recipe": past.recipe, "trained": past.trained and told_of(past.trained)})
    else:
        show(known, history, at, cost, past.recipe)

"""Try policies of retraining on what was logged: how often each would have retrained, what it would have cost.

The log's labeled requests are gone through in steps. Before each a model is trained with exactly what was known then
(the cheap head that a turn looks at too, not the model that answers), so that every policy is judged on what its
choices would have come to, beside an oracle that knows the future. Policies: never, always, daily, weekly, monthly,
quarterly, yearly, drift, performance, excess, value (what decides in a turn) and square-root; those of the file by
their names, and `yaml` for the one that the task has. A second table repeats it for an eighth to eight times the cost.
Nothing is written but the page, if one is asked for.

Exit codes: 0 printed; 1x configuration, of them 13 there is no such policy; 22 too few labeled requests; 23 the page
cannot be written; 28 a stretch of time that is not understood.

Example: `homeostat backtest routing --policies never,monthly,drift,value --cost 50 --page backtest.html`
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from homeostat.cli.places import hold_writable
from homeostat.cli.project import Project, project
from homeostat.cli.table import document, table
from homeostat.cli.windows import stretch
from homeostat.decide.replay.history import History
from homeostat.decide.replay.policies import FRESH, Prices
from homeostat.decide.replay.replay import Outcome, policy_of, replay_made
from homeostat.loop.backtest import LEAST, history, of_file, recorded
from homeostat.loop.story.scene import Scene
from homeostat.monitor.quality.course import right
from homeostat.web import words
from homeostat.web.backtest import render

USUAL = "never,monthly,drift,performance,excess,value"
FACTORS = (1 / 8, 1 / 4, 1 / 2, 1, 2, 4, 8)
STEPS = 60
COLUMNS = ("policy", "retrainings", "right", "cost", "above the oracle", "of the oracle's")


def command(
    task: Annotated[str, typer.Argument(help="Name of the task; may be left out where there is one.")] = "",
    config: Annotated[Path, typer.Option(help="The project's file.")] = Path("homeostat.yaml"),
    policies: Annotated[str, typer.Option(help="Their names, with commas between.")] = USUAL,
    window: Annotated[str, typer.Option(help="Dates, `A..B`; either may be left out.")] = "..",
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
        past = _history(opened, known, *stretch(window, "--window"))
        worth = opened.config.deciding(known).value_per_correct
    fresh = FRESH | own.keys()
    at = {f: replay_made(past, Prices(per_wrong=worth, retraining=f * cost), made, fresh) for f in FACTORS}
    if page:
        page.write_text(render(known, past.times, at[1], cost), encoding="utf-8")
    if as_json:
        document({"task": known, "steps": past.steps, "rows": len(past.step), "cost": cost, "outcomes": at})
    else:
        _print(known, past, at, cost)


def _history(opened: Project, task: str, since: float, until: float) -> History:
    record = recorded(opened.store, task, since, until)
    steps = max(2, min(STEPS, len(record.labeled) // LEAST))
    kind = opened.config.task(task).kind
    with Scene().bar("backtest", steps, "a model is trained before every step") as bar:
        return history(
            record, partial(right, kind), opened.config.monitor, steps=steps, watched=lambda done, of: bar.to(done)
        )


def _print(task: str, past: History, at: dict[float, list[Outcome]], cost: float) -> None:
    title = (
        f"{task}: {len(past.step):,} labeled requests in {past.steps} steps, a retraining costs {words.amount(cost)}"
    )
    table(title, COLUMNS, [_row(each) for each in at[1]])
    costs = [f"{words.amount(factor * cost)}" for factor in FACTORS]
    rows = [(name, *(f"{o.ratio:.3f}" for o in same)) for name, same in _by_policy(at).items()]
    table("\ncost in units of the oracle's, if a retraining cost", ("policy", *costs), rows)


def _row(each: Outcome) -> tuple[str, ...]:
    numbers = (words.count(len(each.retrained)), words.percent(each.quality), words.amount(each.cost))
    return (each.policy, *numbers, words.amount(each.regret), f"{each.ratio:.3f}")


def _by_policy(at: dict[float, list[Outcome]]) -> dict[str, list[Outcome]]:
    return {each.policy: [one[k] for one in at.values()] for k, each in enumerate(at[1][:-1])}

"""Try policies of retraining on what was logged: how often each would have retrained, what it would have cost.

The log's labeled requests are gone through in steps. Before each a model is trained with exactly what was known then
(the cheap head that a turn looks at too, not the model that answers), so that every policy is judged on what its
choices would have come to, beside an oracle that knows the future. Policies: never, always, daily, weekly, monthly,
quarterly, yearly, drift, performance, excess, value (what decides in a turn) and square-root; those of the file by
their names, and `yaml` for the one that the task has. A second table repeats it for an eighth to eight times the cost.

`--what-if policies.steady.any.drop=0.02..0.2` tries values of a line on the same history: of any key that a policy or
`decide` has, or of `cost`, `calendar` (days), `drift` (requests to a false alarm) and `performance` (points of a fall).

`--really careful` trains that recipe at a few moments, as a turn would, and judges by what these versions reply; gains
are still measured by heads. Versions and replies are kept and made once. With `--dry-run` it says what it would take.

Nothing is written but these versions, and the page, if one is asked for.

Exit codes: 0 printed; 1x configuration, of them 13 there is no such policy or recipe; 2x too few labeled requests, or a
budget that does not do for one version; 28 a stretch of time that is not understood; 3x a training fails.

Example: `homeostat backtest routing --policies never,monthly,drift,value --cost 50 --page backtest.html`
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from homeostat.cli.backtested import Asked, documented, show, show_plan, told_of, versions
from homeostat.cli.interrupt import leaving_in_order
from homeostat.cli.project import Project, project
from homeostat.cli.table import document
from homeostat.cli.windows import stretch
from homeostat.decide.replay.policies import FRESH, Prices
from homeostat.decide.replay.replay import policy_of, replay_made
from homeostat.decide.replay.whatif import wanted
from homeostat.loop.backtest import LEAST, Answered, Record, answered, of_file, recorded
from homeostat.loop.retrained import Plan, Retrained
from homeostat.loop.story.scene import Scene
from homeostat.loop.supposing import Ground, suppose
from homeostat.monitor.quality.course import right
from homeostat.web.backtest import render

USUAL = "never,monthly,drift,performance,excess,value"
FACTORS = (1 / 8, 1 / 4, 1 / 2, 1, 2, 4, 8)
STEPS = 60


def command(
    task: Annotated[str, typer.Argument(help="Name of the task; may be left out where there is one.")] = "",
    config: Annotated[Path, typer.Option(help="The project's file.")] = Path("homeostat.yaml"),
    policies: Annotated[str, typer.Option(help="Their names, with commas between.")] = USUAL,
    window: Annotated[str, typer.Option(help="Dates, `A..B`; either may be left out.")] = "..",
    cost: Annotated[float, typer.Option(min=0.0, help="Of a retraining, in decide.value_per_correct's unit.")] = 20.0,
    what_if: Annotated[list[str] | None, typer.Option(help="LINE=A,B,… or LINE=LOW..HIGH; several times.")] = None,
    really: Annotated[str, typer.Option(help="Recipe of versions that are really trained.")] = "",
    moments: Annotated[int, typer.Option(min=1, help="Versions to train, at most.")] = 4,
    budget: Annotated[float | None, typer.Option(min=0.0, help="CPU-minutes for that: as many as fit.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what `--really` would take; train nothing.")] = False,
    page: Annotated[Path | None, typer.Option(help="Write the courses as an HTML page.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Try policies of retraining on what was logged."""
    lines = [(text, wanted(text))[0] for text in what_if or ()]
    if dry_run and not really:
        raise typer.BadParameter("goes with --really: nothing else takes long", param_hint="--dry-run")
    trained: Retrained | None = None
    with project(config) as opened, leaving_in_order():
        known = opened.task(task)
        own = of_file(opened.config, known)
        made = {name.strip(): policy_of(name.strip(), own) for name in policies.split(",") if name.strip()}
        record = recorded(opened.store, known, *stretch(window, "--window"))
        models = _heads(opened, known, record)
        if really:
            found = versions(opened, known, Asked(really, moments, budget, dry_run), record, models)
            if isinstance(found, Plan):
                document(documented(found)) if as_json else show_plan(found)
                return
            trained, models = found, found.answered
        past, worth = models.history(opened.config.monitor), opened.config.deciding(known).value_per_correct
        tried = [suppose(Ground(file=config, task=known, answered=models, cost=cost), line) for line in lines]
    fresh = FRESH | own.keys()
    at = {f: replay_made(past, Prices(per_wrong=worth, retraining=f * cost), made, fresh) for f in FACTORS}
    if page:
        page.write_text(render(known, past.times, at[1], cost, what_if=tried, trained=really), encoding="utf-8")
    if as_json:
        told = {"task": known, "steps": past.steps, "rows": len(past.step), "cost": cost, "outcomes": at}
        document(told | {"what_if": tried, "really": trained and told_of(trained)})
    else:
        show(known, past, at, cost, trained, tried)


def _heads(opened: Project, task: str, record: Record) -> Answered:
    steps = max(2, min(STEPS, len(record.labeled) // LEAST))
    value = partial(right, opened.config.task(task).kind)
    with Scene().bar("backtest", steps, "a model is trained before every step") as bar:
        return answered(record, value, steps=steps, watched=lambda done, of: bar.to(done))

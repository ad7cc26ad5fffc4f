"""What `homeostat backtest` prints: policies beside each other, values of a line, and versions that were trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import typer

from homeostat.cli.project import Project
from homeostat.cli.table import facts, scored, table
from homeostat.cli.windows import between
from homeostat.decide.replay.history import History
from homeostat.decide.replay.replay import Outcome
from homeostat.decide.replay.whatif import Tried, WhatIf
from homeostat.loop.backtests.backtest import LEAST, Answered, Record, answered, recorded
from homeostat.loop.backtests.judged import judged, noted
from homeostat.loop.backtests.retrained import Made, Plan, Retrained
from homeostat.loop.story.scene import Scene
from homeostat.loop.workshop import Workshop
from homeostat.monitor.quality.course import right
from homeostat.web import words

USUAL = "never,monthly,drift,performance,excess,value"
STEPS = 60
COLUMNS = ("policy", "retrainings", "right", "cost", "above the oracle", "of the oracle's")
VALUES = ("value", *COLUMNS[1:], "the best calendar's", "which")
VERSIONS = ("trained", "rows", "right since", "a head", "CPU-seconds", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What was logged, and by what it is judged."""

    models: Answered
    recipe: str = ""
    """Of the versions that were trained for it; empty where it is judged by heads."""
    trained: Retrained | None = None


def heads_of(opened: Project, task: str, record: Record) -> Answered:
    """What heads reply, trained before every step, with a bar."""
    steps = max(2, min(STEPS, len(record.labeled) // LEAST))
    value = partial(right, opened.config.task(task).kind)
    with Scene().bar("backtest", steps, "a model is trained before every step") as bar:
        return answered(record, value, steps=steps, watched=lambda done, of: bar.to(done))


def history_of(opened: Project, task: str, since: str, until: str) -> Past:
    """What was logged between two dates, judged by the versions that were trained for it, or by heads.

    Raises:
        EmptyStream: too little was labeled.
        BadWindow: a date is none, or the second is not the later one.
    """
    stretch = between(since, until)
    record = recorded(opened.store, task, *stretch)
    heads, said = heads_of(opened, task, record), noted(opened.config, task)
    if said is None or (said.since, said.until) != stretch:
        return Past(models=heads)
    found = judged(Workshop(opened.config, opened.store), task, said, record, heads)
    if found is None:
        dates = f"{f' --from {since}' if since else ''}{f' --to {until}' if until else ''}"
        again = f"`homeostat backtest train {said.recipe} --task {task}{dates}`"
        typer.echo(f"the log or the recipe has changed: heads are judged, and versions after {again}", err=True)
        return Past(models=heads)
    return Past(models=found.answered, recipe=said.recipe, trained=found)


def show(
    task: str,
    past: History,
    at: Mapping[float, Sequence[Outcome]],
    cost: float,
    recipe: str,
) -> None:
    """Policies at the price, and in units of the oracle's at other prices."""
    title = (
        f"{task}: {len(past.step):,} labeled requests in {past.steps} steps, a retraining costs {words.amount(cost)}"
    )
    table(title, COLUMNS, [(each.policy, *_row(each)) for each in at[1]])
    for each in at[1]:
        if each.held:
            why = ", ".join(f"{reason} at {words.several(n, 'look')}" for reason, n in each.held.items())
            typer.echo(f"{each.policy} was due and did not retrain: {why}")
    costs = [f"{words.amount(factor * cost)}" for factor in at]
    by_policy = {each.policy: [one[k] for one in at.values()] for k, each in enumerate(at[1][:-1])}
    rows = [(name, *(f"{o.ratio:.3f}" for o in same)) for name, same in by_policy.items()]
    table("\ncost in units of the oracle's, if a retraining cost", ("policy", *costs), rows)
    if recipe:
        typer.echo(f"\njudged by versions that were trained by {recipe}, and between these by what heads change")


def show_values(found: WhatIf) -> None:
    """A line's values."""
    table(f"\nwhat if {found.key} were, under {found.policy}", VALUES, [_value(each) for each in found.tries])
    if found.note:
        typer.echo(found.note)
    if found.halves:
        apart = found.halves
        typer.echo(words.halves(apart.chosen, apart.cost, apart.best, apart.least))


def show_plan(plan: Plan) -> None:
    """What `--really` would train."""
    told = asdict(plan.price)
    told["at"] = [words.when(moment.time) for moment in plan.moments[1:]]
    facts("would take about", told | {"left out for the budget": plan.left_out or ""})


def show_versions(found: Retrained) -> None:
    """What was trained, and what it was worth."""
    table("\nversions that were trained for this", VERSIONS, [_version(each) for each in found.made])
    share = found.share
    if share.n:
        said = f"{share.mean:.2f} points ({share.low:.2f} to {share.high:.2f}, {words.several(share.n, 'pair')})"
        typer.echo(f"where a head gained a point, such a version gained {said}")
    if found.price:
        typer.echo(f"a training took {words.amount(found.price)} at your prices: see --cost")
    if found.left_out:
        typer.echo(f"the budget did not do for {words.several(found.left_out, 'version')} more")


def _row(each: Outcome) -> tuple[str, ...]:
    numbers = (words.count(len(each.retrained)), words.percent(each.quality), words.amount(each.cost))
    return (*numbers, words.amount(each.regret), f"{each.ratio:.3f}")


def _value(each: Tried) -> tuple[str, ...]:
    name = f"{each.value} (in force)" if each.in_force else each.value
    return (name, *_row(each.outcome), f"{each.calendar.ratio:.3f}", each.calendar.policy)


def _version(each: Made) -> tuple[str, ...]:
    seconds = words.amount(each.cpu_s) if each.cpu_s else "–"
    kept = "kept from before" if each.kept else ""
    return (words.when(each.time), words.count(each.rows), scored(each.right), words.percent(each.head), seconds, kept)


def told_of(found: Retrained) -> dict[str, Any]:
    """What was trained as a document, without what each version replied."""
    told = {name: getattr(found, name) for name in ("share", "left_out", "price", "cpu_s")}
    return {"versions": found.made, **told}


def documented(plan: Plan) -> dict[str, Any]:
    """The plan as a document."""
    moments = [{"id": m.id, "time": m.time, "step": m.step, "rows": m.new, "kept": m.there} for m in plan.moments]
    return {"versions": moments, **asdict(plan.price), "left_out": plan.left_out}

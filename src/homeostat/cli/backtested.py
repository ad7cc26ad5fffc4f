"""What `homeostat backtest` prints: policies beside each other, values of a line, and versions that were trained."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import typer

from homeostat.cli.project import Project
from homeostat.cli.table import facts, scored, table
from homeostat.decide.replay.history import History
from homeostat.decide.replay.replay import Outcome
from homeostat.decide.replay.whatif import Tried, WhatIf
from homeostat.loop.backtest import Answered, Record
from homeostat.loop.retrained import Made, Plan, Retrained, Wish, foretell, retrained
from homeostat.loop.story.scene import Scene
from homeostat.loop.workshop import Workshop
from homeostat.train.named import named
from homeostat.web import words

COLUMNS = ("policy", "retrainings", "right", "cost", "above the oracle", "of the oracle's")
VALUES = ("value", *COLUMNS[1:], "the best calendar's", "which")
VERSIONS = ("trained", "rows", "right since", "a head", "CPU-seconds", "")


@dataclass(frozen=True, slots=True)
class Asked:
    """Versions that shall really be trained."""

    recipe: str
    moments: int
    budget: float | None
    """CPU-minutes."""
    dry_run: bool


def versions(opened: Project, task: str, asked: Asked, record: Record, heads: Answered) -> Plan | Retrained:
    """The versions, with a bar while they are trained; what they would take, if no more was asked for."""
    shop = Workshop(opened.config, opened.store)
    recipe = named(asked.recipe, shop.config.train, replay=shop.config.curate.replay, where="--really")
    budget = math.inf if asked.budget is None else 60.0 * asked.budget
    wish = Wish(recipe=recipe, moments=asked.moments, budget_s=budget)
    plan = foretell(shop, shop.config.task(task), record, heads, wish)
    if asked.dry_run:
        return plan
    takes = words.duration(plan.price.cpu_s)
    with Scene().bar("versions", len(plan.moments), f"{plan.price.trainings} are trained, about {takes}") as bar:
        return retrained(shop, record, heads, wish, plan, bar.to)


def show(
    task: str,
    past: History,
    at: Mapping[float, Sequence[Outcome]],
    cost: float,
    trained: Retrained | None,
    tried: Sequence[WhatIf],
) -> None:
    """Policies at the price, and in units of the oracle's at other prices; then versions and values of lines."""
    title = (
        f"{task}: {len(past.step):,} labeled requests in {past.steps} steps, a retraining costs {words.amount(cost)}"
    )
    table(title, COLUMNS, [(each.policy, *_row(each)) for each in at[1]])
    costs = [f"{words.amount(factor * cost)}" for factor in at]
    by_policy = {each.policy: [one[k] for one in at.values()] for k, each in enumerate(at[1][:-1])}
    rows = [(name, *(f"{o.ratio:.3f}" for o in same)) for name, same in by_policy.items()]
    table("\ncost in units of the oracle's, if a retraining cost", ("policy", *costs), rows)
    if trained:
        _show_versions(trained)
    for each in tried:
        _show_values(each)


def _show_values(found: WhatIf) -> None:
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


def _show_versions(found: Retrained) -> None:
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

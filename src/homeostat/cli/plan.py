"""Prints today's decision about a task."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import typer

from homeostat.cli.drilled import drill_of
from homeostat.cli.table import table
from homeostat.decide.rule import Stand
from homeostat.loop.deciding.weighing import Plan
from homeostat.types.decision import Alternative, Decision
from homeostat.web import words

WEIGHED = ("choice", "gain", "cost", "what it is")
COLUMNS = ("trigger", "fires", "looks", "where it stands")


def show(plan: Plan, done: Mapping[str, Any]) -> None:
    """Print where the triggers stand, what was weighed, what is left, and what happens."""
    typer.echo(f"\n{plan.task}, {f'policy {plan.policy}' if plan.policy else 'the built-in policy'}")
    if plan.stands:
        table("", COLUMNS, [_row(stand) for stand in plan.stands])
    if plan.decision and plan.weighed:
        typer.echo(f"decision: {plan.decision.because}")
        typer.echo(f"by value: {plan.weighed.because}")
        table("", WEIGHED, _weighed(plan.weighed))
    if plan.limits:
        left = ", ".join(f"{words.amount(plan.left[k])} of {words.amount(most)} {k}" for k, most in plan.limits.items())
        typer.echo(f"budget left until {words.when(plan.renews)} UTC: {left}")
    typer.echo(f"happens: {_done(plan, done)}")
    if math.isfinite(plan.next):
        typer.echo(f"next: {words.when(plan.next)} UTC at the latest")
    for coming in plan.drills:
        typer.echo(drill_of(coming))


def _row(stand: Stand) -> tuple[str, ...]:
    kind, _, name = stand.trigger.partition(".")
    return (f"{name} ({kind})", "yes" if stand.fires else "no", words.count(stand.held), stand.standing.says)


def _weighed(decision: Decision) -> list[tuple[str, ...]]:
    return [(one.action, _ranged(one), _cost(one), one.says) for one in decision.alternatives]


def _cost(one: Alternative) -> str:
    """A cost, and what it is made of where that is several things."""
    parts = ", ".join(f"{name} {words.amount(part)}" for name, part in one.costs.items())
    return f"{words.amount(one.cost)} ({parts})" if len(one.costs) > 1 else words.amount(one.cost)


def _ranged(one: Alternative) -> str:
    """A gain with its interval, where one was measured."""
    if one.gain_interval is None:
        return words.amount(one.gain)
    low, high = one.gain_interval
    return f"{words.amount(one.gain)} ± {words.amount((high - low) / 2)}"


def _done(plan: Plan, done: Mapping[str, Any]) -> str:
    if "turn" in done:
        return f"{done['turn']} is {'opened' if done['opened'] else 'under way already'}"
    return f"{plan.happens}; written down as {done['recorded']}" if "recorded" in done else plan.happens

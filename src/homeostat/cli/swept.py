"""Prints what a sweep, or a rising rate, has found or would take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import typer

from homeostat.cli.table import facts, table
from homeostat.train.sweep.price import Price
from homeostat.train.sweep.rising import Rising
from homeostat.train.sweep.space import Choice, Range, Space
from homeostat.train.sweep.study import Tried
from homeostat.train.sweep.trials import Outcome
from homeostat.web import words

SHOWN = 10
"""Trials in the table; the document has them all."""
WIDTH, LINES = 40, 20
"""Of the plot, in letters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a sweep found, as it is printed."""

    task: str
    recipe: str
    outcome: Outcome
    yaml: str
    """Lines for `homeostat.yaml`."""


def show(found: Found) -> None:
    """The best trials, what matters, what was spent, and the lines to paste."""
    done = found.outcome
    names = list(done.trials[0].values) if done.trials else []
    columns = ("trial", *names, "held-out loss", "of its run", "FLOPs", "state")
    table(f"the best of {len(done.trials)} trials", columns, [_row(trial) for trial in done.trials[:SHOWN]])
    if done.importance:
        shares = {name: words.percent(share) for name, share in done.importance.items()}
        facts("\nhow much each value decides about the first look's loss", shares)
    spent = f"{words.flops(done.flops)} and {words.duration(done.cpu_seconds)} of CPU"
    typer.echo(f"\n{_verdict(done)} The sweep took {spent}.")
    if done.best is not None and done.best != done.own:
        typer.echo(
            f"\nAs a recipe, for a turn to try (train.attempts: [swept]) and its gate to decide:\n\n{found.yaml}"
        )


def show_price(space: Space, told: Price) -> None:
    """What would be tried, and what it would take."""
    table("would try", ("field", "values"), [(name, _spelled(each)) for name, each in space.items()])
    known = asdict(told)
    flops = {name: words.flops(known[name]) for name in ("flops_each", "flops_about", "flops_most")}
    time = {
        "cpu_seconds_about": words.duration(told.cpu_seconds_about),
        "flops_per_s": f"{words.flops(told.flops_per_s)}/s",
    }
    facts("\nwould take", known | flops | time)


def show_rising(found: Rising, rates: Mapping[str, float]) -> None:
    """The course of the loss, and which rate to take."""
    step = max(1, len(found.points) // LINES)
    highest = max(found.points[0].smooth * 1.2, min(p.smooth for p in found.points) * 2)
    rows = []
    for point in found.points[::step]:
        length = max(0, min(WIDTH, round(WIDTH * point.smooth / highest)))
        rows.append((f"{point.rate:.2e}", f"{point.smooth:.3f}", "█" * length))
    table("the loss as the rate rises", ("rate", "loss", ""), rows)
    told: dict[str, Any] = {name: f"{rate:.2g}" for name, rate in rates.items() if rate}
    facts("\nrates", told | {"flops": found.flops, "cpu_seconds": found.cpu_seconds})


def _row(trial: Tried) -> tuple[str, ...]:
    loss = "–" if trial.held_out is None else f"{trial.held_out:.4f}"
    values = [f"{v:.3g}" if isinstance(v, float) else str(v) for v in trial.values.values()]
    state = f"failed: {trial.why}" if trial.why else trial.state
    return (str(trial.number), *values, loss, f"{trial.share:.0%}", words.flops(trial.flops), state)


def _verdict(done: Outcome) -> str:
    """A sentence on the best trial beside the recipe as it stands."""
    if done.best is None:
        return "No trial came to its end: every one diverged or did not fit."
    best = f"Trial {done.best.number} is the best, at a held-out loss of {done.best.held_out:.4f} nats"
    if done.own is None or done.own.held_out is None:
        return f"{best}; the recipe as it stands lies outside the space and was not tried."
    if done.own.number == done.best.number:
        return f"{best}, and is the recipe as it stands: leave it."
    return f"{best}; the recipe as it stands comes to {done.own.held_out:.4f}."


def _spelled(each: Range | Choice) -> str:
    if isinstance(each, Choice):
        return ", ".join(map(str, each.among))
    numbers = f"{words.amount(each.low)} to {words.amount(each.high)}"
    return numbers + (", by orders of magnitude" if each.log else "") + (", whole" if each.whole else "")

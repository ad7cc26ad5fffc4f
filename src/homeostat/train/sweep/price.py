"""What a sweep will take, told before its first trial."""

from __future__ import annotations

from dataclasses import dataclass, replace

from homeostat.llm.precision import has_bfloat16, peak_flops
from homeostat.train.forecast import forecast
from homeostat.train.sweep.space import Choice, Range, tried
from homeostat.train.sweep.study import RUNGS
from homeostat.train.sweep.trials import Sweep

MADE = 0.5
"""Share of all trials' runs that is made: 0.40 to 0.57 in four sweeps of 16 (docs/log.md). More than the 7/27 of
halving in step, for later draws are better than earlier ones and so pass the rungs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """A forecast."""

    trials: int
    rows: int
    held_out: int
    steps: int
    """Of one trial, with the recipe as it stands."""
    flops_each: float
    """Operations of one such trial."""
    flops_about: float
    """Of all trials, if of their runs as much is made as in the sweeps that were measured."""
    flops_most: float
    """Of all, if none is given up and each has the dearest values of the space."""
    cpu_seconds_about: float
    """At the speed that is known."""
    flops_per_s: float
    """That speed."""


def price(sweep: Sweep, flops_per_s: float = 0.0) -> Price:
    """What a sweep will take; opens the model and trains nothing.

    Args:
        sweep: what would be searched.
        flops_per_s: operations a second of an earlier training here; 0 takes that of the machine's large matrix
            products, which a small model does not reach.

    Raises:
        As `homeostat.train.forecast.forecast`.
    """
    order = sweep.order
    order = replace(order, recipe=replace(order.recipe, looks=RUNGS))
    one, dearest = forecast(order), forecast(replace(order, recipe=tried(order.recipe, _dearest(sweep))))
    about = (one.flops + dearest.flops) / 2 * sweep.trials * MADE
    speed = flops_per_s or peak_flops(bfloat16=has_bfloat16())
    return Price(
        trials=sweep.trials,
        rows=one.rows,
        held_out=one.held_out,
        steps=one.steps,
        flops_each=one.flops,
        flops_about=about,
        flops_most=dearest.flops * sweep.trials,
        cpu_seconds_about=about / speed,
        flops_per_s=speed,
    )


def _dearest(sweep: Sweep) -> dict[str, float | int]:
    """The highest value of every number, which costs the most where it costs anything."""
    found: dict[str, float | int] = {}
    for name, each in sweep.space.items():
        if isinstance(each, Range):
            found[name] = int(each.high) if each.whole else float(each.high)
        elif isinstance(each, Choice) and all(isinstance(v, int | float) for v in each.among):
            found[name] = max(each.among)
    return found

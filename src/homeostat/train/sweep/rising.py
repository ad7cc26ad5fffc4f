"""The learning-rate range test: the rate rises by the same factor at every step, until the loss runs away.

Smith (2015, 1506.01186). One short run on a copy of the model in memory; nothing of it is kept. Where the loss falls
fastest, and where it breaks, say between which rates it is worth training. The loss is that of the same held-out rows
at every step: those of the batches differ more from each other than a step changes them.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from homeostat.errors import NothingToTrainOn
from homeostat.train.job import Job
from homeostat.train.optim import optimizer, steer
from homeostat.train.run import Order, prepare
from homeostat.train.samples import Sample, alike, batches
from homeostat.train.scale import SCALE, rescaled
from homeostat.train.terms import Terms

STEPS = 60
LOWEST, HIGHEST = 1e-5, 10.0
LOOKED = 64
"""Rows that are looked at after every step."""
SMOOTH = 0.6
"""How much of the smoothed loss stays from one step to the next."""
BROKEN = 2.0
"""A smoothed loss above so many times the lowest so far has run away."""
BELOW = 4.0
"""The rate that is suggested lies at least so many times below the one at which the loss runs away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One step."""

    rate: float
    loss: float
    """Of the rows that are looked at, after the step."""
    smooth: float
    """Mean of this and the earlier losses, newer ones counting more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rising:
    """What a range test found."""

    points: tuple[Point, ...]
    suggested: float
    """To two digits; 0 where the loss never fell."""
    steepest: float
    """The rate at which the smoothed loss fell fastest."""
    lowest: float
    """The rate at which it was lowest."""
    broke: float | None
    """The rate at which it had run away; None if it did not."""
    flops: float
    cpu_seconds: float


def rise(order: Order, *, steps: int = STEPS, low: float = LOWEST, high: float = HIGHEST) -> Rising:
    """Train with a rate that rises from `low` to `high`, and say which one to train with.

    Raises:
        NothingToTrainOn: there are no rows.
        UnknownLabel, ModelNotFound, UnsafeWeights, CorruptWeights, UnsuitedModel: as `homeostat.train.run.train`.
    """
    if not order.examples:
        raise NothingToTrainOn("no rows to train on", fix="gather feedback first, or lower curate's filters")
    begun = time.process_time()
    prepared = prepare(replace(order, recipe=replace(order.recipe, lr=low), folder=Path()))
    points: list[Point] = []
    smooth = 0.0
    for number, (rate, loss) in enumerate(_losses(prepared.job, _rates(low, high, steps)), 1):
        smooth = SMOOTH * smooth + (1 - SMOOTH) * loss
        # Divided by what the weights of the losses so far add up to, so that the beginning is not too low.
        points.append(Point(rate=rate, loss=loss, smooth=smooth / (1 - SMOOTH**number)))
        if not points[-1].smooth <= BROKEN * min(p.smooth for p in points):
            break
    spent = time.process_time() - begun
    return judged(points, flops=prepared.flops, cpu_seconds=spent)


def judged(points: Sequence[Point], *, flops: float = 0.0, cpu_seconds: float = 0.0) -> Rising:
    """What a course of losses says. The suggestion is the steepest place, or `BELOW` times less than the break."""
    finite = [p for p in points if math.isfinite(p.smooth)]
    broke = points[-1].rate if not points[-1].smooth <= BROKEN * min(p.smooth for p in finite) else None
    lowest = min(range(len(finite)), key=lambda k: finite[k].smooth)
    falls = {k: finite[k].smooth - finite[k - 1].smooth for k in range(1, lowest + 1)}
    steepest = min(falls, key=falls.__getitem__, default=0)
    rate = min(finite[steepest].rate, (broke or math.inf) / BELOW)
    return Rising(
        points=tuple(points),
        suggested=float(f"{rate:.2g}") if steepest else 0.0,
        steepest=finite[steepest].rate,
        lowest=finite[lowest].rate,
        broke=broke,
        flops=flops,
        cpu_seconds=cpu_seconds,
    )


def _rates(low: float, high: float, steps: int) -> list[float]:
    return [low * (high / low) ** (k / max(1, steps - 1)) for k in range(steps)]


def _losses(job: Job, rates: Sequence[float]) -> Iterator[tuple[float, float]]:
    """Every rate with the loss after a step at that rate."""
    model, recipe, ground = job.ground.opened.model, job.recipe, job.ground
    ground.compute_in(recipe.precision)
    torch.manual_seed(recipe.seed)
    terms, moves = Terms.of(job), optimizer(job.parameters, recipe, recipe.adapt.tempi(model))
    seen = sorted((ground.held_out or ground.train)[:LOOKED], key=lambda s: s.length)
    scale, calm = (SCALE if ground.float16 else 1.0), 0
    for number, (rate, rows) in enumerate(zip(rates, _batches(job), strict=False)):
        model.train()
        if steer(moves.param_groups, rate, 1.0):
            ground.meter.sizes.clear()
        for part in _parts(job, rows):
            total = terms.on(part, rows, number)
            if total is not None:
                (total * scale).backward()  # type: ignore[no-untyped-call]
        finite = _clipped(job, scale)
        if finite or not ground.float16:  # there a gradient may be too large for the scale alone
            moves.step()
        if ground.float16:
            scale, calm = rescaled(scale, calm, finite=finite)
        moves.zero_grad()
        terms.trail.follow(job.parameters, number + 1)
        model.eval()
        with torch.no_grad():
            yield rate, terms.measured(seen, number + 1)


def _parts(job: Job, rows: Sequence[Sample]) -> list[Sequence[Sample]]:
    """The parts of a batch that a run would take one after the other."""
    return [part for sort in alike(rows) for part in job.gang.parts(sort, job.recipe.part_rows)]


def _clipped(job: Job, scale: float) -> bool:
    """Whether the gradient is finite, which is brought back to its length and then cut to the recipe's."""
    for parameter in job.parameters:
        if parameter.grad is not None and scale != 1.0:
            parameter.grad.div_(scale)
    return math.isfinite(float(torch.nn.utils.clip_grad_norm_(job.parameters, job.recipe.clip)))


def _batches(job: Job) -> Iterator[list[Sample]]:
    """Batches for ever, as a run would take them."""
    rows, recipe = job.ground.train, job.recipe
    lengths: list[int] = [s.length for s in rows]
    for epoch in itertools.count():
        for batch in batches(lengths, recipe.batch_rows, recipe.seed, epoch):
            yield [rows[k] for k in batch.tolist()]

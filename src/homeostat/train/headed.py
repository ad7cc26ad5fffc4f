"""One training of a head, from texts and what they should be told as to a folder: labels, numbers, or tags.

A head of labels, of a number or of tags becomes a version that is served like any other (`train_version`); one of
several numbers answers from Python (`homeostat.llm.head.HeadedModel`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray

from homeostat.errors import BadTarget, NothingToTrainOn, UnknownLabel, UnsuitedModel, did_you_mean
from homeostat.llm.head import FORMS, POOLS, Shape, head_of
from homeostat.llm.load import open_model
from homeostat.llm.render import Renderer
from homeostat.metrics import replies
from homeostat.train.adapt.headed import Headed
from homeostat.train.bill import billed, on_gpu
from homeostat.train.budget import Clock
from homeostat.train.fit import fit
from homeostat.train.job import Job
from homeostat.train.moved import moved
from homeostat.train.objectives.completion import Completion
from homeostat.train.objectives.heads import classified, estimated, tagged
from homeostat.train.objectives.heads.classified import Classified
from homeostat.train.objectives.heads.estimated import Estimated
from homeostat.train.objectives.heads.tagged import Tagged
from homeostat.train.rates import with_rate
from homeostat.train.recipe import Recipe
from homeostat.train.reweigh import weighed
from homeostat.train.run import Order, Start, Trained
from homeostat.train.samples import Sample, apart
from homeostat.train.sound import require_labels, require_sound, require_texts
from homeostat.train.step import Ground, Objective
from homeostat.train.vain import in_vain
from homeostat.types.dataset import Example
from homeostat.types.task import Task
from homeostat.types.version import HEAD

Floats = NDArray[np.float64]
Target = str | float | Sequence[float] | Collection[str]
OBJECTIVES = {classified.FORM: Classified, estimated.FORM: Estimated, tagged.FORM: Tagged}
"""What a head of each form learns by where the recipe says nothing else."""
OUTLIERS_STAY_OUT = 1.4826
"""From the median distance to the median to a standard deviation, if numbers are normal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadOrder:
    """What to train a head on, how, and where to leave it."""

    base: str
    rows: Sequence[tuple[str, Target]]
    """A text, and a label, a number or several, or the tags that hold."""
    form: str
    """`label`, `numbers` or `tags`."""
    names: tuple[str, ...]
    """The labels, what the numbers are called, or the tags."""
    folder: Path
    """Where the weights are left, in `folder/weights`; checkpoints lie beside them."""
    recipe: Recipe = field(default_factory=Recipe)
    """Its objective gives way to that of the form unless it is one for heads."""
    instruction: str = ""
    """What stands before every text."""
    pool: str = "mean"
    """`mean` of the states over the prompt, or `last`, the state that would predict a reply."""
    hidden: int = 0
    """Width of a layer in between; 0 for none."""
    weights: Sequence[float] = ()
    """What each row weighs; empty for all alike."""
    ahead: float = 0.0
    """Share of the steps in which the head learns alone; from 1 on, nothing else is trained."""
    report: Callable[[dict[str, float]], None] = lambda values: None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedHead:
    """What a run left."""

    weights: Path
    cost: dict[str, float]
    """As of `Trained`, but for what tells of rows of labels and of a champion."""
    ended: str = ""
    """As of `Trained`."""


def train_head(order: HeadOrder) -> TrainedHead:
    """Train once; a run that was killed goes on from its checkpoint in the same folder.

    Raises:
        NothingToTrainOn: there are no rows.
        UnknownLabel: a row has a label or a tag that is not among the names.
        BadTarget: a row's numbers are not as many as the names, or not finite.
        UnsuitedModel: there is no such form or pool, the recipe's objective is for another one, or something in it
            would do nothing for a head.
        Diverged, OutOfMemory, ModelNotFound, UnsafeWeights, CorruptWeights: as said where they are defined.
    """
    began, begun = time.time(), time.process_time()
    way, recipe = _way(order), _recipe(order)
    wanted = _values(order)
    torch.manual_seed(recipe.seed)
    opened = open_model(order.base)
    recipe = with_rate(recipe, opened.model.config, warm=False)
    renderer = Renderer(opened.tokenizer, lead=way.places)
    weights = order.weights or [1.0] * len(order.rows)
    task = Task(name="head", instruction=order.instruction)
    samples = [
        Sample(renderer.example(task, text, (0,)), values=tuple(values.tolist()), weight=weight)
        for (text, _), values, weight in zip(order.rows, wanted, weights, strict=True)
    ]
    rows, held = apart(samples, recipe.held_out)
    parameters = way.attach(opened.model, seed=recipe.seed)
    way.look(opened, [s.rendered for s in rows])
    if order.form == estimated.FORM:
        rows, held = _in_units(opened.model, rows, held)
    ground = Ground(opened=opened, train=rows, held_out=held, seed=recipe.seed)
    workspace = order.folder / "checkpoint"
    whole, spent = replace(recipe, adapt=way), time.process_time() - begun
    fitted = fit(Job(ground=ground, parameters=parameters, recipe=whole, workspace=workspace, report=order.report))
    ended = time.process_time()
    way.save(opened.model, order.folder / "weights")
    cut = sum(renderer.is_cut(task, sample.rendered) for sample in samples)
    cost = billed(fitted, flops=0.0, cpu_seconds=spent + time.process_time() - ended)
    cost |= {"wall_seconds": fitted.earlier + time.time() - began, "cut": float(cut), "lr": recipe.lr}
    cost |= on_gpu(opened.model.device, fitted.progress.seconds)
    return TrainedHead(weights=order.folder / "weights", cost=cost, ended=fitted.progress.ended)


def train_version(order: Order) -> Trained:
    """A head of a task's labels, or of the numbers or tags that its replies are, and what the recipe adapts beneath it,
    from the base on every row of the order.

    Raises as `train_head`, and:
        UnsuitedModel: a task of labels has a recipe for numbers or tags, or the other way round.
        LeakedAnswer: the requests say their own labels.
    """
    clock, form = Clock(), form_of(order.recipe.objective)
    if form == classified.FORM:
        require_labels(order.task)
        require_sound(order.task, order.examples, order.labels)
    else:
        require_texts(order.task)
    every = weighed(order.examples, order.recipe.reweigh)
    rows = [(row.text, _target(row, form, number)) for number, row in enumerate(every, 1)]
    before = clock.spent()
    trained = train_head(
        HeadOrder(
            base=order.start.base,
            rows=rows,
            form=form,
            names=_names(order, rows, form),
            folder=order.folder,
            recipe=order.recipe,
            instruction=order.task.instruction,
            weights=[row.weight for row in every],
            report=order.report,
        )
    )
    after, cost = Clock(before), dict(trained.cost)
    if form == classified.FORM:
        made = Start(base=order.start.base, folder=trained.weights, kind=HEAD, labels=order.labels)
        far, asked = moved(order, made)
        cost |= {"kl_new": far, "flops": cost["flops"] + asked}
    beside = after.spent()  # what was done before and after the head was trained
    cost["cpu_seconds"] += beside.cpu_seconds
    cost["wall_seconds"] += beside.seconds
    return Trained(weights=trained.weights, kind=HEAD, labels=order.labels, ended=trained.ended, cost=cost)


def form_of(objective: Objective) -> str:
    """What a head tells that is trained by an objective for heads."""
    return next(form for form, kind in OBJECTIVES.items() if isinstance(objective, kind))


def _names(order: Order, rows: Sequence[tuple[str, Target]], form: str) -> tuple[str, ...]:
    """What a head tells one of, some of, or what its number is called."""
    if form == classified.FORM:
        return order.labels
    if form == estimated.FORM:
        return (order.task.name,)
    return tuple(sorted({tag for _, told in rows for tag in cast("Collection[str]", told)}))


def _target(row: Example, form: str, number: int) -> Target:
    """A row's reply as a head learns it.

    Raises:
        BadTarget: it is no number, or no list of tags; the message shows the row's text, to be looked for in a file.
    """
    reply = row.target
    if form == classified.FORM:
        return reply
    told: Target | None = replies.number(reply) if form == estimated.FORM else replies.tags(reply)
    if told is None:
        wanted = "a number, such as 3.5" if form == estimated.FORM else 'a list of tags, such as ["urgent", "billing"]'
        where = f"row {number} of the dataset, {row.text!r:.60}"
        raise BadTarget(f"{reply!r:.60} is not {wanted}", where=where, fix="write it as JSON")
    return told


def _way(order: HeadOrder) -> Headed:
    """How the head, and what is beside it, is trained."""
    for name, value, known in (("form", order.form, FORMS), ("pool", order.pool, POOLS)):
        if value not in known:
            raise UnsuitedModel(f"'{value}' is no {name} of a head", where=name, fix=did_you_mean(value, known))
    body = order.recipe.adapt if order.ahead < 1 else None
    shape = Shape(
        form=order.form,
        names=order.names,
        pool=order.pool,
        hidden=order.hidden,
        instruction=order.instruction,
        kind=body.kind if body else "base",
    )
    return Headed(shape=shape, body=body, ahead=order.ahead)


def _recipe(order: HeadOrder) -> Recipe:
    """The recipe, with the objective of the form where it names none.

    Raises:
        UnsuitedModel: its objective is for something else, or a penalty or an order would do nothing.
    """
    vain = in_vain(order.recipe)
    if vain is not None:
        raise UnsuitedModel(vain.what, where=f"recipe.{vain.field}", fix=vain.fix)
    recipe, own = order.recipe, OBJECTIVES[order.form]
    if recipe.objective == Completion():
        return replace(recipe, objective=own())
    if not isinstance(recipe.objective, own):
        name = type(recipe.objective).__name__.lower()
        raise UnsuitedModel(
            f"a head that tells {order.form} does not learn by `{name}`",
            where="recipe.objective",
            fix=f"use `{own.__name__.lower()}`",
        )
    return recipe


def _values(order: HeadOrder) -> list[Floats]:
    """What every row should be told: the place of its label, its numbers, or 1 for every tag that holds and 0 else."""
    if not order.rows or not order.names:
        raise NothingToTrainOn("no rows to train on, or nothing to tell", fix="give texts, and names of what is told")
    return [_read(order, target, f"row {number}") for number, (_, target) in enumerate(order.rows, 1)]


def _read(order: HeadOrder, target: Target, where: str) -> Floats:
    if order.form == estimated.FORM:
        try:
            numbers = np.atleast_1d(np.asarray(target, np.float64))
        except (TypeError, ValueError):
            numbers = np.full(1, np.nan)
        if numbers.shape != (len(order.names),) or not np.isfinite(numbers).all():
            count = len(order.names)
            fix = "give a finite one for each name"
            raise BadTarget(f"{target!r:.60} where {count} numbers are wanted", where=where, fix=fix)
        return numbers
    told = [target] if isinstance(target, str) else list(target) if isinstance(target, Collection) else [str(target)]
    for name in map(str, told):
        if name not in order.names:
            fix = did_you_mean(name, order.names)
            raise UnknownLabel(f"label '{name}' is not in the label set", where=where, fix=fix)
    at = [order.names.index(str(name)) for name in told]
    if order.form == tagged.FORM:
        return np.isin(np.arange(len(order.names)), at).astype(np.float64)
    if len(at) != 1:
        raise BadTarget(f"{target!r:.60} where one label is wanted", where=where, fix="use the form `tags`")
    return np.array(at, np.float64)


def _in_units(model: Any, rows: Sequence[Sample], held: Sequence[Sample]) -> tuple[list[Sample], list[Sample]]:
    """The rows with their numbers in units of their spread, by the rows that are learned; the head tells them back.

    Median and median distance, so that a few wrong numbers do not set the unit.
    """
    seen = np.array([s.values for s in rows])
    shift = np.median(seen, 0)
    spread = OUTLIERS_STAY_OUT * np.median(np.abs(seen - shift), 0)
    spread = np.where(spread > 0, spread, np.where(seen.std(0) > 0, seen.std(0), 1.0))
    head = head_of(model)
    assert head is not None, "attach puts it on"
    head.shift.copy_(torch.tensor(shift))
    head.spread.copy_(torch.tensor(spread))

    def units(samples: Sequence[Sample]) -> list[Sample]:
        return [replace(s, values=tuple(((np.array(s.values) - shift) / spread).tolist())) for s in samples]

    return units(rows), units(held)

"""What a turn opened now would decide, build and train, found out without writing anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from homeostat.decide.record import decided
from homeostat.loop import steps
from homeostat.loop.deciding.concluding import bounds_of
from homeostat.loop.deciding.seeing import clock
from homeostat.loop.making.learn import fairly, held_by, start_of
from homeostat.loop.steps import Now
from homeostat.loop.workshop import Workshop
from homeostat.train.forecast import Forecast, forecast
from homeostat.train.named import named
from homeostat.train.pace import Rows, paced
from homeostat.train.recipe import Recipe
from homeostat.train.run import Order
from homeostat.types.dataset import Example
from homeostat.types.decision import Action, Decision
from homeostat.types.task import Task
from homeostat.types.version import Version


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One recipe that the turn would try; the next one only if the gate refuses this."""

    recipe: str
    counts: Mapping[str, int]
    """Rows left after every step of curation."""
    labels: int
    """Labels that the candidate would know."""
    training: Forecast


@dataclass(frozen=True, slots=True, kw_only=True)
class Foresight:
    """How far a turn would come before its candidate is measured, which nobody can foresee."""

    task: str
    until: float
    """The moment up to which it would look, in seconds since 1970."""
    decision: Decision
    attempts: tuple[Attempt, ...]
    """In their order; none where the decision is not to retrain."""
    after: str = ""
    """What is under way, and has to end before a turn begins; empty where nothing is."""


def foresee(shop: Workshop, task: str, until: float) -> Foresight:
    """What the turn would do if a person asked for it; reads the store and the model, and changes neither.

    Raises:
        NothingReleased: no version answers the task yet.
        NothingToTrainOn: it would retrain, and curation leaves no row, at which the turn would break off.
    """
    now = Now("", task, until)
    evidence = steps.gather(shop, now, steps.watch(shop, now).split())
    at = clock(shop.config, shop.store, task) if shop.config.tasks[task].policy else until
    around = bounds_of(shop.config, shop.store, task, at=at, asked=True)
    settings = shop.config.deciding(task)
    decision, _ = decided(shop.store, evidence, settings, now=until, turn=now.turn, bounds=around)
    recipes = steps.attempts(shop, now).split() if decision.action is Action.RETRAIN else []
    attempts = tuple(_attempt(shop, now, recipe) for recipe in recipes)
    busy = [f"{turn.story} {turn.id}" for turn in shop.store.turns.under_way(task)]
    return Foresight(task=task, until=until, decision=decision, attempts=attempts, after=busy[-1] if busy else "")


def foretell(
    shop: Workshop, task: Task, rows: Sequence[Example], labels: tuple[str, ...], recipe: Recipe, parent: Version | None
) -> Forecast:
    """What it would take at most to train on these rows. Raises as `homeostat.train.forecast.forecast`."""
    return forecast(order_of(shop, task, rows, labels, recipe, parent))


def order_of(
    shop: Workshop, task: Task, rows: Sequence[Example], labels: tuple[str, ...], recipe: Recipe, parent: Version | None
) -> Order:
    """The training of these rows, with as many passes as pay, that leaves nothing anywhere yet."""
    return Order(
        task=task,
        start=start_of(shop, parent),
        examples=rows,
        labels=labels,
        recipe=paced(fairly(shop.config, task.name, recipe), shop.config.train, Rows.of(rows), labels),
        folder=Path(),
        held=held_by(shop, parent),
    )


def _attempt(shop: Workshop, now: Now, name: str) -> Attempt:
    recipe = named(name, shop.config.train, replay=shop.config.curate.replay)
    built, task = steps.curated(shop, now, recipe), shop.config.task(now.task)
    training = foretell(shop, task, built.examples, built.labels, recipe, shop.champion(now.task))
    return Attempt(recipe=name, counts=built.counts, labels=len(built.labels), training=training)

"""Works through the trials of a sweep, each a training as any other; in this process, or in several at once."""

from __future__ import annotations

import math
import os
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch

from homeostat.errors import Diverged, OutOfMemory
from homeostat.train.run import Order, Prepared, carry_out, prepare
from homeostat.train.sweep.space import Space, changes, own, tried
from homeostat.train.sweep.study import RUNGS, Claimed, GivenUp, Study, Tried

POLL_S = 0.5
"""Seconds between two looks at what the other processes have done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """What is searched."""

    order: Order
    """The training that every trial makes with other values; its folder and its report are the trial's own."""
    space: Space
    trials: int
    folder: Path
    threads: int = 1
    """Of each process."""

    def open(self) -> Study:
        """Its memory. Raises `MissingExtra` where optuna is not installed."""
        recipe = self.order.recipe
        return Study.open(self.folder, self.space, recipe.seed, own(recipe, self.space))


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a sweep found."""

    trials: tuple[Tried, ...]
    """The best first; those that were given up after those that are done."""
    best: Tried | None
    """None where no trial came to its end."""
    own: Tried | None
    """The recipe as it stands; None where it was not tried."""
    fields: Mapping[str, Any]
    """What the best one has, as `train.recipes` would say it."""
    importance: Mapping[str, float]
    flops: float
    """Operations of all trials."""
    cpu_seconds: float


Watching = Callable[[list[Tried]], None]


def search(sweep: Sweep, *, jobs: int = 1, watching: Watching = lambda tried: None) -> Outcome:
    """Try until there are as many trials as wanted, and say what came of it. A sweep that was killed goes on.

    Trials that are done are not made again, one that was under way goes on from its checkpoint, and asking for more
    trials later adds them.

    Raises:
        MissingExtra: optuna is not installed.
        NothingToTrainOn, UnknownLabel, ModelNotFound, UnsafeWeights, CorruptWeights, UnsuitedModel: as
            `homeostat.train.run.train`; a trial that diverges or does not fit in memory only fails.
    """
    study = sweep.open()
    if jobs > 1:
        _side_by_side(sweep, jobs, lambda: watching(study.tried()))
    work(sweep, study, watching)  # what the others left over, if they died
    for trial in study.tried():
        if trial.state != "running":  # a kill may have fallen between its end and this
            shutil.rmtree(sweep.folder / "trials" / f"{trial.number:04}", ignore_errors=True)
    return outcome(sweep, study)


def work(sweep: Sweep, study: Study, watching: Watching = lambda tried: None) -> None:
    """Make trials in this process until there are enough."""
    torch.set_num_threads(sweep.threads)
    while (claimed := study.claim(sweep.trials)) is not None:
        _attempt(sweep, claimed, lambda: watching(study.tried()))
        watching(study.tried())


def outcome(sweep: Sweep, study: Study) -> Outcome:
    """What is known by now."""
    trials = study.tried()
    ranked = sorted(trials, key=lambda t: (t.state != "done", math.inf if t.held_out is None else t.held_out))
    best = ranked[0] if ranked and ranked[0].state == "done" else None
    return Outcome(
        trials=tuple(ranked),
        best=best,
        own=next((t for t in trials if t.number == 0 and study.own is not None), None),
        fields=changes(sweep.order.recipe, best.values) if best else {},
        importance=study.importance(),
        flops=sum(t.flops for t in trials),
        cpu_seconds=sum(t.cpu_seconds for t in trials),
    )


def _attempt(sweep: Sweep, claimed: Claimed, told: Callable[[], None]) -> None:
    """One trial, to its end or until it is given up."""
    begun, best = time.process_time(), math.inf
    prepared: Prepared | None = None

    def spent() -> dict[str, float]:
        cpu = claimed.before + time.process_time() - begun
        return {"flops": prepared.flops if prepared else 0.0, "cpu_seconds": cpu}

    def look(values: dict[str, float]) -> None:
        nonlocal best
        best = min(best, values["held_out"])
        claimed.look(values["step"], values["steps"], best, spent())
        told()

    order = replace(sweep.order, recipe=_looked_at(sweep, claimed), folder=claimed.folder, report=look)
    try:
        prepared = prepare(order)
        trained = carry_out(order, prepared)
    except GivenUp:
        claimed.end(None, spent())
    except (Diverged, OutOfMemory) as failed:
        claimed.end(None, spent(), why=failed.what)
    except BaseException:
        claimed.leave()
        raise
    else:
        claimed.end(trained.cost["held_out"] - trained.cost["refit"], spent() | {"flops": trained.cost["flops"]})


def _looked_at(sweep: Sweep, claimed: Claimed) -> Any:
    """The trial's recipe, looked at as often as there are rungs, and as patient as before by its share of the run."""
    recipe = tried(sweep.order.recipe, claimed.values)
    patience = math.ceil(recipe.patience * RUNGS / recipe.looks)
    return replace(recipe, looks=RUNGS, patience=patience)


def _side_by_side(sweep: Sweep, jobs: int, told: Callable[[], None]) -> None:
    """Work in so many processes at once. Raises the first error that one of them ended with."""
    context = get_context("forkserver")
    context.set_forkserver_preload(["homeostat.train.run"])
    pairs = [context.Pipe(duplex=False) for _ in range(jobs)]
    workers = [context.Process(target=_worker, args=(sweep, end), daemon=True) for _, end in pairs]
    try:
        for worker in workers:
            worker.start()
        while any(worker.is_alive() for worker in workers):
            time.sleep(POLL_S)
            told()
    finally:
        for worker in workers:
            worker.terminate()
            worker.join()
    for said, _ in pairs:
        if said.poll():
            raise said.recv()


def _worker(sweep: Sweep, failed: Any) -> None:
    """What one of several processes does."""
    parent = os.getppid()

    def watching(tried: list[Tried]) -> None:
        if os.getppid() != parent:
            raise SystemExit("whoever asked for this sweep has gone")

    try:
        work(sweep, sweep.open(), watching)
    except Exception as problem:  # told to whoever started this process, as what it is
        failed.send(problem)

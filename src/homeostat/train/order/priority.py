"""Some kinds of rows before others: tasks in an order, old rows before new ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from homeostat.config.schema import knob
from homeostat.errors import UnknownKey, WrongType, did_you_mean
from homeostat.train.order.draw import Floats, Offer
from homeostat.train.step import Ground

REPLAY, NEW = "replay", "new"


def kinds(ground: Ground, given: tuple[str, ...] = ()) -> list[str]:
    """What kind each row that is trained on is of: as given, or else `replay` or `new`.

    Raises:
        ValueError: there are more or fewer of them than rows.
    """
    if given and len(given) != len(ground.train):
        raise ValueError(f"{len(given)} kinds for {len(ground.train)} rows")
    return list(given) or [REPLAY if s.replay else NEW for s in ground.train]


def tasks_of(ground: Ground, named: tuple[str, ...]) -> list[str]:
    """Which task each row that is trained on is of, in a run whose tasks these are among.

    Raises:
        UnknownKey: one of these is no task of the run.
    """
    for name in named:
        if name not in ground.tasks:
            only = f"the run is of `{ground.tasks[0]}` alone" if len(ground.tasks) == 1 else ""
            fix = only or did_you_mean(name, ground.tasks)
            raise UnknownKey(f"unknown task '{name}'", where="recipe.order.priority.tasks", fix=fix)
    return [s.task or ground.tasks[0] for s in ground.train]


@dataclass(frozen=True, slots=True, kw_only=True)
class Priority:
    """Kinds of rows that become eligible one after the other, in equal parts of a warm-up; then all alike."""

    first: tuple[str, ...] = (REPLAY, NEW)
    """The kinds in their order; rows of no kind that is named come last."""
    tasks: tuple[str, ...] = ()
    """Names of tasks in their order, in the place of `first`, for a run of several (`Order.beside`); rows of tasks that
    are not named come last."""
    given: tuple[str, ...] = ()
    """The kind of each row that is trained on, as somebody else told it; without, `replay` or `new`."""
    warm_up: float = knob(0.25, least=0.0, most=1.0)
    """Share of the run after which all rows are eligible."""

    def begin(self, ground: Ground) -> Offer:
        """Number the rows by when they come; a kind without rows takes no time.

        Raises:
            UnknownKey: a task is named that is none of the run's.
            WrongType: rows have kinds that are given, and tasks are named.
        """
        if self.tasks and self.given:
            where = "recipe.order.priority"
            raise WrongType("rows come by their tasks or by what is given", where=where, fix="leave out one of the two")
        found = tasks_of(ground, self.tasks) if self.tasks else kinds(ground, self.given)
        named = [kind for kind in self.tasks or self.first if kind in found]
        ranks = [named.index(kind) if kind in named else len(named) for kind in found]
        return Stages(np.array(ranks), self.warm_up)


@dataclass(frozen=True, slots=True)
class Stages:
    """Rows by the stage at which they become eligible."""

    stages: NDArray[np.int64]
    """int64[rows], from 0, none left out."""
    until: float

    def __call__(self, share: float) -> Floats:
        """1 for rows of the stages so far, 0 for the others."""
        last = int(self.stages.max())
        stage = int(share / self.until * (last + 1)) if share < self.until else last
        return (self.stages <= stage).astype(np.float64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fading:
    """Much replay at first, so that a new start disturbs little, and less and less of it.

    For a shift of the inputs. Where labels come anew, what is replayed at the end should be half or more.
    """

    begins: float = knob(0.5, least=0.0, most=1.0)
    """Share of replayed rows among those drawn at the first step."""
    ends: float = knob(0.05, least=0.0, most=1.0)
    """The same after the warm-up."""
    warm_up: float = knob(0.25, least=0.0, most=1.0)

    def begin(self, ground: Ground) -> Offer:
        """Count the replayed rows."""
        return Mixing(np.array([s.replay for s in ground.train]), self.warm_up, (self.begins, self.ends))


@dataclass(frozen=True, slots=True)
class Mixing:
    """Replayed rows among new ones, in a share that changes evenly."""

    replayed: NDArray[np.bool_]
    until: float
    shares: tuple[float, float]

    def __call__(self, share: float) -> Floats:
        """Weights whose mean is 1, or all 1 where there are rows of one kind alone."""
        begins, ends = self.shares
        done = min(share / self.until, 1.0) if self.until else 1.0
        wanted, have = begins + (ends - begins) * done, float(self.replayed.mean())
        if have in (0.0, 1.0):
            return np.ones(len(self.replayed))
        return np.where(self.replayed, wanted / have, (1 - wanted) / (1 - have))

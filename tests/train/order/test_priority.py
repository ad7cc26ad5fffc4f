"""Kinds of rows: some before others, or much of one at first."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import seen
import tiny
from homeostat.errors import UnknownKey, WrongType
from homeostat.llm.render import Rendered
from homeostat.train.job import Job
from homeostat.train.order.draw import RowOrder
from homeostat.train.order.priority import Fading, Priority
from homeostat.train.plan import Plan
from homeostat.train.read import changed
from homeostat.train.recipe import Recipe
from homeostat.train.run import Order, Start, prepare
from homeostat.train.samples import Sample
from homeostat.train.step import Ground
from homeostat.types.task import Task
from shown import Shown

OLD, NEW = 200, 400


def ground(old: int = OLD, new: int = NEW) -> Ground:
    """Replayed rows, then new ones."""
    return seen.ground([Sample(Rendered((1, 2), (3,)), replay=k < old) for k in range(old + new)])


def old_share(order: RowOrder, on: Ground, steps: int = 160, seed: int = 0) -> list[float]:
    """The share of replayed rows in every batch of a run."""
    plan = Plan([3] * len(on.train), 20, seed, steps, 0.0, order.begin(on))
    return [float(np.mean([on.train[k].replay for k in batch])) for batch in plan.rest(0)]


def test_old_rows_come_first(shown: Shown) -> None:
    """In the first half of the warm-up old rows alone, then all rows alike."""
    runs = [old_share(Priority(), ground(), seed=draw) for draw in shown.draws(3)]
    more = [float(np.mean(run[:20]) - np.mean(run[20:])) for run in runs]
    shown.over("share of old rows among those drawn first, more than later", more, least=0.6)
    shares = old_share(Priority(), ground())
    assert shares[:20] == [1.0] * 20
    assert np.mean(shares[20:]) == pytest.approx(1 / 3, abs=0.03)


def test_tasks_in_their_order() -> None:
    """Kinds that are named come one after the other, others last; a kind without rows takes no time."""
    on = seen.ground([Sample(Rendered((1, 2), (3,)))] * 90)
    given = ("billing",) * 30 + ("greeting",) * 30 + ("other",) * 30
    offer = Priority(first=("greeting", "nobody", "billing"), given=given, warm_up=0.3).begin(on)
    stages = [offer(share).reshape(3, 30).mean(1).tolist() for share in (0.0, 0.09, 0.11, 0.19, 0.21, 0.9)]
    assert stages == [[0, 1, 0]] * 2 + [[1, 1, 0]] * 2 + [[1, 1, 1]] * 2
    assert Priority(warm_up=0.0).begin(ground())(0.0).all()
    with pytest.raises(ValueError, match="90 kinds for 600 rows"):
        Priority(given=given).begin(ground())


def mixed(llama: Path, folder: Path, order: object) -> Job:
    """A run of three tasks, whose rows are asked about money, motors and light."""
    topics = {"routing": "refund_request", "motors": "broken_pump", "lamps": "light_out"}
    rows = [replace(row, task=task) for task, label in topics.items() for row in tiny.examples((label,), each=40)]
    asked = Order(
        task=tiny.ROUTING,
        beside=[Task(name=name, instruction="route") for name in ("motors", "lamps")],
        start=Start(base=str(llama)),
        examples=rows,
        labels=tuple(topics.values()),
        recipe=changed(Recipe(batch_rows=10, epochs=8, held_out=0.1), {"order": order}, "recipes.mine"),
        folder=folder,
    )
    return prepare(asked).job


def test_a_recipe_names_tasks_in_their_order(llama: Path, tmp_path: Path) -> None:
    """Of a run of several tasks, rows of the first one alone come first, then those of the second too, then all alike;
    a task that is not named comes last.
    """
    job = mixed(llama, tmp_path, {"priority": {"tasks": ["lamps", "routing"], "warm_up": 0.3}})
    train, plan = job.ground.train, Plan.of(job)
    drawn = [{train[k].task or "routing" for k in batch} for batch in plan.rest(0)]
    stage = len(drawn) // 10
    assert len(drawn) > 60
    assert all(some == {"lamps"} for some in drawn[:stage])
    assert set.union(*drawn[stage : 2 * stage]) == {"lamps", "routing"}
    assert set.union(*drawn[3 * stage :]) == {"lamps", "routing", "motors"}
    assert sum("motors" in some for some in drawn[: 2 * stage]) == 0


def test_a_task_that_is_none_of_the_run_is_told(llama: Path, tmp_path: Path) -> None:
    """With the one that was probably meant, or that there is only one; and rows have one kind, not two."""
    with pytest.raises(UnknownKey, match=r"unknown task 'lamp'.*(?s:.*)did you mean 'lamps'"):
        Plan.of(mixed(llama, tmp_path, {"priority": {"tasks": ["lamp"]}}))
    alone = seen.ground([Sample(Rendered((1, 2), (3,)))], tasks=("routing",))
    with pytest.raises(UnknownKey, match="the run is of `routing` alone"):
        Priority(tasks=("routing", "lamps")).begin(alone)
    assert Priority(tasks=("routing",)).begin(alone)(0.0).tolist() == [1.0]
    with pytest.raises(WrongType, match="what is given"):
        Priority(tasks=("routing",), given=("a",)).begin(alone)


def test_replay_fades(shown: Shown) -> None:
    """Half of what is drawn at first is replayed, then less and less, and a twentieth from the warm-up's end on."""
    runs = [old_share(Fading(), ground(), seed=draw) for draw in shown.draws(3)]
    more = [float(np.mean(run[:10]) - np.mean(run[40:])) for run in runs]
    shown.over("share of old rows among those drawn first, more than later", more, least=0.3)
    shares = old_share(Fading(warm_up=0.5), ground())
    assert np.mean(shares[:20]) == pytest.approx(0.5, abs=0.06)
    assert np.mean(shares[30:50]) == pytest.approx(0.28, abs=0.06)
    assert np.mean(shares[80:]) == pytest.approx(0.05, abs=0.01)


def test_nothing_to_fade() -> None:
    """Where all rows are new, or all are old, they are alike."""
    assert Fading().begin(ground(0, 5))(0.0).tolist() == Fading().begin(ground(5, 0))(0.5).tolist() == [1.0] * 5

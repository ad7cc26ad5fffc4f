"""The learning-rate range test."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

import tiny
from homeostat.errors import Diverged, NothingToTrainOn
from homeostat.train.objectives.completion import Completion
from homeostat.train.objectives.distill.sdft import Sdft
from homeostat.train.objectives.preference.mixed import Mixed
from homeostat.train.run import Order, train
from homeostat.train.step import Objective
from homeostat.train.sweep.rising import BELOW, BROKEN, Point, judged, rise


def course(losses: list[float]) -> list[Point]:
    """Points whose rate is a thousandth at first and doubles."""
    return [Point(rate=1e-3 * 2**k, loss=loss, smooth=loss) for k, loss in enumerate(losses)]


@pytest.fixture
def task(order: Order) -> Order:
    """120 rows, of which a fifth is held out; nothing is fitted afterwards, and nothing goes back."""
    recipe = replace(order.recipe, held_out=0.2, refit=False, back_offs=0)
    return replace(order, examples=tiny.examples(each=40), recipe=recipe)


@pytest.mark.slow
def test_the_suggestion_trains_and_above_the_break_it_diverges(task: Order, tmp_path: Path) -> None:
    """At the suggested rate a whole run ends far below where it began, lower than at a hundredth of it; at thirty times
    the rate at which the loss ran away it diverges, and at three times it learns less than half as much.
    """
    found = rise(task)
    assert found.broke is not None
    assert found.suggested <= found.broke / BELOW * 1.05

    def held_out(rate: float) -> float:
        recipe = replace(task.recipe, lr=rate)
        return train(replace(task, recipe=recipe, folder=tmp_path / f"{rate:.3g}")).cost["held_out"]

    began = found.points[0].loss
    good = held_out(found.suggested)
    assert good < 0.5 * began
    assert good < held_out(found.suggested / 100)
    with pytest.raises(Diverged):
        held_out(30 * found.broke)
    assert began - held_out(3 * found.broke) < 0.5 * (began - good)


def test_the_rate_rises_by_the_same_factor(task: Order) -> None:
    """From the lowest to the highest, unless the loss runs away before; what it took is told."""
    found = rise(task, steps=12, low=1e-5, high=1e-3)
    rates = [point.rate for point in found.points]
    assert len(rates) == 12
    assert rates[0] == 1e-5
    assert rates[-1] == pytest.approx(1e-3)
    factors = [after / before for before, after in pairwise(rates)]
    assert max(factors) == pytest.approx(min(factors))
    assert found.broke is None
    assert found.flops > 0
    assert found.cpu_seconds > 0


@pytest.mark.parametrize("objective", [Completion(), Mixed()])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_step_is_that_of_a_run(task: Order, objective: Objective, precision: str) -> None:
    """After one step at a rate the loss is what a run of one step ends at: of rows of one sort or of several, some of
    which have a worse reply beside the better one, and in whatever the recipe computes.
    """
    rows = [replace(row, task="replies", rejected="no" if k % 2 else "") for k, row in enumerate(task.examples)]
    recipe = replace(task.recipe, objective=objective, precision=precision, lr=3e-3, warm_up=0.0, max_steps=1, looks=1)
    texts = replace(task, task=tiny.REPLIES, labels=(), examples=rows, recipe=recipe)
    (point,) = rise(texts, steps=1, low=3e-3).points
    assert point.loss == pytest.approx(train(texts).cost["held_out"], rel=1e-5)


def test_a_slow_average_teaches(task: Order) -> None:
    """Where the model on a slow average is the teacher, its course is another than where the model teaches itself."""
    texts = replace(task, task=tiny.REPLIES, labels=(), examples=task.examples[:24])

    def course(rate: float) -> list[float]:
        recipe = replace(task.recipe, objective=Sdft(rate=rate, template="{request} {reply}"), batch_rows=8)
        return [point.loss for point in rise(replace(texts, recipe=recipe), steps=4, low=1e-3, high=1e-1).points]

    slow, itself = course(0.01), course(1.0)
    assert slow == course(0.01)
    assert slow != itself


def test_the_same_seed_is_the_same_course(task: Order) -> None:
    """Two tests of the same training show the same losses, and leave nothing in its folder."""
    first, second = rise(task, steps=10), rise(task, steps=10)
    assert first.points == second.points
    assert not task.folder.exists()


def test_where_it_falls_fastest() -> None:
    """The steepest step before the lowest loss is suggested, held below the break."""
    found = judged(course([3.0, 2.9, 2.0, 1.8, 1.7, 4.0]))
    assert (found.steepest, found.lowest, found.broke) == (4e-3, 16e-3, 32e-3)
    assert found.suggested == 4e-3
    late = judged(course([3.0, 2.95, 2.9, 2.8, 1.0, 4.0]))
    assert late.steepest == 16e-3
    assert late.suggested == 8e-3 == late.broke / BELOW  # type: ignore[operator]


def test_no_number_is_a_break() -> None:
    """A loss that is not a number has run away."""
    found = judged(course([3.0, 2.0, 1.5, math.nan]))
    assert found.broke == 8e-3
    assert found.lowest == 4e-3


def test_a_loss_that_never_falls() -> None:
    """Nothing is suggested where every rate makes it worse."""
    found = judged(course([1.0, 1.2, 1.5, 1.0 * BROKEN + 0.1]))
    assert found.suggested == 0.0


def test_nothing_is_nothing(task: Order) -> None:
    """No rows, no test."""
    with pytest.raises(NothingToTrainOn):
        rise(replace(task, examples=[]))

"""What a sweep will take."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import tiny
from homeostat.train.adapt.lora import Lora
from homeostat.train.run import Order
from homeostat.train.sweep.price import price
from homeostat.train.sweep.space import Choice, Range
from homeostat.train.sweep.trials import Sweep, search


@pytest.fixture
def sweep(order: Order, tmp_path: Path) -> Sweep:
    """Four trials of two passes."""
    recipe = replace(order.recipe, lr=3e-3, epochs=2, held_out=0.2, adapt=Lora(rank=4))
    small = replace(order, examples=tiny.examples(each=20), recipe=recipe)
    space = {"lr": Range(low=1e-3, high=1e-2, log=True), "rank": Choice(among=(2, 4))}
    return Sweep(order=small, space=space, trials=4, folder=tmp_path / "sweep")


@pytest.mark.slow
def test_it_is_told_what_is_then_spent(sweep: Sweep) -> None:
    """Never more than was said at most, and one trial to its end is what was said of one, within a tenth; nothing is
    written.
    """
    pytest.importorskip("optuna")
    told = price(sweep)
    assert not sweep.folder.exists()
    found = search(sweep)
    assert found.flops <= 1.05 * told.flops_most
    assert found.own is not None
    assert found.own.flops == pytest.approx(told.flops_each, rel=0.1)
    assert told.flops_about < told.flops_most
    assert told.trials == 4
    assert told.rows + told.held_out == 60


def test_dear_values_are_counted(sweep: Sweep) -> None:
    """More passes in the space raise the most that it may take, and leave what one trial takes."""
    longer = replace(sweep, space={**sweep.space, "epochs": Range(low=1, high=6, whole=True)})
    assert price(longer).flops_most > 1.5 * price(sweep).flops_most
    assert price(longer).flops_each == price(sweep).flops_each


def test_a_known_speed_tells_the_time(sweep: Sweep) -> None:
    """Operations divided by the speed of an earlier training; without one by that of the machine."""
    told = price(sweep, 1e9)
    assert told.cpu_seconds_about == pytest.approx(told.flops_about / 1e9)
    assert price(sweep).flops_per_s > 0

"""The rate that suits a base."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from homeostat.train.adapt.full import Full
from homeostat.train.rates import RATE, WARM, WIDTH, suited, with_rate
from homeostat.train.recipe import Recipe
from homeostat.train.run import Order, Start, Trained, train


def test_the_built_in_width_is_where_it_was_measured() -> None:
    """At the built-in model's width an adapter's rate is the default one."""
    assert suited(WIDTH, "lora") == RATE == 2e-3


def test_wider_is_slower() -> None:
    """The rate falls with the width, and at the widths of models of billions it is near the usual 2e-4."""
    rates = [suited(width, "lora") for width in (64, 256, 576, 2048, 4096)]
    assert rates == sorted(rates, reverse=True)
    assert 1.5e-4 <= rates[-1] <= rates[-2] <= 5e-4


@pytest.mark.parametrize("width", [64, 256, 2048])
def test_all_weights_take_a_tenth(width: int) -> None:
    """An adapter's best rate is ten times that of all weights."""
    assert suited(width, "full") == pytest.approx(suited(width, "lora") / 10, rel=0.05)


def test_a_rate_that_is_given_stays() -> None:
    """Only a recipe without a rate gets one, a gentler one where it goes on from a champion."""
    config = SimpleNamespace(hidden_size=WIDTH)
    assert with_rate(Recipe(lr=7e-4), config, warm=True).lr == 7e-4
    assert with_rate(Recipe(lr=0.0), config, warm=False).lr == RATE
    assert with_rate(Recipe(lr=0.0), config, warm=True).lr == WARM * RATE
    assert with_rate(Recipe(lr=0.0, adapt=Full()), config, warm=False).lr == pytest.approx(RATE / 10)


@pytest.mark.slow
def test_a_run_says_which_rate_it_took(
    order: Order, champion: Start, watched: Callable[..., tuple[Trained, list[dict[str, float]]]], tmp_path: Path
) -> None:
    """A run whose recipe has no rate trains at the one that suits, reports it, and learns as if it had been given."""
    quick = replace(order.recipe, lr=0.0, epochs=2, warm_up=0.0, schedule="constant")
    trained, seen = watched(recipe=quick)
    assert trained.cost["lr"] == suited(48, "lora")
    assert {values["lr"] for values in seen} == {suited(48, "lora")}
    told = replace(quick, lr=suited(48, "lora"))
    same: Any = train(replace(order, recipe=told, folder=tmp_path / "told"))
    assert same.cost["held_out"] == trained.cost["held_out"]
    warm = train(replace(order, recipe=quick, start=champion, folder=tmp_path / "warm"))
    assert warm.cost["lr"] == pytest.approx(WARM * suited(48, "lora"))

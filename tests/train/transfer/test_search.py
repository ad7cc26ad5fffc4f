"""Weights searched on held-out rows: a planted optimum is found, and on real rows the sum beats the mean."""

from __future__ import annotations

from typing import Any

import pytest

import tiny
from homeostat.train.transfer.merge import Weights, weighted_sum
from homeostat.train.transfer.product import Adapter
from homeostat.train.transfer.search import Found, Measure, search
from train.transfer.adapters import EVERY, Judge
from train.transfer.test_product import product


def layered(seed: int) -> Adapter:
    """Two blocks of one layer each."""
    return Adapter(layers={f"m.{k}.q": product(seed=10 * seed + k) for k in range(2)})


def away_from(goal: Adapter) -> Measure:
    """Squared distance from an adapter's ΔW, over all layers."""
    wanted = {name: p.dense() for name, p in goal.layers.items()}

    def measure(adapter: Adapter) -> float:
        return sum(float((p.dense() - wanted[name]).square().sum()) for name, p in adapter.layers.items())

    return measure


def found(planted: Weights, **how: Any) -> Found:
    adapters = [layered(seed) for seed in range(3)]
    return search(adapters, away_from(weighted_sum(adapters, planted)), **how)


def test_planted_weights_are_found() -> None:
    """Weights off the mean, one of them negative, are found to the last step's length, in few measurements."""
    result = found(Weights((1.0, -0.5, 0.25)))
    assert result.weights.every == pytest.approx((1.0, -0.5, 0.25), abs=0.125)
    assert result.loss < 0.02 * result.mean
    assert result.asked <= 80


def test_blocks_get_weights_of_their_own() -> None:
    """Where the layers want different weights, those of all fall short, and those by block come near."""
    planted = Weights((1.0, 0.0, 0.0), {"m.1": (0.0, 0.75, 0.5)})
    together, apart = found(planted), found(planted, by_block=True)
    assert together.weights.blocks == {}
    assert apart.loss < 0.1 * together.loss
    assert apart.weights.at("m.0.q") == pytest.approx((1.0, 0.0, 0.0), abs=0.15)
    assert apart.weights.at("m.1.q") == pytest.approx((0.0, 0.75, 0.5), abs=0.15)


def test_it_ends_when_told() -> None:
    """After so many measurements the best so far is given, never worse than the mean; a flat loss moves nothing."""
    short = found(Weights((1.0, -0.5, 0.25)), most=5)
    assert short.asked == 5
    assert short.loss <= short.mean
    flat = search([layered(0), layered(1)], lambda adapter: 1.0)
    assert flat.weights == Weights((0.5, 0.5))
    assert flat.asked == 1 + 3 * 4


@pytest.mark.slow
def test_on_real_rows_it_beats_the_mean(judge: Judge, domains: list[Adapter]) -> None:
    """Two domains' adapters, weighted by 40 held-out rows of both, lose less than their mean on rows never seen."""
    held, fresh = tiny.examples(EVERY, each=10, seed=5), tiny.examples(EVERY, each=40, seed=6)
    result = search(domains, lambda adapter: judge.loss(adapter, held), most=25)
    assert result.loss < result.mean == pytest.approx(judge.loss(weighted_sum(domains, (0.5, 0.5)), held), rel=1e-5)
    chosen = weighted_sum(domains, result.weights)
    assert judge.loss(chosen, fresh) < judge.loss(weighted_sum(domains, (0.5, 0.5)), fresh) - 0.05


def test_it_begins_where_it_is_told() -> None:
    """At the planted weights nothing helps, so that they stay, and what it began at is what is told beside them."""
    planted = Weights((1.0, -0.5, 0.25))
    result = found(planted, start=planted)
    assert result.weights == planted
    assert result.loss == result.mean == pytest.approx(0.0, abs=1e-6)
    assert result.asked < found(planted).asked

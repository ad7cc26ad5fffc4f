"""Who comes first."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from homeostat.decide.rank import first
from homeostat.decide.value import Worth
from homeostat.types.report import Score


def worth(value: float, cost: float) -> Worth:
    gain = Score(mean=0.1, low=0.0, high=0.2, n=50)
    return Worth(gain=gain, value=value, cost=cost, labels=10, labels_cost=1.0, labels_value=0.0)


def test_most_for_its_cost_comes_first() -> None:
    """What wins most beyond its cost, per cost; what is free and wins something before all others; equals by name."""
    worths = {
        "b": worth(30, 10),
        "a": worth(30, 10),
        "large": worth(1000, 500),
        "free": worth(1, 0),
        "idle": worth(0, 0),
        "loss": worth(5, 10),
        "priceless": worth(100, math.inf),
    }
    assert first(worths) == ["free", "a", "b", "large", "idle", "loss", "priceless"]


def test_a_risk_is_no_bill() -> None:
    """It makes a gain smaller, and not dearer: of two tasks of the same bill that with the larger net comes first, also
    where the risk grows with what an answer is worth.
    """
    risky = {k: replace(worth(k * 50, k * 9.0 + 1.0), parts={"making": 1.0, "risk": k * 9.0}) for k in (1, 10)}
    assert risky[10].bill == risky[1].bill == 1.0
    assert first({"a": risky[1], "b": risky[10]}) == ["b", "a"]


def test_the_order_wins_nearly_what_the_best_set_wins() -> None:
    """On 300 made-up budgets of eight tasks: of what the best set wins beyond its cost, at least 95 % on average, and
    much more than first come, first served. A set that costs more than the budget is never taken.
    """
    rng = np.random.default_rng(11)
    shares = np.array([_shares(rng) for _ in range(300)])
    ranked, served = shares.mean(axis=0)
    assert ranked > 0.95
    assert ranked > served + 0.15
    assert shares.max() <= 1.0 + 1e-9


def _shares(rng: np.random.Generator) -> tuple[float, float]:
    """What tasks win under a budget in the order of `first` and in that of their names, as shares of the best set's."""
    costs, gains = rng.lognormal(0.0, 1.0, 8), rng.lognormal(0.5, 1.0, 8)
    budget = costs.sum() * rng.uniform(0.2, 0.7)
    worths = {f"t{k}": worth(float(g + c), float(c)) for k, (g, c) in enumerate(zip(gains, costs, strict=True))}
    sets = [[k for k in range(8) if n >> k & 1] for n in range(256)]
    best = max(gains[some].sum() for some in sets if costs[some].sum() <= budget)
    return (_won(first(worths), worths, budget) / best, _won(sorted(worths), worths, budget) / best) if best else (1, 1)


def _won(order: list[str], worths: dict[str, Worth], budget: float) -> float:
    """What is won beyond the cost where each in turn is done if it still fits."""
    won = 0.0
    for task in order:
        if worths[task].cost <= budget:
            budget -= worths[task].cost
            won += worths[task].value - worths[task].cost
    return won

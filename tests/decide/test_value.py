"""What each choice is worth, checked against a simulation of making it."""

from __future__ import annotations

import numpy as np
import pytest

from homeostat.config.schema import Decide
from homeostat.decide.sentence import number
from homeostat.decide.value import Evidence, value_of_labels, weigh
from homeostat.types.report import Score


def test_units() -> None:
    """Value is gain times horizon times value; cost is CPU-hours times price; labels cost what they cost."""
    evidence = Evidence(
        task="t", gain=Score(mean=0.1, low=0.0, high=0.2, n=100), n_labels=100, requests=10, train_cpu_s=7200
    )
    settings = Decide(value_per_correct=3, horizon_requests=50, price_per_cpu_hour=4, price_per_label=2, min_labels=30)
    worth = weigh(evidence, settings)
    assert worth.value == pytest.approx(15.0)
    assert (worth.cost, worth.labels, worth.labels_cost) == (8.0, 30, 60.0)


@pytest.mark.parametrize(("mean", "cost"), [(0.02, 100.0), (0.0, 0.0), (-0.03, 50.0), (0.05, 900.0)])
def test_value_of_labels(mean: float, cost: float) -> None:
    """The formula is the mean, over simulated further labels, of the better of waiting and retraining."""
    rng = np.random.default_rng(1)
    n, more, sd, stake = 80, 60, 0.35, 10_000.0
    error = sd / np.sqrt(n)
    truth = rng.normal(mean, error, 200_000)
    seen = rng.normal(truth, sd / np.sqrt(more))
    posterior = (n * mean + more * seen) / (n + more)
    simulated = np.maximum(0.0, stake * posterior - cost)
    score = Score(mean=mean, low=mean - 1.959964 * error, high=mean + 1.959964 * error, n=n)
    value = value_of_labels(score, more, stake=stake, cost=cost)
    assert value == pytest.approx(simulated.mean(), abs=4 * simulated.std() / np.sqrt(len(truth)))


def test_labels_never_hurt() -> None:
    """Deciding with more labels is worth at least what deciding now is."""
    score = Score(mean=0.05, low=0.05, high=0.05, n=100)
    assert value_of_labels(score, 60, stake=1000, cost=20) == pytest.approx(30)
    assert value_of_labels(score, 60, stake=1000, cost=80) == 0.0


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (10_000, "10,000"),
        (840.2, "840"),
        (100.0, "100"),
        (12.54, "12.5"),
        (60, "60"),
        (0.1, "0.1"),
        (0.0011, "0.001"),
        (0, "0"),
        (0.0001, "less than 0.001"),
        (-0.0001, "more than -0.001"),
        (-3.14, "-3.1"),
    ],
)
def test_number(value: float, text: str) -> None:
    """Numbers carry no false precision."""
    assert number(value) == text

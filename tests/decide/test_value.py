"""What each choice is worth, checked against a simulation of making it."""

from __future__ import annotations

from dataclasses import replace

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


UNMEASURED = Evidence(
    task="t", gain=Score(mean=0.0, low=-1.0, high=1.0, n=0), n_labels=5, requests=10, train_cpu_s=3600.0
)


def test_a_fall_of_quality_bounds_what_no_label_measured() -> None:
    """It is no gain: nothing is expected, and nothing retrained; but what labels can tell is worth less the less there
    is to win back, and nothing where nothing fell. A measured gain makes it needless.
    """
    settings = Decide(horizon_requests=1000, value_per_correct=2.0)
    blind = weigh(UNMEASURED, settings)
    worths = [
        weigh(replace(UNMEASURED, fall=Score(mean=mean, low=mean - 0.02, high=mean + 0.02, n=2000)), settings)
        for mean in (0.2, 0.05, -0.05)
    ]
    assert blind.most is None
    assert [one.most for one in worths] == [
        pytest.approx(pair) for pair in ((400.0, 440.0), (100.0, 140.0), (0.0, 0.0))
    ]
    assert all((one.value, one.gain.mean) == (0.0, 0.0) for one in worths)
    assert blind.labels_value > worths[0].labels_value > worths[1].labels_value > worths[2].labels_value == 0.0
    known = replace(UNMEASURED, gain=Score(mean=0.1, low=0.0, high=0.2, n=100), fall=Score(mean=0, low=0, high=0, n=9))
    assert weigh(known, settings) == weigh(replace(known, fall=None), settings)


def test_the_bound_is_what_labels_can_be_worth_at_most() -> None:
    """Simulated: a gain anywhere between nothing and what was lost, known after the labels, is worth no more than the
    whole of it.
    """
    stake, high = 1000.0, 0.1
    found = weigh(
        replace(UNMEASURED, fall=Score(mean=0.08, low=0.06, high=high, n=2000)), Decide(horizon_requests=1000)
    )
    simulated = np.maximum(0.0, stake * np.random.default_rng(2).uniform(0.0, high, 100_000) - found.cost).mean()
    assert 0.0 < found.labels_value < stake * high
    assert found.labels_value == pytest.approx(simulated, rel=0.3)

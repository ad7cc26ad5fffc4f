"""Metrics that an objective may be about."""

from __future__ import annotations

import pytest

from homeostat.config.schema import METRICS
from homeostat.decide.metric import KNOWN, named, prices, word
from homeostat.types.task import Kind


@pytest.mark.parametrize("kind", list(Kind))
def test_every_task_has_its_own_metric_and_those_of_all(kind: Kind) -> None:
    """And none that only the other kind can have."""
    assert named(METRICS[kind], kind) == METRICS[kind]
    assert named("satisfaction", kind) == "satisfaction"
    (other,) = set(Kind) - {kind}
    for name, metric in KNOWN.items():
        if metric.kinds == (other,):
            with pytest.raises(ValueError, match=f"knows no metric '{name}'"):
                named(name, kind)


def test_what_is_needed_is_taken() -> None:
    """A key that must be there is one that may be; effort is what no training changes."""
    assert all(set(metric.needs) <= set(metric.takes) for metric in KNOWN.values())
    effort = {name for name, metric in KNOWN.items() if not metric.taught}
    assert effort == {"latency_ms", "latency_p95_ms", "tokens", "cost", "error_rate"}


def test_words_and_prices() -> None:
    """A tag may be written as a number; nothing is no tag; prices are numbers of at least 0."""
    assert (word(2, "tag"), word(None, "tag")) == ("2", "")
    assert prices(None) is None
    for value in ({}, 3, {"read": True}, {"hour": float("inf")}):
        with pytest.raises(ValueError, match="must have"):
            prices(value)

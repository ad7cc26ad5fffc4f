"""Objectives as the configuration states them, and what is none."""

from __future__ import annotations

import math
from typing import Any

import pytest

from homeostat.config.schema import Config, Model, Tasks
from homeostat.decide.metric import Prices
from homeostat.decide.stated import objectives_of, read
from homeostat.errors import WrongType
from homeostat.types.alert import Severity
from homeostat.types.task import Kind

FASTER = {"metric": "resolution_s", "change": "-15%", "since": "2026-01-01", "by": "2026-03-31"}


def test_the_objectives_of_a_task() -> None:
    """That of the old knob first, then the named ones; one that is none is told with its place."""
    tasks = {"routing": Tasks(objective_at_least=0.9, objectives={"rating": 0.8, "faster": FASTER})}
    names = [(one.name, one.metric) for one in objectives_of(Config(tasks=tasks), "routing")]
    assert names == [("objective_at_least", "accuracy"), ("rating", "rating"), ("faster", "resolution_s")]
    broken = Config(tasks={"routing": Tasks(objectives={"fast": {"metric": "speed", "at_least": 1}})})
    with pytest.raises(WrongType, match="knows no metric 'speed'") as told:
        objectives_of(broken, "routing")
    assert "tasks.routing.objectives.fast" in str(told.value)


def test_a_slice_is_words() -> None:
    """Numbers among tags are texts, as tags are; the slice is told in words."""
    one = read("m", {"metric": "rating", "at_least": 0.8, "slice": {"channel": "mobile", "tier": 2}}, Kind.TEXT)
    assert one.slice == {"channel": "mobile", "tier": "2"}
    assert one.where == "channel=mobile, tier=2"
    assert math.isinf(one.by)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({"metric": "rating", "at_most": 0.5}, "more is better: use `at_least`"),
        ({"metric": "tokens", "at_least": 5}, "less is better: use `at_most`"),
        ({"metric": "rating"}, "either a line"),
        ({"metric": "rating", "at_least": 0.5, "change": "5%", "since": "2026-01-01"}, "either a line"),
        ({"metric": "rating", "change": "5%"}, "no `since`"),
        ({"metric": "rating", "change": "more", "since": "2026-01-01"}, "a change such as -15%"),
        ({**FASTER, "by": "2025-01-01"}, "not after its `since`"),
        ({**FASTER, "by": "in March"}, "a date such as 2026-03-31"),
        ({**FASTER, "over": "long"}, "not a span of time"),
        ({**FASTER, "over": 3}, "a span of time such as 28d"),
        ({**FASTER, "slice": "mobile"}, "a slice of tags"),
        ({"metric": "rating", "at_leats": 0.5}, "did you mean 'at_least'"),
        ({"metric": "chrf", "at_least": 0.5}, "knows no metric 'chrf' of a task of kind label"),
        ({"metric": "rating", "at_least": True}, "must have a number"),
        ({"metric": "rating", "at_least": 0.8, "alert": 0.9}, "alert level that is better than its target"),
        ({"metric": "latency_ms", "at_most": 200, "alert": 100}, "alert level that is better than its target"),
        ({"metric": "rating", "at_least": 0.8, "alert": "low"}, "must have a number for alert"),
        ({**FASTER, "alert": "-20%"}, "alert level that is better than its target"),
        ({**FASTER, "alert": 20}, "stated as its change is"),
        (
            {"metric": "rating", "at_least": 0.8, "alert": 0.7, "severity": "bad"},
            "a severity of info, warning, critical",
        ),
        ({"metric": "rating", "at_least": 0.8, "severity": "info"}, "no `alert`"),
        ({"metric": "recall", "at_least": 0.8, "label": ["a"]}, "a label by its name"),
        ({"metric": "cost", "at_most": 1, "prices": {"token": 1}}, "prices such as"),
        ({"metric": "cost", "at_most": 1, "prices": {"read": -1}}, "at least 0 for the price read"),
        ({"metric": "accuracy_gap", "at_most": 0.1}, "has no `tag`, which accuracy_gap must have"),
        ({"metric": "accuracy", "at_least": 0.9, "label": "refund"}, "accuracy has nothing to do"),
        ({"metric": "rouge", "at_least": 0.9}, "knows no metric 'rouge' of a task of kind label"),
    ],
)
def test_what_is_no_objective(value: Any, told: str) -> None:
    """Each with what is wrong and what to write."""
    with pytest.raises(ValueError, match=told):
        read("one", value, Kind.LABEL)


def test_an_alert_level_and_what_belongs_to_a_metric() -> None:
    """A level beside the line, critical if it does not say; a label, a tag and prices where the metric has a use for
    them.
    """
    f1 = read("refunds", {"metric": "f1", "label": "refund", "at_least": 0.8, "alert": 0.7}, Kind.LABEL)
    assert (f1.line, f1.alert, f1.severity, f1.label) == (0.8, 0.7, Severity.CRITICAL, "refund")
    gap = read("accuracy_gap", {"tag": "language", "at_most": 0.1, "alert": 0.1, "severity": "info"}, Kind.TEXT)
    assert (gap.tag, gap.alert, gap.severity, gap.sign) == ("language", 0.1, Severity.INFO, -1.0)
    cost = read("cost", {"at_most": 0.01, "prices": {"read": 0.5, "written": 2}}, Kind.TEXT)
    assert cost.prices == Prices(read=0.5, written=2.0)
    assert read("cost", 0.01, Kind.TEXT).prices is None


def test_what_a_server_costs_must_be_said() -> None:
    """Where the model answers elsewhere, nobody here knows its prices."""
    tasks = {"routing": Tasks(objectives={"cost": 0.01})}
    assert objectives_of(Config(tasks=tasks), "routing")[0].metric == "cost"
    with pytest.raises(WrongType, match="no `prices`, and a server answers"):
        objectives_of(Config(tasks=tasks, model=Model(base="http://there:8000#base")), "routing")

"""What is worth watching names metrics that are there, and no other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from homeostat.gateway.measures import MEASURES
from homeostat.gateway.metrics import Metrics
from homeostat.gateway.observing import condition
from homeostat.serve.answer import Answerer
from homeostat.store import Store
from homeostat.store.notes import SEEN, STANDINGS
from homeostat.types.alert import Alert, Severity
from homeostat.types.delivery import Delivery
from homeostat.types.feedback import Feedback, FeedbackKind
from homeostat.types.interaction import Interaction
from keywords import KeywordBackend, configured

METRIC = re.compile(r"\bhomeostat_\w+")
LABELS = re.compile(r"(homeostat_\w+)\{([^}]*)\}")


@pytest.fixture
def samples(tmp_path: Path) -> Iterator[dict[str, set[str]]]:
    """Name of each sample that `/metrics` has once everything has happened -> names of its labels."""
    with Store.open(f"sqlite:///{tmp_path / 'store.db'}", tmp_path / "blobs") as store:
        answerer = Answerer(KeywordBackend(), store, configured())
        counted = Metrics(answerer)
        happen(store, counted)
        yield told(counted)
        answerer.close()


def happen(store: Store, counted: Metrics) -> None:
    """One of everything that is counted."""
    alert = Alert(id="alr_1", task="t", time=1.0, kind="mix", severity=Severity.WARNING, says="x", key="k")
    sent = Delivery(id="dlv_1", alert="alr_1", channel="ops", edition="1", time=1.0)
    store.alerts.tell([alert], lambda before, cause: (cause, [sent]))
    store.state.put(SEEN, 5.0)
    one = {"task": "t", "objective": "fast", "metric": "cost", "standing": "met", "values": {"mean": 1.0}, "rows": 9}
    store.state.put(STANDINGS, {"time": 5.0, "objectives": [one]})
    counted.finished("/v1/chat/completions", 200)
    row = Interaction(id="int_1", task="t", time=1.0, text="a", reply="b", version="ver_1")
    counted._replies.labels(row.task, row.version, "full").inc()
    counted._seconds.labels(row.task).observe(0.1)
    counted.feedback([Feedback(id="fbk_1", interaction="int_1", kind=FeedbackKind.LABEL, value="c", time=2.0)])


def told(counted: Metrics) -> dict[str, set[str]]:
    """The samples, as a reader of the text finds them."""
    families = text_string_to_metric_families(generate_latest(counted.registry).decode())
    found: dict[str, set[str]] = {}
    for family in families:
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


def test_every_metric_that_is_named_is_there(samples: dict[str, set[str]]) -> None:
    """In every expression of the rules and the dashboard, and with the labels by which it is narrowed."""
    for measure in MEASURES:
        for expr in (measure.expr, *(condition(measure, alarm) for alarm in measure.alarms)):
            assert set(METRIC.findall(expr)) <= set(samples), measure.title
            for name, labels in LABELS.findall(expr):
                assert {part.partition("=")[0].rstrip("!~") for part in labels.split(",")} <= samples[name]


def test_every_metric_of_ours_is_watched(samples: dict[str, set[str]]) -> None:
    """A metric that no panel shows would be counted for nobody."""
    named = {name for measure in MEASURES for name in METRIC.findall(measure.expr)}
    families = {re.sub(r"_(total|created|bucket|count|sum)$", "", name) for name in samples}
    assert families == {re.sub(r"_(total|bucket)$", "", name) for name in named}


def test_names_are_used_once() -> None:
    """Titles and alarms are told apart by their names; thresholds are finite, durations are Prometheus's."""
    alarms = [alarm for measure in MEASURES for alarm in measure.alarms]
    assert len({measure.title for measure in MEASURES}) == len(MEASURES)
    assert len({alarm.name for alarm in alarms}) == len(alarms) >= 8
    assert all(re.fullmatch(r"\d+[smh]", alarm.lasting) for alarm in alarms)
    assert all(alarm.says.endswith((".", "--open", "alerts", "doctor")) for alarm in alarms)


def test_what_a_legend_names_is_kept_by_its_expression() -> None:
    """A line cannot be called by a label that was summed away."""
    for measure in MEASURES:
        for label in re.findall(r"\{\{(\w+)\}\}", measure.legend):
            by = re.search(r"by \(([^)]*)\)", measure.expr)
            assert by is None or label in by[1].split(", "), measure.title

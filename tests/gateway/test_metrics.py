"""Counts for Prometheus."""

from __future__ import annotations

import math
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import httpx
import openai

from homeostat.collect.unanswered import unanswered
from homeostat.decide.objective import progress
from homeostat.decide.stated import read
from homeostat.loop.deciding.objectives import publish
from homeostat.serve.answer import Answerer
from homeostat.store import Store
from homeostat.store.notes import SEEN
from homeostat.types.alert import Alert, Severity
from homeostat.types.delivery import Delivery, Post
from homeostat.types.report import Score
from homeostat.types.task import Kind


def ask(client: openai.OpenAI) -> str:
    got = client.chat.completions.create(model="routing", messages=[{"role": "user", "content": "parcel"}])
    return str(got.id)


def test_metrics_count_requests_replies_feedback_and_rows(client: openai.OpenAI, address: str) -> None:
    """What happened stands in the text that Prometheus reads."""
    id = ask(client)
    httpx.post(f"{address}/v1/feedback", json={"interaction": id, "kind": "rating", "value": 1})
    httpx.post(f"{address}/v1/feedback", content=b"{")
    httpx.get(f"{address}/nowhere/{'x' * 50}")
    text = httpx.get(f"{address}/metrics").text
    for line in (
        'homeostat_requests_total{path="/v1/chat/completions",status="200"} 1.0',
        'homeostat_requests_total{path="/v1/feedback",status="201"} 1.0',
        'homeostat_requests_total{path="/v1/feedback",status="400"} 1.0',
        'homeostat_requests_total{path="other",status="404"} 1.0',
        'homeostat_feedback_total{kind="rating"} 1.0',
        'homeostat_rows{state="stored"} 2.0',
        'homeostat_copies{state="open"} 0.0',
        'homeostat_reply_seconds_count{task="routing"} 1.0',
    ):
        assert line in text
    assert 'stage="full",task="routing"' in text


def test_requests_without_a_reply_are_written_down(address: str, answerer: Answerer, store: Store) -> None:
    """By status, with their task where there is one, about a second later; replies and other paths are not."""
    with openai.OpenAI(base_url=f"{address}/v1", api_key="none", max_retries=0) as client:
        ask(client)
    for body in ({"model": "routing", "messages": []}, {"model": "routing", "n": 2}, {"model": "nowhere" * 9}):
        httpx.post(f"{address}/v1/chat/completions", json=body | {"messages": [{"role": "user", "content": "x"}]})
    httpx.post(f"{address}/v1/feedback", content=b"{")
    until = time.monotonic() + 20
    while sum(one.n for one in unanswered(store)) < 2 and time.monotonic() < until:
        time.sleep(0.1)
    assert {(one.task, one.status, one.n, one.fault) for one in unanswered(store)} == {
        ("", 400, 1, False),
        ("", 404, 1, False),
    }


def test_what_the_worker_has_written_down_is_counted(address: str, store: Store) -> None:
    """Alerts ever and open, deliveries by what has become of them, and when the worker watched last."""
    text = httpx.get(f"{address}/metrics").text
    assert "\nhomeostat_worker_seen_seconds" not in text
    alert = Alert(id="alr_1", task="routing", time=1.0, kind="mix", severity=Severity.WARNING, says="x", key="k")
    sent = [
        Delivery(id=f"dlv_{name}", alert="alr_1", channel=name, edition="1", time=1.0, state=state)
        for name, state in (("ops", Post.DEAD), ("mail", Post.SENT))
    ]
    store.alerts.tell([alert], lambda before, cause: (cause, sent))
    store.alerts.change("alr_1", lambda one: (replace(one, severity=Severity.CRITICAL), ()))
    store.state.put(SEEN, 1_760_000_000.0)
    text = httpx.get(f"{address}/metrics").text
    for line in (
        'homeostat_alerts_total{kind="mix",severity="warning",task="routing"} 1.0',
        'homeostat_alerts_open{kind="mix",severity="critical",task="routing"} 1.0',
        'homeostat_deliveries{channel="ops",state="dead"} 1.0',
        'homeostat_deliveries{channel="mail",state="sent"} 1.0',
        "homeostat_worker_seen_seconds 1.76e+09",
    ):
        assert line in text
    store.alerts.change("alr_1", lambda one: (replace(one, resolved=2.0), ()))
    text = httpx.get(f"{address}/metrics").text
    assert "homeostat_alerts_open{" not in text
    assert 'homeostat_alerts_total{kind="mix",severity="warning",task="routing"} 1.0' in text


def test_where_objectives_stood_is_told(address: str, store: Store) -> None:
    """Mean and ends of the interval, what is wanted, and from how many values; nothing of one that is not known."""
    low = Score(mean=0.8, low=0.75, high=math.inf, n=400)
    wanted = read("right", {"metric": "accuracy", "at_least": 0.95, "alert": 0.9}, Kind.LABEL)
    unknown = progress(read("rating", 0.9, Kind.LABEL), None, None, 1.0)
    publish(store, [("routing", progress(wanted, low, None, 1.0)), ("routing", unknown)], 1.0)
    text = httpx.get(f"{address}/metrics").text
    for value, number in (("mean", "0.8"), ("low", "0.75"), ("high", "+Inf"), ("target", "0.95"), ("alert", "0.9")):
        assert f'{{metric="accuracy",objective="right",task="routing",value="{value}"}} {number}\n' in text
    which = 'metric="accuracy",objective="right"'
    assert f'homeostat_objective_values{{{which},task="routing"}} 400.0' in text
    assert f'homeostat_objective_standing{{{which},standing="open",task="routing"}} 1.0' in text
    assert 'homeostat_objective{metric="rating",objective="rating",task="routing",value="target"} 0.9' in text
    assert 'objective="rating",task="routing",value="mean"' not in text


def test_numbers_of_the_gateway_are_there_when_the_store_is_not(address: str, tmp_path: Path, store: Store) -> None:
    """A database that cannot be opened costs the numbers that are in it, and no others."""
    httpx.get(f"{address}/nowhere")
    store.close()
    for _ in range(100):  # the gateway looks at its releases meanwhile, and opening a file that is gone makes it
        for file in tmp_path.glob("store.db*"):
            file.unlink()
        with suppress(FileExistsError):
            (tmp_path / "store.db").mkdir()
            break
    answer = httpx.get(f"{address}/metrics")
    assert answer.status_code == 200
    assert 'homeostat_requests_total{path="other",status="404"} 1.0' in answer.text
    assert "homeostat_alerts" not in answer.text
    (tmp_path / "store.db").rmdir()

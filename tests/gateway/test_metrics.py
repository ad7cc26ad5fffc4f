"""Counts for Prometheus."""

from __future__ import annotations

import httpx
import openai


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

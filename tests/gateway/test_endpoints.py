"""The other endpoints: feedback, models, health, metrics, and what is not there."""

from __future__ import annotations

from pathlib import Path

import httpx
import openai
import pytest
from keywords import add_version, release

from homeostat.gateway.limits import MOST_BYTES
from homeostat.serve.answer import Answerer
from homeostat.store import Store
from homeostat.types.release import Stage
from homeostat.types.version import Version


def ask(client: openai.OpenAI) -> str:
    got = client.chat.completions.create(model="routing", messages=[{"role": "user", "content": "parcel"}])
    return got.id


def test_feedback_is_stored_when_201_comes_back(client: openai.OpenAI, address: str, store: Store) -> None:
    """One statement or a list; the ids are those of the rows, in order."""
    id = ask(client)
    one = httpx.post(f"{address}/v1/feedback", json={"interaction": id, "kind": "label", "value": "refund"})
    two = httpx.post(
        f"{address}/v1/feedback",
        json=[
            {"interaction": id, "kind": "correction", "value": "Refund it.", "source": "agent"},
            {"interaction": id, "kind": "rating", "value": 0.5},
        ],
    )
    assert (one.status_code, two.status_code) == (201, 201)
    assert [f.id for f in store.feedback.of([id])] == one.json()["ids"] + two.json()["ids"]


@pytest.mark.parametrize(
    ("body", "status", "code", "words"),
    [
        (b"{", 400, "E502", "not JSON"),
        (b"\xff", 400, "E502", "not JSON"),
        (b"[]", 400, "E502", "empty"),
        (b'{"interaction": "int_1", "kind": "lable", "value": "x"}', 400, "E502", "did you mean 'label'"),
        (b'{"interaction": "int_1", "kind": "rating", "value": 7}', 400, "E502", "from 0 (bad) to 1"),
        (b'{"interaction": "int_1", "kind": "label", "value": "x"}', 404, "E401", "no interaction 'int_1'"),
    ],
)
def test_feedback_that_does_not_fit_is_refused(address: str, body: bytes, status: int, code: str, words: str) -> None:
    """An error object with the code, what is wrong, where, and how to fix it."""
    got = httpx.post(f"{address}/v1/feedback", content=body)
    assert (got.status_code, got.json()["error"]["code"]) == (status, code)
    assert words in got.json()["error"]["message"]


def test_models_are_the_tasks_and_the_versions_in_force(
    client: openai.OpenAI, answerer: Answerer, store: Store, champions: dict[str, Version], tmp_path: Path
) -> None:
    """The client's own list: each task by its name, each version it can be asked for as `task@version`."""
    candidate = add_version(store, tmp_path, other="x")
    release(store, Stage.CANARY, champions["routing"], candidate, share=0.1)
    answerer.routes.refresh()
    assert [m.id for m in client.models.list()] == [
        "routing",
        f"routing@{champions['routing'].id}",
        f"routing@{candidate.id}",
        "replies",
        f"replies@{champions['replies'].id}",
    ]


def test_health_names_who_answers_and_what_is_wrong(
    address: str, answerer: Answerer, store: Store, champions: dict[str, Version]
) -> None:
    """200 while all is well; 503 with the reason while the newest release cannot be put in force."""
    well = httpx.get(f"{address}/healthz")
    assert (well.status_code, well.json()["status"]) == (200, "ok")
    assert well.json()["tasks"]["routing"] == {"version": champions["routing"].id, "stage": "full"}
    nowhere = Version(id="ver_nowhere", task="routing", time=0.0, base="keywords", blob="0" * 64)
    store.versions.put(nowhere)
    release(store, Stage.FULL, nowhere)
    answerer.routes.refresh()
    ill = httpx.get(f"{address}/healthz")
    assert (ill.status_code, list(ill.json()["problems"])) == (503, ["routing"])


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


def test_a_body_over_the_limit_is_refused_as_it_comes_in(client: openai.OpenAI, address: str) -> None:
    """413 with an error object, whether the length was announced or not, and the gateway goes on."""
    for content in (b"x" * (MOST_BYTES + 1), iter([b"x" * 65536] * 70)):
        got = httpx.post(f"{address}/v1/chat/completions", content=content)
        assert (got.status_code, got.json()["error"]["code"]) == (413, "E502")
    assert ask(client)


def test_paths_and_methods_that_do_not_exist_have_error_objects_too(address: str) -> None:
    """A client of the API can read whatever comes back."""
    missing = httpx.post(f"{address}/v1/completions", json={})
    wrong = httpx.get(f"{address}/v1/chat/completions")
    assert (missing.status_code, wrong.status_code) == (404, 405)
    assert missing.json()["error"]["message"] == "Not Found: POST /v1/completions"
    assert wrong.json()["error"]["type"] == "invalid_request_error"

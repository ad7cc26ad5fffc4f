"""Feedback over HTTP: what comes back when it is stored, and when it does not fit."""

from __future__ import annotations

import httpx
import openai
import pytest

from homeostat.store import Store


def ask(client: openai.OpenAI) -> str:
    got = client.chat.completions.create(model="routing", messages=[{"role": "user", "content": "parcel"}])
    return str(got.id)


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


def test_a_label_that_may_be_misspelled_is_stored_with_a_warning(
    client: openai.OpenAI, address: str, store: Store
) -> None:
    """Taken as it is, and said once however often it is stated; what is known, or new altogether, is taken silently."""
    id = ask(client)
    said = [{"interaction": id, "kind": "label", "value": value} for value in ("refnd", "refnd", "refund", "hologram")]
    got = httpx.post(f"{address}/v1/feedback", json=said)
    assert got.status_code == 201
    assert got.json()["warnings"] == ["label 'refnd' is new; did you mean 'refund'?"]
    assert [f.value for f in store.feedback.of([id])] == ["refnd", "refnd", "refund", "hologram"]
    assert list(httpx.post(f"{address}/v1/feedback", json=said[2:]).json()) == ["ids"]


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

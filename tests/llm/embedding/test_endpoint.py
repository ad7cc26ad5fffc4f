"""A server that embeds, over real HTTP: a tiny encoder behind it, and what servers do besides answering."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from homeostat.llm.embedding.embedder import NoVectors
from homeostat.llm.embedding.encoder import Encoder
from homeostat.llm.embedding.endpoint import LONGEST, ROWS, Endpoint
from server import Says, speaking, vectors
from tiny import LABELS, texts

TEXTS = [text for label in LABELS for text in texts(label, 30, 2)]


def ask(says: Says, said: list[str], patience_s: float = 1.0) -> tuple[np.ndarray, list[dict[str, Any]]]:
    """What a server that says so is made of, and what it was sent."""
    with speaking(says) as (url, met):
        return Endpoint(f"{url}#small", timeout_s=0.5, patience_s=patience_s).embed(said), met


def test_the_vectors_of_the_model_behind_it(bert: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Row by row those of the model itself, in batches, whatever order the server tells them in, with the key."""
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    encoder = Encoder(str(bert))
    found, met = ask(vectors(encoder.embed), TEXTS)
    np.testing.assert_allclose(found, encoder.embed(TEXTS), atol=1e-5)
    assert [len(body["input"]) for body in met] == [ROWS, len(TEXTS) - ROWS]
    assert {(body["path"], body["model"], body["key"]) for body in met} == {
        ("/v1/embeddings", "small", "Bearer secret")
    }


def test_empty_and_long_texts_are_sent_as_servers_take_them() -> None:
    """None is empty, and none longer than any model reads."""
    found, met = ask(vectors(lambda said: [[len(text), 1.0] for text in said]), ["", "  ", "x" * (LONGEST + 9)])
    assert met[0]["input"][:2] == ["-", "-"]
    assert found[2, 0] == LONGEST


def test_no_texts_are_not_sent() -> None:
    """Nor is anything said of their width."""
    found, met = ask(vectors(lambda said: [[1.0]] * len(said)), [])
    assert (len(found), met) == (0, [])


def test_a_server_that_is_busy_is_asked_again() -> None:
    """Until its patience ends; the answer is then as any other."""
    before = [429, 503]

    def says(body: dict[str, Any]) -> tuple[int, Any]:
        return (before.pop(), {"error": "busy"}) if before else vectors(lambda said: [[1.0, 2.0]] * len(said))(body)

    found, met = ask(says, ["a text"])
    np.testing.assert_array_equal(found, [[1.0, 2.0]])
    assert len(met) == 3


def test_a_server_that_is_slow_is_given_up() -> None:
    """Once, and in time."""

    def says(body: dict[str, Any]) -> tuple[int, Any]:
        time.sleep(1.0)
        return 200, {}

    began = time.monotonic()
    with pytest.raises(NoVectors, match=r"0\.5 s"):
        ask(says, ["a text"])
    assert time.monotonic() - began < 5.0


def test_a_server_that_is_away_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """With its address, and not with its key."""
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    with pytest.raises(NoVectors, match="out of reach") as away:
        Endpoint("http://127.0.0.1:9/v1#small", patience_s=0.2).embed(["a text"])
    assert "secret" not in str(away.value)


@pytest.mark.parametrize(
    ("answer", "what"),
    [
        ((401, {"error": {"message": "no key"}}), "401"),
        ((404, {"error": {"message": "no model small"}}), "no model small"),
        ((200, {"data": []}), "not a vector for each text"),
        ((200, {"choices": []}), "not a vector for each text"),
        ((200, "fine"), "not a vector for each text"),
        ((200, {"data": [{"index": 0, "embedding": "AAAA"}]}), "not a vector for each text"),
        ((200, {"data": [{"index": 0, "embedding": []}]}), "empty"),
        ((200, '{"data": [{"index": 0, "embedding": [NaN, 1.0]}]}'), "not finite"),
    ],
)
def test_answers_that_are_none(answer: tuple[int, Any], what: str) -> None:
    """Each is told in words, and none becomes a vector."""
    with pytest.raises(NoVectors, match=what):
        ask(lambda body: answer, ["a text"])


def test_a_key_that_is_missing_is_told_by_its_variable() -> None:
    """That of this API, and not that of a vLLM server that answers users."""
    with pytest.raises(NoVectors) as refused:
        ask(lambda body: (401, {"error": "Unauthorized"}), ["a text"])
    assert "OPENAI_API_KEY" in refused.value.fix


def test_vectors_of_several_widths_are_none() -> None:
    """Neither within an answer nor between two: they are of several models."""
    with pytest.raises(NoVectors, match="several widths"):
        ask(vectors(lambda said: [[1.0] * (1 + k % 2) for k in range(len(said))]), ["a", "b"])
    with pytest.raises(NoVectors, match="several widths"):
        ask(vectors(lambda said: [[1.0] * (2 if len(said) == ROWS else 3)] * len(said)), TEXTS)

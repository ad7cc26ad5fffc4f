"""Chat completions over HTTP with the ordinary client of the API."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

import tiny
from homeostat.gateway.server import served
from homeostat.llm.local import LocalBackend
from homeostat.llm.offsets import Offsets, Shift, save_offsets
from homeostat.release.registry import register
from homeostat.serve.answer import Answerer
from homeostat.store import Store
from homeostat.types.release import Stage
from homeostat.types.version import Version
from keywords import KeywordBackend, add_version, configured, release
from waiting import eventually


def chat(client: openai.OpenAI, text: str = "my parcel is late", model: str = "routing", **more: object) -> Any:
    return client.chat.completions.create(model=model, messages=[{"role": "user", "content": text}], **more)


def test_a_reply_comes_back_as_the_api_writes_it_and_is_stored(
    client: openai.OpenAI, store: Store, champions: dict[str, Version]
) -> None:
    """The completion's id is the interaction's, usage counts tokens, and our field says who answered how surely."""
    got = chat(client, user="u1", metadata={"segment": "home"})
    row = store.interactions.get(got.id)
    assert got.choices[0].message.content == row.reply == "delivery"
    assert (got.object, got.model, got.choices[0].finish_reason) == ("chat.completion", "routing", "stop")
    assert (got.usage.prompt_tokens, got.usage.completion_tokens, got.usage.total_tokens) == (4, 1, 5)
    assert got.homeostat == {
        "version": champions["routing"].id,
        "confidence": row.confidence,
        "entropy": row.entropy,
        "disagreement": 0.0,
        "stage": "full",
    }
    assert (row.episode, row.tags, row.text) == ("u1", {"segment": "home"}, "my parcel is late")


def test_who_asks_is_kept_in_one_place_or_the_other(client: openai.OpenAI, store: Store) -> None:
    """`user` is the episode; where the request names another one, it is the tag `user`, unless that is given too."""
    rows = [
        store.interactions.get(chat(client, user="u1", metadata=metadata).id)
        for metadata in ({"segment": "home"}, {"episode": "e1"}, {"episode": "e1", "user": "u2"})
    ]
    assert [(row.episode, row.tags.get("user")) for row in rows] == [("u1", None), ("e1", "u1"), ("e1", "u2")]


def test_a_request_is_answered_by_its_group(store: Store, tmp_path: Path) -> None:
    """A version with offsets, a real model behind the gateway: metadata names the group, and changes the reply; who
    names none, or another, is answered as the model would by itself. The row keeps the tag, so that both can be seen.
    """
    base, folder = tiny.llama(tmp_path / "base"), tmp_path / "weights"
    tiny.adapter(folder, base, 1)
    first, second, _ = tiny.LABELS
    shifts = (Shift(group=("de",), offsets={first: 15.0}), Shift(group=("en",), offsets={second: 15.0}))
    save_offsets(Offsets(tags=("language",), shifts=shifts), folder)
    made = Version(id="ver_by_tags", task="routing", time=0.0, base=str(base), labels=tiny.LABELS)
    release(store, Stage.FULL, register(store, made, folder))
    answerer = Answerer(LocalBackend(str(base)), store, configured())
    try:
        with served(answerer, answerer.gateway) as url, openai.OpenAI(base_url=f"{url}/v1", api_key="none") as client:
            said = [
                store.interactions.get(chat(client, metadata=metadata).id)
                for metadata in ({"language": "de"}, {"language": "en", "plan": "free"}, {"language": "fr"}, {})
            ]
    finally:
        answerer.close()
    assert [row.reply for row in said[:2]] == [first, second]
    assert said[2].reply == said[3].reply
    assert said[2].confidence == said[3].confidence < 0.999 < said[0].confidence
    assert [row.tags.get("language") for row in said] == ["de", "en", "fr", None]


def test_a_stream_brings_the_same_reply_in_chunks(client: openai.OpenAI, store: Store) -> None:
    """Word by word, all chunks with the interaction's id, then the reason to stop, then usage if asked for."""
    stream = chat(client, "two  words\nhere", "replies", stream=True, stream_options={"include_usage": True})
    chunks = list(stream)
    row = store.interactions.get(chunks[0].id)
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert text == row.reply == "We have read: two  words\nhere"
    assert {c.id for c in chunks} == {row.id}
    assert [c.choices[0].finish_reason for c in chunks if c.choices] == [None] * 7 + ["stop"]
    assert chunks[-1].usage.total_tokens == row.prompt_tokens + row.reply_tokens
    assert chunks[-2].homeostat["version"] == row.version


def test_parts_earlier_messages_and_neutral_parameters_are_read(client: openai.OpenAI, store: Store) -> None:
    """What clients send by habit does no harm; the last user message is the text."""
    got = client.chat.completions.create(
        model="replies",
        messages=[
            {"role": "system", "content": "be kind"},
            {"role": "user", "content": "first"},
            {"role": "assistant", "content": "yes?"},
            {"role": "user", "content": [{"type": "text", "text": "second "}, {"type": "text", "text": "part"}]},
        ],
        n=1,
        top_p=1.0,
        seed=7,
        presence_penalty=0,
        response_format={"type": "text"},
        max_completion_tokens=5,
        temperature=0.5,
    )
    assert store.interactions.get(got.id).text == "second part"
    assert got.choices[0].finish_reason == "length"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"messages": "hello"}, "'messages' is a list"),
        ({"messages": []}, "'messages' is a list"),
        ({"messages": ["hello"]}, "a message is an object"),
        ({"messages": [{"role": "usr", "content": "x"}]}, "did you mean 'user'"),
        ({"messages": [{"role": "user", "content": None}]}, "text or a list of parts"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "type 'text' only"),
        ({"messages": [{"role": "user", "content": "\ud800"}]}, "surrogate"),
        ({"messages": [{"role": "assistant", "content": "x"}]}, "last message is not a user's"),
        ({"model": 3}, "'model' names a task"),
        ({"temprature": 1}, "did you mean 'temperature'"),
        ({"n": 2}, "cannot honor n=2"),
        ({"tools": [{"type": "function"}]}, "cannot honor tools"),
        ({"stop": "x"}, "cannot honor stop"),
        ({"temperature": "hot"}, "is not a number from 0 to 2"),
        ({"max_tokens": -1}, "is not a number from 1"),
        ({"stream": "yes"}, "'stream' is true or false"),
        ({"user": 3}, "'user' is a text"),
        ({"metadata": [1]}, "'metadata' is an object"),
        ({"metadata": {"a": {"b": 1}}}, "is not a text"),
    ],
)
def test_what_cannot_be_honored_is_refused_with_words(
    address: str, store: Store, body: dict[str, object], words: str
) -> None:
    """Status 400 with the API's error object, our code, and the place; no row is written."""
    whole = {"model": "routing", "messages": [{"role": "user", "content": "hello"}], **body}
    got = httpx.post(f"{address}/v1/chat/completions", content=json.dumps(whole))
    error = got.json()["error"]
    assert (got.status_code, error["type"], error["code"]) == (400, "invalid_request_error", "E502")
    assert words in error["message"]
    assert store.interactions.count("routing") == 0


def test_errors_reach_the_client_as_its_own_classes(client: openai.OpenAI) -> None:
    """Unknown tasks are NotFoundError with a hint; a fault of the model is InternalServerError without its insides."""
    with pytest.raises(openai.NotFoundError, match="did you mean 'routing'"):
        chat(client, model="routin")
    with pytest.raises(openai.NotFoundError):
        chat(client, model="routing@ver_nothing")
    with pytest.raises(openai.InternalServerError) as caught:
        chat(client, "raise an error")
    assert "cannot be answered" not in str(caught.value)


def test_a_version_can_be_named_by_alias_or_id(client: openai.OpenAI, store: Store, tmp_path: Path) -> None:
    """`task@alias` and `task@id` are answered by that version, whatever is released."""
    version = add_version(store, tmp_path, special="x")
    store.aliases.set("routing", "challenger", version.id)
    for model in ("routing@challenger", f"routing@{version.id}"):
        got = chat(client, model=model)
        assert (got.choices[0].message.content, got.homeostat["version"]) == ("special", version.id)
        assert got.homeostat["stage"] == ""


def test_copies_for_a_release_are_made_after_the_reply_was_sent(
    client: openai.OpenAI, answerer: Answerer, store: Store, champions: dict[str, Version], tmp_path: Path
) -> None:
    """In shadow, every chat and every stream over HTTP leaves one row of the candidate's."""
    candidate = add_version(store, tmp_path, other="x")
    release(store, Stage.SHADOW, champions["routing"], candidate)
    answerer.routes.refresh()
    ids = [chat(client, f"text {k}").id for k in range(5)]
    for k in range(5):
        ids.append(next(iter([c.id for c in chat(client, f"text {k}", stream=True)])))
    # A copy begins after its reply was sent: the last stream may end here before its copy is under way there.
    assert eventually(lambda: answerer.copies.counts["stored"] == len(ids))
    pairs = store.interactions.shadows("routing", candidate.id)
    assert [p.id for p, _, _ in pairs] == ids
    assert {s.reply for _, s, _ in pairs} == {"other"}


@pytest.fixture
def trusting(store: Store, champions: dict[str, Version]) -> Iterator[openai.OpenAI]:
    answerer = Answerer(KeywordBackend(), store, configured(trust_client_time=True))
    with served(answerer, answerer.gateway) as url:
        yield openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0)
    answerer.close()


def test_a_request_carries_its_own_time_only_where_that_is_trusted(
    client: openai.OpenAI, trusting: openai.OpenAI, store: Store
) -> None:
    """A replay of recorded traffic keeps its times; anybody else's are passed over. An episode beats the user."""
    metadata = {"time": "2001-09-09T01:46:40Z", "episode": "e7", "segment": "home"}
    row = store.interactions.get(chat(trusting, metadata=metadata, user="u1").id)
    assert (row.time, row.episode, row.tags) == (1e9, "e7", {"segment": "home", "user": "u1"})
    assert store.interactions.get(chat(trusting, metadata={"time": "1000000000.5"}).id).time == 1e9 + 0.5
    with pytest.raises(openai.BadRequestError, match="not a time"):
        chat(trusting, metadata={"time": "yesterday"})
    assert store.interactions.get(chat(client, metadata=metadata).id).time > 1.7e9

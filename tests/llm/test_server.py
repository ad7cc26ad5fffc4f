"""A server by its API: what it has, what went wrong there in words, and what is asked again."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from homeostat.errors import NotServed
from homeostat.llm.server import ModelServer, Refused
from server import Says, speaking


def asked(says: Says, do: Callable[[ModelServer], Any], **more: float) -> tuple[Any, list[dict[str, Any]]]:
    """What comes of asking a server that answers so, and the bodies that it was sent."""
    with speaking(says) as (url, met):
        server = ModelServer(url.removesuffix("/v1"), **{"timeout_s": 2.0, "patience_s": 1.0, **more})
        try:
            return do(server), met
        finally:
            server.close()


def error(message: str, status: int, *, nested: bool = True) -> tuple[int, Any]:
    said = {"message": message, "type": "BadRequestError", "code": status}
    return status, {"error": said} if nested else {"object": "error", **said}


@pytest.mark.parametrize(
    ("answer", "what", "fix"),
    [
        (error("LoRA rank 64 is greater than max_lora_rank 16.", 500), "no adapter of rank 33", "--max-lora-rank 64"),
        (error("LoRA rank 64 is greater than max_lora_rank 16.", 400, nested=False), "rank 33", "--max-lora-rank 64"),
        ((404, {"detail": "Not Found"}), "lets no adapters", "VLLM_ALLOW_RUNTIME_LORA_UPDATING"),
        ((405, {"detail": "Method Not Allowed"}), "lets no adapters", "VLLM_ALLOW_RUNTIME_LORA_UPDATING"),
        (
            error("Loading lora v failed: No adapter found for /data/v", 404),
            "finds no adapter at /data/v",
            "store.blobs",
        ),
        (error("LoRA is not enabled on this engine", 400), "started without adapters", "--enable-lora"),
        (error("out of memory", 500), "does not take the adapter: .*out of memory", "see its log"),
        ((401, {"error": "Unauthorized"}), "401", "VLLM_API_KEY"),
    ],
)
def test_why_an_adapter_was_not_taken(answer: tuple[int, Any], what: str, fix: str) -> None:
    """In words that say how to mend it, by the server's present errors and by those before."""
    with pytest.raises(NotServed, match=what) as refused:
        asked(lambda body: answer, lambda server: server.load("v", "/data/v", 33))
    assert fix in refused.value.fix


def test_vectors_are_told_by_their_numbers() -> None:
    """In whatever order they come, as numbers; a server that knows no such path is told by its address."""
    rows = [{"index": 1, "embedding": [3, 4]}, {"index": 0, "embedding": [1, 2]}]
    found, met = asked(lambda body: (200, {"data": rows}), lambda server: server.embed("m", ("a", "b")))
    assert found == [[1.0, 2.0], [3.0, 4.0]]
    assert met[0]["input"] == ["a", "b"]
    with pytest.raises(Refused, match="404"):
        asked(lambda body: (404, {"detail": "Not Found"}), lambda server: server.embed("m", ("a",)))


def test_an_answer_that_was_lost_does_no_harm() -> None:
    """Loading again what was loaded is no error; neither is unloading what is gone."""
    said = "The lora adapter 'v' has already been loaded. If you want to load the adapter in place, ..."
    with pytest.raises(NotServed, match="501"):  # this server lists no models
        asked(lambda body: error(said, 400), lambda server: server.load("v", "/data/v", 8))
    asked(lambda body: error("The lora adapter 'v' cannot be found.", 404), lambda server: server.unload("v"))
    with pytest.raises(NotServed, match="Failed to remove"):
        asked(lambda body: error("Failed to remove", 500), lambda server: server.unload("v"))


def test_choices_come_in_the_order_of_the_prompts() -> None:
    """Whatever order the server writes them in."""
    choices = [{"index": 1, "text": "b"}, {"index": 0, "text": "a"}]
    told, met = asked(
        lambda body: (200, {"choices": choices}), lambda server: server.complete("m", {"prompt": [[1], [2]]})
    )
    assert [choice["text"] for choice in told] == ["a", "b"]
    assert (met[0]["model"], met[0]["path"]) == ("m", "/v1/completions")


def test_what_is_no_completion() -> None:
    """Another program on that port is told from a server."""
    with pytest.raises(NotServed, match="no completion"):
        asked(lambda body: (200, "<html>"), lambda server: server.complete("m", {}))


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_busy_server_is_asked_again(status: int) -> None:
    """Until it answers, or the patience is at its end."""
    left = [status, status]

    def says(body: dict[str, Any]) -> tuple[int, Any]:
        return (left.pop(), "busy") if left else (200, {"choices": []})

    told, met = asked(says, lambda server: server.complete("m", {}))
    assert (told, len(met)) == ([], 3)
    began = time.monotonic()
    with pytest.raises(Refused, match="busy"):
        asked(lambda body: (status, "busy"), lambda server: server.complete("m", {}), patience_s=0.3)
    assert time.monotonic() - began < 2.0


def test_a_request_that_takes_too_long_is_not_asked_twice() -> None:
    """It would take as long again, and hold up two places."""

    def says(body: dict[str, Any]) -> tuple[int, Any]:
        time.sleep(0.5)
        return 200, {"choices": []}

    with speaking(says) as (url, met):
        server = ModelServer(url.removesuffix("/v1"), timeout_s=0.2, patience_s=5.0)
        with pytest.raises(NotServed, match=r"has not answered in 0\.2 s"):
            server.complete("m", {})
        time.sleep(0.5)
        assert len(met) == 1
        server.close()


def test_a_server_that_is_not_there() -> None:
    """Is asked for as long as was said, then named."""
    server = ModelServer("http://127.0.0.1:9", patience_s=0.3)
    with pytest.raises(NotServed, match="out of reach") as away:
        server.cards()
    assert away.value.where == "http://127.0.0.1:9"
    server.close()

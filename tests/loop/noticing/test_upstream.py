"""A model elsewhere is looked at again and again, and its change is told as a signal."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from homeostat.alert.causes import of_signal
from homeostat.builtin.resources import model_path
from homeostat.llm.backend import Request
from homeostat.llm.local import LocalBackend
from homeostat.loop.noticing.upstream import asked, look, prompts
from homeostat.loop.proving.suites import keep
from homeostat.store import Store
from homeostat.types.signal import Moved
from homeostat.types.suite import Case, Suite
from homeostat.types.task import Kind, Task

MODEL, TEXTS = "https://models.example/v1#large", ("where is my parcel", "I want my money back", "hello")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(f"sqlite:///{tmp_path / 'h.db'}", tmp_path / "blobs") as opened:
        for name, texts in (("golden", TEXTS), ("more", (*TEXTS[:1], "refund"))):
            cases = tuple(Case(text=text, expect="x") for text in texts)
            keep(opened, Suite(name=name, task="replies", check="contains", cases=cases))
        yield opened


def test_prompts_are_the_cases_of_suites(store: Store) -> None:
    """Of all, or of those named; each once."""
    assert prompts(store, "replies") == [*TEXTS, "refund"]
    assert prompts(store, "replies", ["more"]) == [TEXTS[0], "refund"]
    assert prompts(store, "routing") == []


def test_every_prompt_is_asked_as_often_as_wanted() -> None:
    """In rounds, so that a model that changes meanwhile changes for all; and it is told how far that has come."""
    heard: list[str] = []
    told: list[int] = []

    def say(text: str) -> str:
        heard.append(text)
        return f"{text} {len(heard)}"

    found = asked(["a", "b"], 2, say, told.append)
    assert (heard, told) == (["a", "b", "a", "b"], [1, 2, 3, 4])
    assert found == {"a": ["a 1", "a 3"], "b": ["b 2", "b 4"]}


def test_a_change_is_a_signal_and_no_reason_to_retrain(store: Store) -> None:
    """It names the model; looks are kept over processes, and models apart."""
    same, other = ({text: [f"{word} {text}"] * 8 for text in TEXTS} for word in ("old", "new"))
    for day in range(3):
        assert not look(store, "replies", MODEL, same, float(day)).alarm
    assert look(store, "replies", "https://models.example/v1#other", other, 3.0).looks == 1
    found = [look(store, "replies", MODEL, other, 3.0 + day) for day in range(3)]
    assert any(each.alarm for each in found)
    (signal,) = store.signals.list("replies")
    assert (signal.moved, signal.slice, signal.moved.retrains) == (Moved.UPSTREAM, f"model={MODEL}", False)
    assert "a model elsewhere replies otherwise than it did" in of_signal(signal, 9.0).says
    events = store.events.list(f"upstream:replies:{MODEL}")
    assert len(events) == 6
    assert [event.values["alarm"] for event in events].count(True) == 1


ASKED = (
    "where is my parcel",
    "I want my money back",
    "hello",
    "the card was declined",
    "my order is broken",
    "how do I change my address",
    "cancel my subscription",
    "the app crashes when I log in",
    "I never got the invoice",
    "can you call me",
    "which sizes do you have",
    "is it open on sunday",
)


@pytest.mark.slow
def test_a_real_model_whose_words_were_changed(store: Store) -> None:
    """The built-in model, drawing its replies: not suspected while it is the same, and found out once whoever runs it
    has put another instruction before every request.
    """
    if not (model_path() / "model.safetensors").exists():
        pytest.skip("the built-in model is not there")
    backend = LocalBackend("builtin")

    def looked(instruction: str, day: int) -> bool:
        task = Task(name="replies", kind=Kind.TEXT, instruction=instruction)
        ask = partial(Request, task=task, version="", max_tokens=12, temperature=0.3)
        requests = [ask(text=text) for text in ASKED for _ in range(8)]
        said = [reply.text for reply in backend.reply(requests)]
        replies = {text: said[8 * k : 8 * k + 8] for k, text in enumerate(ASKED)}
        return look(store, "replies", MODEL, replies, float(day)).alarm

    assert not any(looked("Reply to the customer.", day) for day in range(5))
    assert any(looked("Reply in one word.", day) for day in range(5, 9))

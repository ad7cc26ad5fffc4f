"""A teacher behind HTTP: a real server in this process."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import tiny
from homeostat.errors import NoTeacher
from homeostat.llm.backend import Request
from homeostat.llm.remote import TRIES, Remote, chances, named
from server import Says, completion, speaking

LABELS = ("refund", "delivery", "damage")


def ask(says: Says, task: Any = tiny.ROUTING, key: str = "") -> tuple[list[Any], list[dict[str, Any]]]:
    """Two requests asked of a server; what came back, and what it was sent."""
    with speaking(says) as (url, met):
        remote = Remote(url, "large", LABELS, key=key, pause_s=0.0)
        try:
            requests = [Request(task=task, text=text, version="", max_tokens=9) for text in ("my money", "my parcel")]
            return remote.answer(requests), met
        finally:
            remote.close()


def test_a_label_and_how_likely_each_is() -> None:
    """The reply as a label of ours, and the alternatives to its first token as probabilities of the labels."""
    tops = {"ref": math.log(0.7), "d": math.log(0.2), "x": math.log(0.1)}
    answers, met = ask(lambda body: (200, completion(" Refund. ", tops)), key="secret")
    assert [answer.text for answer in answers] == ["refund", "refund"]
    shares = np.exp(answers[0].chances)
    assert shares.sum() == pytest.approx(1.0)
    assert shares == pytest.approx(np.array([0.7, 0.1, 0.1]) / 0.9, abs=1e-3)
    sent = met[1]
    assert sent["path"] == "/v1/chat/completions"
    assert sent["key"] == "Bearer secret"
    assert (sent["model"], sent["temperature"], sent["top_logprobs"]) == ("large", 0, 20)
    assert sent["messages"][-1] == {"role": "user", "content": "my parcel"}
    assert all(label in sent["messages"][0]["content"] for label in LABELS)


def test_a_reply_that_is_no_label() -> None:
    """It teaches nothing: its text is empty. A server that tells no alternatives gives no chances."""
    answers, _ = ask(lambda body: (200, completion("I am not sure")))
    assert [(answer.text, answer.chances) for answer in answers] == [("", ()), ("", ())]


def test_words() -> None:
    """Of a task of texts the reply is taken as it is, as long as was asked for."""
    answers, met = ask(lambda body: (200, completion(" We send it back. ")), tiny.REPLIES)
    assert answers[0].text == "We send it back."
    assert met[0]["max_tokens"] == 9
    assert "logprobs" not in met[0]


def test_a_busy_server_is_asked_again() -> None:
    """Twice too busy, then answered; a server that stays so is given up, with what it said."""
    left = [429, 503]

    def busy(body: dict[str, Any]) -> tuple[int, Any]:
        return (left.pop(), "busy") if left else (200, completion("refund"))

    answers, met = ask(busy)
    assert answers[0].text == "refund"
    assert len(met) == 4
    with pytest.raises(NoTeacher, match="status 503"):
        ask(lambda body: (503, "busy"))


def test_what_no_teacher_says() -> None:
    """A refusal is told at once and not tried again; so is an answer that is no completion, and a server that is not
    there.
    """
    met: list[int] = []
    with pytest.raises(NoTeacher, match="status 401") as refused:
        ask(lambda body: (met.append(1), (401, "no key"))[1])  # type: ignore[func-returns-value]
    assert "key" in refused.value.fix
    assert len(met) == 1 < TRIES
    for answer in ("hello", {"error": "x"}, {"choices": []}, [1]):
        with pytest.raises(NoTeacher, match="no chat completion"):
            ask(lambda body, answer=answer: (200, answer))
    nobody = Remote("http://127.0.0.1:9/v1", "large", LABELS, pause_s=0.0)
    with pytest.raises(NoTeacher):
        nobody.answer([Request(task=tiny.ROUTING, text="hi", version="")])


@pytest.mark.parametrize(("said", "label"), [("refund", "refund"), ("`Damage`", "damage"), ("re", ""), ("", "")])
def test_which_label_is_named(said: str, label: str) -> None:
    """Whatever its case and the marks around it; a part of a label names none."""
    assert named(said, LABELS) == label


def test_an_alternative_that_fits_several_labels() -> None:
    """It speaks for the one that was replied; where that is not among them, for all alike."""
    shares = np.exp(chances({"d": math.log(0.8), "r": math.log(0.2)}, "damage", LABELS))
    assert shares == pytest.approx([0.2, 0.0, 0.8], abs=1e-3)
    shares = np.exp(chances({"d": math.log(0.8)}, "refund", LABELS))
    assert shares[1] == pytest.approx(shares[2])
    assert chances({"x": 0.0}, "refund", LABELS) == ()

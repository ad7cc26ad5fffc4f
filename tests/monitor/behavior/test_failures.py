"""Behaviors of a reply: each is seen where it is, and nowhere else."""

from __future__ import annotations

import pytest

from homeostat.monitor.behavior.failures import EITHER, LABELS, TEXTS, Rehearsed, behaviors
from homeostat.types.interaction import Interaction
from homeostat.types.task import Kind

FINE = "Please send the pump back within two weeks and we will replace it."
ASKED = "My pump 7714 leaks since Monday, what can I do about it?"


def tried(reply: str, *, before: str = FINE, text: str = ASKED, confidence: float = 0.8, **more: object) -> Rehearsed:
    row = Interaction(
        id="int_1",
        task="t",
        time=0.0,
        text=text,
        reply=before,
        version="ver_1",
        confidence=float(more.pop("was", 0.95)),
    )
    return Rehearsed(row=row, reply=reply, confidence=confidence, **more)  # type: ignore[arg-type]


SHOWN = {
    "empty": tried("  \n"),
    "rude words": tried("That is a stupid question."),
    "unsure": tried(FINE, confidence=0.3),
    "refuses": tried("I'm sorry, but I cannot help with that."),
    "repeats itself": tried("send it back to us now " * 4),
    "cut off": tried(FINE, cut=True),
    "breaks the format": tried("the label is x", before='{"label": "x"}'),
    "another script": tried("Пожалуйста, пришлите насос обратно."),
    "another language": tried("Bitte schicken Sie die Pumpe innerhalb von zwei Wochen zurück."),
    "echoes the request": tried("my pump 7714 leaks since Monday"),
    "a number of its own": tried("Please send it back within 14 days."),
    "much longer than before": tried(FINE * 3, before="Send it back, please, within two weeks at most."),
    "much shorter than before": tried("Send it."),
}


@pytest.mark.parametrize("name", SHOWN)
def test_a_behavior_of_texts_is_seen(name: str) -> None:
    """Where it is; and of a reply as it should be, none is."""
    known = behaviors(Kind.TEXT)
    assert known[name](SHOWN[name])
    assert not known[name](tried(FINE))


def test_every_behavior_of_texts_has_an_example_here() -> None:
    """So that none is a name alone."""
    assert set(SHOWN) == {*EITHER, *TEXTS}


def test_behaviors_of_labels() -> None:
    """By the right label, by what the user got, and by what the version before could say."""
    labels = frozenset({"refund", "delivery"})
    right = tried("refund", before="refund", told="refund", labels=labels)
    worse = tried("delivery", before="refund", told="refund", labels=labels, confidence=0.97)
    new = tried("hologram", before="refund", labels=labels)
    table = {name: (of(right), of(worse), of(new)) for name, of in LABELS.items()}
    assert table == {
        "wrong": (False, True, None),
        "wrong though sure": (False, True, None),
        "wrong where it was right": (False, True, None),
        "differs": (False, True, True),
        "differs where sure": (False, True, True),
        "a label that is new": (False, False, True),
    }
    doubted = tried("delivery", before="refund", was=0.4)
    assert LABELS["differs where sure"](doubted) is None
    assert LABELS["a label that is new"](doubted) is None


def test_what_cannot_be_told_is_none() -> None:
    """JSON where nobody asked for it, a script without letters, a confidence that is not known."""
    assert TEXTS["breaks the format"](tried("plain")) is None
    assert TEXTS["another script"](tried("12")) is None
    assert TEXTS["another language"](tried("Pump 7714: OK.")) is None
    assert EITHER["unsure"](tried(FINE, confidence=0.0)) is None


def test_as_logged_is_what_the_user_got() -> None:
    """The same request with the old reply and its confidence, so that both sides are read alike."""
    before = tried("Send it.", told="x").as_logged()
    assert (before.reply, before.confidence, before.told) == (FINE, 0.95, "x")
    assert not TEXTS["much shorter than before"](before)

"""Rows that teach nothing, or too easily, are refused before anything is trained."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import tiny
from homeostat.errors import LeakedAnswer, NothingToTrainOn
from homeostat.train.forecast import forecast
from homeostat.train.run import Order, train
from homeostat.train.sound import require_sound
from homeostat.types.dataset import Example
from homeostat.types.task import Kind, Task

LABELS = ("refund", "late delivery")
TELLS: dict[str, tuple[Callable[[str, int], str], str]] = {
    "before": (lambda label, k: f"category: {label}. request number {k}", "after 'category: '"),
    "at the start": (lambda label, k: f"{label.upper()} request number {k}", "at its beginning"),
    "behind": (lambda label, k: f"request number {k % 10}, which is {label}", "which is"),
}


def rows(text: Callable[[str, int], str], n: int = 40) -> list[Example]:
    return [Example(text=text(LABELS[k % 2], k), target=LABELS[k % 2]) for k in range(n)]


@pytest.mark.parametrize("how", TELLS)
def test_a_template_that_says_the_answer_is_found(how: str) -> None:
    """Wherever it puts it, in whatever case; and the message says where."""
    text, where = TELLS[how]
    with pytest.raises(LeakedAnswer, match=where):
        require_sound(tiny.ROUTING, rows(text), LABELS)


def test_requests_that_speak_of_their_label_are_no_leak() -> None:
    """In every row, each time in other words; nor is it one that a few rows have, or a row among twenty has not."""
    words = ["my", "your", "this", "that", "each", "one", "some", "any", "his", "her", "our", "their", "no", "every"]
    require_sound(tiny.ROUTING, rows(lambda label, k: f"about {words[k % 14]} {label} of {k}"), LABELS)
    require_sound(tiny.ROUTING, rows(TELLS["before"][0], n=10), LABELS)
    some = rows(TELLS["before"][0])
    require_sound(tiny.ROUTING, [*some[:36], *rows(lambda _, k: f"request {k}", n=4)], LABELS)
    require_sound(tiny.ROUTING, rows(lambda label, k: f"categories: {label}s and more"), LABELS)


def test_replies_may_be_in_the_request() -> None:
    """To quote is a task of text."""
    require_sound(Task(name="quote", kind=Kind.TEXT), rows(TELLS["before"][0]), ())


def test_one_label_is_no_choice(order: Order) -> None:
    """Training and its forecast refuse it, and so they do a leak; nothing is written."""
    alone = [Example(text=f"request {k}", target="refund_request") for k in range(12)]
    leaked = [Example(text=f"it is {label}, {k}", target=label) for k in range(12) for label in tiny.LABELS]
    for examples, labels, error in (
        (alone, ("refund_request",), NothingToTrainOn),
        (leaked, tiny.LABELS, LeakedAnswer),
    ):
        wrong = Order(
            task=order.task,
            start=order.start,
            examples=examples,
            labels=labels,
            recipe=order.recipe,
            folder=order.folder,
        )
        for work in (train, forecast):
            with pytest.raises(error):
                work(wrong)
    assert not order.folder.exists()

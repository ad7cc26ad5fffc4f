"""Rows that teach nothing, or too easily, are refused before anything is trained."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

import tiny
from homeostat.errors import LeakedAnswer, NothingToTrainOn
from homeostat.train.forecast import forecast
from homeostat.train.objectives.completion import Completion
from homeostat.train.objectives.preference.kto import Kto
from homeostat.train.objectives.preference.mixed import Mixed
from homeostat.train.objectives.preference.rated import Rated
from homeostat.train.run import Order, train
from homeostat.train.sound import require_rated, require_sound
from homeostat.train.step import Objective
from homeostat.types.dataset import Example, Origin
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


@pytest.mark.parametrize("written", ["{}", "label: {}", "<{}>"])
def test_a_label_that_the_request_says_anyway_hides_no_template(written: str) -> None:
    """Not the first place where it stands is compared but every one: half of these say it in words of their own too."""
    words = ["my {} please", "is the {} right", "nothing of it", "something"]
    text = rows(lambda label, k: f"{words[k % 4].format(label)}, {k}. {'answer '}{written.format(label)}")
    with pytest.raises(LeakedAnswer, match="answer"):
        require_sound(tiny.ROUTING, text, LABELS)


@pytest.mark.parametrize("said", ["report lost card", "Report-Lost-Card", "REPORT_LOST_CARD"])
def test_a_label_in_other_writing_is_the_label(said: str) -> None:
    """What joins its words may be a space where the label has an underscore."""
    leaked = [Example(text=f"text {k}, intent: {said}", target="report_lost_card") for k in range(20)]
    leaked += [Example(text=f"text {k}, intent: go", target="go") for k in range(20)]
    with pytest.raises(LeakedAnswer, match="intent: "):
        require_sound(tiny.ROUTING, leaked, ("report_lost_card", "go"))
    apart = [replace(row, text=row.text.replace(row.target, "x").replace(said, "x")) for row in leaked]
    require_sound(tiny.ROUTING, apart, ("report_lost_card", "go"))


def test_labels_of_signs_alone_are_compared_as_they_are() -> None:
    """A label without letters is one too, and a request that is empty says nothing."""
    require_sound(tiny.ROUTING, [Example(text="", target="--+"[k % 2 :]) for k in range(40)], ("--+", "-+"))
    leaked = [Example(text=f"{k}, in short {sign}", target=sign) for k in range(20) for sign in ("++", "--")]
    with pytest.raises(LeakedAnswer, match="in short"):
        require_sound(tiny.ROUTING, leaked, ("++", "--"))


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


def valued(*values: float | None) -> list[Example]:
    return [Example(text=f"request {k}", target="We are sorry.", value=value) for k, value in enumerate(values)]


@pytest.mark.parametrize(
    ("objective", "missing", "enough"),
    [
        (Kto(), [(1.0, 0.8, None), (0.0, 0.5)], [(None, 0.5), (0.6, 0.0)]),
        (Rated(), [(1.0, None), (0.25, 0.25)], [(None, 0.9), (0.0, 0.1)]),
        (Mixed(alone=Kto()), [(1.0, 0.8, None)], [(None, 0.5)]),
    ],
)
def test_ratings_of_one_kind_teach_nothing(
    objective: Objective, missing: list[tuple[float | None, ...]], enough: list[tuple[float | None, ...]]
) -> None:
    """Who learns from them is refused with where and how to mend it; rows that are only recalled do not count."""
    task = Task(name="replies", kind=Kind.TEXT)
    for values in missing:
        recalled = [replace(row, origin=Origin.RECALL, value=1.0 - (row.value or 0.0)) for row in valued(*values)]
        with pytest.raises(NothingToTrainOn, match="replies") as caught:
            require_rated(task, [*valued(*values), *recalled], objective)
        assert (caught.value.where, "kind: rating" in caught.value.fix) == ("task replies", True)
    for values in enough:
        require_rated(task, valued(*values), objective)
    require_rated(task, valued(1.0, 1.0), Mixed())
    require_rated(task, valued(1.0, 1.0), Completion())


def test_pairs_have_no_rating() -> None:
    """Where corrections are learned as pairs, what was liked is asked of the other rows alone."""
    pairs = [replace(row, rejected="No.") for row in valued(None, None)]
    require_rated(Task(name="replies", kind=Kind.TEXT), [*pairs, *valued(0.0, 1.0)], Mixed(alone=Rated()))
    with pytest.raises(NothingToTrainOn, match="all 1 replies"):
        require_rated(Task(name="replies", kind=Kind.TEXT), [*pairs, *valued(0.0)], Mixed(alone=Rated()))


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

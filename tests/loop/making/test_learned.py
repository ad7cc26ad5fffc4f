"""What a recipe learns of all there is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from homeostat.config.load import load
from homeostat.curate.build import Inputs, build
from homeostat.curate.suspect import Suspicion
from homeostat.loop.listening.held import hold
from homeostat.loop.making.learned import rows_of
from homeostat.loop.workshop import Workshop
from homeostat.train.recipe import Recipe
from homeostat.types.dataset import Example, Origin
from homeostat.types.feedback import Feedback, FeedbackKind
from homeostat.types.interaction import Interaction
from homeostat.types.task import Kind, Task

TASK = Task(name="routing")


@pytest.fixture
def offered(tmp_path: Path) -> tuple[Workshop, Inputs]:
    """Four statements, of which one is held back, and two rows that are remembered."""
    file = tmp_path / "homeostat.yaml"
    file.write_text("project: small\ntasks: {routing: {kind: label}}\n")
    shop = Workshop.open(load(file))
    said = ("refund", "delivery", "refund", "delivery")
    asked = [
        Interaction(id=f"int_{k}", task="routing", time=k, text=f"question {k}{k}", reply="refund", version="ver_a")
        for k in range(4)
    ]
    told = [
        Feedback(id=f"fbk_{k}", interaction=f"int_{k}", kind=FeedbackKind.LABEL, value=value, time=10.0 + k)
        for k, value in enumerate(said)
    ]
    shop.store.interactions.add(asked)
    shop.store.feedback.add(told)
    doubted = Suspicion(group="g", held=("fbk_3",), contradicting=1, n=1, p=1e-9, since=0.0, until=9.0)
    hold(shop.store, "routing", "ver_a", doubted)
    memory = [Example(text=f"old {k}{k}{k}", target="refund", task="routing", time=-1.0) for k in range(2)]
    inputs = Inputs(task=TASK, pairs=list(zip(asked, told, strict=True)), memory=memory, since=5.0, until=99.0)
    return shop, inputs


@pytest.mark.parametrize(
    ("recipe", "afresh", "new", "old"),
    [
        (Recipe(replay=0.0), False, {"question 00", "question 11", "question 22"}, {}),
        (Recipe(replay=0.0), True, {"question 00", "question 11", "question 22", "old 000", "old 111"}, {}),
        (Recipe(replay=0.4), False, {"question 00", "question 11", "question 22"}, {"replay": 1, "recall": 1}),
        (Recipe(replay=0.0, only_wrong=True), False, {"question 11"}, {}),
        (Recipe(replay=0.0, only_wrong=True), True, {"question 11", "old 000", "old 111"}, {}),
    ],
)
def test_what_is_doubted_right_or_remembered(
    offered: tuple[Workshop, Inputs], recipe: Recipe, afresh: bool, new: set[str], old: dict[str, int]
) -> None:
    """What is held back is never learned, what was right is not where only the wrong is wanted, and what is remembered
    is new to who begins afresh.
    """
    shop, inputs = offered
    made = rows_of(shop, inputs, recipe, afresh=afresh)
    shop.close()
    assert {row.text for row in made.examples if row.origin is Origin.NEW} == new
    rest = [row.origin for row in made.examples if row.origin is not Origin.NEW]
    assert {str(origin): rest.count(origin) for origin in set(rest)} == old
    assert made.counts["held"] == 1


def test_a_correction_that_was_taken_back(offered: tuple[Workshop, Inputs]) -> None:
    """Who wants only the wrong learns neither a label that was taken back nor one that is doubted; and a statement
    that is doubted takes nothing back.
    """
    shop, inputs = offered
    asked = [pair[0] for pair in inputs.pairs]
    later = [("fbk_4", "int_1", "refund", 20.0), ("fbk_5", "int_0", "delivery", 21.0)]
    told = [Feedback(id=id, interaction=of, kind=FeedbackKind.LABEL, value=v, time=t) for id, of, v, t in later]
    pairs = [*inputs.pairs, (asked[1], told[0]), (asked[0], told[1])]

    def learned() -> set[tuple[str, str]]:
        made = rows_of(shop, replace(inputs, pairs=pairs), Recipe(replay=0.0, only_wrong=True), afresh=False)
        return {(row.text, row.target) for row in made.examples}

    assert learned() == {("question 00", "delivery")}
    shop.store.feedback.add(told)
    doubted = Suspicion(group="h", held=("fbk_4",), contradicting=1, n=1, p=1e-9, since=0.0, until=29.0)
    hold(shop.store, "routing", "ver_a", doubted)
    assert learned() == {("question 00", "delivery"), ("question 11", "delivery")}
    shop.close()


def test_a_reply_that_was_liked_is_not_wrong(offered: tuple[Workshop, Inputs]) -> None:
    """Of a task of texts, too, only what was corrected counts as wrong."""
    shop, inputs = offered
    shop.close()
    asked = [replace(pair[0], reply="Sorry.") for pair in inputs.pairs]
    said = [(FeedbackKind.RATING, "1.0"), (FeedbackKind.CORRECTION, "Of course."), (FeedbackKind.CORRECTION, "Sorry. ")]
    told = [
        Feedback(id=f"fbk_{k}", interaction=f"int_{k}", kind=kind, value=value, time=9.0)
        for k, (kind, value) in enumerate(said)
    ]
    pairs = list(zip(asked, told, strict=False))
    texts = replace(inputs, task=Task(name="routing", kind=Kind.TEXT), pairs=pairs, memory=(), only_wrong=True)
    assert [(row.target, row.rejected) for row in build(texts, shop.config.curate).examples] == [
        ("Of course.", "Sorry.")
    ]


def test_copies_and_tags(offered: tuple[Workshop, Inputs]) -> None:
    """The copies and the tags that a recipe wants are among its rows."""
    shop, inputs = offered
    tagged = [replace(row, tags={"plan": "free", "account": "A"}) for row in inputs.memory]
    recipe = Recipe(replay=0.0, disturb=("shouted",), reweigh=("plan",), refit=False)
    made = rows_of(shop, replace(inputs, memory=tagged), recipe, afresh=True)
    shop.close()
    assert {row.text for row in made.examples if row.disturbed} >= {"OLD 000", "QUESTION 11"}
    assert {tuple(row.tags) for row in made.examples if row.text.startswith("old")} == {("plan",)}

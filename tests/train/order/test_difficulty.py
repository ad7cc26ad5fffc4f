"""Difficulty: what is measured is what the name says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import seen
import tiny
from homeostat.errors import UnsuitedModel
from homeostat.llm.load import open_model
from homeostat.llm.render import Rendered
from homeostat.train.objectives.completion import Completion
from homeostat.train.order.curriculum import Curriculum
from homeostat.train.order.difficulty import Given, Length, Loss, Rarity
from homeostat.train.plan import Plan
from homeostat.train.read import changed
from homeostat.train.recipe import Recipe
from homeostat.train.run import Order, Start, prepare, train
from homeostat.train.samples import Sample
from homeostat.train.step import Step
from shown import Shown
from train.order.test_curriculum import rho
from train.test_fit import ground, samples


def row(*prompt: int) -> Sample:
    return Sample(Rendered(prompt, (1,)))


def test_length() -> None:
    """Tokens of the longest reading."""
    rows = [row(5, 6), replace(row(5), rejected=Rendered((5,), (1, 2, 3)))]
    assert Length().of(seen.ground(rows)).tolist() == [3.0, 4.0]


def test_rarity() -> None:
    """The mean surprisal of a prompt's tokens by their counts in all prompts."""
    found = Rarity().of(seen.ground([row(5, 5, 6), row(5)]))
    assert found.tolist() == pytest.approx([-(2 * np.log(3 / 4) + np.log(1 / 4)) / 3, -np.log(3 / 4)])


def test_given_numbers() -> None:
    """The numbers as they are; one for each row or none at all."""
    assert Given(values=(2.0, 1.0)).of(seen.ground([row(5), row(6)])).tolist() == [2.0, 1.0]
    with pytest.raises(ValueError, match="1 difficulties for 2 rows"):
        Given(values=(2.0,)).of(seen.ground([row(5), row(6)]))


@pytest.mark.parametrize("labels", [True, False], ids=["labels", "texts"])
def test_loss(llama: Path, labels: bool) -> None:
    """Each row's loss as the objective measures it on the row alone, whatever rows it was asked with; it is counted."""
    rows = samples(each=30)
    if not labels:
        rows = [
            replace(s, rendered=replace(s.rendered, completion=s.rendered.completion * (1 + k % 3)))
            for k, s in enumerate(rows)
        ]
    on = ground(llama, train=rows, **({} if labels else {"allowed": None}))
    found = Loss().of(on)
    assert on.meter.flops > 0
    with torch.no_grad():
        alone = [float(Completion()(Step(on, [s]))) for s in rows[::9]]
    assert found[::9].tolist() == pytest.approx(alone, abs=1e-4)


def test_loss_beside_labels(llama: Path) -> None:
    """A reply in words is measured over the whole vocabulary, and a label among the labels, in one run."""
    rows = samples(each=4)
    words = [replace(s, rendered=replace(s.rendered, completion=(5, 9, 7)), free=True) for s in rows[::2]]
    on = ground(llama, train=[*rows, *words])
    with torch.no_grad():
        alone = [float(Completion()(Step(on.under([s]), [s]))) for s in on.train]
    assert Loss().of(on).tolist() == pytest.approx(alone, abs=1e-4)


def surprisal(rows: Sequence[Sample]) -> np.ndarray:
    """By row, the mean of -log2 of how often the tokens of its prompt come among those of all."""
    counts = Counter(token for s in rows for token in s.rendered.prompt)
    return np.array([np.mean([-np.log2(counts[t] / counts.total()) for t in s.rendered.prompt]) for s in rows])


MEASURES = ("length", "loss", "rarity", "given")


@pytest.mark.parametrize("measure", MEASURES)
def test_a_curriculum_goes_by_it(llama: Path, measure: str, shown: Shown) -> None:
    """In the warm-up of a curriculum, rows that are hard by this measure, taken here in another way, come later than
    without one.
    """
    more = []
    for draw in shown.draws(2):
        on = ground(llama, train=samples(100, 100 + draw))
        numbers = np.random.default_rng(draw).random(len(on.train))
        with torch.no_grad():
            hard = {
                "length": lambda on=on: np.array([len(s.rendered.prompt) + 1.0 for s in on.train]),
                "loss": lambda on=on: np.array([float(Completion()(Step(on, [s]))) for s in on.train]),
                "rarity": lambda on=on: surprisal(on.train),
                "given": lambda numbers=numbers: numbers,
            }[measure]()
        by = {"length": Length(), "loss": Loss(), "rarity": Rarity(), "given": Given(values=tuple(numbers.tolist()))}
        order, lengths = Curriculum(difficulty=by[measure], warm_up=0.5), [s.length for s in on.train]
        plans = [Plan(lengths, 10, draw, 120, 0.0, offer) for offer in (order.begin(on), None)]
        ordered, plain = (rho(list(plan.rest(0))[:60], hard) for plan in plans)
        more.append(ordered - plain)
    shown.over(
        "correlation of when a row is drawn with how hard it is, in a warm-up, more than without", more, least=0.2
    )


def test_a_teacher_is_asked(llama: Path) -> None:
    """The teacher's loss where it is wanted; without a teacher that is an error."""
    on = ground(llama)
    np.testing.assert_allclose(Loss(teacher=True).of(replace(on, teacher=on.opened)), Loss().of(on), atol=1e-5)
    with pytest.raises(UnsuitedModel):
        Loss(teacher=True).of(on)


BY_TEACHER = {"order": {"curriculum": {"difficulty": {"loss": {"teacher": True}}}}}


def order(llama: Path, folder: Path, start: Start, **more: Any) -> Order:
    """A run from the bare base, whose rows come by what a teacher says of them."""
    recipe = changed(Recipe(warm_start=False, epochs=2, held_out=0.1), BY_TEACHER, "recipes.mine")
    given = {"labels": tiny.LABELS, "examples": tiny.examples(each=20), "recipe": recipe, "folder": folder}
    return Order(task=tiny.ROUTING, start=start, **{**given, **more})


def test_the_champion_is_the_teacher(llama: Path, tmp_path: Path) -> None:
    """Rows come by the champion's loss, and not by that of the model that is trained, which begins at the bare base; a
    teacher that is at hand goes before it.
    """
    start, other = (
        Start(base=str(llama), folder=tiny.adapter(tmp_path / f"{seed}", llama, seed), kind="lora", labels=tiny.LABELS)
        for seed in (1, 2)
    )
    own, hardness = prepare(order(llama, tmp_path / "run", start)).job.ground, Loss(teacher=True).of
    taught = prepare(order(llama, tmp_path / "run", Start(base=str(llama)), teacher=start)).job.ground
    both = prepare(order(llama, tmp_path / "run", other, teacher=start)).job.ground
    np.testing.assert_allclose(hardness(own), hardness(taught), atol=1e-6)
    np.testing.assert_allclose(hardness(both), hardness(taught), atol=1e-6)
    assert np.abs(hardness(own) - Loss().of(own)).max() > 0.1
    warm = prepare(replace(order(llama, tmp_path / "run", start), recipe=Recipe(held_out=0.1))).job.ground
    assert warm.teacher is None
    np.testing.assert_allclose(hardness(own), Loss().of(warm), atol=1e-3)


def test_who_cannot_be_the_teacher(llama: Path, tmp_path: Path) -> None:
    """Nobody where there is no champion, a head, and one that tells labels by other codes: told before a step."""
    weights = tiny.adapter(tmp_path / "a", llama, 1)
    start = Start(base=str(llama), folder=weights, kind="lora", labels=tiny.LABELS)
    for wrong, says in (
        (Start(base=str(llama)), "there is no teacher"),
        (replace(start, kind="head"), "is a head"),
        (replace(start, labels=tiny.LABELS[::-1]), "other codes"),
    ):
        with pytest.raises(UnsuitedModel, match=says) as told:
            train(order(llama, tmp_path / "run", wrong))
        assert (told.value.where, "leave out `teacher`" in told.value.fix) == ("recipe.order", True)
    assert not (tmp_path / "run" / "weights").exists()


def test_a_teacher_reads_the_same_tokens(llama: Path, tmp_path: Path) -> None:
    """One of another vocabulary would say something of other words."""
    on = ground(llama)
    small = tiny.llama(tmp_path / "small", tokenizer=tiny.chat_tokenizer(codes=8), hidden=32, layers=1)
    with pytest.raises(UnsuitedModel, match="other tokens"):
        Loss(teacher=True).of(replace(on, teacher=open_model(str(small))))

"""Difficulty: what is measured is what the name says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import seen
from homeostat.errors import UnsuitedModel
from homeostat.llm.render import Rendered
from homeostat.train.objectives.completion import Completion
from homeostat.train.order.curriculum import Curriculum
from homeostat.train.order.difficulty import Given, Length, Loss, Rarity
from homeostat.train.plan import Plan
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

"""Difficulty: what is measured is what the name says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import seen
from homeostat.errors import UnsuitedModel
from homeostat.llm.render import Rendered
from homeostat.train.objectives.completion import Completion
from homeostat.train.order.difficulty import Given, Length, Loss, Rarity
from homeostat.train.samples import Sample
from homeostat.train.step import Step
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


def test_a_teacher_is_asked(llama: Path) -> None:
    """The teacher's loss where it is wanted; without a teacher that is an error."""
    on = ground(llama)
    np.testing.assert_allclose(Loss(teacher=True).of(replace(on, teacher=on.opened)), Loss().of(on), atol=1e-5)
    with pytest.raises(UnsuitedModel):
        Loss(teacher=True).of(on)

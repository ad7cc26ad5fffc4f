"""Group-relative policy optimization: what was worth more becomes likelier."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from homeostat.llm.load import open_model
from homeostat.train.adapt.full import Full
from homeostat.train.fit import fit
from homeostat.train.job import Job
from homeostat.train.objectives.preference.likelihood import likelihoods
from homeostat.train.objectives.reward.grpo import Grpo, _Trying, advantages
from homeostat.train.objectives.written import written
from homeostat.train.recipe import Recipe
from homeostat.train.samples import Sample
from homeostat.train.step import Ground, Objective, Step
from shown import Shown
from train.objectives.distill import school

START = Recipe(adapt=Full(), lr=3e-3, epochs=2.2, batch_rows=12, looks=1, warm_up=0.1)


def test_advantages_are_within_a_group() -> None:
    """What a reply was worth beyond the mean of the replies to the same request; nothing where all were alike."""
    assert advantages(torch.tensor([1.0, 0.0, 1.0, 1.0]), 2).tolist() == [0.5, -0.5, 0.0, 0.0]


def trained(base: Path, objective: Objective | None, rows: list[Sample], recipe: Recipe) -> Ground:
    """A model after training on rows; its replies to unseen ones are measured by what they are worth."""
    opened = open_model(str(base))
    on = Ground(opened=opened, train=rows, held_out=school.labeled(20, 99), bfloat16=False)
    recipe = replace(recipe, objective=objective) if objective else recipe
    fit(Job(ground=on, parameters=recipe.adapt.attach(opened.model), recipe=recipe))
    return on


def worth(on: Ground, draw: int) -> float:
    """The mean worth of the likeliest replies to requests that neither training nor its looks have seen."""
    with torch.no_grad():
        return 1.0 - float(Grpo(most=1).begin(on).looked(Step(on, school.labeled(40, 10 * draw + 98))))


@pytest.mark.slow
def test_tries_alone_make_a_model_better(llama: Path, tmp_path: Path, shown: Shown) -> None:
    """A model that has begun to learn is right more often, by fifteen points, for nothing but trying replies and being
    told what they were worth; told at random, it is not. Means over draws.
    """
    gained, misled = list[float](), list[float]()
    for draw in shown.draws(1):
        rows, folder = school.labeled(20, draw), tmp_path / str(draw)
        begun = trained(llama, None, rows, START)
        begun.opened.model.save_pretrained(folder)
        begun.opened.tokenizer.save_pretrained(folder)
        more = replace(START, lr=3e-3, epochs=20, looks=5, patience=5)
        told = worth(trained(folder, Grpo(most=1), rows, more), draw)
        codes = [s.rendered.completion for s in rows]
        mixed = [replace(s, rendered=replace(s.rendered, completion=codes[k - 7])) for k, s in enumerate(rows)]
        misled.append(told - worth(trained(folder, Grpo(most=1), mixed, more), draw))
        gained.append(told - worth(begun, draw))
    assert np.mean(misled) > 0.15
    shown.over("share of unseen rows answered right, more than before trying", gained, least=0.15)


def test_its_gradient_is_the_policys(llama: Path) -> None:
    """The gradient is that of -advantage × log-probability of the tried tokens, over those that might have been."""
    on = Ground(opened=open_model(str(llama)), train=school.labeled(2, 0), bfloat16=False)
    table, spec = on.opened.model.get_input_embeddings().weight, Grpo(reward="beginning", group=6, most=2)
    judge = lambda tokenizer, sample, reply: float(sum(reply) % 7)  # noqa: E731 — any worth will do
    step = Step(on, on.train)
    torch.manual_seed(3)
    (given,) = torch.autograd.grad(_Trying(spec, judge)(step), table)
    torch.manual_seed(3)
    rows = [s for s in on.train for _ in range(6)]
    replies = written(step, rows, most=2)
    better = advantages(torch.tensor([judge(None, s, r.completion) for s, r in zip(rows, replies, strict=True)]), 6)
    said = likelihoods(on.predict(replies), len(rows))
    (wanted,) = torch.autograd.grad(-(better * said).sum() / (2 * len(rows)), table)
    torch.testing.assert_close(given, wanted, rtol=1e-4, atol=1e-6)
    assert float(given.abs().max()) > 1e-4

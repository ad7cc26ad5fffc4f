"""The plan of a run: whole passes, or as an order says; the same wherever it is entered."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from transformers import AutoTokenizer

import seen
from homeostat.builtin.resources import model_path, traffic_path
from homeostat.collect.stream import Split, read_stream
from homeostat.llm.render import Rendered, Renderer
from homeostat.train.job import Job
from homeostat.train.order.curriculum import Curriculum
from homeostat.train.order.difficulty import Rarity
from homeostat.train.order.draw import RowOrder
from homeostat.train.order.imbalance import Balanced
from homeostat.train.plan import Plan
from homeostat.train.recipe import Recipe
from homeostat.train.samples import Sample, batches
from homeostat.types.task import Task

RECIPE = Recipe(batch_rows=32, epochs=4)
ORDERS = [None, Curriculum(), Curriculum(difficulty=Rarity(), pacing="linear"), Balanced()]


def planned(order: RowOrder | None, sizes: list[int], recipe: Recipe = RECIPE) -> Plan:
    """The plan of a run on rows of these many tokens, with completions of very different frequency."""
    draw = np.random.default_rng(0)
    rows = [Sample(Rendered(tuple(draw.integers(0, 50, n - 1).tolist()), (int(draw.zipf(1.7)),))) for n in sizes]
    return Plan.of(
        Job(ground=seen.ground(rows), parameters=[torch.nn.Parameter()], recipe=replace(recipe, order=order))
    )


def test_without_an_order_passes_follow_each_other() -> None:
    """Every pass has every row once, a fraction of a pass ends inside it, and a cap on the steps holds."""
    sizes = np.random.default_rng(0).integers(5, 60, 100).tolist()
    plan = planned(None, sizes, replace(RECIPE, epochs=2.5, batch_rows=10))
    made, passes = list(plan.rest(0)), [batches(sizes, 10, 0, number) for number in range(3)]
    assert len(made) == plan.steps == 25
    assert all(np.array_equal(a, b) for a, b in zip(made, [b for one in passes for b in one], strict=False))
    assert planned(None, sizes, replace(RECIPE, max_steps=3)).steps == 3


@pytest.mark.parametrize("order", ORDERS, ids=str)
def test_a_run_can_be_entered_anywhere(order: RowOrder | None) -> None:
    """The batches from a step on are the same wherever one begins, of a run with an order too; there are as many."""
    plan = planned(order, np.random.default_rng(0).integers(5, 60, 300).tolist())
    whole = list(plan.rest(0))
    assert len(whole) == plan.steps == 40
    for step in (1, 9, 25, 39, 40):
        rest = list(plan.rest(step))
        assert len(rest) == 40 - step
        assert all(np.array_equal(a, b) for a, b in zip(rest, whole[step:], strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("order", ORDERS, ids=str)
def test_padding_of_real_traffic_is_small(order: RowOrder | None) -> None:
    """On the built-in traffic with the built-in tokenizer, less than a tenth of a run's places are filler."""
    if not (model_path() / "tokenizer.json").exists() or not traffic_path().exists():
        pytest.skip("the built-in model or traffic is not there")
    renderer = Renderer(AutoTokenizer.from_pretrained(model_path()))
    texts = [row.text for row in read_stream(traffic_path())[0] if row.split is not Split.TEST][:1000]
    sizes = [len(renderer.prompt(Task(name="routing", instruction="route"), text)) + 1 for text in texts]
    assert planned(order, sizes).padding < 0.1

"""Beginnings learned over past tasks: where tasks contradict each other, few steps and examples reach far from them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

sys.path.append(str(Path(__file__).parents[3] / "bench"))

from waves import Network, losses, waves

import tiny
from homeostat.llm.labels import encode_labels
from homeostat.llm.load import Opened, open_model
from homeostat.llm.render import Renderer
from homeostat.stats.intervals import paired
from homeostat.train.adapt.lora import Lora
from homeostat.train.meta.reptile import (
    Draw,
    Plan,
    adapt,
    adapted,
    first_order_maml,
    joint,
    reptile,
    up_only,
)
from homeostat.train.objectives.completion import Completion
from homeostat.train.samples import Sample
from homeostat.train.step import Ground, Step
from shown import Shown

PLAN = Plan(rounds=2000, tasks=1, steps=10, rate=0.01)
RATES = (0.005, 0.01, 0.02, 0.03, 0.05)


def after_five_steps(network: Network, rate: float, draw: int, tasks: int = 100) -> float:
    """Mean squared error on new waves after 5 steps from where the network stands."""
    return float(losses(network, rate, tasks, 99 + draw).mean())


@pytest.fixture(scope="module")
def baseline(draw: int) -> float:
    """What joint training by as many gradients as Reptile takes leaves after 5 steps, at the rate best for it."""
    network = Network()
    joint(network.up, waves(network), replace(PLAN, seed=draw))
    return min(after_five_steps(network, rate, draw) for rate in RATES)


@pytest.mark.slow
def test_reptile_begins_where_few_steps_reach_far(baseline: float, draw: int, shown: Shown) -> None:
    """On ten points of a wave, 5 steps from Reptile's beginning leave at most half of the squared error that they leave
    from the joint one, and a quarter of that from the untrained one.
    """
    learned = Network()
    reptile(learned.up, waves(learned), replace(PLAN, seed=draw))
    reached = after_five_steps(learned, PLAN.rate, draw)
    assert reached <= 0.5 * baseline
    assert reached <= 0.25 * after_five_steps(Network(), PLAN.rate, draw)
    plain, begun = (losses(network, PLAN.rate, 100, 99 + draw) for network in (Network(), learned))
    of = "squared error after five steps on ten points of a wave, less than from an untrained beginning"
    shown.within(of, paired(plain, begun), unit="waves")


@pytest.mark.slow
def test_first_order_maml_is_an_alternative(baseline: float, draw: int) -> None:
    """With half as many gradients it too reaches well below joint training."""
    learned = Network()
    first_order_maml(learned.up, waves(learned), replace(PLAN, steps=5, outer=0.01, seed=draw))
    assert after_five_steps(learned, PLAN.rate, draw) <= 0.75 * baseline


@dataclass
class Bowl:
    """(x − goal)², whose gradient is known."""

    x: Tensor
    goal: float

    def support(self) -> Tensor:
        """Toward the goal."""
        return (self.x - self.goal).square().sum()

    def query(self) -> Tensor:
        """Toward twice the goal."""
        return (self.x - 2 * self.goal).square().sum()


def test_steps_are_plain_descent() -> None:
    """Each step goes against the gradient by the rate and keeps no state; the loss after steps leaves no trace."""
    x = torch.zeros(1, requires_grad=True)
    assert adapted([x], Bowl(x, 1.0), rate=0.25, steps=2) == 1.25**2
    assert x.item() == 0.0
    for _ in range(2):
        adapt([x], Bowl(x, 1.0).support, rate=0.25, steps=1)
    assert x.item() == 0.75


def learned_from(goals: Sequence[float], learn: Callable[[list[Tensor], Draw, Plan], None], plan: Plan) -> float:
    """Where x, beginning at 0, ends after tasks with these goals; a tensor without a part in it stays."""
    x, unused, left = torch.zeros(1, requires_grad=True), torch.ones(2, requires_grad=True), iter(goals)
    learn([x, unused], lambda rng: Bowl(x, next(left)), plan)
    assert unused.tolist() == [1.0, 1.0]
    return x.item()


def test_what_a_round_does() -> None:
    """Reptile goes to the mean of where its tasks end, MAML against the mean gradient there, joint training against
    that at the beginning; ε falls to zero in a straight line.
    """
    plan = Plan(rounds=1, tasks=2, steps=1, rate=0.25, outer=1.0)
    assert learned_from((1.0, 3.0), reptile, plan) == 1.0
    assert learned_from((1.0, 3.0), first_order_maml, plan) == 6.0
    assert learned_from((1.0, 3.0), joint, plan) == 1.0
    assert learned_from((1.0, 1.0), reptile, Plan(rounds=2, tasks=1, steps=1, rate=0.5, outer=0.5)) == 0.5 + 0.25 * 0.5
    assert learned_from((1.0, 1.0), joint, Plan(rounds=1, tasks=1, steps=2, rate=0.25)) == 0.5 + 0.5 * 0.5 * 0.5


def test_the_seed_draws_the_tasks() -> None:
    """Equal seeds learn the same, bit by bit, and others do not."""
    found = []
    for seed in (0, 0, 1):
        network = Network(width=8, rank=2)
        reptile(network.up, waves(network), replace(PLAN, rounds=3, seed=seed))
        found.append(torch.cat([up.detach().flatten() for up in network.up]))
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])


@dataclass
class Pair:
    """Two of the tiny decoder's labels, among the codes of all, from a few rows of each."""

    ground: Ground
    rows: list[list[Sample]]

    def _loss(self, at: slice) -> Tensor:
        return Completion()(Step(self.ground, [sample for rows in self.rows for sample in rows[at]]))

    def support(self) -> Tensor:
        """Loss on four rows of each."""
        return self._loss(slice(0, 4))

    def query(self) -> Tensor:
        """Loss on eight others."""
        return self._loss(slice(4, 12))


def pairs(opened: Opened) -> Draw:
    """Draws two labels and twelve rows of each."""
    labels, renderer = list(tiny.WORDS), Renderer(opened.tokenizer)
    codes = encode_labels(opened.tokenizer, labels).sequences
    ground = Ground(opened=opened, train=[], allowed=torch.tensor([s[0] for s in codes]), bfloat16=False)
    rows = [
        [Sample(renderer.example(tiny.ROUTING, text, code)) for text in tiny.texts(label, 40, 3)]
        for label, code in zip(labels, codes, strict=True)
    ]

    def draw(rng: np.random.Generator) -> Pair:
        two = rng.permutation(len(labels))[:2]
        return Pair(ground, [[rows[label][k] for k in rng.permutation(40)[:12]] for label in two])

    return draw


@pytest.mark.slow
def test_an_adapter_s_tensors_are_learned_alike(llama: Path, tmp_path: Path) -> None:
    """On the tiny decoder B alone is learned over few-shot tasks; five steps on a task then lower its loss, and far
    below where they lead from an untrained adapter; what was learned is saved and gone on from as any adapter.
    """
    opened = open_model(str(llama))
    Lora(rank=4).attach(opened.model)
    parameters, draw = up_only(opened.model), pairs(opened)

    def after(steps: int) -> float:
        rng = np.random.default_rng(5)
        return float(np.mean([adapted(parameters, draw(rng), 0.3, steps) for _ in range(10)]))

    frozen = {n: p.detach().clone() for n, p in opened.model.named_parameters() if not p.requires_grad}
    plain = after(5)
    reptile(parameters, draw, Plan(rounds=40, tasks=1, steps=5, rate=0.3, outer=0.5))
    assert after(5) < after(0) - 0.1
    assert after(5) < plain - 0.1
    assert len(parameters) == 14
    assert all(torch.equal(p, frozen[n]) for n, p in opened.model.named_parameters() if n in frozen)
    Lora().save(opened.model, tmp_path)
    assert len(Lora().attach(open_model(str(llama)).model, tmp_path)) == 28

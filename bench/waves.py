"""Tasks that contradict each other: sinusoids of which ten points are shown, as is usual for few-shot regression.

At any place one wave is high where another is low, so the best model for all of them together is nearly flat, and it is
a long way from there to each. What is learned is B of an adapter on every layer of a network of drawn weights. The
family is that of 1703.03400.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from homeostat.train.meta.reptile import Draw, Plan, adapted, first_order_maml, joint, reptile

RATES = (0.0025, 0.005, 0.01, 0.02, 0.03, 0.05, 0.08)
"""Rates of the steps on a new wave, of which each beginning takes its own best."""
STEPS = 5
CHOOSING, TESTING = 98, 99
"""Seeds of the waves that a rate is chosen on, and of those that are counted."""


class Network:
    """Three layers of drawn weights, and on each an adapter of which only B can change, as LoRA's: W + B · A."""

    def __init__(self, width: int = 64, rank: int = 16) -> None:
        draw = torch.Generator().manual_seed(0)
        shapes = [(width, 1), (width, width), (1, width)]
        self.weights = [1.5 * torch.randn(out, n, generator=draw) / n**0.5 for out, n in shapes]
        self.biases = [s * torch.randn(out, generator=draw) for s, (out, _) in zip((1.5, 0.75, 0), shapes, strict=True)]
        self.down = [torch.randn(rank, n, generator=draw) / n**0.5 for _, n in shapes]
        self.up = [torch.zeros(out, rank, requires_grad=True) for out, _ in shapes]

    def __call__(self, x: Tensor) -> Tensor:
        """float[places, 1] for float[places, 1]."""
        for k in range(3):
            weight = torch.addmm(self.weights[k], self.up[k], self.down[k])
            x = nn.functional.linear(x if k == 0 else x.tanh(), weight, self.biases[k])
        return x


class Wave:
    """A sinusoid of drawn height and phase, seen at ten places."""

    def __init__(self, network: Network, rng: np.random.Generator) -> None:
        self.network, self.height, self.phase = network, rng.uniform(0.1, 5.0), rng.uniform(0.0, np.pi)
        self.places = torch.tensor(rng.uniform(-5.0, 5.0, (10, 1)), dtype=torch.float32)

    def loss(self, x: Tensor) -> Tensor:
        """Mean squared error at these places."""
        return (self.network(x) - self.height * torch.sin(x + self.phase)).square().mean()

    def support(self) -> Tensor:
        """Mean squared error at the ten places."""
        return self.loss(self.places)

    def query(self) -> Tensor:
        """The same all along."""
        return self.loss(torch.linspace(-5.0, 5.0, 50)[:, None])


def waves(network: Network) -> Draw:
    """Draws waves that this network is to follow."""
    return lambda rng: Wave(network, rng)


def losses(network: Network, rate: float, tasks: int, seed: int) -> np.ndarray:
    """float64[tasks]: mean squared error on new waves, `STEPS` steps from where the network stands."""
    rng = np.random.default_rng(seed)
    return np.array([adapted(network.up, Wave(network, rng), rate, STEPS) for _ in range(tasks)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """Where a beginning leads to."""

    rate: float
    """Chosen on other waves."""
    losses: np.ndarray
    """float64[tasks]"""


def beginnings(plan: Plan, note: Callable[[str], None]) -> dict[str, Network]:
    """Every beginning, learned; `note` is told of each."""
    half = replace(plan, steps=plan.steps // 2, outer=plan.rate)
    ways: dict[str, Callable[[Network], None]] = {
        "zero": lambda network: None,
        "multi-task": lambda network: joint(network.up, waves(network), plan),
        "maml": lambda network: first_order_maml(network.up, waves(network), half),
        "reptile": lambda network: reptile(network.up, waves(network), plan),
    }
    found = {}
    for name, learn in ways.items():
        note(f"waves: {name} …")
        found[name] = Network()
        learn(found[name])
    return found


def reached(network: Network, tasks: int, choosing: int) -> Reached:
    """What new waves are left with, at the rate that is best on `choosing` others."""
    tried = {rate: float(losses(network, rate, choosing, CHOOSING).mean()) for rate in RATES}
    rate = min(RATES, key=lambda rate: tried[rate] if np.isfinite(tried[rate]) else np.inf)
    return Reached(rate=rate, losses=losses(network, rate, tasks, TESTING))

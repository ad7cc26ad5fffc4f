"""The family of tasks that contradict each other."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch

sys.path.append(str(Path(__file__).parents[2] / "bench"))

from waves import RATES, Network, Wave, beginnings, losses, reached, waves

from homeostat.train.meta.reptile import Plan

SMALL = Plan(rounds=20, tasks=1, steps=4, rate=0.01)


def test_waves_contradict_each_other() -> None:
    """At any place waves are high and low alike, so their mean is far from most of them; one draw gives one wave."""
    rng, places = np.random.default_rng(0), torch.linspace(-5, 5, 50)[:, None]
    some = [Wave(Network(width=4, rank=1), rng) for _ in range(300)]
    values = np.array([(w.height * torch.sin(places + w.phase)).numpy()[:, 0] for w in some])
    assert np.abs(values.mean(0)).mean() < 0.7 * values.std(0).mean()
    again = waves(some[0].network)(np.random.default_rng(0))
    assert isinstance(again, Wave)
    assert (again.height, again.phase) == (some[0].height, some[0].phase)


def test_an_untrained_adapter_is_the_network() -> None:
    """B begins at zero, and changes what the network says once it is not."""
    network, x = Network(width=8, rank=2), torch.linspace(-1, 1, 5)[:, None]
    before = network(x)
    network.up[1].data += 1.0
    assert not torch.allclose(network(x), before)
    network.up[1].data -= 1.0
    torch.testing.assert_close(network(x), before)


def test_all_beginnings_meet_the_same_waves() -> None:
    """Losses of a seed are of the same waves in the same order, and leave the network where it stands."""
    network = Network(width=8, rank=2)
    first = losses(network, 0.01, 6, 99)
    np.testing.assert_array_equal(first, losses(network, 0.01, 6, 99))
    np.testing.assert_array_equal(first[:3], losses(network, 0.01, 3, 99))
    assert np.abs(first - losses(network, 0.0, 6, 99)).max() > 0


def test_each_takes_its_own_rate_on_other_waves() -> None:
    """The rate is one of those tried, the best on other waves; every beginning but the first one has moved."""
    told: list[str] = []
    found = beginnings(SMALL, told.append)
    assert list(found) == ["zero", "multi-task", "maml", "reptile"]
    assert len(told) == 4
    moved = [max(float(up.detach().abs().max()) for up in network.up) for network in found.values()]
    assert moved[0] == 0.0 < min(moved[1:])
    end = reached(found["zero"], 5, 8)
    tried = {rate: losses(found["zero"], rate, 8, 98).mean() for rate in RATES}
    assert end.rate == min(tried, key=lambda rate: tried[rate] if np.isfinite(tried[rate]) else np.inf)
    np.testing.assert_array_equal(end.losses, losses(found["zero"], end.rate, 5, 99))

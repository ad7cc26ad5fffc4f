"""Divergence from the champion."""

from __future__ import annotations

import math

import pytest
import torch

from homeostat.train.penalties.divergence import Divergence, divergence
from homeostat.train.run import Start
from shown import Shown
from train.penalties import forgetting


def test_it_is_zero_where_nothing_moved() -> None:
    """A model that says what the teacher said has divergence 0, whatever it says of labels the teacher did not know."""
    logits = torch.tensor([[1.0, 2.0, 0.5, 9.0], [0.0, 0.0, 1.0, -9.0]])
    assert float(divergence(logits, logits[:, :3].log_softmax(-1))) == pytest.approx(0.0, abs=1e-6)


def test_it_is_the_mean_divergence_over_rows() -> None:
    """KL(teacher || model) of a coin: p log(p/q) summed, averaged over rows, in nats."""
    teacher = torch.tensor([[0.8, 0.2], [0.5, 0.5]]).log()
    model = torch.tensor([[0.5, 0.5], [0.5, 0.5]]).log()
    wanted = (0.8 * math.log(0.8 / 0.5) + 0.2 * math.log(0.2 / 0.5)) / 2
    assert float(divergence(model, teacher)) == pytest.approx(wanted, abs=1e-6)


def test_no_rows() -> None:
    """Without rows there is nothing to diverge on."""
    assert float(divergence(torch.zeros(0, 3), torch.zeros(0, 2))) == 0.0


@pytest.mark.slow
def test_less_is_forgotten(champion: Start, shown: Shown) -> None:
    """At weight 1, less is lost of what was known than without it, and the new is learned."""
    spared = forgetting.spared(champion, shown.draws(2), Divergence(weight=1.0))
    shown.over("nats of loss on rows of what was known, less than without it", spared, least=0.2)

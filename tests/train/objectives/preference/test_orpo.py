"""Odds-ratio preference optimization."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from homeostat.train.objectives.preference.orpo import Orpo, log_odds
from shown import Shown
from train.objectives.preference import planted


def test_odds_are_exact_at_both_ends() -> None:
    """log(p / (1 - p)) from log p, for p near 0 and near 1."""
    p = torch.tensor([1e-12, 0.3, 0.5, 0.9, 1 - 1e-9], dtype=torch.float64)
    torch.testing.assert_close(log_odds(p.log()), torch.log(p / (1 - p)), rtol=1e-6, atol=1e-9)


def test_a_preference_is_learned_without_a_reference(llama: Path, shown: Shown) -> None:
    """On unseen requests the better reply gains more in over 80 of 100, by more than plain likelihood makes it gain."""
    wider = []
    for draw in shown.draws(1):
        learned = [planted.learned(llama, Orpo(ratio=r), planted.pairs(seed=draw)) for r in (1.0, 0.0)]
        told = [planted.agreement(llama, on, 100 + draw) for on in learned]
        assert told[0][0] > 0.75
        wider.append(told[0][1] - told[1][1])
    shown.over("nats by which the better reply gains on unseen pairs, more than by fine-tuning", wider)


def test_weight_of_rows(llama: Path) -> None:
    """Pairs count by their weight."""
    rows = planted.pairs(each=2)
    assert Orpo().weigh(rows) == pytest.approx(6.0)

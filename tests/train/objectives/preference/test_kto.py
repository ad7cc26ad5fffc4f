"""Kahneman–Tversky optimization."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from homeostat.llm.load import open_model
from homeostat.train.objectives.preference.kto import Kto, prospect
from homeostat.train.step import Ground, Step
from shown import Shown
from train.objectives.preference import planted


def test_the_value_of_a_gain() -> None:
    """W (1 - σ(±β (gain - drift))), with the sign of whether it was liked."""
    spec = Kto(beta=0.5, liked=2.0, disliked=3.0)
    each = prospect(torch.tensor([1.0, 1.0]), torch.tensor([True, False]), torch.tensor(0.2), spec)
    up = 1 / (1 + torch.exp(torch.tensor(-0.5 * 0.8))).item()
    assert each.tolist() == pytest.approx([2 * (1 - up), 3 * up], rel=1e-5)


def test_it_starts_at_one_half(llama: Path) -> None:
    """Before anything is learned, nothing gained and nothing drifted."""
    rows = planted.thumbs(planted.pairs(each=4))
    ground = Ground(opened=open_model(str(llama)), train=rows, bfloat16=False)
    with torch.no_grad():
        assert float(Kto().begin(ground)(Step(ground, rows))) == pytest.approx(0.5, abs=1e-3)


@pytest.mark.slow
def test_thumbs_are_learned_and_reverse(llama: Path, shown: Shown) -> None:
    """From thumbs alone, on unseen requests, the liked kind of reply gains more in over half; with the thumbs turned
    round, in fewer; half of all requests and more lie between the two.
    """
    apart = []
    for draw in shown.draws(1):
        rows = planted.thumbs(planted.pairs(seed=draw))
        turned = [replace(row, value=1.0 - row.value) for row in rows]
        learned = [planted.learned(llama, Kto(), some) for some in (rows, turned)]
        shares = [planted.agreement(llama, on, 100 + draw)[0] for on in learned]
        assert shares[0] > 0.5 > shares[1]
        apart.append(shares[0] - shares[1])
    of = "share of unseen rows of which the liked reply gains, more than if thumbs are turned round"
    shown.over(of, apart, least=0.5)

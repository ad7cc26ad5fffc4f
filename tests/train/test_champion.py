"""Asking the champion: how far a candidate has moved on new rows."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from homeostat.llm.forward import predict
from homeostat.llm.load import open_model
from homeostat.llm.render import Rendered
from homeostat.train.champion import GAUGED, Champion, gauged
from homeostat.train.samples import Sample

LABELS = torch.tensor([60, 61, 62])


def rows(count: int, *, replay: bool = False, first: int = 100) -> list[Sample]:
    return [Sample(Rendered(tuple(range(first, first + 2 + k % 9)), (60,)), replay=replay) for k in range(count)]


def test_new_rows_are_drawn() -> None:
    """All new rows where they are few, a draw of the seed where they are many, and never a replayed one."""
    few = [*rows(5), *rows(9, replay=True, first=200)]
    assert gauged(few, 0) == [s.rendered for s in few[:5]]
    many = [Sample(Rendered((k,), (60,))) for k in range(400)]
    assert len(gauged(many, 0)) == GAUGED
    assert gauged(many, 0) == gauged(many, 0) != gauged(many, 1)


def test_how_far_a_model_has_moved(llama: Path) -> None:
    """Nowhere, where nothing was trained; the divergence over its labels, where something was."""
    opened, samples = open_model(str(llama)), rows(20)
    champion = Champion.ask(opened, LABELS, gauged(samples, 0))
    assert champion.distance(opened) == pytest.approx(0.0, abs=1e-6)
    with torch.no_grad():
        opened.model.base_model.norm.weight.mul_(3.0)
        now = torch.stack([predict(opened, [s.rendered]).logits[0, LABELS].log_softmax(-1) for s in samples])
    wanted = (champion.said.exp() * (champion.said - now)).sum(-1).mean()
    assert champion.distance(opened) == pytest.approx(float(wanted), rel=1e-3)
    assert float(wanted) > 0.01


def test_nobody(llama: Path) -> None:
    """Without a champion nothing has moved, and nothing was spent."""
    opened, nobody = open_model(str(llama)), Champion.nobody()
    assert (nobody.distance(opened), nobody.flops) == (0.0, 0.0)

"""A head that tells labels: smoothing as torch has it, and planted classes that it finds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from homeostat.llm.forward import predict
from homeostat.llm.head import Head, HeadedModel, Shape
from homeostat.llm.load import Opened
from homeostat.llm.render import Rendered
from homeostat.stats.intervals import paired
from homeostat.train.headed import HeadOrder, train_head
from homeostat.train.objectives.heads.classified import Classified
from homeostat.train.recipe import Recipe
from homeostat.train.samples import Sample
from homeostat.train.step import Ground, Step
from shown import Shown
from train.objectives.heads.conftest import Loss, Planted


def test_smoothing(loss: Loss, decoder: Opened) -> None:
    """The loss is torch's with so much smoothing, and held-out rows are measured without any."""
    rows = [Sample(Rendered((50 + k,), (0,)), values=(float(k % 3),)) for k in range(6)]
    made = Head(Shape(form="label", names=("a", "b", "c")), 48)
    torch.nn.init.normal_(made.layers[-1].weight)  # type: ignore[arg-type]
    ours = float(loss(decoder, made, Classified(smoothing=0.2), rows).detach())
    with torch.no_grad():
        scores = made(predict(decoder, [s.rendered for s in rows]))
    right = torch.tensor([0, 1, 2, 0, 1, 2])
    assert ours == pytest.approx(float(F.cross_entropy(scores, right, label_smoothing=0.2)), abs=1e-5)
    ground = Ground(opened=decoder, train=rows, bfloat16=False)
    looked = Classified(smoothing=0.2).begin(ground).looked
    assert float(looked(Step(ground, rows)).detach()) == pytest.approx(float(F.cross_entropy(scores, right)), abs=1e-5)


def test_planted_classes_are_found(planted: Planted, draw: int, tmp_path: Path, shown: Shown) -> None:
    """Which of three planted directions a text lies in the farthest, a linear head on a model that stays as it is tells
    of unseen texts far more often than the most frequent label would, by a paired interval that leaves out 20 points.
    """
    names = ("one", "two", "three")
    farthest = np.stack([planted.numbers(3 * draw + k) for k in range(3)]).argmax(0)
    wanted = [names[k] for k in farthest]
    seen, rest = slice(0, 300), slice(300, None)
    trained = train_head(
        HeadOrder(
            base=planted.base,
            rows=list(zip(planted.texts[seen], wanted[seen], strict=True)),
            form="label",
            names=names,
            folder=tmp_path,
            recipe=Recipe(lr=2e-1, epochs=40, batch_rows=100, patience=10),
            ahead=1.0,
        )
    )
    told = HeadedModel.open(planted.base, trained.weights).label(planted.texts[rest])
    right = np.array([a == b for a, b in zip(told, wanted[rest], strict=True)], float)
    frequent = max(names, key=wanted[seen].count)
    always = np.array([b == frequent for b in wanted[rest]], float)
    of = "share of unseen rows told right, more than by the most frequent label"
    shown.within(of, paired(right, always), least=0.2)

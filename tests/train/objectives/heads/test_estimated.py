"""A head that tells numbers: a planted direction is found, and Huber's loss does not follow numbers that are wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from homeostat.llm.forward import predict
from homeostat.llm.head import Head, HeadedModel, Shape
from homeostat.llm.load import Opened
from homeostat.llm.render import Rendered
from homeostat.metrics.regression import r_squared, root_mean_squared_error
from homeostat.train.headed import HeadOrder, train_head
from homeostat.train.objectives.heads.estimated import Estimated
from homeostat.train.recipe import Recipe
from homeostat.train.samples import Sample
from shown import Shown
from train.objectives.heads.conftest import Floats, Loss, Planted

LEARNED = 300
OUTLIERS = 0.1
"""Share of the rows whose number is wrong."""


@pytest.mark.parametrize("delta", [0.5, 1.0, 3.0])
def test_as_torch_counts(delta: float, loss: Loss, decoder: Opened) -> None:
    """Huber's loss is torch's, to 1e-5, below and above its delta."""
    rows = [Sample(Rendered((50 + k,), (0,)), values=(2.0 * k - 3.0, 0.1 * k)) for k in range(6)]
    made = Head(Shape(form="numbers", names=("a", "b")), 48)
    torch.nn.init.normal_(made.layers[-1].weight)  # type: ignore[arg-type]
    ours = float(loss(decoder, made, Estimated(delta=delta), rows).detach())
    with torch.no_grad():
        scores = made(predict(decoder, [s.rendered for s in rows]))
    wanted = torch.tensor([s.values for s in rows])
    assert ours == pytest.approx(float(torch.nn.HuberLoss(delta=delta)(scores, wanted)), abs=1e-5)


def unseen(planted: Planted, told: Floats, wanted: Floats, objective: Estimated, folder: Path) -> Floats:
    """What a linear head, trained on these numbers of the first texts, tells of the others."""
    trained = train_head(
        HeadOrder(
            base=planted.base,
            rows=list(zip(planted.texts[:LEARNED], told[:LEARNED].tolist(), strict=True)),
            form="numbers",
            names=("value",),
            folder=folder,
            recipe=Recipe(objective=objective, lr=1e-1, epochs=20, batch_rows=100, held_out=0.0, looks=1),
            ahead=1.0,
        )
    )
    said: Floats = HeadedModel.open(planted.base, trained.weights).tell(planted.texts[LEARNED:])[:, 0]
    return said


def test_a_planted_direction_is_found(planted: Planted, tmp_path: Path) -> None:
    """A direction of the hidden states, in units of its own and with a tenth of noise, is explained to over 95 % on
    texts that were not trained on; the same numbers, shuffled over the texts, are not.
    """
    numbers = 40.0 * planted.numbers(1) + 1000.0
    noisy = numbers + 4.0 * np.random.default_rng(1).standard_normal(len(numbers))
    said = unseen(planted, noisy, numbers, Estimated(), tmp_path / "told")
    assert r_squared(said.tolist(), numbers[LEARNED:].tolist()) > 0.95
    shuffled = np.random.default_rng(2).permutation(noisy)
    lost = unseen(planted, shuffled, numbers, Estimated(), tmp_path / "shuffled")
    assert r_squared(lost.tolist(), numbers[LEARNED:].tolist()) < 0.3


@pytest.mark.slow
def test_wrong_numbers_do_not_lead_huber_astray(planted: Planted, tmp_path: Path, shown: Shown) -> None:
    """With one number in ten wrong by ten spreads, always upward, Huber's loss is nearer to the truth on unseen texts
    than squared errors, over four directions, by an interval of the difference that leaves out 0.
    """
    nearer = []
    for seed in shown.draws(4):
        numbers, draw = planted.numbers(seed), np.random.default_rng(seed)
        told = numbers + 10.0 * (draw.random(len(numbers)) < OUTLIERS)
        wanted = numbers[LEARNED:].tolist()
        squared, huber = (
            root_mean_squared_error(
                unseen(planted, told, numbers, Estimated(delta=delta), tmp_path / f"{seed}.{delta}").tolist(), wanted
            )
            for delta in (None, 1.0)
        )
        nearer.append(squared - huber)
    of = "spreads of error with one number in ten wrong, less by Huber's loss than by squares"
    shown.over(of, nearer, least=0.2)

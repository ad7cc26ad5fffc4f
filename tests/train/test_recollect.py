"""What a champion says of rows is had from the states that it kept, at the price of a few rows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

import tiny
from homeostat.llm.labels import encode_labels
from homeostat.llm.load import Opened, open_model
from homeostat.llm.render import Renderer
from homeostat.train.adapt.lora import Lora
from homeostat.train.ask import log_probabilities
from homeostat.train.carried import FILE
from homeostat.train.penalties.divergence import Held
from homeostat.train.recipe import Recipe
from homeostat.train.recollect import TRIED, recollected
from homeostat.train.run import Order, Start, Trained, render, train
from homeostat.train.samples import Sample
from homeostat.train.step import Ground
from homeostat.types.dataset import Origin

RECIPE = Recipe(lr=8e-3, epochs=8, batch_rows=16, looks=8, patience=8, carry=True)
ROWS = tiny.examples(each=40)


def order(start: Start, folder: Path, recipe: Recipe = RECIPE) -> Order:
    rows = [replace(row, origin=Origin.REPLAY) for row in ROWS] if start.folder else ROWS
    return Order(task=tiny.ROUTING, start=start, examples=rows, labels=tiny.LABELS, recipe=recipe, folder=folder)


@pytest.fixture(scope="module")
def champion(llama: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Trained on three labels; it has kept the states of its rows."""
    return train(order(Start(base=str(llama)), tmp_path_factory.mktemp("champion")))


@pytest.fixture
def ground(llama: Path, champion: Trained) -> Ground:
    """What a careful run stands on before its first step."""
    opened = open_model(str(llama))
    codes = encode_labels(opened.tokenizer, tiny.LABELS)
    Lora().attach(opened.model, champion.weights, {})
    opened.model.eval()
    labels = torch.tensor([s[0] for s in codes.sequences])
    samples = render(order(Start(base=str(llama), folder=champion.weights), Path()), Renderer(opened.tokenizer), codes)
    return Ground(
        opened=opened,
        train=samples,
        allowed=labels,
        known=len(labels),
        label_rows=Lora().label_rows(opened.model, labels),
        begun=champion.weights,
    )


def read(opened: Opened, samples: list[Sample], labels: torch.Tensor) -> torch.Tensor:
    return log_probabilities(opened, [s.rendered for s in samples], labels)[0]


def test_it_says_what_it_would_if_it_were_asked(ground: Ground) -> None:
    """Of every row that was fitted, to the precision in which states are kept, for a few passes instead of all."""
    assert ground.allowed is not None
    said = recollected(ground, ground.train)
    spent = ground.meter.flops
    kept = [s for s in ground.train if s.rendered in said]
    asked = Held.of(replace(ground, begun=None), kept).said
    assert len(kept) > 0.8 * len(ROWS)  # the others were held out
    assert spent < 0.2 * (ground.meter.flops - spent)
    apart = torch.stack([(asked[row].exp() * (asked[row] - said[row])).sum() for row in said])
    assert float(apart.abs().max()) < 1e-3  # nats


def test_rows_that_were_not_kept_are_asked_about(ground: Ground) -> None:
    """A penalty holds a run to the answers on all its rows, wherever they come from."""
    some = recollected(ground, ground.train)
    held = Held.of(ground, ground.train).said
    assert len(some) < len(held) == len({s.rendered for s in ground.train})


@pytest.mark.parametrize("lacks", ["states", "rows", "labels", "enough"])
def test_where_nothing_is_recollected(ground: Ground, champion: Trained, lacks: str, tmp_path: Path) -> None:
    """Without states, rows of labels, labels, or more rows than are tried, the model is asked."""
    assert (champion.weights / FILE).exists()
    without = {
        "states": replace(ground, begun=tmp_path),
        "rows": replace(ground, label_rows=None),
        "labels": replace(ground, allowed=None),
        "enough": ground,
    }
    rows = ground.train[:TRIED] if lacks == "enough" else ground.train
    assert recollected(without[lacks], rows) == {}

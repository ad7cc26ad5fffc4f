"""Rows of new labels, fitted before the first step to what the champion's states tell of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import tiny
from homeostat.llm.labels import encode_labels
from homeostat.llm.load import Opened, open_model
from homeostat.llm.render import Renderer
from homeostat.stats.intervals import paired
from homeostat.train.adapt.lora import Lora
from homeostat.train.ask import ask
from homeostat.train.carried import States, row_name
from homeostat.train.newcomers import PULL, fit_newcomers
from homeostat.train.recipe import Recipe
from homeostat.train.rows import LabelRows, beginnings
from homeostat.train.run import Order, Start, Trained, render, train
from homeostat.train.samples import Sample
from homeostat.types.dataset import Example, Origin
from shown import Shown

NEW = ("wrong_bill", "light_out")
ALL = (*tiny.LABELS, *NEW)
KNOWN = len(tiny.LABELS)
RECIPE = Recipe(lr=8e-3, epochs=8, batch_rows=16, looks=8, patience=8, carry=True)


def order(start: Start, folder: Path, examples: Sequence[Example], labels: Sequence[str], recipe: Recipe) -> Order:
    return Order(task=tiny.ROUTING, start=start, examples=examples, labels=tuple(labels), recipe=recipe, folder=folder)


@pytest.fixture(scope="module")
def champion(llama: Path, draw: int, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Trained on three labels; it has kept the states of its rows."""
    rows, folder = tiny.examples(each=40, seed=10 * draw), tmp_path_factory.mktemp("champion")
    return train(order(Start(base=str(llama)), folder, rows, tiny.LABELS, replace(RECIPE, seed=draw)))


@pytest.fixture
def opened(llama: Path, champion: Trained) -> Opened:
    """The champion with rows for two labels more, which begin at what their words mean."""
    found = open_model(str(llama))
    Lora().attach(found.model, champion.weights, beginnings(found, encode_labels(found.tokenizer, ALL), KNOWN))
    found.model.eval()
    return found


def samples(opened: Opened, examples: Sequence[Example]) -> list[Sample]:
    asked = order(Start(base=""), Path(), examples, ALL, RECIPE)
    return render(asked, Renderer(opened.tokenizer), encode_labels(opened.tokenizer, ALL))


def codes(opened: Opened) -> torch.Tensor:
    """int64[5]: the tokens of all labels."""
    return torch.tensor([s[0] for s in encode_labels(opened.tokenizer, ALL).sequences])


def rows_of(opened: Opened) -> LabelRows:
    rows = Lora().label_rows(opened.model, codes(opened))
    assert rows is not None
    return rows


def learned(opened: Opened, draw: int) -> list[Sample]:
    """New rows, and old ones that the champion was trained on."""
    old = [replace(row, origin=Origin.RECALL) for row in tiny.examples(each=40, seed=10 * draw)]
    return samples(opened, [*tiny.examples(NEW, each=40, seed=10 * draw + 4), *old])


def hits(opened: Opened, rows: Sequence[Sample]) -> list[float]:
    """By row, 1 where its label is the most likely one, else 0."""
    labels = codes(opened)
    said = ask(opened, [s.rendered for s in rows], labels).logits.argmax(1)
    return (labels[said] == torch.tensor([s.rendered.completion[0] for s in rows])).float().tolist()


def test_new_labels_are_told_before_the_first_step(opened: Opened, champion: Trained, draw: int, shown: Shown) -> None:
    """Of unseen requests, with no step of training: many of the new labels', more of all together, though some of the
    known ones' are lost to them. The known labels' rows are to the bit what they were.
    """
    new, old = (samples(opened, tiny.examples(of, each=40, seed=10 * draw + 8)) for of in (NEW, tiny.LABELS))
    rows, known, both = rows_of(opened), learned(opened, draw), [*new, *old]
    began, before, kept = rows.read(), hits(opened, both), States.read(champion.weights)
    assert fit_newcomers(opened, rows, codes(opened), KNOWN, known, kept) > 0
    after = hits(opened, both)
    assert paired(after[: len(new)], before[: len(new)]).low > 0.2
    shown.within("share of unseen rows of old and new labels told right, more than before", paired(after, before))
    assert torch.equal(rows.read()[:KNOWN], began[:KNOWN])


def test_the_fit_is_where_the_whole_loss_is_least(opened: Opened, draw: int) -> None:
    """There the gradient of cross-entropy over all labels, and of the pull, is next to nothing in the new rows."""
    labels, rows, known = codes(opened), rows_of(opened), [replace(s, recalled=False) for s in learned(opened, draw)]
    began = rows.read()
    asked = ask(opened, [s.rendered for s in known], labels)
    at = torch.tensor([int((labels == s.rendered.completion[0]).nonzero()) for s in known])
    strength = PULL * float(asked.states.square().sum(1).mean())

    def gradient() -> float:
        now = rows.read().requires_grad_(True)
        pull = strength * (now - began)[KNOWN:].square().sum()
        loss = torch.nn.functional.cross_entropy(asked.states @ now.T, at) + pull
        loss.backward()  # type: ignore[no-untyped-call]
        assert now.grad is not None
        return float(now.grad[KNOWN:].norm())

    first = gradient()
    fit_newcomers(opened, rows, labels, KNOWN, known, States({}))
    assert gradient() < 0.05 * first


def test_what_the_champion_kept_is_not_read(opened: Opened, champion: Trained, draw: int) -> None:
    """Nor is what is only recalled where it kept nothing; rows that are replayed are read then."""
    known = learned(opened, draw)
    replayed = [replace(s, recalled=False, replay=s.recalled) for s in known]
    kept = States.read(champion.weights)
    assert {row_name(s) for s in known if s.recalled} & kept.by_row.keys()
    rows, labels = rows_of(opened), codes(opened)
    spent = [
        fit_newcomers(opened, rows, labels, KNOWN, some, before)
        for some, before in ((known, kept), (known, States({})), (replayed, States({})))
    ]
    assert spent[1] <= spent[0] < spent[2]


def test_where_nothing_is_new_nothing_is_done(opened: Opened, draw: int) -> None:
    """Without rows, without labels known, without a request of a new one, and where logits are something else."""
    labels, rows, known = codes(opened), rows_of(opened), learned(opened, draw)
    began = rows.read()
    assert fit_newcomers(opened, None, labels, KNOWN, known, States({})) == 0.0
    assert fit_newcomers(opened, rows, labels, 0, known, States({})) == 0.0
    assert fit_newcomers(opened, rows, labels, len(ALL), known, States({})) == 0.0
    assert fit_newcomers(opened, rows, labels, KNOWN, [s for s in known if s.recalled], States({})) == 0.0
    other = LabelRows(torch.randn_like(rows.table), rows.at)
    drawn = other.read()
    fit_newcomers(opened, other, labels, KNOWN, known, States({}))
    assert torch.equal(other.read(), drawn)
    assert torch.equal(rows.read(), began)


def test_a_run_pays_for_it(llama: Path, champion: Trained, draw: int, tmp_path: Path) -> None:
    """A recipe that says so is lower in loss at its first batch, and its operations count the fit."""
    start = Start(base=str(llama), folder=champion.weights, kind="lora", labels=tiny.LABELS)
    old = [replace(row, origin=Origin.REPLAY) for row in tiny.examples(each=40, seed=10 * draw)]
    rows = [*tiny.examples(NEW, each=40, seed=10 * draw + 4), *old]
    short = replace(RECIPE, max_steps=1, looks=1, refit=False, seed=draw)
    losses: list[float] = []
    costs = []
    for says in (False, True):
        asked = order(start, tmp_path / str(says), rows, ALL, replace(short, newcomers=says))
        costs.append(train(replace(asked, report=lambda values: losses.append(values["loss"]))).cost["flops"])
    assert costs[1] > costs[0]
    assert losses[1] < 0.7 * losses[0]

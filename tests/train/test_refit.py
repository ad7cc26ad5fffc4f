"""Rows fitted to all that is remembered: what gradient steps on the new alone have pushed away comes back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import tiny
from homeostat.llm.labels import encode_labels
from homeostat.llm.load import Opened, open_model
from homeostat.llm.render import Renderer
from homeostat.stats.intervals import paired
from homeostat.train.adapt.full import Full
from homeostat.train.adapt.lora import Lora
from homeostat.train.ask import ask
from homeostat.train.recipe import Recipe
from homeostat.train.refit import SHOWN_LEAST, LabelRows, Refitted, refit, shown
from homeostat.train.run import Order, Start, Trained, render, train
from homeostat.train.samples import Sample
from homeostat.types.dataset import Example, Origin
from shown import Shown

NEW = ("wrong_bill", "light_out")
ALL = (*tiny.LABELS, *NEW)
RECIPE = Recipe(lr=8e-3, epochs=8, batch_rows=16, looks=8, patience=8, refit=False)


def order(start: Start, folder: Path, examples: Sequence[Example], labels: Sequence[str], recipe: Recipe) -> Order:
    return Order(task=tiny.ROUTING, start=start, examples=examples, labels=tuple(labels), recipe=recipe, folder=folder)


def samples(opened: Opened, examples: Sequence[Example]) -> tuple[list[Sample], torch.Tensor]:
    """Rendered rows, and the tokens of all labels."""
    codes = encode_labels(opened.tokenizer, ALL)
    asked = order(Start(base=""), Path(), examples, ALL, RECIPE)
    return render(asked, Renderer(opened.tokenizer), codes), torch.tensor([s[0] for s in codes.sequences])


def hits(opened: Opened, rows: Sequence[Sample], labels: torch.Tensor) -> list[float]:
    """By row, 1 where its label is the most likely one, else 0."""
    said = ask(opened, [s.rendered for s in rows], labels).logits.argmax(1)
    return (labels[said] == torch.tensor([s.rendered.completion[0] for s in rows])).float().tolist()


def right(opened: Opened, rows: Sequence[Sample], labels: torch.Tensor) -> float:
    """Share of the rows whose label is the most likely one."""
    return float(np.mean(hits(opened, rows, labels)))


def learned(draw: int) -> tuple[list[Example], list[Example]]:
    """What was learned first, and what later."""
    return tiny.examples(each=40, seed=10 * draw), tiny.examples(NEW, each=40, seed=10 * draw + 4)


@pytest.fixture(scope="module")
def forgetful(llama: Path, draw: int, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Trained on three labels, then on two new ones alone."""
    folder, base = tmp_path_factory.mktemp("forgetful"), Start(base=str(llama))
    recipe, (old, new) = replace(RECIPE, seed=draw), learned(draw)
    first = train(order(base, folder / "first", old, tiny.LABELS, recipe))
    champion = replace(base, folder=first.weights, kind="lora", labels=tiny.LABELS)
    return train(order(champion, folder / "naive", new, ALL, recipe))


@pytest.fixture
def opened(llama: Path, forgetful: Trained) -> Opened:
    """The forgetful model, to be mended."""
    found = open_model(str(llama))
    Lora().attach(found.model, forgetful.weights)
    found.model.eval()
    return found


def test_what_was_forgotten_comes_back(opened: Opened, draw: int, shown: Shown) -> None:
    """No step of training, and only the rows of the five codes differ; the old labels return, the new ones stay."""
    known, labels = samples(opened, [row for rows in learned(draw) for row in rows])
    unseen, _ = samples(opened, tiny.examples(ALL, each=20, seed=10 * draw + 6))
    old, new = (samples(opened, tiny.examples(of, each=40, seed=10 * draw + 8))[0] for of in (tiny.LABELS, NEW))
    before = {name: tensor.clone() for name, tensor in opened.model.state_dict().items()}
    forgot = hits(opened, old, labels)
    done = refit(opened, Lora().label_rows(opened.model, labels), labels, known, unseen)
    assert np.mean(forgot) < 0.5
    back = paired(hits(opened, old, labels), forgot)
    shown.within("share of unseen rows of what was forgotten told right, more than before", back, least=0.2)
    assert right(opened, new, labels) > 0.75
    assert done.gained > 0.1
    assert done.said is not None
    torch.testing.assert_close(done.said, ask(opened, [s.rendered for s in unseen], labels).logits, rtol=0, atol=1e-3)
    assert done.flops > 0
    moved = {name for name, tensor in opened.model.state_dict().items() if not torch.equal(tensor, before[name])}
    assert moved
    assert all("trainable_tokens" in name for name in moved)


def test_rows_that_help_nobody_are_not_kept(opened: Opened) -> None:
    """Fitted to labels that were dealt at random, the rows raise the held-out loss; training's own stay."""
    known, labels = samples(opened, tiny.examples(ALL, each=30))
    unseen, _ = samples(opened, tiny.examples(NEW, each=20, seed=6))
    wrong = [
        replace(a, rendered=replace(a.rendered, completion=b.rendered.completion))
        for a, b in zip(known, known[7:] + known[:7], strict=True)
    ]
    rows = Lora().label_rows(opened.model, labels)
    assert rows is not None
    before = rows.read()
    assert refit(opened, rows, labels, wrong, unseen).gained == 0.0
    assert torch.equal(rows.read(), before)


def test_the_fit_is_the_best_there_is(opened: Opened) -> None:
    """Of what was learned, no small step of the rows lowers the loss by much: the problem is convex, and solved."""
    known, labels = samples(opened, [*tiny.examples(each=40), *tiny.examples(NEW, each=40, seed=4)])
    unseen, _ = samples(opened, tiny.examples(ALL, each=20, seed=6))
    rows = Lora().label_rows(opened.model, labels)
    assert rows is not None
    refit(opened, rows, labels, known, unseen)
    asked = ask(opened, [s.rendered for s in known], labels)
    at = torch.tensor([int((labels == s.rendered.completion[0]).nonzero()) for s in known])
    fitted = torch.nn.functional.cross_entropy(asked.logits, at)
    assert float(fitted) < 0.35


def test_what_cannot_be_fitted_is_left(opened: Opened, llama: Path) -> None:
    """Without rows, without held-out rows, without anything learned, and where logits are more than a product."""
    known, labels = samples(opened, tiny.examples(ALL, each=4))
    rows = Lora().label_rows(opened.model, labels)
    assert rows is not None
    assert refit(opened, None, labels, known, known) == Refitted()
    assert refit(opened, rows, labels, known, known[:1]) == Refitted()
    assert refit(opened, rows, labels, [], known) == Refitted()
    other = LabelRows(torch.randn_like(rows.table), rows.at)  # not what the logits are made of
    before = other.read()
    assert refit(opened, other, labels, known, known).gained == 0.0
    assert torch.equal(other.read(), before)


def test_of_much_a_part_is_shown(opened: Opened) -> None:
    """What is asked about is bounded, and a repetition of the same rows leaves the fit about where it was."""
    known, labels = samples(opened, [*tiny.examples(each=40), *tiny.examples(NEW, each=40, seed=4)])
    unseen, _ = samples(opened, tiny.examples(ALL, each=20, seed=6))
    assert shown(known, len(ALL)) == known
    many = known * (1 + SHOWN_LEAST // len(known))
    assert len(shown(many, len(ALL))) == SHOWN_LEAST < len(many)
    rows = Lora().label_rows(opened.model, labels)
    assert rows is not None
    begun = rows.read()
    few = refit(opened, rows, labels, known, unseen)
    rows.write(begun)
    repeated = refit(opened, rows, labels, many, unseen)
    assert repeated.gained == pytest.approx(few.gained, rel=0.05)


def test_where_the_rows_lie(opened: Opened, llama: Path) -> None:
    """In the adapter, in the order asked for; in the vocabulary of full weights; nowhere for a token not trained."""
    _, labels = samples(opened, [])
    rows = Lora().label_rows(opened.model, labels.flip(0))
    assert rows is not None
    asked = ask(opened, [s.rendered for s in samples(opened, tiny.examples(each=2))[0]], labels.flip(0))
    torch.testing.assert_close(asked.states @ rows.read().T, asked.logits, rtol=0, atol=1e-4)
    assert Lora().label_rows(opened.model, torch.tensor([3])) is None
    plain = open_model(str(llama))
    of_all = Full().label_rows(plain.model, labels)
    assert of_all is not None
    assert torch.equal(of_all.read(), plain.model.get_output_embeddings().weight[labels].float())


@pytest.mark.slow
@pytest.mark.parametrize("adapt", ["lora", "full"])
def test_a_run_ends_with_it(llama: Path, tmp_path: Path, adapt: str) -> None:
    """Recalled rows are fitted and not trained on: as many steps without them, and more that is still known."""
    recipe = replace(RECIPE, adapt=Lora() if adapt == "lora" else Full(), lr=8e-3 if adapt == "lora" else 3e-3)
    first = train(order(Start(base=str(llama)), tmp_path / "first", tiny.examples(each=40), tiny.LABELS, recipe))
    start = Start(base=str(llama), folder=first.weights, kind=adapt, labels=tiny.LABELS)
    new, old = tiny.examples(NEW, each=40, seed=4), tiny.examples(each=40, origin=Origin.RECALL)
    kept = {}
    for name, rows, fitted in (("naive", new, False), ("recall", [*new, *old], True)):
        made = train(order(start, tmp_path / name, rows, ALL, replace(recipe, refit=fitted)))
        found = open_model(str(llama), made.weights if adapt == "full" else None)
        if adapt == "lora":
            Lora().attach(found.model, made.weights)
        found.model.eval()
        known, labels = samples(found, tiny.examples(each=40, seed=8))
        kept[name] = right(found, known, labels), made.cost["steps"], made.cost["refit"]
    assert kept["recall"][0] > kept["naive"][0] + 0.2
    assert kept["recall"][1] == kept["naive"][1]
    assert (kept["naive"][2], kept["recall"][2] > 0) == (0.0, True)

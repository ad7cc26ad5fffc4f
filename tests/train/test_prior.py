"""A model made to prefer a label: the preference shows on empty requests, and is taken off where it misleads."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

import tiny
from homeostat.llm.labels import encode_labels
from homeostat.llm.load import Opened, open_model
from homeostat.llm.render import Renderer
from homeostat.train.adapt.full import Full
from homeostat.train.ask import ask, log_probabilities
from homeostat.train.prior import fit_prior
from homeostat.train.recipe import Recipe
from homeostat.train.run import Order, Start, render, train
from homeostat.train.samples import Sample
from homeostat.types.dataset import Example

FAVORITE = tiny.LABELS[0]
RECIPE = Recipe(adapt=Full(), lr=3e-3, epochs=2, batch_rows=12, looks=6, patience=6, refit=False)


def rows(seed: int, *, others: int) -> list[Example]:
    """80 rows of the favorite, and one of `others` of as many rows of each other label."""
    known = tiny.examples(each=80, seed=seed)
    return [e for k, e in enumerate(known) if e.target == FAVORITE or k % others == 0]


def order(llama: Path, folder: Path, examples: Sequence[Example]) -> Order:
    return Order(
        task=tiny.ROUTING,
        start=Start(base=str(llama)),
        examples=examples,
        labels=tiny.LABELS,
        recipe=RECIPE,
        folder=folder,
    )


@pytest.fixture(scope="module")
def biased(llama: Path, tmp_path_factory: pytest.TempPathFactory) -> Opened:
    """Trained on many rows of one label and few of the others."""
    made = train(order(llama, tmp_path_factory.mktemp("biased"), rows(0, others=16)))
    return open_model(str(llama), made.weights)


def held(opened: Opened, llama: Path, folder: Path, *, others: int) -> tuple[list[Sample], torch.Tensor]:
    """Rows never trained on, and the tokens of the labels."""
    codes = encode_labels(opened.tokenizer, tiny.LABELS)
    samples = render(order(llama, folder, rows(9, others=others)), Renderer(opened.tokenizer), codes)
    return samples, torch.tensor([s[0] for s in codes.sequences])


def test_a_bias_that_misleads_is_taken_off(biased: Opened, llama: Path, tmp_path: Path) -> None:
    """Where the labels are as frequent as each other, the favorite's prior is the highest and accuracy rises."""
    samples, allowed = held(biased, llama, tmp_path, others=1)
    prior, spent = fit_prior(biased, tiny.ROUTING, samples, allowed)
    told = ask(biased, [s.rendered for s in samples], allowed)
    again, less = fit_prior(biased, tiny.ROUTING, samples, allowed, told.logits)
    assert again == prior
    assert less == pytest.approx(spent - told.flops)
    assert max(range(len(prior)), key=prior.__getitem__) == tiny.LABELS.index(FAVORITE)
    assert spent > 0
    said, _ = log_probabilities(biased, [s.rendered for s in samples], allowed)
    right = torch.tensor([int((allowed == s.rendered.completion[0]).nonzero()) for s in samples])
    plain, fair = ((scores.argmax(1) == right).float().mean() for scores in (said, said - torch.tensor(prior)))
    assert fair > plain + 0.02


def test_a_bias_that_is_knowledge_stays(biased: Opened, llama: Path, tmp_path: Path) -> None:
    """Where the favorite really is that frequent, nothing is taken off; nor where there is nothing to judge by."""
    samples, allowed = held(biased, llama, tmp_path, others=16)
    assert fit_prior(biased, tiny.ROUTING, samples, allowed)[0] == ()
    assert fit_prior(biased, tiny.ROUTING, samples[:1], allowed) == ((), 0.0)
    assert fit_prior(biased, tiny.REPLIES, samples, None) == ((), 0.0)

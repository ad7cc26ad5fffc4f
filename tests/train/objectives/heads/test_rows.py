"""Losses of heads: equal to those of transformers on the same batch, weighed by rows, and refused where they mean
nothing.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor
from transformers import AutoModelForSequenceClassification

import tiny
from homeostat.errors import UnsuitedModel
from homeostat.llm.head import Head, Shape, put_head
from homeostat.llm.load import Opened, open_model
from homeostat.llm.render import Rendered
from homeostat.train.objectives.completion import Completion
from homeostat.train.objectives.heads.classified import Classified
from homeostat.train.objectives.heads.estimated import Estimated
from homeostat.train.objectives.heads.tagged import Tagged
from homeostat.train.samples import Sample
from homeostat.train.step import Ground, Objective, Step
from train.objectives.heads.conftest import Loss, head

PROMPTS = [(50, 51, 52), (60,), (70, 71, 72, 73, 74, 75)]
Case = tuple[Objective, str, int, str, Tensor]
CASES = [
    pytest.param(Classified(), "label", 4, "single_label_classification", torch.tensor([2, 0, 3]), id="label"),
    pytest.param(Estimated(), "numbers", 1, "regression", torch.tensor([0.3, -2.0, 5.0]), id="number"),
    pytest.param(
        Estimated(), "numbers", 2, "regression", torch.tensor([[0.3, 1.0], [-2.0, 0.0], [5.0, 4.0]]), id="numbers"
    ),
    pytest.param(
        Tagged(),
        "tags",
        3,
        "multi_label_classification",
        torch.tensor([[1.0, 0.0, 1.0], [0.0, 0.0, 0.0], [1.0, 1.0, 1.0]]),
        id="tags",
    ),
]


def samples(wanted: Tensor, weights: tuple[float, ...] = (1.0, 1.0, 1.0)) -> list[Sample]:
    values = wanted.float().reshape(3, -1).tolist()
    return [
        Sample(Rendered(p, (0,)), values=tuple(v), weight=w) for p, v, w in zip(PROMPTS, values, weights, strict=True)
    ]


@pytest.mark.parametrize(("objective", "form", "names", "problem", "wanted"), CASES)
def test_as_transformers_counts(
    objective: Objective,
    form: str,
    names: int,
    problem: str,
    wanted: Tensor,
    loss: Loss,
    decoder: Opened,
    tmp_path: Path,
) -> None:
    """The same base with transformers' own head for sequences has the same loss on the same padded batch, to 1e-5, and
    the same gradient of the head's weights.
    """
    base = tiny.llama(tmp_path)
    decoder = open_model(str(base))
    torch.manual_seed(3)
    theirs = AutoModelForSequenceClassification.from_pretrained(
        base, num_labels=names, problem_type=problem, pad_token_id=decoder.tokenizer.pad_token_id
    ).eval()
    longest = max(map(len, PROMPTS))
    ids = torch.tensor([[*p, *[decoder.tokenizer.pad_token_id] * (longest - len(p))] for p in PROMPTS])
    said = theirs(input_ids=ids, attention_mask=(ids != decoder.tokenizer.pad_token_id).long(), labels=wanted)
    made = head(form, names, theirs.score)
    ours = loss(decoder, made, objective, samples(wanted))
    assert float(ours.detach()) == pytest.approx(float(said.loss.detach()), abs=1e-5)
    torch.autograd.backward(said.loss)
    torch.autograd.backward(ours)
    torch.testing.assert_close(made.layers[-1].weight.grad, theirs.score.weight.grad, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("objective", "form", "names", "problem", "wanted"), CASES)
def test_rows_count_by_their_weight(
    objective: Objective, form: str, names: int, problem: str, wanted: Tensor, loss: Loss, decoder: Opened
) -> None:
    """A row of weight three counts as three rows, and a batch may be taken in parts."""
    made = Head(Shape(form=form, names=tuple("abcd"[:names])), 48)
    torch.nn.init.normal_(made.layers[-1].weight)  # type: ignore[arg-type]
    heavy = samples(wanted, (3.0, 1.0, 1.0))
    whole = float(loss(decoder, made, objective, heavy).detach())
    plain = samples(wanted)
    assert whole == pytest.approx(
        float(loss(decoder, made, objective, [plain[0], plain[0], *plain]).detach()), abs=1e-5
    )
    ground = Ground(opened=decoder, train=heavy, bfloat16=False)
    learned = objective.begin(ground)
    parts = [(learned(Step(ground, part)), learned.weigh(part)) for part in (heavy[:2], heavy[2:])]
    assert sum(float(mean.detach()) * share for mean, share in parts) / learned.weigh(heavy) == pytest.approx(
        whole, abs=1e-5
    )


def test_who_cannot_learn_so(decoder: Opened) -> None:
    """A model without a head, one with a head of another form, and rows that say nothing, or too much, are refused."""
    rows = samples(torch.tensor([1.0, 2.0, 3.0]))
    ground = Ground(opened=decoder, train=rows, bfloat16=False)
    for objective in (Classified(), Estimated(), Tagged()):
        with pytest.raises(UnsuitedModel, match=r"there is none.*\n.*train_head"):
            objective.begin(ground)
    put_head(decoder.model, Head(Shape(form="tags", names=("a", "b")), 48))
    for objective in (Classified(), Estimated()):
        with pytest.raises(UnsuitedModel, match="this one tells tags"):
            objective.begin(ground)
    with pytest.raises(UnsuitedModel, match="a row has 1 values to learn, not 2"):
        Tagged().begin(ground)
    bare = [Sample(Rendered((50,), (0,)))]
    with pytest.raises(UnsuitedModel, match="a row has 0 values"):
        Tagged().begin(Ground(opened=decoder, train=bare, bfloat16=False))
    Completion().begin(ground)

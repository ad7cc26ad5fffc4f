"""A head of a version's own: what it tells, how it is kept, and that a batch tells what each text alone does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

import tiny
from homeostat.errors import CorruptWeights, HomeostatError, ModelNotFound, UnsafeWeights
from homeostat.llm.forward import predict
from homeostat.llm.head import FILE, Head, HeadedModel, Shape, head_of, load_head, put_head, save_head
from homeostat.llm.load import Opened, open_model
from homeostat.llm.render import Rendered, Renderer
from homeostat.types.task import Task

NAMES = ("a", "b", "c")
TEXTS = ["my pump leaks", "x", "", "where is the parcel " * 40, "money back please"]
Made = Callable[..., Head]


@pytest.fixture
def head() -> Made:
    """Heads with drawn weights, of a form."""

    def make(form: str = "numbers", width: int = 48, **more: object) -> Head:
        torch.manual_seed(0)
        made = Head(Shape(form=form, names=NAMES, **more), width)  # type: ignore[arg-type]
        with torch.no_grad():
            for tensor in made.state_dict().values():
                tensor.copy_(0.5 + torch.rand_like(tensor))
        return made

    return make


def test_what_is_told_of_scores(head: Made) -> None:
    """Probabilities of labels sum to one, those of tags are each their own, and numbers are told in their units."""
    scores = torch.tensor([[0.0, 1.0, -1.0]])
    torch.testing.assert_close(head("label").told(scores), scores.softmax(-1))
    torch.testing.assert_close(head("tags").told(scores), scores.sigmoid())
    numbers = head("numbers")
    torch.testing.assert_close(numbers.told(scores), scores * numbers.spread + numbers.shift)


def test_a_fresh_head_tells_nothing_yet(decoder: Opened) -> None:
    """Its last layer begins at zero: all labels alike, also with a layer in between."""
    predicted = predict(decoder, [Rendered((50, 51), (0,))])
    for hidden in (0, 7):
        fresh = Head(Shape(form="label", names=NAMES, hidden=hidden), 48)
        assert torch.equal(fresh(predicted), torch.zeros(1, 3))
        assert sum(p.numel() for p in fresh.parameters()) == (48 * 3 + 3 if not hidden else 49 * 7 + 8 * 3)


@pytest.mark.parametrize("family", ["llama", "bert", "t5"])
def test_where_it_looks(family: str, request: pytest.FixtureRequest, head: Made) -> None:
    """At the mean of the states over the prompt, or at the state that would predict the reply, in units of its own."""
    opened = open_model(str(request.getfixturevalue(family)))
    predicted = predict(opened, [Rendered((50, 51, 52), (0,)), Rendered((60,), (0,))])
    for pool, seen in (("mean", predicted.pooled), ("last", predicted.states)):
        made = head(pool=pool)
        assert torch.equal(made.features(predicted), seen)
        units = (seen - made.mean) / made.scale
        torch.testing.assert_close(made(predicted), made.layers(units))


@pytest.mark.parametrize("pool", ["mean", "last"])
def test_a_batch_tells_what_each_text_alone_does(pool: str, head: Made, decoder: Opened) -> None:
    """More texts than a pass takes, of all lengths, in the order in which they were given, to 1e-4."""
    model = HeadedModel(decoder, head(pool=pool, instruction="route"))
    texts = TEXTS * 15
    told = model.tell(texts)
    alone = np.concatenate([model.tell([text]) for text in TEXTS])
    np.testing.assert_allclose(told, np.tile(alone, (15, 1)), atol=1e-4)
    assert model.tell([]).shape == (0, 3)
    assert np.ptp(alone, axis=0).min() > 1e-3


def test_labels_and_tags(head: Made, decoder: Opened) -> None:
    """The likeliest label, and all tags that are likely enough, by what is told of them."""
    model = HeadedModel(decoder, head("label"))
    assert model.label(TEXTS) == [NAMES[k] for k in model.tell(TEXTS).argmax(1)]
    tags = HeadedModel(decoder, head("tags"))
    told = tags.tell(TEXTS)
    middle = float(np.median(told))
    assert tags.tags(TEXTS, middle) == [
        tuple(n for n, p in zip(NAMES, row, strict=True) if p >= middle) for row in told
    ]
    assert tags.tags(["x"], 1.1) == [()]


def test_it_is_read_as_it_was_written(head: Made, llama: Path, tmp_path: Path) -> None:
    """Saved and opened on the base, it tells what it told, bit by bit, with the instruction it was given."""
    opened = open_model(str(llama))
    made = head("numbers", hidden=5, instruction="how much", pool="last")
    save_head(made, tmp_path)
    model = HeadedModel.open(str(llama), tmp_path)
    assert model.head.shape == made.shape
    assert np.array_equal(model.tell(TEXTS), HeadedModel(opened, made).tell(TEXTS))
    prompt = Renderer(opened.tokenizer).prompt(Task(name="t", instruction="how much"), "x")
    with torch.no_grad():
        wanted = made.told(made(predict(opened, [Rendered(prompt, (0,))])))
    np.testing.assert_allclose(model.tell(["x"]), wanted.numpy(), atol=1e-6)


def test_a_head_on_a_model(head: Made, llama: Path) -> None:
    """A model has one head or none; another takes its place."""
    model = open_model(str(llama)).model
    assert head_of(model) is None
    put_head(model, head())
    put_head(model, other := head())
    assert head_of(model) is other


def test_damaged_heads(head: Made, tmp_path: Path) -> None:
    """Missing, cut off, for another width, without its shape, of another form or with other tensors: one error each."""
    save_head(head(), tmp_path / "whole")
    save_head(head(width=64), tmp_path / "wide")
    save_head(head("nonsense"), tmp_path / "form")
    save_head(head(pool="nowhere"), tmp_path / "pool")
    tensors = load_file(tmp_path / "whole" / FILE)
    for name, held, more in (("bare", tensors, None), ("odd", tensors | {"more": torch.ones(1)}, {"shape": "{}"})):
        (tmp_path / name).mkdir()
        save_file(held, tmp_path / name / FILE, metadata=more)
    (tmp_path / "cut").mkdir()
    (tmp_path / "cut" / FILE).write_bytes((tmp_path / "whole" / FILE).read_bytes()[:99])
    (tmp_path / "empty").mkdir()
    wanted: dict[str, type[HomeostatError]] = {"gone": ModelNotFound, "empty": UnsafeWeights}
    for name in ("wide", "form", "pool", "bare", "odd", "cut", "gone", "empty"):
        with pytest.raises(wanted.get(name, CorruptWeights)):
            load_head(48, tmp_path / name)
    assert load_head(48, tmp_path / "whole").shape.names == NAMES
    with pytest.raises(CorruptWeights, match="no head for a model of width 64"):
        HeadedModel.open(str(tiny.llama(tmp_path / "llama", hidden=64)), tmp_path / "whole")

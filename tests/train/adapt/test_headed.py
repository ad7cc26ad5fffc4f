"""A head beside a body: what is trained, when, what it begins at, and what is kept of both."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import tiny
from homeostat.llm.forward import predict
from homeostat.llm.head import FILE, Head, HeadedModel, Shape, head_of
from homeostat.llm.load import Opened, open_model
from homeostat.llm.render import Rendered
from homeostat.train.adapt.freeze import Freeze
from homeostat.train.adapt.full import Full
from homeostat.train.adapt.headed import Headed
from homeostat.train.adapt.ia3 import Ia3
from homeostat.train.adapt.lora import Lora
from homeostat.train.adapt.prefix import Prefix
from homeostat.train.adapt.prompt import Prompt
from homeostat.train.adapt.way import Way

SHAPE = Shape(form="numbers", names=("a", "b"), hidden=6)
ROWS = [Rendered((50, 51, 52), (0,)), Rendered((60,), (0,)), Rendered((70, 71), (0,))]
BODIES: list[Way] = [Lora(rank=2), Lora(rank=2, init="pissa"), Full(), Freeze(bottom=1, decay=0.5), Prompt(count=3)]
BODIES += [Prefix(count=3), Ia3()]


def headed(body: Way | None, **more: float) -> Headed:
    kind = body.kind if body else "base"
    return Headed(shape=Shape(form=SHAPE.form, names=SHAPE.names, hidden=SHAPE.hidden, kind=kind), body=body, **more)


def head_on(opened: Opened) -> Head:
    head = head_of(opened.model)
    assert head is not None
    return head


def test_the_head_alone(base: str) -> None:
    """Without a body the head's numbers are all that is trained, and every seed draws others."""
    opened = open_model(base)
    parameters = headed(None).attach(opened.model)
    assert sum(p.numel() for p in parameters) == 49 * 6 + 7 * 2
    assert {n.split(".")[0] for n, p in opened.model.named_parameters() if p.requires_grad} == {"answer_head"}
    first = [head_on(opened).layers[0].weight.clone()]  # type: ignore[union-attr]
    for seed in (0, 1):
        headed(None).attach(opened.model, seed=seed)
        first.append(head_on(opened).layers[0].weight.clone())  # type: ignore[union-attr]
    assert torch.equal(first[0], first[1])
    assert not torch.equal(first[1], first[2])


@pytest.mark.parametrize("body", BODIES, ids=lambda way: f"{type(way).__name__}{getattr(way, 'init', '')}")
def test_beside_every_way(base: str, body: Way, tmp_path: Path) -> None:
    """The body's tensors come first, then the head's; each has a tempo; the head learns alone for so long; and what is
    kept, opened on the base, tells what the trained model tells, to 1e-5.
    """
    opened, way = open_model(base), headed(body, ahead=0.25)
    parameters = way.attach(opened.model)
    way.look(opened, ROWS)
    own = list(head_on(opened).parameters())
    assert [p is q for p, q in zip(parameters[-len(own) :], own, strict=True)] == [True] * len(own)
    tempi = way.tempi(opened.model)
    assert len(tempi) == len(parameters)
    assert {t.begins for t in tempi[-len(own) :]} == {0.0}
    assert {t.begins for t in tempi[: -len(own)]} == {0.25}
    assert head_of(opened.model) is not None
    with torch.no_grad():
        for parameter in parameters:
            parameter.add_(0.05 * torch.randn_like(parameter))
        head = head_on(opened)
        wanted = head.told(head(predict(opened, ROWS)))
        way.save(opened.model, tmp_path)
        assert torch.equal(head.told(head(predict(opened, ROWS))), wanted)
        kept = HeadedModel.open(base, tmp_path)
        told = kept.head.told(kept.head(predict(kept.opened, ROWS)))
    torch.testing.assert_close(told, wanted, rtol=0, atol=1e-5)
    tensors = {n for file in tmp_path.glob("*.safetensors") if file.name != FILE for n in load_file(file)}
    assert not any("answer_head" in name for name in tensors)
    assert way.places == body.places


def test_the_tempi_of_a_body_are_kept(base: str) -> None:
    """Where layers join in one after the other, those that would begin before the head has learned alone wait."""
    opened = open_model(base)
    body = Freeze(gradual=0.8, decay=0.5)
    way = headed(body, ahead=0.3)
    way.attach(opened.model)
    tempi = way.tempi(opened.model)
    alone = open_model(base)
    body.attach(alone.model)
    for mine, plain in zip(tempi, body.tempi(alone.model), strict=False):
        assert (mine.factor, mine.begins) == (plain.factor, max(plain.begins, 0.3))
    assert {t.begins for t in tempi} > {0.0, 0.3}


@torch.no_grad()
def test_features_are_measured_in_their_spread(base: str) -> None:
    """Over the rows it was shown, what the head looks at has mean 0 and spread 1; one row alone changes nothing."""
    opened, way = open_model(base), headed(None)
    way.attach(opened.model)
    way.look(opened, ROWS[:1])
    head = head_on(opened)
    assert torch.equal(head.scale, torch.ones(48))
    way.look(opened, ROWS * 30)
    seen = (head.features(predict(opened, ROWS * 30)) - head.mean) / head.scale
    torch.testing.assert_close(seen.mean(0), torch.zeros(48), rtol=0, atol=1e-4)
    assert float(seen.std(0).max()) < 1.001
    assert float(seen.std(0).median()) == pytest.approx(1.0, abs=1e-3)


def test_a_model_that_is_left_as_it_is(base: str, tmp_path: Path) -> None:
    """Trained alone, the head is all that is written, and labels have no rows in the vocabulary."""
    opened, way = open_model(base), headed(None)
    way.attach(opened.model)
    way.save(opened.model, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [FILE]
    assert way.label_rows(opened.model, torch.tensor([60])) is None
    assert tiny.LABELS[0] not in head_on(opened).shape.names

"""The lowest layers' states, kept: nothing that comes out changes, and no row is read twice."""

from __future__ import annotations

from pathlib import Path

import torch
from torch.nn import functional as F

import tiny
from homeostat.llm.forward import predict
from homeostat.llm.load import Opened, open_model
from homeostat.llm.render import Rendered
from homeostat.llm.trunk import lowest, put_trunk, take_trunk, trunk_of
from homeostat.train.adapt.lora import Lora
from homeostat.train.penalties.noise import Noise
from homeostat.train.step import Ground

ROWS = [Rendered((50, 51, 52), (60, 61)), Rendered((70, 71, 72, 73, 74), (62,)), Rendered((50, 51), (60,))]


def gradients(opened: Opened, *, trunk: bool) -> list[torch.Tensor]:
    """What a batch teaches the adapters of the upper layers, with the trunk or without it."""
    if not trunk:
        take_trunk(opened.model)
    said = predict(opened, ROWS)
    trained = [p for n, p in opened.model.named_parameters() if p.requires_grad and "lora_" in n]
    return list(torch.autograd.grad(F.cross_entropy(said.logits, said.target), trained))


def test_states_are_those_of_the_whole_model(tmp_path: Path) -> None:
    """With a trunk of one, two or three of four layers, logits of rows of any length are as without it, twice."""
    opened = open_model(str(tiny.llama(tmp_path, layers=4)))
    with torch.no_grad():
        whole = predict(opened, ROWS).logits
        for layers in (1, 2, 3):
            assert put_trunk(opened.model, layers)
            for _ in range(2):
                assert torch.allclose(predict(opened, ROWS).logits, whole, atol=1e-5)


def test_what_is_learned_above_is_the_same(tmp_path: Path) -> None:
    """The gradients of the adapters above the trunk are those of the whole model."""
    opened = open_model(str(tiny.llama(tmp_path, layers=4)))
    Lora(rank=4, bottom=2).attach(opened.model)
    assert trunk_of(opened.model) is not None
    kept, plain = gradients(opened, trunk=True), gradients(opened, trunk=False)
    assert all(torch.allclose(a, b, atol=1e-6) for a, b in zip(kept, plain, strict=True))
    assert any(float(a.abs().max()) > 0 for a in kept)


def test_a_share_of_the_layers(tmp_path: Path) -> None:
    """Below 1 it is a share, from 1 on a number."""
    model = open_model(str(tiny.llama(tmp_path, layers=4))).model
    assert [lowest(model, bottom) for bottom in (0.0, 0.5, 0.75, 1, 3)] == [0, 2, 3, 1, 3]


def test_what_is_drawn_anew_is_not_kept(tmp_path: Path) -> None:
    """There is no trunk under an adapter with dropout, nor where the embeddings are disturbed."""
    dropping = open_model(str(tiny.llama(tmp_path / "a", layers=4)))
    Lora(rank=4, bottom=2, dropout=0.1).attach(dropping.model)
    assert trunk_of(dropping.model) is None
    noisy = open_model(str(tiny.llama(tmp_path / "b", layers=4)))
    Lora(rank=4, bottom=2).attach(noisy.model)
    assert trunk_of(noisy.model) is not None
    Noise().begin(Ground(opened=noisy, train=[])).end()
    assert trunk_of(noisy.model) is None


def test_a_row_is_read_once(tmp_path: Path) -> None:
    """A batch that mixes rows it has met with a new one reads the new one alone."""
    opened = open_model(str(tiny.llama(tmp_path, layers=4)))
    put_trunk(opened.model, 2)
    trunk = trunk_of(opened.model)
    assert trunk is not None
    with torch.no_grad():
        predict(opened, ROWS[:2])
        assert trunk.taken().tokens == 2 * 5  # the last token of a completion is not read, the shorter row is filled
        predict(opened, ROWS)
    assert trunk.taken().tokens == 2


def test_a_model_built_otherwise_has_none(tmp_path: Path) -> None:
    """An encoder, and a trunk of no layer or of all of them, are declined; the model is as before."""
    encoder, decoder = open_model(str(tiny.bert(tmp_path / "b"))), open_model(str(tiny.llama(tmp_path / "l", layers=4)))
    assert not put_trunk(encoder.model, 1)
    assert not put_trunk(decoder.model, 0)
    assert not put_trunk(decoder.model, 4)
    assert trunk_of(encoder.model) is None
    assert trunk_of(decoder.model) is None


def test_reduced_precision_is_kept_apart(tmp_path: Path) -> None:
    """States of a row that was read in bfloat16 do not answer for the row in float32."""
    opened = open_model(str(tiny.llama(tmp_path, layers=4)))
    with torch.no_grad():
        whole = predict(opened, ROWS).logits
        put_trunk(opened.model, 2)
        with torch.autocast("cpu", torch.bfloat16):
            predict(opened, ROWS)
        assert torch.allclose(predict(opened, ROWS).logits, whole, atol=1e-5)

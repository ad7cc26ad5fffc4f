"""Adapters: what is trained, how it is saved, and that going on begins where the champion stands."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import tiny
from homeostat.errors import CorruptWeights, ModelNotFound
from homeostat.llm.adapters import add_adapter
from homeostat.llm.forward import predict
from homeostat.llm.load import open_model
from homeostat.llm.render import Rendered
from homeostat.train.adapt import lora
from homeostat.train.recipe import Recipe

ROWS = [Rendered((50, 51, 52), (60, 61)), Rendered((70, 71, 72, 73, 74), (62,))]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny.llama(tmp_path_factory.mktemp("llama")))


def test_a_fresh_adapter_changes_nothing(base: str) -> None:
    """Before the first step the model answers as its base, bit by bit."""
    opened = open_model(base)
    with torch.no_grad():
        before = predict(opened, ROWS).logits
        lora.attach(opened.model, Recipe(), None)
        assert torch.equal(predict(opened, ROWS).logits, before)


def test_every_linear_layer_has_one(base: str) -> None:
    """All projections of attention and feed-forward get two small matrices, and nothing else takes a gradient."""
    opened = open_model(base)
    parameters = lora.attach(opened.model, Recipe(rank=3), None)
    assert len(parameters) == 2 * 7 * 2
    assert all(3 in p.shape for p in parameters)
    trained = {n for n, p in opened.model.named_parameters() if p.requires_grad}
    assert all("lora_" in name for name in trained)
    assert len(trained) == len(parameters)


def test_the_seed_draws_it(base: str) -> None:
    """Equal seeds begin at equal tensors, other seeds at others."""
    drawn = [lora.attach(open_model(base).model, Recipe(seed=seed), None) for seed in (1, 1, 2)]
    assert all(torch.equal(a, b) for a, b in zip(drawn[0], drawn[1], strict=True))
    assert any(not torch.equal(a, b) for a, b in zip(drawn[0], drawn[2], strict=True))


def test_going_on_begins_where_the_champion_stands(base: str, tmp_path: Path) -> None:
    """After attaching to a saved adapter, and before any step, logits are the champion's bit by bit; the rank stays."""
    champion = open_model(base)
    with torch.no_grad():
        for tensor in lora.attach(champion.model, Recipe(rank=4), None):
            tensor.add_(0.1 * torch.randn_like(tensor))
        lora.save(champion.model, tmp_path)
        wanted = predict(champion, ROWS).logits
        opened = open_model(base)
        plain = predict(opened, ROWS).logits
        parameters = lora.attach(opened.model, Recipe(rank=9), tmp_path)
        assert torch.equal(predict(opened, ROWS).logits, wanted)
        assert not torch.allclose(plain, wanted, atol=1e-3)
    assert all(p.requires_grad and 4 in p.shape for p in parameters)


def test_what_is_saved_can_be_served(base: str, tmp_path: Path) -> None:
    """The folder holds safetensors and a configuration, and loads under any name."""
    opened = open_model(base)
    with torch.no_grad():
        for tensor in lora.attach(opened.model, Recipe(), None):
            tensor.add_(0.1)
        lora.save(opened.model, tmp_path)
        other = open_model(base)
        add_adapter(other.model, tmp_path, "ver_1")
        other.model.set_adapter("ver_1")
        torch.testing.assert_close(predict(other, ROWS).logits, predict(opened, ROWS).logits, rtol=0, atol=1e-6)
    assert not [path for path in tmp_path.iterdir() if path.suffix in {".bin", ".pt"}]


def test_a_champion_that_cannot_be_gone_on_from(base: str, tmp_path: Path) -> None:
    """A missing or a damaged start has its error."""
    with pytest.raises(ModelNotFound):
        lora.attach(open_model(base).model, Recipe(), tmp_path / "gone")
    (tmp_path / "adapter_model.safetensors").write_bytes(b"half a fi")
    with pytest.raises(CorruptWeights):
        lora.attach(open_model(base).model, Recipe(), tmp_path)

"""Adapters: what is trained, how it is saved, and that going on begins where the champion stands."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import tiny
from homeostat.errors import CorruptWeights, ModelNotFound, UnsuitedModel
from homeostat.llm.adapters import add_adapter
from homeostat.llm.backend import Request
from homeostat.llm.forward import predict
from homeostat.llm.labels import encode_labels
from homeostat.llm.load import Opened, open_model
from homeostat.llm.local import LocalBackend
from homeostat.llm.render import Rendered, Renderer
from homeostat.train.adapt.lora import NAME, Lora
from homeostat.types.version import Version
from train.adapt.conftest import Learn

ROWS = [Rendered((50, 51, 52), (60, 61)), Rendered((70, 71, 72, 73, 74), (62,))]


def rows_of(opened: Opened, *tokens: int) -> dict[int, torch.Tensor]:
    """The rows of these tokens as the base has them."""
    return {token: opened.model.get_input_embeddings().weight[token].detach().clone() for token in tokens}


def test_a_fresh_adapter_changes_nothing(base: str) -> None:
    """Before the first step the model answers as its base, bit by bit."""
    opened = open_model(base)
    with torch.no_grad():
        before = predict(opened, ROWS).logits
        Lora().attach(opened.model)
        assert torch.equal(predict(opened, ROWS).logits, before)


def test_every_linear_layer_has_one(base: str) -> None:
    """All projections of attention and feed-forward get two small matrices, and nothing else takes a gradient."""
    opened = open_model(base)
    parameters = Lora(rank=3).attach(opened.model)
    assert len(parameters) == 2 * 7 * 2
    assert all(3 in p.shape for p in parameters)
    trained = {n for n, p in opened.model.named_parameters() if p.requires_grad}
    assert all("lora_" in name for name in trained)
    assert len(trained) == len(parameters)


def test_the_seed_draws_it(base: str) -> None:
    """Equal seeds begin at equal tensors, other seeds at others."""
    drawn = [Lora().attach(open_model(base).model, seed=seed) for seed in (1, 1, 2)]
    assert all(torch.equal(a, b) for a, b in zip(drawn[0], drawn[1], strict=True))
    assert any(not torch.equal(a, b) for a, b in zip(drawn[0], drawn[2], strict=True))


def test_going_on_begins_where_the_champion_stands(base: str, tmp_path: Path) -> None:
    """After attaching to a saved adapter, and before any step, logits are the champion's bit by bit; the rank stays."""
    champion = open_model(base)
    with torch.no_grad():
        for tensor in Lora(rank=4).attach(champion.model):
            tensor.add_(0.1 * torch.randn_like(tensor))
        Lora().save(champion.model, tmp_path)
        wanted = predict(champion, ROWS).logits
        opened = open_model(base)
        plain = predict(opened, ROWS).logits
        parameters = Lora(rank=9).attach(opened.model, tmp_path)
        assert torch.equal(predict(opened, ROWS).logits, wanted)
        assert not torch.allclose(plain, wanted, atol=1e-3)
    assert all(p.requires_grad and 4 in p.shape for p in parameters)


def test_the_rows_of_the_labels_are_trained_too(base: str, tmp_path: Path) -> None:
    """They begin where they are told, are the only rows that change, and are served with the adapter alone."""
    opened, plain = open_model(base), open_model(base)
    rows = Lora(rank=4).attach(opened.model, None, rows_of(plain, 61, 60))[0]
    assert torch.equal(rows, plain.model.get_input_embeddings().weight[[60, 61]])
    with torch.no_grad():
        before = predict(plain, ROWS).logits
        assert torch.equal(predict(opened, ROWS).logits, before)
        rows[1].add_(1.0)
        Lora().save(opened.model, tmp_path)
        add_adapter(plain.model, tmp_path, "ver_1")
        plain.model.set_adapter("ver_1")
        after = predict(plain, ROWS[:1]).logits[0]
        assert torch.equal(predict(opened, ROWS[:1]).logits[0], after)
        moved = (after != before[0]).nonzero().flatten().tolist()
        assert moved == [61]
        plain.model.disable_adapters()
        assert torch.equal(predict(plain, ROWS).logits, before)


def test_a_label_that_is_new_gets_its_row(base: str, tmp_path: Path) -> None:
    """Going on with more labels keeps the rows that were learned, wherever the new tokens fall between them."""
    champion = open_model(base)
    with torch.no_grad():
        for tensor in Lora(rank=4).attach(champion.model, None, rows_of(champion, 60, 70)):
            tensor.add_(0.1 * torch.randn_like(tensor))
        Lora().save(champion.model, tmp_path)
        wanted = predict(champion, ROWS).logits
        opened = open_model(base)
        further = rows_of(opened, 60, 65)
        rows = Lora().attach(opened.model, tmp_path, further)[0]
        assert torch.equal(predict(opened, ROWS).logits, wanted)
        assert torch.equal(rows[1], further[65])
        assert not torch.equal(rows[0], further[60])
        Lora().save(opened.model, tmp_path / "more")
    again = Lora().attach(open_model(base).model, tmp_path / "more")
    assert torch.equal(again[0], rows)


def test_an_adapter_without_rows_can_be_given_some(base: str, tmp_path: Path) -> None:
    """One that was made for replies in words goes on as one for labels."""
    champion = open_model(base)
    with torch.no_grad():
        for tensor in Lora(rank=4).attach(champion.model):
            tensor.add_(0.1 * torch.randn_like(tensor))
        Lora().save(champion.model, tmp_path)
        opened = open_model(base)
        Lora().attach(opened.model, tmp_path, rows_of(opened, 60))
        assert torch.equal(predict(opened, ROWS).logits, predict(champion, ROWS).logits)


def test_adapters_with_and_without_rows_live_side_by_side(base: str, tmp_path: Path) -> None:
    """Switching between them gives each its own answers."""
    served = open_model(base)
    wanted = {}
    with torch.no_grad():
        for name, labels in (("labels", (60, 61)), ("words", ()), ("others", (61, 62))):
            made = open_model(base)
            for tensor in Lora().attach(made.model, None, rows_of(made, *labels)):
                tensor.add_(0.1 * torch.randn_like(tensor))
            Lora().save(made.model, tmp_path / name)
            wanted[name] = predict(made, ROWS).logits
            add_adapter(served.model, tmp_path / name, name)
        for name in ("words", "labels", "others", "words", "others", "labels"):
            served.model.set_adapter(name)
            assert torch.equal(predict(served, ROWS).logits, wanted[name])


def test_what_is_saved_can_be_served(base: str, tmp_path: Path) -> None:
    """The folder holds safetensors and a configuration, and loads under any name."""
    opened = open_model(base)
    with torch.no_grad():
        for tensor in Lora().attach(opened.model):
            tensor.add_(0.1)
        Lora().save(opened.model, tmp_path)
        other = open_model(base)
        add_adapter(other.model, tmp_path, "ver_1")
        other.model.set_adapter("ver_1")
        torch.testing.assert_close(predict(other, ROWS).logits, predict(opened, ROWS).logits, rtol=0, atol=1e-6)
    assert not [path for path in tmp_path.iterdir() if path.suffix in {".bin", ".pt"}]


def test_a_champion_that_cannot_be_gone_on_from(base: str, tmp_path: Path) -> None:
    """A missing or a damaged start has its error."""
    with pytest.raises(ModelNotFound):
        Lora().attach(open_model(base).model, tmp_path / "gone")
    (tmp_path / "adapter_model.safetensors").write_bytes(b"half a fi")
    with pytest.raises(CorruptWeights):
        Lora().attach(open_model(base).model, tmp_path)


@pytest.mark.parametrize(("rank", "factor"), [(4, 4.0), (16, 2.0)])
def test_the_root_of_the_rank_scales(base: str, rank: int, factor: float) -> None:
    """With `rs` the product of the matrices goes into the layer times alpha / √rank; without, times alpha / rank."""
    for rs, scale in ((True, factor), (False, 8.0 / rank)):
        model = open_model(base).model
        Lora(rank=rank, alpha=8.0, rs=rs).attach(model)
        layer, inputs = model.get_submodule("model.layers.0.mlp.up_proj"), torch.randn(5, 48)
        with torch.no_grad():
            layer.lora_B[NAME].weight.normal_()
            product = layer.lora_B[NAME].weight @ layer.lora_A[NAME].weight
            added = layer(inputs) - layer.base_layer(inputs)
        torch.testing.assert_close(added, scale * inputs @ product.T, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("rank", "plain", "root"), [(4, 2.0, 4.0), (16, 2.0, 2.0), (64, 2.0, 1.0)])
def test_with_the_root_a_higher_rank_is_scaled_down(base: str, rank: int, plain: float, root: float) -> None:
    """By itself a plain adapter's scale is the same at every rank; with `rs` it falls as one over the root of it."""
    for rs, wanted in ((False, plain), (True, root)):
        model = open_model(base).model
        Lora(rank=rank, rs=rs).attach(model)
        scales = {m.scaling[NAME] for m in model.modules() if hasattr(m, "lora_A")}
        assert scales == {wanted}


def test_lengths_are_learned(base: str, learn: Learn) -> None:
    """With `dora` every output has a length of its own: that of the base's row at first, which moves in training, and
    which alone sets how long the row is.
    """
    opened, way = open_model(base), Lora(rank=4, dora=True)
    names = [n for n, _ in opened.model.named_modules() if n.endswith("_proj")]
    begun = {n: opened.model.get_submodule(n).weight.detach().norm(dim=1) for n in names}
    fresh = open_model(base)
    way.attach(fresh.model)
    losses = learn(opened, way)
    assert losses[-1] < 0.8 * losses[0]
    for name in names:
        first, then = (m.get_submodule(name).lora_magnitude_vector[NAME].weight for m in (fresh.model, opened.model))
        torch.testing.assert_close(first.detach(), begun[name])
        assert (then - begun[name]).abs().max() > 1e-3
    layer = opened.model.get_submodule(names[0])
    with torch.no_grad():
        rows = layer(torch.eye(layer.in_features)).T
        torch.testing.assert_close(rows.norm(dim=1), layer.lora_magnitude_vector[NAME].weight, rtol=1e-4, atol=1e-5)


def test_every_kind_is_served_beside_the_others(base: str, tmp_path: Path) -> None:
    """A plain, a rank-stabilized, a weight-decomposed and a PiSSA adapter on one base answer in one batch each as the
    model it was trained as, to 1e-5 in log-probability, and the base answers as itself.
    """
    ways = {
        "ver_plain": Lora(rank=4),
        "ver_rs": Lora(rank=8, rs=True),
        "ver_dora": Lora(rank=4, dora=True),
        "ver_pissa": Lora(rank=4, init="pissa"),
    }
    backend, wanted = LocalBackend(base), {}
    tokenizer = backend.renderer.tokenizer
    codes = torch.tensor([s[0] for s in encode_labels(tokenizer, tiny.LABELS).sequences])
    prompt = [Rendered(Renderer(tokenizer).prompt(tiny.ROUTING, "where is my parcel"), (0,))]
    for name, way in ways.items():
        opened = open_model(base)
        with torch.no_grad():
            for tensor in way.attach(opened.model, None, rows_of(opened, *codes.tolist())):
                tensor.add_(0.1 * torch.randn_like(tensor))
            wanted[name] = predict(opened, prompt).logits[0, codes].log_softmax(-1).double().numpy()
        way.save(opened.model, tmp_path / name)
        backend.load(
            Version(id=name, task="routing", time=0.0, base="", kind="lora", labels=tiny.LABELS), tmp_path / name
        )
    asked = [Request(task=tiny.ROUTING, text="where is my parcel", version=name) for name in (*ways, *reversed(ways))]
    for request, said in zip(asked, backend.score(asked), strict=True):
        assert abs(said - wanted[request.version]).max() < 1e-5, request.version
    distances = [abs(wanted[a] - wanted[b]).max() for a in ways for b in ways if a < b]
    assert min(distances) > 1e-3


def test_what_is_dropped_is_what_the_run_says(base: str, tmp_path: Path) -> None:
    """Who goes on from an adapter that was trained with dropout drops nothing unless asked to, and the reverse."""
    for made, going in ((0.5, 0.0), (0.0, 0.5)):
        champion = open_model(base)
        with torch.no_grad():
            for tensor in Lora(rank=4, dropout=made).attach(champion.model):
                tensor.add_(0.1 * torch.randn_like(tensor))
        Lora().save(champion.model, tmp_path / str(made))
        opened = open_model(base)
        Lora(dropout=going).attach(opened.model, tmp_path / str(made))
        opened.model.train()
        one, other = (predict(opened, ROWS).logits for _ in range(2))
        assert torch.equal(one, other) == (going == 0.0)


@pytest.mark.parametrize("make", ["dora", "rs"])
def test_no_adapter_becomes_one_of_another_make(base: str, tmp_path: Path, make: str) -> None:
    """It would go on as it is and say that it was another; one of that make is gone on from."""
    way = Lora(rank=4, dora=make == "dora", rs=make == "rs")
    for name, first in (("plain", Lora(rank=4)), ("same", way)):
        made = open_model(base)
        first.attach(made.model)
        first.save(made.model, tmp_path / name)
    with pytest.raises(UnsuitedModel, match="no `use_"):
        way.attach(open_model(base).model, tmp_path / "plain")
    assert way.attach(open_model(base).model, tmp_path / "same")
    assert Lora().attach(open_model(base).model, tmp_path / "same")

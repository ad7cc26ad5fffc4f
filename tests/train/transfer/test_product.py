"""Adapters as products: what is read is what the model does with them, and what is written is read again."""

from __future__ import annotations

import json
from pathlib import Path

import peft
import pytest
import torch

import tiny
from homeostat.errors import CorruptWeights, ModelNotFound, UnsafeWeights, UnsuitedModel
from homeostat.llm.adapters import add_adapter
from homeostat.llm.load import open_model
from homeostat.train.adapt.lora import Lora
from homeostat.train.transfer.product import Adapter, Product, lay_out, wearing
from train.transfer.adapters import answers, drawn, logits


def product(out: int = 12, inside: int = 9, rank: int = 4, seed: int = 0, scale: float = 2.0) -> Product:
    draw = torch.Generator().manual_seed(seed)
    return Product(torch.randn(out, rank, generator=draw), torch.randn(rank, inside, generator=draw), scale)


def close(some: torch.Tensor, other: torch.Tensor) -> float:
    """Length of the difference, relative to the second."""
    return float((some - other).norm() / other.norm())


@pytest.fixture(scope="module")
def trained(llama: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return drawn(llama, tmp_path_factory.mktemp("adapter"), seed=1, tokens=(70, 60))


def test_a_total_is_the_sum() -> None:
    """Σ wᵢ ΔWᵢ holds to rounding for weights of any sign, and its rank is the sum of those that count."""
    parts, weights = [product(seed=k, scale=1.0 + k) for k in range(3)], (0.5, -1.5, 0.0)
    total = Product.total(parts, weights)
    wanted = sum(w * p.dense() for w, p in zip(weights, parts, strict=True))
    assert close(total.dense(), torch.as_tensor(wanted)) < 1e-6
    assert total.rank == 8
    nothing = Product.total(parts, (0.0, 0.0, 0.0))
    assert (nothing.rank, float(nothing.dense().norm())) == (1, 0.0)


def test_a_total_of_one_is_that_one() -> None:
    """A product alone with weight 1 keeps its factors, bit by bit."""
    parts = [product(seed=0), product(seed=1)]
    total = Product.total(parts, (0.0, 1.0))
    assert torch.equal(total.up, parts[1].up)
    assert torch.equal(total.down, parts[1].down)


def test_truncation_is_the_nearest() -> None:
    """A lower rank leaves out just the singular values behind it, and enough rank leaves out nothing."""
    whole = Product.total([product(seed=0), product(seed=1, scale=0.5)], (1.0, 1.0))
    values = torch.linalg.svdvals(whole.dense().double())
    for rank in (1, 3, 7):
        part = whole.truncated(rank)
        assert part.rank == rank
        missed = float((part.dense() - whole.dense()).norm())
        assert missed == pytest.approx(float(values[rank:].norm()), rel=1e-4)
        assert close(Product.of(whole.dense(), rank, 2.0).dense(), part.dense()) < 1e-5
    assert whole.truncated(8) is whole
    assert close(Product.of(whole.dense(), 8, 2.0).dense(), whole.dense()) < 1e-6


def test_padding_changes_nothing() -> None:
    """More rank in zeros and another scale are the same ΔW."""
    one = product()
    padded = one.padded(7, 0.5)
    assert (padded.rank, padded.scale) == (7, 0.5)
    assert close(padded.dense(), one.dense()) < 1e-6
    assert torch.equal(one.padded(4, 2.0).up, one.up)


@pytest.mark.parametrize("rs", [False, True])
def test_what_is_read_is_what_the_model_adds(llama: Path, tmp_path: Path, rs: bool) -> None:
    """Every layer's ΔW is the one that the library adds to the base's weight, scale included."""
    folder = drawn(llama, tmp_path, seed=3, rank=3, rs=rs)
    adapter, model = Adapter.read(folder), open_model(str(llama)).model
    add_adapter(model, folder, "ver_1")
    assert len(adapter.layers) == 14
    for name, read in adapter.layers.items():
        assert torch.equal(read.dense(), model.get_submodule(name).get_delta_weight("ver_1"))


def test_ranks_and_scales_by_layer_are_read(llama: Path, tmp_path: Path) -> None:
    """An adapter with patterns of rank and alpha is read as the library uses it, and is saved as one rank and scale."""
    model = open_model(str(llama)).model
    config = peft.LoraConfig(
        r=4, target_modules=["q_proj", "up_proj"], rank_pattern={"up_proj": 2}, alpha_pattern={"layers.1.*up_proj": 5}
    )
    model.add_adapter(config, adapter_name="ver_1")
    for name, tensor in model.named_parameters():
        if "lora_" in name:
            tensor.data.normal_(std=0.2)
    model.save_pretrained(tmp_path / "foreign")
    adapter = Adapter.read(tmp_path / "foreign")
    assert sorted({p.rank for p in adapter.layers.values()}) == [2, 4]
    assert len({p.scale for p in adapter.layers.values()}) == 3
    for name, read in adapter.layers.items():
        assert torch.allclose(read.dense(), model.get_submodule(name).get_delta_weight("ver_1"), atol=1e-6)
    adapter.save(tmp_path / "ours")
    assert torch.allclose(answers(llama, tmp_path / "ours"), answers(llama, tmp_path / "foreign"), atol=1e-4)


def test_saved_again_it_answers_the_same(llama: Path, trained: Path, tmp_path: Path) -> None:
    """Read and written, an adapter has the same tensors bit by bit, so its answers are the same bit by bit too."""
    adapter = Adapter.read(trained)
    assert sorted(adapter.rows) == [60, 70]
    adapter.save(tmp_path / "a")
    Adapter.read(tmp_path / "a").save(tmp_path / "b")
    assert torch.equal(answers(llama, tmp_path / "a"), answers(llama, trained))
    assert not torch.allclose(answers(llama), answers(llama, trained), atol=1e-2)
    for file in sorted((tmp_path / "a").iterdir()):
        assert file.read_bytes() == (tmp_path / "b" / file.name).read_bytes()
        assert str(tmp_path).encode() not in file.read_bytes()


def test_training_goes_on_from_it(llama: Path, trained: Path, tmp_path: Path) -> None:
    """What was written is attached to as any champion's adapter, with the rows of further labels."""
    Adapter.read(trained).save(tmp_path)
    opened = open_model(str(llama))
    parameters = Lora().attach(opened.model, tmp_path, {65: torch.ones(48)})
    assert torch.equal(parameters[0][[0, 2]], torch.stack([Adapter.read(trained).rows[k] for k in (60, 70)]))
    assert len(parameters) == 29


def test_an_adapter_worn_for_a_while(llama: Path, trained: Path) -> None:
    """Inside, the model answers with the adapter; afterwards as before; None is the base."""
    opened = open_model(str(llama))
    before = logits(opened)
    for _ in range(2):
        with wearing(opened.model, Adapter.read(trained)):
            assert torch.equal(logits(opened), answers(llama, trained))
        assert torch.equal(logits(opened), before)
    with wearing(opened.model, None):
        assert torch.equal(logits(opened), before)


def test_a_truncated_adapter(trained: Path) -> None:
    """Every layer has the rank asked for, the rows stay, and no rank leaves everything as it is."""
    adapter = Adapter.read(trained)
    small = adapter.truncated(2)
    assert (adapter.rank, small.rank) == (4, 2)
    assert small.rows is adapter.rows
    assert adapter.truncated(None) is adapter


@pytest.mark.parametrize("change", [{"use_dora": True}, {"init_lora_weights": "pissa_niter_4"}])
def test_what_is_more_than_products_is_refused(trained: Path, tmp_path: Path, change: dict[str, object]) -> None:
    """Adapters that change lengths or the base itself cannot be added, and are told so."""
    (tmp_path / "adapter_model.safetensors").write_bytes((trained / "adapter_model.safetensors").read_bytes())
    config = json.loads((trained / "adapter_config.json").read_text())
    (tmp_path / "adapter_config.json").write_text(json.dumps(config | change))
    with pytest.raises(UnsuitedModel, match="cannot be added"):
        Adapter.read(tmp_path)


def test_mistakes_are_named(trained: Path, tmp_path: Path) -> None:
    """No folder, a pickle instead of safetensors, a configuration that is none, and another base raise their errors."""
    with pytest.raises(ModelNotFound):
        Adapter.read(tmp_path / "nothing")
    (tmp_path / "adapter_model.bin").write_bytes(b"\x80\x02")
    with pytest.raises(UnsafeWeights):
        Adapter.read(tmp_path)
    (tmp_path / "adapter_model.safetensors").write_bytes((trained / "adapter_model.safetensors").read_bytes())
    (tmp_path / "adapter_config.json").write_text("{")
    with pytest.raises(CorruptWeights):
        Adapter.read(tmp_path)
    other = open_model(str(tiny.llama(tmp_path / "wide", hidden=64)))
    with pytest.raises(CorruptWeights), wearing(other.model, Adapter.read(trained)):
        pass


def test_layers_alone_are_laid_out(llama: Path, trained: Path, tmp_path: Path) -> None:
    """What is left of an adapter without its labels' rows changes the layers as before, and is gone on from as any."""
    whole, layers = Adapter.read(trained), Adapter.read(lay_out(trained, tmp_path / "layers"))
    assert whole.rows
    assert layers.rows == {}
    assert layers.layers.keys() == whole.layers.keys()
    for name, product in whole.layers.items():
        assert close(layers.layers[name].dense(), product.dense()) < 1e-6
    opened = open_model(str(llama))
    token = next(iter(whole.rows))
    Lora().attach(opened.model, tmp_path / "layers", {token: torch.zeros(48)}, 0)
    Lora().save(opened.model, tmp_path / "again")
    assert set(Adapter.read(tmp_path / "again").rows) == {token}

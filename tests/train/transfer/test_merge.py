"""Merging: sums are exact in product space, where the library's default is not, and contradictions are resolved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import peft
import pytest
import torch
from torch import Tensor

import tiny
from homeostat.errors import CorruptWeights
from homeostat.llm.load import open_model
from homeostat.train.transfer.merge import (
    Weights,
    block,
    dare,
    elected,
    mean,
    ties,
    trimmed,
    weighted_sum,
)
from homeostat.train.transfer.product import Adapter, Product
from shown import Shown
from train.transfer.adapters import DOMAINS, EVERY, Judge, answers, both, drawn
from train.transfer.test_product import close, product

WEIGHTS = (0.7, 0.3)


@pytest.fixture(scope="module")
def folders(llama: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two independent adapters of rank 4, with the rows of one token in common."""
    tokens = ((60, 61), (61, 62))
    return [drawn(llama, tmp_path_factory.mktemp("a"), seed=k, tokens=of) for k, of in enumerate(tokens)]


@pytest.fixture(scope="module")
def adapters(folders: list[Path]) -> list[Adapter]:
    return [Adapter.read(folder) for folder in folders]


def bare(**layers: Product) -> Adapter:
    return Adapter(layers=layers)


def dense_sum(adapters: Sequence[Adapter], weights: Sequence[float]) -> dict[str, Tensor]:
    """Σ wᵢ ΔWᵢ by layer, in double precision."""
    return {
        name: torch.stack([w * a.layers[name].dense().double() for w, a in zip(weights, adapters, strict=True)]).sum(0)
        for name in adapters[0].layers
    }


def miss(merged: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> tuple[float, float]:
    """The smallest and the largest relative miss of a layer."""
    missed = [close(merged[name].double(), wanted[name]) for name in wanted]
    return min(missed), max(missed)


def library(llama: Path, folders: Sequence[Path], weights: Sequence[float], **how: Any) -> dict[str, Tensor]:
    """ΔW by layer, as peft merges the adapters."""
    model = peft.PeftModel.from_pretrained(open_model(str(llama)).model, str(folders[0]), "a0")
    model.load_adapter(str(folders[1]), "a1")
    for config in model.peft_config.values():
        config.trainable_token_indices = None  # the library does not merge rows
    model.add_weighted_adapter(["a0", "a1"], list(weights), "merged", **how)
    names = [name for name, module in model.named_modules() if hasattr(module, "get_delta_weight")]
    return {
        name.removeprefix("base_model.model."): model.get_submodule(name).get_delta_weight("merged").detach()
        for name in names
        if "embed" not in name
    }


def test_a_sum_is_exact(adapters: list[Adapter]) -> None:
    """Σ wᵢ ΔWᵢ is met to 1e-5 in every layer, by stacking factors and by a truncation that has rank enough."""
    for weights in (WEIGHTS, (0.5, 0.5), (1.0, 1.0), (1.0, -0.4)):
        wanted = dense_sum(adapters, weights)
        for rank in (None, 8, 16):
            merged = weighted_sum(adapters, weights, rank)
            assert merged.rank == 8
            assert miss({n: p.dense() for n, p in merged.layers.items()}, wanted)[1] < 1e-5
    assert miss({n: p.dense() for n, p in mean(adapters).layers.items()}, dense_sum(adapters, (0.5, 0.5)))[1] < 1e-5


@pytest.mark.filterwarnings("ignore")
def test_the_library_misses_by_default(llama: Path, folders: list[Path], adapters: list[Adapter]) -> None:
    """What its `linear` gives for the mean of two adapters is off by about the mean's own length; its `svd` is not."""
    wanted = dense_sum(adapters, (0.5, 0.5))
    low, high = miss(library(llama, folders, (0.5, 0.5), combination_type="linear"), wanted)
    assert 0.9 < low < high < 1.1
    assert miss(library(llama, folders, (0.5, 0.5), combination_type="svd", svd_rank=8), wanted)[1] < 1e-5


def test_too_low_a_rank_is_the_nearest(adapters: list[Adapter]) -> None:
    """A sum brought to a lower rank misses by just the singular values it leaves out."""
    merged, wanted = weighted_sum(adapters, WEIGHTS, 3), dense_sum(adapters, WEIGHTS)
    assert merged.rank == 3
    for name, exact in wanted.items():
        left_out = torch.linalg.svdvals(exact)[3:].norm() / exact.norm()
        assert close(merged.layers[name].dense().double(), exact) == pytest.approx(float(left_out), rel=1e-4)


def test_task_arithmetic(llama: Path, folders: list[Path], adapters: list[Adapter], tmp_path: Path) -> None:
    """What is added can be taken away again: sum minus one is the other, in what the model answers."""
    both = weighted_sum(adapters, (1.0, 1.0))
    weighted_sum([both, adapters[0]], (1.0, -1.0), rank=4).save(tmp_path / "left")
    Adapter(layers=adapters[1].layers, rows=both.rows, table=both.table).save(tmp_path / "wanted")
    assert torch.allclose(answers(llama, tmp_path / "left"), answers(llama, tmp_path / "wanted"), atol=1e-3)


def test_rows_are_averaged_where_several_have_them(adapters: list[Adapter]) -> None:
    """A row of both lies between by weight, a row of one is taken whole, and what is subtracted gives none."""
    merged = weighted_sum(adapters, (0.6, 0.2))
    assert list(merged.rows) == [60, 61, 62]
    assert torch.equal(merged.rows[60], adapters[0].rows[60])
    assert torch.equal(merged.rows[62], adapters[1].rows[62])
    assert torch.allclose(merged.rows[61], 0.75 * adapters[0].rows[61] + 0.25 * adapters[1].rows[61], atol=1e-6)
    assert list(weighted_sum(adapters, (1.0, -1.0)).rows) == [60, 61]
    assert weighted_sum(adapters, (0.0, -1.0)).rows == {}


def test_layers_that_one_alone_has() -> None:
    """A layer of one adapter enters with that one's weight, and nothing else is made of it."""
    some, other = bare(q=product(seed=0), k=product(seed=1)), bare(q=product(seed=2))
    merged = weighted_sum([some, other], (0.5, 2.0))
    assert close(merged.layers["k"].dense(), 0.5 * some.layers["k"].dense()) < 1e-6
    assert close(merged.layers["q"].dense(), 0.5 * some.layers["q"].dense() + 2 * other.layers["q"].dense()) < 1e-6


def test_weights_by_block() -> None:
    """A block takes its own weights where it has some, and those of all else where not."""
    assert block("model.layers.3.mlp.up_proj") == "model.layers.3"
    assert block("encoder.block.11.layer.0.SelfAttention.q") == "encoder.block.11"
    assert block("lm_head") == "lm_head"
    some, other = (Adapter(layers={f"m.{k}.q": product(seed=9 * s + k) for k in range(2)}) for s in range(2))
    merged = weighted_sum([some, other], Weights((0.5, 0.5), {"m.1": (0.0, 1.0)}))
    assert torch.equal(merged.layers["m.1.q"].dense(), other.layers["m.1.q"].dense())
    assert merged.layers["m.0.q"].rank == 8


def test_adapters_of_different_bases() -> None:
    """Layers of one name and different shapes are an error."""
    with pytest.raises(CorruptWeights, match="different bases"):
        mean([bare(q=product()), bare(q=product(out=13))])


def test_trimming_keeps_the_largest() -> None:
    """A fifth of ten elements is the two farthest from zero."""
    delta = torch.tensor([[0.1, -5.0, 2.0, 0.0, -0.3], [1.0, -1.5, 4.0, 0.2, -0.1]])
    assert trimmed(delta, 0.2).nonzero().tolist() == [[0, 1], [1, 2]]
    assert torch.equal(trimmed(delta, 1.0), delta)


def test_a_sign_is_elected() -> None:
    """The heavier side wins, its members alone are averaged, and zeros do not count; weights shift the vote."""
    deltas = [torch.tensor([3.0, 1.0, 0.0]), torch.tensor([-2.0, 3.0, 4.0])]
    assert elected(deltas, (1.0, 1.0)).tolist() == [3.0, 2.0, 4.0]
    assert elected(deltas, (1.0, 3.0)).tolist() == [-2.0, 2.5, 4.0]


@pytest.mark.filterwarnings("ignore")
def test_ties_is_the_library_s_in_product_space(llama: Path, folders: list[Path], adapters: list[Adapter]) -> None:
    """With equal weights and equal rank it equals `ties_svd`, the form of it that works on products."""
    theirs = library(llama, folders, (1.0, 1.0), combination_type="ties_svd", density=0.3, svd_rank=24)
    ours = ties(adapters, density=0.3, rank=24)
    for name in ours.layers:
        assert close(ours.layers[name].dense(), theirs[name]) < 1e-4


def test_ties_keeps_what_a_mean_cancels() -> None:
    """Where one adapter says a lot and the other a little of the opposite, TIES keeps the former's length."""
    draw = torch.Generator().manual_seed(0)
    strong, weak = torch.zeros(20, 20), 0.3 * torch.randn(20, 20, generator=draw)
    strong[:2] = torch.randn(2, 20, generator=draw)
    pair = [bare(q=Product.of(strong, 20)), bare(q=Product.of(weak, 20))]
    kept = ties(pair, density=0.1).layers["q"].dense()[:2]
    averaged = mean(pair).layers["q"].dense()[:2]
    assert close(kept, strong[:2]) < 0.25 < 0.45 < close(averaged, strong[:2])
    doubled = ties(pair, density=0.1, scale=2.0).layers["q"].dense()[:2]
    assert close(doubled, 2 * kept) < 1e-5


def test_dare_is_the_sum_on_average() -> None:
    """Each draw is far from the weighted sum, their mean comes near it, and density 1 is the sum itself."""
    pair = [bare(q=product(seed=k)) for k in range(2)]
    wanted = weighted_sum(pair, WEIGHTS).layers["q"].dense()
    draws = torch.stack([dare(pair, WEIGHTS, seed=k, rank=9).layers["q"].dense() for k in range(200)])
    assert close(draws[0], wanted) > 0.5
    assert close(draws.mean(0), wanted) < 0.12
    assert torch.equal(dare(pair, WEIGHTS, seed=3).layers["q"].up, dare(pair, WEIGHTS, seed=3).layers["q"].up)
    assert close(dare(pair, WEIGHTS, density=1.0).layers["q"].dense(), wanted) < 1e-5
    assert close(dare(pair, (0.5, 0.5), density=1.0, elect=True, rank=9).layers["q"].dense(), wanted) > 0.1


def told(judge: Judge, domains: list[Adapter], draw: int) -> dict[str, float]:
    """Of unseen rows of both domains, the share told right at home by each adapter, by the mean of both, by that
    brought to a low rank, by the adapter of the other domain, and by each of the other domain's among all labels.
    """
    merged, small = mean(domains), mean(domains, rank=16)
    found = []
    for k, labels in enumerate(DOMAINS):
        home, other = (tiny.examples(of, each=60, seed=10 * draw + 109) for of in (labels, DOMAINS[1 - k]))
        asked = {"alone": domains[k], "merged": merged, "small": small, "stranger": domains[1 - k]}
        right = {name: judge.accuracy(adapter, home, labels) for name, adapter in asked.items()}
        found.append(right | {"abroad": judge.accuracy(domains[k], other, EVERY)})
    return {name: sum(one[name] for one in found) / len(found) for name in found[0]}


def test_a_merge_keeps_both_domains(
    judge: Judge, llama: Path, domains: list[Adapter], tmp_path: Path, shown: Shown
) -> None:
    """The mean of two adapters that learned one domain each tells apart at least 0.9 of what each alone did, also at a
    low rank. Means over draws.
    """
    by_draw = []
    for draw in shown.draws(1):
        learned = [Adapter.read(one) for one in both(llama, tmp_path / str(draw), draw)] if draw else domains
        by_draw.append(told(judge, learned, draw))
    seen = {name: float(np.mean([one[name] for one in by_draw])) for name in by_draw[0]}
    assert seen["alone"] > 0.8 > 0.65 > seen["stranger"]
    assert min(seen["merged"], seen["small"]) >= 0.9 * seen["alone"]
    assert seen["abroad"] < 0.05
    of = "share of unseen rows of both domains told right, more than by the adapter of the other one"
    shown.over(of, [one["merged"] - one["stranger"] for one in by_draw], least=0.1)

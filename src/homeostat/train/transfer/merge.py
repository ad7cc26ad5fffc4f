"""Several adapters of one base as one: their exact sum, and sums in which they contradict each other less.

All of it is done to ΔW = scale · B · A, never to A and B apart. Good for a handful of adapters that began at the same
base; more than about five, or adapters of different bases, do not merge.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from homeostat.errors import CorruptWeights
from homeostat.train.transfer.product import Adapter, Product

Join = Callable[[list[Tensor], Sequence[float]], Tensor]
"""One ΔW from several and a weight for each."""


def block(layer: str) -> str:
    """The numbered block a layer belongs to, `model.layers.3` for `model.layers.3.mlp.up_proj`; itself if none."""
    found = re.match(r".*?\.\d+(?=\.)", layer)
    return found.group() if found else layer


@dataclass(frozen=True, slots=True)
class Weights:
    """How much of each adapter goes into the sum."""

    every: tuple[float, ...]
    """By adapter, in every layer that has no weights of its own, and in the rows of the labels."""
    blocks: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    """By block (`block`), where a block has its own."""

    @staticmethod
    def equal(count: int) -> Weights:
        """The mean of so many."""
        return Weights((1.0 / count,) * count)

    def at(self, layer: str) -> tuple[float, ...]:
        """Those of a layer."""
        return self.blocks.get(block(layer), self.every)


def weighted_sum(adapters: Sequence[Adapter], weights: Weights | Sequence[float], rank: int | None = None) -> Adapter:
    """ΔW = Σ wᵢ ΔWᵢ in every layer: exact if `rank` is None or at least the sum of the ranks, else the nearest of it.

    Weights that add up to one average; others are task arithmetic (Ilharco et al. 2022, 2212.04089), where a negative
    one takes away what an adapter has learned. A row of the labels says what a token means and not by how much it
    changed, so a row that several adapters have is averaged by their weights, one that a single adapter has is taken
    whole, and adapters of weight zero or less give none.

    Raises:
        CorruptWeights: the adapters are of different bases.
    """
    given = _given(weights)
    layers = {}
    for name, having in _shared(adapters).items():
        at = given.at(name)
        layers[name] = Product.total([product for _, product in having], [at[k] for k, _ in having])
    return _made(adapters, layers, given).truncated(rank)


def mean(adapters: Sequence[Adapter], rank: int | None = None) -> Adapter:
    """The mean of ΔW, exact where the rank allows it: see `weighted_sum`."""
    return weighted_sum(adapters, Weights.equal(len(adapters)), rank)


def ties(
    adapters: Sequence[Adapter],
    weights: Weights | Sequence[float] | None = None,
    *,
    density: float = 0.2,
    scale: float = 1.0,
    rank: int | None = None,
) -> Adapter:
    """TIES (Yadav et al. 2023, 2306.01708): trim, elect a sign, and average those of that sign, element by element.

    For adapters that pull single weights in opposite directions, where a mean would cancel what each has learned.

    Args:
        adapters: of one base.
        weights: of the vote and of the average; None counts all alike.
        density: share of the elements of each ΔW that is kept, the largest ones of the layer.
        scale: what the merged ΔW is multiplied with, λ in the paper.
        rank: of the result, which has no low rank by itself; None for the sum of the ranks.
    """

    def join(deltas: list[Tensor], by: Sequence[float]) -> Tensor:
        return scale * elected([trimmed(delta, density) for delta in deltas], by)

    return _joined(adapters, _given(weights or Weights.equal(len(adapters))), join, rank)


def dare(
    adapters: Sequence[Adapter],
    weights: Weights | Sequence[float],
    *,
    density: float = 0.5,
    elect: bool = False,
    seed: int = 0,
    rank: int | None = None,
) -> Adapter:
    """DARE (Yu et al. 2023, 2311.03099): drop elements of each ΔW at random, make up for it in the rest, and sum.

    Each ΔW stays what it was on average, and adapters meet in fewer elements. What is dropped is noise of full rank,
    of which a low rank keeps only a part: it helps where changes are small and redundant, and costs elsewhere.

    Args:
        adapters: of one base.
        weights: of the sum.
        density: share of the elements that is kept; 1 is the weighted sum.
        elect: whether signs are elected as in `ties`, instead of a plain sum.
        seed: of what is dropped.
        rank: of the result; None for the sum of the ranks.
    """
    draw = torch.Generator().manual_seed(seed)

    def join(deltas: list[Tensor], by: Sequence[float]) -> Tensor:
        kept = [delta * (torch.rand(delta.shape, generator=draw) < density) / density for delta in deltas]
        return elected(kept, by) if elect else torch.stack([w * d for w, d in zip(by, kept, strict=True)]).sum(0)

    return _joined(adapters, _given(weights), join, rank)


def trimmed(delta: Tensor, density: float) -> Tensor:
    """The largest elements by size, a share `density` of them; the others are zero."""
    most = int(density * delta.numel())
    kept = torch.zeros(delta.numel(), dtype=torch.bool)
    kept[delta.abs().flatten().topk(most).indices] = True
    return delta * kept.view_as(delta)


def elected(deltas: Sequence[Tensor], weights: Sequence[float]) -> Tensor:
    """At every element the weighted mean of those that are not zero and have the sign of the weighted sum."""
    shares = torch.tensor(weights).view(-1, *[1] * deltas[0].dim())
    pulls = shares * torch.stack(list(deltas))
    sign = torch.where(pulls.sum(0) >= 0, 1.0, -1.0)
    agreeing = pulls.sign() == sign
    return (pulls * agreeing).sum(0) / (shares.abs() * agreeing).sum(0).clamp(min=1e-12)


def _joined(adapters: Sequence[Adapter], weights: Weights, join: Join, rank: int | None) -> Adapter:
    """One adapter, every layer joined where it is dense, one at a time, and brought to a rank again."""
    layers = {}
    for name, having in sorted(_shared(adapters).items()):
        by = [weights.at(name)[k] for k, _ in having]
        products = [product for _, product in having]
        dense = join([product.dense() for product in products], by)
        layers[name] = Product.of(dense, rank or sum(p.rank for p in products), products[0].scale)
    return _made(adapters, layers, weights)


def _made(adapters: Sequence[Adapter], layers: Mapping[str, Product], weights: Weights) -> Adapter:
    """One adapter of these layers, with the rows of all.

    Raises:
        CorruptWeights: some were trained on a base in four bits, and others were not.
    """
    bases = {adapter.base for adapter in adapters}
    if len(bases) > 1:
        fix = "train them on the same base"
        raise CorruptWeights("some of the adapters were trained on a base in four bits, and others were not", fix=fix)
    return Adapter(layers=layers, rows=_rows(adapters, weights.every), table=_table(adapters), base=bases.pop())


def _given(weights: Weights | Sequence[float]) -> Weights:
    return weights if isinstance(weights, Weights) else Weights(tuple(weights))


def _shared(adapters: Sequence[Adapter]) -> dict[str, list[tuple[int, Product]]]:
    """Every layer with the adapters that change it, by their position.

    Raises:
        CorruptWeights: a layer has not the same shape in all.
    """
    found: dict[str, list[tuple[int, Product]]] = {}
    for k, adapter in enumerate(adapters):
        for name, product in adapter.layers.items():
            found.setdefault(name, []).append((k, product))
    for name, having in found.items():
        shapes = {(product.up.shape[0], product.down.shape[1]) for _, product in having}
        if len(shapes) > 1:
            fix = "merge only adapters that were trained on one base"
            raise CorruptWeights(f"the adapters are of different bases: {name} is {sorted(shapes)}", fix=fix)
    return found


def _rows(adapters: Sequence[Adapter], weights: Sequence[float]) -> dict[int, Tensor]:
    """The rows of all adapters of positive weight, averaged where several have one."""
    found: dict[int, list[tuple[float, Tensor]]] = {}
    for adapter, weight in zip(adapters, weights, strict=True):
        for token, row in adapter.rows.items():
            if weight > 0:
                found.setdefault(token, []).append((weight, row))
    return {token: _mean(having) for token, having in sorted(found.items())}


def _mean(rows: list[tuple[float, Tensor]]) -> Tensor:
    """A weighted mean; of one it is that one, bit by bit."""
    if len(rows) == 1:
        return rows[0][1]
    return torch.stack([w * row for w, row in rows]).sum(0) / sum(w for w, _ in rows)


def _table(adapters: Sequence[Adapter]) -> str:
    return next((adapter.table for adapter in adapters if adapter.table), "")

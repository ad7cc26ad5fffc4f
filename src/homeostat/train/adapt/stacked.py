"""A fresh adapter on top of the champion's, instead of going on with the champion's own.

The champion's change is folded into the base for as long as the run lasts, and a new adapter learns beside it, which
begins at nothing. What is saved is the sum of both products, exact up to `most_rank` and then the nearest of that rank
(Eckart & Young 1936), so a version made so stands on the bare base like every other.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from homeostat.config.schema import knob
from homeostat.errors import CorruptWeights, UnsuitedModel
from homeostat.llm.four_bit import require_floats
from homeostat.train.adapt.lora import Lora
from homeostat.train.transfer.product import Adapter, Product

_BELOW = "stacked_on"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stacked(Lora):
    """LoRA of this rank on the champion, which stays as it is under it."""

    kind: ClassVar[str] = "lora"
    back: float = knob(0.0, least=0.0, most=1.0)
    """How far back toward the base the champion is taken before: 0 begins at the champion, 1 at the bare base."""
    most_rank: int = knob(64, least=1)
    """Highest rank of the sum: beyond it the smallest singular values of each layer are left out."""

    @property
    def moves(self) -> bool:
        """Whether it is taken back before the first step."""
        return self.back > 0

    def attach(
        self, model: Any, start: Path | None = None, rows: Mapping[int, Tensor] | None = None, seed: int = 0
    ) -> list[nn.Parameter]:
        """Fold the adapter in `start` into the model and put a fresh one on it; the tensors of the fresh one.

        Rows of labels that the champion has go on from where they are. Without `start` it is plain LoRA.

        Raises:
            ModelNotFound, UnsafeWeights, CorruptWeights: `start` cannot be gone on from.
            UnsuitedModel: the champion's adapter is not made of products, or this one would not be (`dora`), or the
                base lies in four bits.
        """
        if start is None:
            return Lora.attach(self, model, None, rows, seed)
        if self.dora:
            what = "lengths and directions cannot be added to the champion's adapter when the run has ended"
            raise UnsuitedModel(what, where="recipe.adapt", fix="leave out `dora`, or begin anew with `lora`")
        require_floats(model, "folding the champion's adapter in")
        below = _shrunk(Adapter.read(start), 1.0 - self.back)
        _fold(model, below, str(start))
        parameters = Lora.attach(self, model, None, {**(rows or {}), **below.rows}, seed)
        setattr(model, _BELOW, below)
        return parameters

    def save(self, model: Any, folder: Path) -> None:
        """Write the sum of what is below and what was learned on it, as one adapter of the bare base."""
        below: Adapter | None = getattr(model, _BELOW, None)
        if below is None:
            Lora.save(self, model, folder)
            return
        with tempfile.TemporaryDirectory() as fresh:
            Lora.save(self, model, Path(fresh))
            above = Adapter.read(Path(fresh))
        Adapter(
            layers={name: _sum(below.layers.get(name), above.layers.get(name)) for name in _names(below, above)},
            rows=above.rows,
            table=above.table,
        ).truncated(self.most_rank).save(folder)


def _names(*adapters: Adapter) -> list[str]:
    """The layers that any of them changes, each once."""
    return list(dict.fromkeys(name for adapter in adapters for name in adapter.layers))


def _sum(*products: Product | None) -> Product:
    """The exact sum of the products that there are."""
    there = [product for product in products if product is not None]
    return Product.total(there, [1.0] * len(there))


def _shrunk(adapter: Adapter, share: float) -> Adapter:
    """The adapter with a share of each change; rows of labels stay whole, for they are no change but a place."""
    layers = {name: Product.total([product], [share]) for name, product in adapter.layers.items()}
    return Adapter(layers=layers, rows=adapter.rows, table=adapter.table)


@torch.no_grad()
def _fold(model: Any, adapter: Adapter, where: str) -> None:
    """Add what an adapter changes to the weights themselves.

    Raises:
        CorruptWeights: it was made for another base.
    """
    for name, product in adapter.layers.items():
        try:
            weight = model.get_submodule(name).weight
        except AttributeError:
            weight = None
        change = product.dense()
        if weight is None or weight.shape != change.shape:
            raise CorruptWeights(
                f"the adapter does not fit the model at {name}",
                where=where,
                fix="go on from an adapter of this base",
            )
        weight.add_(change.to(weight))

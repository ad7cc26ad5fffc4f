"""Adapters as what they change: the product of their two matrices, layer by layer, kept in factors.

The factors of an adapter mean nothing alone: turn both the right way and the product is the same. So to average B with
B and A with A, as libraries do by default, gives mixed terms of one adapter's B and another's A, and misses the mean of
two independent adapters by about its own length. Products add; everything here is done to them.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import peft
import torch
from peft.utils.other import get_pattern_key
from safetensors.torch import load_file, save_file
from torch import Tensor

from homeostat.errors import CorruptWeights, UnsuitedModel
from homeostat.llm.adapters import add_adapter, remove_adapter
from homeostat.llm.four_bit import MARK
from homeostat.llm.load import require_safetensors

_FILE = "adapter_model.safetensors"
_BEFORE = "base_model.model."
_UP, _DOWN = ".lora_B.weight", ".lora_A.weight"
_ROWS = ".token_adapter.trainable_tokens_delta"
_MOVED = ("pissa", "olora", "loftq", "corda", "lora_ga")
"""Ways to begin that change the base's own weights, so that the product is not all that the adapter changes."""


@dataclass(frozen=True, slots=True)
class Product:
    """The change of one weight matrix, ΔW = scale · up · down."""

    up: Tensor
    """float32[out, rank], called B."""
    down: Tensor
    """float32[rank, in], called A."""
    scale: float = 1.0
    """What the product is multiplied with when it is used; it is kept because learning rates go with it."""

    @property
    def rank(self) -> int:
        """Columns of `up`: the rank of ΔW at most."""
        return self.up.shape[1]

    def dense(self) -> Tensor:
        """ΔW, float32[out, in]."""
        return (self.up @ self.down) * self.scale

    def truncated(self, rank: int) -> Product:
        """The nearest product of at most this rank (Eckart & Young 1936); itself if its rank is no higher.

        Computed from the factors in double precision, so ΔW is never made.
        """
        if self.rank <= rank:
            return self
        left, up = torch.linalg.qr(self.up.double())
        right, down = torch.linalg.qr(self.down.double().T)
        inner, values, outer = torch.linalg.svd(up @ down.T, full_matrices=False)
        return _split(left @ inner, values, outer @ right.T, rank, self.scale)

    def padded(self, rank: int, scale: float) -> Product:
        """The same ΔW with zeros up to this rank and another scale."""
        more = rank - self.rank
        up = self.up if scale == self.scale else self.up * (self.scale / scale)
        if not more:
            return Product(up, self.down, scale)
        zeros = up.new_zeros(up.shape[0], more), up.new_zeros(more, self.down.shape[1])
        return Product(torch.cat([up, zeros[0]], 1), torch.cat([self.down, zeros[1]]), scale)

    @staticmethod
    def of(dense: Tensor, rank: int, scale: float = 1.0) -> Product:
        """The product of at most this rank that is nearest to ΔW, float[out, in]."""
        left, values, right = torch.linalg.svd(dense.double() / scale, full_matrices=False)
        return _split(left, values, right, rank, scale)

    @staticmethod
    def total(products: Sequence[Product], weights: Sequence[float]) -> Product:
        """Σ wᵢ ΔWᵢ, exact; its rank is the sum of the ranks of those that count.

        It has the scale of the first, and a product alone with weight 1 stays as it is, bit by bit.
        """
        scale = products[0].scale
        counted = [(p, w * p.scale / scale) for p, w in zip(products, weights, strict=True) if w]
        if not counted:
            return Product(torch.zeros_like(products[0].up[:, :1]), torch.zeros_like(products[0].down[:1]), scale)
        ups = [p.up if w == 1.0 else p.up * w for p, w in counted]
        return Product(torch.cat(ups, 1), torch.cat([p.down for p, _ in counted]), scale)


def _split(left: Tensor, values: Tensor, right: Tensor, rank: int, scale: float) -> Product:
    """Singular values and vectors as a product, each factor with the root of the values."""
    root = values[:rank].sqrt()
    return Product((left[:, :rank] * root).float(), (root[:, None] * right[:rank]).float(), scale)


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapter:
    """All that an adapter changes of its base."""

    layers: Mapping[str, Product]
    """By the layer's path in the model, such as `model.layers.0.mlp.up_proj`."""
    rows: Mapping[int, Tensor] = field(default_factory=dict)
    """Whole rows of the vocabulary, float32[hidden] by token, that stand in the place of the base's."""
    table: str = ""
    """Path of the vocabulary in the model; empty where there are no rows."""
    base: str | None = None
    """What it says of its base, as `llm.four_bit.mark`."""

    @property
    def rank(self) -> int:
        """The highest rank of a layer."""
        return max(product.rank for product in self.layers.values())

    def truncated(self, rank: int | None) -> Adapter:
        """The same with every layer at the nearest product of at most this rank; None leaves all as they are."""
        if rank is None:
            return self
        layers = {name: product.truncated(rank) for name, product in self.layers.items()}
        return replace(self, layers=layers)

    @staticmethod
    def read(folder: Path) -> Adapter:
        """The adapter in a folder.

        Raises:
            ModelNotFound, UnsafeWeights, CorruptWeights: the folder, its file or its configuration cannot be read.
            UnsuitedModel: products do not describe what it changes.
        """
        require_safetensors(folder, str(folder), _FILE)
        try:
            config = peft.PeftConfig.from_pretrained(str(folder))
        except Exception as damaged:  # whatever a damaged configuration makes the library raise
            raise CorruptWeights(f"the adapter's configuration cannot be read: {damaged}", where=str(folder)) from None
        tensors = {name.removeprefix(_BEFORE): tensor.float() for name, tensor in load_file(folder / _FILE).items()}
        layers = {name.removesuffix(_UP): _product(name.removesuffix(_UP), tensors, config) for name in _ups(tensors)}
        tables = [name for name in tensors if name.endswith(_ROWS)]
        _require_products(folder, config, tensors, 2 * len(layers) + len(tables))
        tokens = [token for each in (config.trainable_token_indices or {}).values() for token in each]
        rows = dict(zip(tokens, tensors[tables[0]], strict=True)) if tables else {}
        return Adapter(
            layers=layers,
            rows=rows,
            table=tables[0].removesuffix(_ROWS) if tables else "",
            base=MARK if config.base_model_name_or_path == MARK else None,
        )

    def save(self, folder: Path) -> None:
        """Write the folder that a version of kind `lora` is loaded from, plain LoRA of one rank and one scale.

        Layers of a lower rank get zeros. Equal adapters are equal files, whatever process writes them.
        """
        folder.mkdir(parents=True, exist_ok=True)
        rank, scale = self.rank, next(iter(self.layers.values())).scale
        tensors: dict[str, Tensor] = {}
        for name, product in self.layers.items():
            padded = product.padded(rank, scale)
            tensors[f"{_BEFORE}{name}{_UP}"] = padded.up.contiguous()
            tensors[f"{_BEFORE}{name}{_DOWN}"] = padded.down.contiguous()
        if self.rows:
            rows = [self.rows[token] for token in sorted(self.rows)]
            tensors[f"{_BEFORE}{self.table}{_ROWS}"] = torch.stack(rows)
        save_file(tensors, folder / _FILE, metadata={"format": "pt"})
        indices = {self.table.rpartition(".")[2]: sorted(self.rows)} if self.rows else None
        config = peft.LoraConfig(r=rank, lora_alpha=scale * rank, trainable_token_indices=indices)
        config.base_model_name_or_path = self.base
        config.target_modules = sorted(self.layers)  # peft would write a set, in another order each time
        config.save_pretrained(folder)


@contextmanager
def wearing(model: Any, adapter: Adapter | None, name: str = "tried") -> Iterator[None]:
    """A model that has no adapter of its own, with this one for a while; None is the bare base.

    Raises:
        CorruptWeights: the adapter was made for another base.
    """
    if adapter is None:
        yield
        return
    with tempfile.TemporaryDirectory() as folder:
        adapter.save(Path(folder))
        add_adapter(model, Path(folder), name)
    model.set_adapter(name)
    try:
        yield
    finally:
        remove_adapter(model, name)


def lay_out(source: Path, folder: Path) -> Path:
    """Write the layers of an adapter alone, without rows of labels, to a folder that can be gone on from. Raises as
    `Adapter.read`.
    """
    replace(Adapter.read(source), rows={}, table="").save(folder)
    return folder


def _ups(tensors: Mapping[str, Tensor]) -> list[str]:
    """Names of the upper factors that have a lower one, in order."""
    return sorted(k for k in tensors if k.endswith(_UP) and k.removesuffix(_UP) + _DOWN in tensors)


def _product(layer: str, tensors: Mapping[str, Tensor], config: Any) -> Product:
    """A layer's product, with the scale that the configuration gives it."""
    up, down = tensors[layer + _UP], tensors[layer + _DOWN]
    alpha = config.alpha_pattern.get(get_pattern_key(config.alpha_pattern, layer), config.lora_alpha)
    rank = up.shape[1]
    return Product(up, down, alpha / (rank**0.5 if config.use_rslora else rank))


def _require_products(folder: Path, config: Any, tensors: Mapping[str, Tensor], known: int) -> None:
    """Hold that there are products, and nothing beside them and the rows.

    Raises:
        UnsuitedModel: the adapter changes its base in another way too.
    """
    begun = str(config.init_lora_weights).lower()
    if config.use_dora or begun.startswith(_MOVED) or known != len(tensors) or known < 2:
        raise UnsuitedModel(
            "the adapter is not only products of two matrices, so it cannot be added to others",
            where=str(folder),
            fix="train with plain LoRA, or rsLoRA, what is to be merged",
        )

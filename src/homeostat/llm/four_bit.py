"""Bases whose matrices lie in four bits: how such a base is told, made ready, and counted.

Four bits name one of sixteen numbers, which lie where a normal distribution has equal shares; 64 weights have a scale
in common, and scales are kept in eight bits (NF4 with double quantization; Dettmers et al. 2023, 2305.14314). Adapters
are trained above them in full precision. bitsandbytes computes; it is an extra.

Rounding a weight changes what a model says, so an adapter belongs to the base in the precision it was trained on.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from homeostat.errors import UnsuitedModel
from homeostat.extras import require

MARK = "a base in four bits"
"""What an adapter or a lead that was trained on one says of its base."""


def library(reason: str) -> Any:
    """The library that computes with four bits.

    Raises:
        MissingExtra: it is not installed.
    """
    return require("bitsandbytes", reason, extra="four-bit")


def is_told(config: Any) -> bool:
    """Whether a transformers configuration says that the matrices lie in four bits."""
    told = getattr(config, "quantization_config", None) or {}
    return bool(told.get("load_in_4bit") if isinstance(told, dict) else getattr(told, "load_in_4bit", False))


def is_four_bit(model: Any) -> bool:
    """Whether any of a model's tensors is in four bits."""
    return any(_state(tensor) is not None for tensor in model.parameters())


def mark(model: Any) -> str | None:
    """What an adapter or a lead that was trained on this model says of its base: MARK, or nothing."""
    return MARK if is_four_bit(model) else None


def make_ready(model: Any) -> None:
    """Have every layer compute in the model's precision, and give its input the gradient of the weights it stands for.

    On a CPU the library packs a layer for inference when it is first asked and nothing is learned. A packed layer
    rounds once more, and in training it has no way back and says nothing of it; so none may ever be packed.
    """
    for layer in _layers(model):
        layer.support_avx512bf16_for_cpu = False
        layer.compute_dtype, layer.compute_type_is_set = model.dtype, True


def count(tensor: Any) -> int:
    """How many numbers a tensor stands for: of one in four bits, those of the matrix that was packed."""
    state = _state(tensor)
    return int(tensor.numel() if state is None else state.shape.numel())


def held_bytes(tensor: Any) -> int:
    """Bytes that a tensor takes in memory: of one in four bits with its scales, and the tables by which it is read."""
    state = _state(tensor)
    if state is None:
        return int(tensor.nbytes)
    beside = (part for part in state.as_dict(packed=True).values())
    return int(tensor.nbytes) + sum(int(part.nbytes) for part in beside)


def parameters(model: Any) -> int:
    """How many numbers a model's tensors stand for."""
    return sum(count(tensor) for tensor in model.parameters())


def require_floats(model: Any, what: str, *, where: str = "recipe.adapt") -> None:
    """Hold that a model's weights can be changed, as `what` does.

    Raises:
        UnsuitedModel: they lie in four bits, so that a change would be rounded away.
    """
    if is_four_bit(model):
        raise UnsuitedModel(
            f"{what} cannot be done on this base: its weights lie in four bits, where small changes are rounded away",
            where=where,
            fix="train `lora`, `prompt` or `prefix` on it, or name the base that it was made of",
        )


def _layers(model: Any) -> Iterator[Any]:
    for layer in model.modules():
        if _state(getattr(layer, "weight", None)) is not None:
            yield layer


def _state(tensor: Any) -> Any:
    """What the library keeps beside packed weights; None for all other tensors."""
    return getattr(tensor, "quant_state", None)

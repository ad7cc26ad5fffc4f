"""Several adapters of one base in one forward pass: every row stands in the batch once for each of them.

What the base does (attention, norms, its own matrices) is done once for the whole batch; at each layer that adapters
change, each changes its own part of it. Equal to one pass per adapter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from peft.tuners.lora import Linear
from peft.tuners.trainable_tokens import TrainableTokensLayer
from peft.tuners.tuners_utils import BaseTunerLayer
from torch import Tensor, nn
from torch.nn import functional as F

from homeostat.llm.forward import Predicted, predict
from homeostat.llm.load import Opened
from homeostat.llm.render import Rendered

Forward = Callable[..., Tensor]
_EXPERTS = ("num_experts", "num_local_experts", "n_routed_experts")


class Ragged(Exception):
    """A layer took the rows of the batch apart, so that nobody can tell whose is which: ask one adapter at a time."""


def predict_each(opened: Opened, rows: Sequence[Rendered], names: Sequence[str]) -> list[Predicted]:
    """What `predict` gives with each of these adapters switched on alone, from one pass.

    Adapters must be switched on (whichever) and not merged; every row needs a completion of one token.

    Raises:
        Ragged: the model mixes rows, as experts do.
        UnsuitedModel: as `predict`.
    """
    if any(getattr(opened.model.config, name, None) for name in _EXPERTS):
        raise Ragged("experts take the rows of a batch apart")
    with together(opened.model, names, len(names) * len(rows)):
        every = predict(opened, [row for _ in names for row in rows])
    parts = [part.chunk(len(names)) for part in (every.logits, every.states, every.row, every.target, every.pooled)]
    return [
        Predicted(logits=logits, states=states, row=row - k * len(rows), target=target, pooled=pooled)
        for k, (logits, states, row, target, pooled) in enumerate(zip(*parts, strict=True))
    ]


@contextmanager
def together(model: Any, names: Sequence[str], rows: int) -> Iterator[None]:
    """Within, a batch of so many rows is answered by these adapters: the first rows by the first, and so on in equal
    parts. Layers raise `Ragged` for anything that has not so many rows.
    """
    layers = [layer for layer in model.modules() if isinstance(layer, BaseTunerLayer)]
    for layer in layers:
        layer.forward = _shared(layer, tuple(names), rows)
    try:
        yield
    finally:
        for layer in layers:
            del layer.forward  # the class's own shows again


def _shared(layer: Any, names: tuple[str, ...], rows: int) -> Forward:
    """A layer's forward pass for all adapters."""
    apart, way = layer.forward, _way(layer, names)

    def forward(x: Tensor, *more: Any, **named: Any) -> Tensor:
        if len(x) != rows:
            raise Ragged(f"{type(layer.base_layer).__name__} was given {len(x)} rows of {rows}")
        if way is not None and not (more or named):
            return way(layer, names, x)
        return torch.cat([_alone(layer, name, apart, part, more, named) for name, part in _parts(x, names)])

    return forward


def _parts(x: Tensor, names: Sequence[str]) -> Iterator[tuple[str, Tensor]]:
    """Each adapter with its rows."""
    return zip(names, x.chunk(len(names)), strict=True)


def _way(layer: Any, names: Sequence[str]) -> Callable[[Any, Sequence[str], Tensor], Tensor] | None:
    """How a layer is computed for all at once; None for one adapter after another, which every kind of adapter can."""
    if isinstance(layer, TrainableTokensLayer) and set(names) <= set(layer.token_indices):
        return {nn.Embedding: _read, nn.Linear: _write}.get(type(layer.base_layer))
    if not isinstance(layer, Linear) or not set(names) <= set(layer.lora_A):
        return None
    plain = not any(name in layer.lora_variant for name in names)
    ranks = {layer.lora_A[name].weight.shape for name in names}
    biased = any(layer.lora_B[name].bias is not None for name in names)
    return _stacked if plain and len(ranks) == 1 and not biased and type(layer.base_layer) is nn.Linear else None


def _stacked(layer: Any, names: Sequence[str], x: Tensor) -> Tensor:
    """Low-rank adapters of one rank: two batched products beside the base's own."""
    out: Tensor = layer.base_layer(x)
    down = torch.stack([layer.lora_A[name].weight for name in names])
    up = torch.stack([layer.lora_B[name].weight * layer.scaling[name] for name in names])
    own = x.reshape(len(names), -1, x.shape[-1]).to(down.dtype) @ down.mT @ up.mT
    return out + own.reshape(out.shape).to(out.dtype)


def _read(layer: Any, names: Sequence[str], x: Tensor) -> Tensor:
    """Rows of the vocabulary that adapters have of their own, in place of the base's, where tokens are read."""
    out: Tensor = layer.base_layer(x)
    for name, (tokens, states) in zip(names, zip(x.chunk(len(names)), out.chunk(len(names)), strict=True), strict=True):
        at = torch.full((len(layer.base_layer.weight),), -1, device=x.device)
        at[layer.token_indices[name]] = torch.arange(len(layer.token_indices[name]), device=x.device)
        place = at[tokens]
        states[place >= 0] = layer.trainable_tokens_delta[name].to(states)[place[place >= 0]]
    return out


def _write(layer: Any, names: Sequence[str], x: Tensor) -> Tensor:
    """The same where logits are made of states."""
    out = F.linear(x, layer.base_layer.weight)
    for name, states, logits in zip(names, x.chunk(len(names)), out.chunk(len(names)), strict=True):
        logits[..., layer.token_indices[name]] = F.linear(states, layer.trainable_tokens_delta[name].to(states))
    return out


def _alone(layer: Any, name: str, forward: Forward, x: Tensor, more: Any, named: Any) -> Tensor:
    """The rows of one adapter, as if it were the only one."""
    was = layer._active_adapter
    layer._active_adapter = [name]
    try:
        return forward(x, *more, **named)
    finally:
        layer._active_adapter = was

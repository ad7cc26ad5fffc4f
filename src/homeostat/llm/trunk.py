"""The layers of a decoder below everything that is trained, which give the same states of a row in every pass.

Their states are computed once a row and kept; every later pass begins above them. Nothing of what comes out changes, by
test; what is saved is the trunk's share of every forward pass but the first.

A trunk lies on one model for as long as a run lasts. Models that are built otherwise than as a list of layers and a
norm do without one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

ON_MODEL = "homeostat_trunk"
MOST_BYTES = 2 << 30
"""Bytes of kept states, at most; rows beyond are computed anew."""
_LAYER = re.compile(r"(.*?\.\d+)\.")
_TRIED = 3
"""Tokens on which a trunk is tried before it is used."""


@dataclass(slots=True)
class Read:
    """What the trunk has read since it was last asked."""

    tokens: int = 0
    squares: int = 0
    """Pairs of tokens that attend to each other."""


@dataclass(slots=True)
class Trunk:
    """The lowest layers of a model, and what they said of rows."""

    model: Any
    layers: int
    """How many of them."""
    kept: dict[tuple[bool, bytes], Tensor] = field(default_factory=dict)
    """float[tokens, hidden] by row, apart for rows read in reduced precision."""
    read: Read = field(default_factory=Read)
    held_bytes: int = 0

    def states(self, ids: Tensor, mask: Tensor) -> Tensor:
        """float[rows, tokens, hidden]: the model's last states, for int64[rows, tokens] filled at the right."""
        body, below = self.model.base_model, self.below(ids, mask)
        with _only(body, slice(self.layers, None), body.norm):
            hidden: Tensor = body(inputs_embeds=below, attention_mask=mask, use_cache=False).last_hidden_state
        return hidden

    @torch.no_grad()
    def below(self, ids: Tensor, mask: Tensor) -> Tensor:
        """float[rows, tokens, hidden]: what the trunk makes of the rows, zero where they are filled."""
        lengths = mask.sum(1).tolist()
        keys = [self._key(row[:length]) for row, length in zip(ids, lengths, strict=True)]
        missing = [k for k, key in enumerate(keys) if key not in self.kept]
        found = dict[int, Tensor]()
        if missing:
            longest = max(lengths[k] for k in missing)
            self.read.tokens += len(missing) * longest
            self.read.squares += len(missing) * longest**2
            body = self.model.base_model
            with _only(body, slice(0, self.layers), nn.Identity()):
                said = body(
                    input_ids=ids[missing, :longest], attention_mask=mask[missing, :longest], use_cache=False
                ).last_hidden_state
            found = {k: said[at, : lengths[k]] for at, k in enumerate(missing)}
            for k, states in found.items():
                self._keep(keys[k], states)
        rows = [found[k] if k in found else self.kept[key] for k, key in enumerate(keys)]
        return nn.utils.rnn.pad_sequence(rows, batch_first=True)

    def taken(self) -> Read:
        """What it has read since this was last asked."""
        read, self.read = self.read, Read()
        return read

    def _keep(self, key: tuple[bool, bytes], states: Tensor) -> None:
        size = states.numel() * states.element_size()
        if self.held_bytes + size <= MOST_BYTES:
            self.kept[key] = states.clone()
            self.held_bytes += size

    def _key(self, row: Tensor) -> tuple[bool, bytes]:
        return torch.is_autocast_enabled(row.device.type), row.cpu().numpy().tobytes()


def put_trunk(model: Any, layers: int) -> bool:
    """Have a model keep what its lowest layers say; whether it can. Nothing may be trained in them, or below them.

    The rows of the vocabulary that are trained must not occur in what is read.
    """
    take_trunk(model)
    body = model.base_model
    built = isinstance(getattr(body, "layers", None), nn.ModuleList) and isinstance(
        getattr(body, "norm", None), nn.Module
    )
    if not built or not 0 < layers < len(body.layers):
        return False
    trunk = Trunk(model, layers)
    if not _same(model, trunk):
        return False
    setattr(model, ON_MODEL, Trunk(model, layers))
    return True


def take_trunk(model: Any) -> None:
    """Take the trunk off a model, if there is one."""
    if trunk_of(model) is not None:
        delattr(model, ON_MODEL)


def trunk_of(model: Any) -> Trunk | None:
    """The trunk that lies on a model."""
    return getattr(model, ON_MODEL, None)


def depth(model: Any) -> dict[str, int]:
    """Name of a tensor -> which layer it belongs to, from 1 at the bottom; 0 is what lies below all layers.

    Layers are what has a number in the model's own names, in its own order: a sequence-to-sequence model's encoder lies
    below its decoder. What comes behind a layer and belongs to none counts with it.
    """
    found, layers = dict[str, int](), dict[str, int]()
    for name, _ in model.named_parameters():
        numbered = _LAYER.match(name)
        if numbered:
            layers.setdefault(numbered[1], len(layers) + 1)
        found[name] = len(layers)
    return found


def lowest(model: Any, bottom: float) -> int:
    """How many layers are meant by so many of the lowest, or, below 1, by that share of them."""
    return round(bottom * max(depth(model).values())) if bottom < 1 else int(bottom)


@torch.no_grad()
def _same(model: Any, trunk: Trunk) -> bool:
    """Whether the model says the same in two parts as in one."""
    ids = torch.arange(1, _TRIED + 1, device=model.device)[None]
    mask = torch.ones_like(ids)
    try:
        parts = trunk.states(ids, mask)
    except (TypeError, ValueError, AttributeError, IndexError, RuntimeError):
        return False
    whole = model.base_model(input_ids=ids, attention_mask=mask, use_cache=False).last_hidden_state
    return torch.allclose(parts.float(), whole.float(), rtol=1e-3, atol=1e-3 * float(whole.float().std()))


@contextmanager
def _only(body: Any, part: slice, norm: nn.Module) -> Iterator[None]:
    """The body with some of its layers, and with this behind the last of them."""
    layers, own = body.layers, body.norm
    body.layers, body.norm = layers[part], norm
    try:
        yield
    finally:
        body.layers, body.norm = layers, own

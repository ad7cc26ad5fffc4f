"""What a model reads before every prompt and nobody has written: learned rows in the place of tokens' rows, or learned
keys and values in the place of what such rows would become in every layer.

A lead belongs to one version. Any number of them lie on one model, of which one is switched on, or none; how long a
prompt may be, who renders must know (`Renderer`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers import DynamicCache

from homeostat.errors import UnsuitedModel

LEADS = "leads."
"""How the names of their tensors begin on a model."""
_TRIED = 3
"""Tokens that are read ahead, and behind, to see whether a model takes a lead."""


@dataclass(frozen=True, slots=True)
class Opening:
    """What the body of a model is called with, to read tokens behind whatever stands before them."""

    given: dict[str, Any]
    behind: int = 0
    """Places of what the body returns that stand before the first token."""


class Lead(nn.Module, ABC):
    """Something that stands before a prompt."""

    fresh = False
    """Whether it was made for this run and may begin elsewhere still."""

    @property
    @abstractmethod
    def places(self) -> int:
        """Places of the context that it takes."""

    @property
    @abstractmethod
    def read(self) -> int:
        """How many of them are read anew before every prompt."""

    @abstractmethod
    def open(self, model: Any, ids: Tensor, mask: Tensor, positions: Tensor | None) -> Opening:
        """How the body is to read these tokens behind it; see `opening`."""

    @abstractmethod
    def fits(self, model: Any) -> bool:
        """Whether it was made for a model of this shape."""


class Rows(Lead):
    """Rows in the place of tokens' rows (prompt tuning)."""

    def __init__(self, rows: Tensor) -> None:
        super().__init__()
        self.rows = nn.Parameter(rows)
        """float[places, hidden]"""

    @property
    def places(self) -> int:
        """Its rows."""
        return len(self.rows)

    @property
    def read(self) -> int:
        """All of them."""
        return len(self.rows)

    def open(self, model: Any, ids: Tensor, mask: Tensor, positions: Tensor | None) -> Opening:
        """The rows, then those of the tokens."""
        read = embed(model, ids)
        whole = torch.cat([self.rows.to(read.dtype).expand(len(ids), -1, -1), read], 1)
        given = {"inputs_embeds": whole, "attention_mask": _seen(mask, self.places, self.places)}
        if positions is not None:
            before = torch.arange(self.places, device=ids.device).expand(len(ids), -1)
            given["position_ids"] = torch.cat([before, positions + self.places], 1)
        return Opening(given, self.places)

    def fits(self, model: Any) -> bool:
        """Whether its rows are as long as the model's."""
        return bool(self.rows.ndim == 2 and len(self.rows) and self.rows.shape[1] == _table(model).weight.shape[1])


class States(Lead):
    """Keys and values in every layer of a decoder (prefix tuning)."""

    def __init__(self, keys: Tensor, values: Tensor) -> None:
        super().__init__()
        self.keys, self.values = nn.Parameter(keys), nn.Parameter(values)
        """float[layers, heads, places, size] each"""

    @staticmethod
    def of(model: Any, rows: Tensor) -> States:
        """What float[places, hidden] become in the model when they are read.

        Raises:
            UnsuitedModel: its layers do not all keep keys and values, of one shape each.
        """
        with torch.no_grad():
            kept = model.base_model(inputs_embeds=rows.to(model.dtype)[None], use_cache=True).past_key_values
        layers = getattr(kept, "layers", ())
        held = [(getattr(layer, "keys", None), getattr(layer, "values", None)) for layer in layers]
        shapes = {tuple(None if t is None else tuple(t.shape) for t in pair) for pair in held}
        if len(shapes) != 1 or None in next(iter(shapes)):
            raise _unsuited(model, "its layers do not all keep keys and values of one shape")
        return States(*(torch.cat([t.float() for t in each]) for each in zip(*held, strict=True)))

    @property
    def places(self) -> int:
        """Its keys in each layer."""
        return int(self.keys.shape[2])

    @property
    def read(self) -> int:
        """None: what they would become is known."""
        return 0

    def open(self, model: Any, ids: Tensor, mask: Tensor, positions: Tensor | None) -> Opening:
        """The tokens, behind a cache that holds what stands before them.

        Raises:
            UnsuitedModel: activations are computed twice, in which transformers leaves out every cache.
        """
        if model.training and any(getattr(part, "gradient_checkpointing", False) for part in model.modules()):
            raise UnsuitedModel(
                "keys and values cannot be learned with `save_memory`", fix="leave it out, or use `prompt`"
            )
        device = ids.device.type
        dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else model.dtype
        cache = DynamicCache(config=model.config)
        for layer, (keys, values) in enumerate(zip(self.keys, self.values, strict=True)):
            cache.update(*(t.to(dtype).expand(len(ids), -1, -1, -1) for t in (keys, values)), layer)
        given = {"input_ids": ids, "attention_mask": _seen(mask, self.places, 0), "past_key_values": cache}
        if positions is not None:
            given["position_ids"] = positions + self.places
        return Opening(given)

    def fits(self, model: Any) -> bool:
        """Whether the model's keys and values have these shapes."""
        own = States.of(model, torch.zeros(1, _table(model).weight.shape[1], device=model.device))
        return all(
            mine.ndim == 4 and mine.shape[2] and mine[:, :, :1].shape == theirs.shape
            for mine, theirs in ((self.keys, own.keys), (self.values, own.values))
        )


def opening(model: Any, ids: Tensor, mask: Tensor, positions: Tensor | None = None) -> Opening:
    """How the body of a model, or the encoder of a sequence-to-sequence model, is to read tokens.

    Args:
        model: behind whose lead, if one is switched on, they stand.
        ids: int64[rows, tokens].
        mask: int64[rows, tokens], or as float[rows, 1, tokens, tokens] what is added to the attention.
        positions: int64[rows, tokens] of the tokens among themselves; None for what the model makes of the mask.
    """
    lead = lead_of(model)
    if lead is not None:
        return lead.open(model, ids, mask, positions)
    more = {} if positions is None else {"position_ids": positions}
    return Opening({"input_ids": ids, "attention_mask": mask, **more})


def embed(model: Any, ids: Tensor) -> Tensor:
    """float[..., hidden]: the rows that int64[...] tokens are read by."""
    read: Tensor = _table(model)(ids)
    return read


def put_lead(model: Any, name: str, lead: Lead) -> None:
    """Lay a lead on a model, beside those it has; it is not switched on."""
    if not hasattr(model, "leads"):
        model.leads, model.lead_on = nn.ModuleDict(), ""
    model.leads[name] = lead.to(model.device)


def take_lead(model: Any, name: str) -> None:
    """Take a lead off a model, switched on or not; a no-op if there is none of this name."""
    if name in getattr(model, "leads", {}):
        del model.leads[name]
        model.lead_on = "" if model.lead_on == name else model.lead_on


def use_lead(model: Any, name: str) -> None:
    """Switch on the lead of this name, or none if there is none of it."""
    if hasattr(model, "leads"):
        model.lead_on = name if name in model.leads else ""


def lead_places(model: Any, name: str) -> int:
    """Places that the lead of this name takes; 0 if there is none."""
    leads = getattr(model, "leads", {})
    return int(leads[name].places) if name in leads else 0


def lead_of(model: Any) -> Lead | None:
    """The lead that is switched on."""
    on = getattr(model, "lead_on", "")
    return model.leads[on] if on else None


def keeps_states(model: Any) -> bool:
    """Whether it is a decoder, which never looks ahead, so that what stands before a prompt is the same for all."""
    return bool(model.can_generate() and not model.config.is_encoder_decoder)


@torch.no_grad()
def try_lead(model: Any, kind: type[Lead]) -> None:
    """Hold that reading three tokens behind a lead made of three others is reading all six.

    Raises:
        UnsuitedModel: it is not, or the model cannot have such a lead.
    """
    ids = torch.arange(4, 4 + 2 * _TRIED, device=model.device)[None]
    rows = embed(model, ids[:, :_TRIED])[0].float()
    if kind is States and not keeps_states(model):
        raise _unsuited(model, "only a decoder can be given keys and values", "use `prompt`")
    lead = Rows(rows) if kind is Rows else States.of(model, rows)
    reader = model.get_encoder() if model.config.is_encoder_decoder else model.base_model
    wanted = reader(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state[:, _TRIED:]
    start = lead.open(model, ids[:, _TRIED:], torch.ones_like(ids[:, _TRIED:]), None)
    got = reader(**start.given).last_hidden_state[:, start.behind :]
    if not torch.allclose(got.float(), wanted.float(), rtol=1e-2, atol=1e-2 * float(wanted.float().std())):
        raise _unsuited(model, "it reads what stands before a prompt in a way that is not known here")


def _unsuited(model: Any, why: str, fix: str = "use `lora`") -> UnsuitedModel:
    return UnsuitedModel(f"{type(model).__name__}: {why}", where="recipe.adapt", fix=fix)


def _table(model: Any) -> Any:
    """The module that a model, or its encoder, reads tokens with."""
    return (model.get_encoder() if model.config.is_encoder_decoder else model).get_input_embeddings()


def _seen(mask: Tensor, keys: int, queries: int) -> Tensor:
    """The mask with `keys` places before it that all tokens see, of which the last `queries` look themselves."""
    if mask.ndim == 2:
        return torch.cat([mask.new_ones(len(mask), keys), mask], 1)
    lowest = torch.finfo(mask.dtype).min
    wide = torch.cat([mask.new_zeros(*mask.shape[:3], keys), mask], 3)
    if not queries:
        return wide
    among = mask.new_full((queries, keys), lowest).triu(keys - queries + 1)
    top = torch.cat([among, mask.new_full((queries, mask.shape[3]), lowest)], 1)
    return torch.cat([top.expand(*mask.shape[:2], -1, -1), wide], 2)

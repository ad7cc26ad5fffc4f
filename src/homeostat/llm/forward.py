"""One forward pass, the same for training and for serving: rows in, logits where a completion is predicted out.

Three families of models fit: a decoder predicts after the prompt, an encoder at a mask put behind it, a
sequence-to-sequence model at the first places of its own decoder.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from homeostat.errors import UnsuitedModel
from homeostat.llm.load import Opened
from homeostat.llm.network import states, two_states, vocabulary_logits
from homeostat.llm.render import Rendered


@dataclass(frozen=True, slots=True)
class Predicted:
    """What a model says at every place where a completion token is predicted."""

    logits: Tensor
    """float[n, vocabulary], the places of row 0 first."""
    states: Tensor
    """float[n, hidden]: the last hidden states, which the logits are made of."""
    row: Tensor
    """int64[n]: which row each place belongs to."""
    target: Tensor
    """int64[n]: the completion token that belongs there."""
    pooled: Tensor
    """float[rows, hidden]: mean of the last hidden states over the prompt."""

    def only(self, rows: Sequence[int]) -> Predicted:
        """What it says of these rows, each of which has a completion of one token."""
        at = torch.tensor(rows, device=self.states.device)
        own = torch.arange(len(rows), device=self.states.device)
        return Predicted(self.logits[at], self.states[at], own, self.target[at], self.pooled[at])


@dataclass(frozen=True, slots=True)
class _Inner:
    """Hidden states, and where in them to look."""

    hidden: Tensor
    """float[rows, places, hidden] of what predicts."""
    first: list[int]
    """The place that predicts the first completion token, per row; the others follow it."""
    source: Tensor
    """float[rows, places, hidden] of what reads the prompt."""
    prompt: range
    """Where the longest prompt lies in `source`."""


def pad(rows: Sequence[Sequence[int]], filler: int, device: Any, *, left: bool = False) -> tuple[Tensor, Tensor]:
    """Token ids and mask, both int64[rows, longest], filled at the right or at the left."""
    longest = max(len(r) for r in rows)
    ids = torch.full((len(rows), longest), filler, dtype=torch.int64)
    mask = torch.zeros((len(rows), longest), dtype=torch.int64)
    for k, row in enumerate(rows):
        at = slice(longest - len(row), longest) if left else slice(0, len(row))
        ids[k, at] = torch.tensor(row, dtype=torch.int64)
        mask[k, at] = 1
    return ids.to(device), mask.to(device)


def mean_over(hidden: Tensor, inside: Tensor) -> Tensor:
    """float[rows, hidden]: mean of float[rows, places, hidden] over the places where bool[rows, places] holds."""
    kept = hidden.masked_fill(~inside.unsqueeze(-1), 0.0)
    return kept.sum(1) / inside.sum(1, keepdim=True)


def places(tokens: Tensor, among: Tensor) -> Tensor:
    """int64[n]: where each of int64[n] tokens stands among int64[k] others, such as those of the labels; it must."""
    return (tokens[:, None] == among[None]).int().argmax(1)


def predict(opened: Opened, rows: Sequence[Rendered]) -> Predicted:
    """Run the model over the rows; every row must have a completion of at least one token.

    Raises:
        UnsuitedModel: an encoder is asked for a completion of more than one token.
    """
    predicted: Predicted = opened.through(partial(_predict, opened, rows))
    return predicted


def _predict(opened: Opened, rows: Sequence[Rendered]) -> Predicted:
    device = opened.model.device
    lengths = torch.tensor([len(r.completion) for r in rows])
    index = torch.repeat_interleave(torch.arange(len(rows)), lengths)
    inner = _FAMILIES[opened.family](opened, rows)
    at = torch.tensor([first + k for first, r in zip(inner.first, rows, strict=True) for k in range(len(r.completion))])
    index, at = index.to(device), at.to(device)
    prompts = torch.tensor([len(r.prompt) for r in rows], device=device)
    place = torch.arange(inner.source.shape[1], device=device)[None]
    inside = (place >= inner.prompt.start) & (place < inner.prompt.start + prompts[:, None])
    states = inner.hidden[index, at]
    return Predicted(
        logits=_logits(opened.model, states),
        states=states,
        row=index,
        target=torch.tensor([t for r in rows for t in r.completion], device=device),
        pooled=mean_over(inner.source, inside),
    )


def _logits(model: Any, states: Tensor) -> Tensor:
    """float[n, vocabulary]; exact where nothing is learned from them, whatever the layers before were computed in."""
    if torch.is_grad_enabled() or not torch.is_autocast_enabled(states.device.type):
        return vocabulary_logits(model, states)
    with torch.autocast(states.device.type, enabled=False):
        return vocabulary_logits(model, states.to(model.dtype))


def _decoder(opened: Opened, rows: Sequence[Rendered]) -> _Inner:
    ids, mask = pad([r.ids[:-1] for r in rows], opened.tokenizer.pad_token_id, opened.model.device)
    hidden = states(opened.model, ids, mask)
    return _Inner(hidden, [len(r.prompt) - 1 for r in rows], hidden, range(0, ids.shape[1]))


def _encoder(opened: Opened, rows: Sequence[Rendered]) -> _Inner:
    if any(len(r.completion) != 1 for r in rows):
        raise UnsuitedModel(
            "an encoder predicts one token, a label code; it cannot write replies", fix="use a decoder for text tasks"
        )
    tokenizer = opened.tokenizer
    lead, tail = (tokenizer.cls_token_id,), (tokenizer.mask_token_id, tokenizer.sep_token_id)
    ids, mask = pad([(*lead, *r.prompt, *tail) for r in rows], tokenizer.pad_token_id, opened.model.device)
    hidden = states(opened.model, ids, mask)
    return _Inner(hidden, [len(r.prompt) + 1 for r in rows], hidden, range(1, ids.shape[1]))


def source_of(opened: Opened, prompts: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
    """What a sequence-to-sequence model's encoder reads, with the mark that ends it: ids and mask."""
    end = opened.tokenizer.eos_token_id
    return pad([(*prompt, end) for prompt in prompts], opened.tokenizer.pad_token_id, opened.model.device)


def _seq2seq(opened: Opened, rows: Sequence[Rendered]) -> _Inner:
    start = opened.model.config.decoder_start_token_id
    ids, mask = source_of(opened, [r.prompt for r in rows])
    given = pad([(start, *r.completion[:-1]) for r in rows], opened.tokenizer.pad_token_id, opened.model.device)
    hidden, source = two_states(opened.model, ids, mask, *given)
    return _Inner(hidden, [0] * len(rows), source, range(0, ids.shape[1]))


_FAMILIES = {"decoder": _decoder, "encoder": _encoder, "seq2seq": _seq2seq}

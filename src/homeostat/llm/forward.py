"""One forward pass, the same for training and for serving: rendered rows in, logits where a completion is predicted out.

Three families of models fit: a decoder predicts after the prompt, an encoder at a mask put behind it, a
sequence-to-sequence model at the first places of its own decoder.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from homeostat.errors import UnsuitedModel
from homeostat.llm.labels import Node
from homeostat.llm.load import Opened
from homeostat.llm.render import Rendered


@dataclass(frozen=True, slots=True)
class Predicted:
    """What a model says at every place where a completion token is predicted."""

    logits: Tensor
    """float[n, vocabulary], the places of row 0 first."""
    row: Tensor
    """int64[n]: which row each place belongs to."""
    target: Tensor
    """int64[n]: the completion token that belongs there."""
    pooled: Tensor
    """float[rows, hidden]: mean of the last hidden states over the prompt."""


def pad(rows: Sequence[Sequence[int]], filler: int, device: Any) -> tuple[Tensor, Tensor]:
    """Token ids and mask, both int64[rows, longest], filled at the right."""
    longest = max(len(r) for r in rows)
    ids = torch.full((len(rows), longest), filler, dtype=torch.int64)
    mask = torch.zeros((len(rows), longest), dtype=torch.int64)
    for k, row in enumerate(rows):
        ids[k, : len(row)] = torch.tensor(row, dtype=torch.int64)
        mask[k, : len(row)] = 1
    return ids.to(device), mask.to(device)


def predict(opened: Opened, rows: Sequence[Rendered]) -> Predicted:
    """Run the model over the rows; every row must have a completion of at least one token.

    Raises:
        UnsuitedModel: an encoder is asked for a completion of more than one token.
    """
    lengths = [len(r.completion) for r in rows]
    device = opened.model.device
    index = torch.repeat_interleave(torch.arange(len(rows)), torch.tensor(lengths)).to(device)
    target = torch.tensor([t for r in rows for t in r.completion], device=device)
    hidden, prompt_mask, places, source = _FAMILIES[opened.family](opened, rows)
    at = torch.tensor([p for row in places for p in row], device=device)
    logits = opened.model.get_output_embeddings()(hidden[index, at])
    if opened.family == "encoder":
        logits = _masked_head(opened.model, hidden[index, at])
    weight = prompt_mask.unsqueeze(-1).to(source.dtype)
    pooled = (source * weight).sum(1) / weight.sum(1)
    return Predicted(logits=logits, row=index, target=target, pooled=pooled)


_Inner = tuple[Tensor, Tensor, list[range], Tensor]


def _decoder(opened: Opened, rows: Sequence[Rendered]) -> _Inner:
    ids, mask = pad([r.ids[:-1] for r in rows], opened.tokenizer.pad_token_id, opened.model.device)
    hidden = opened.model.base_model(input_ids=ids, attention_mask=mask, use_cache=False).last_hidden_state
    prompts = torch.tensor([len(r.prompt) for r in rows], device=ids.device)
    within = torch.arange(ids.shape[1], device=ids.device) < prompts[:, None]
    return hidden, within, [range(len(r.prompt) - 1, len(r.ids) - 1) for r in rows], hidden


def _encoder(opened: Opened, rows: Sequence[Rendered]) -> _Inner:
    if any(len(r.completion) != 1 for r in rows):
        raise UnsuitedModel(
            "an encoder predicts one token, a label code; it cannot write replies", fix="use a decoder for text tasks"
        )
    tokenizer = opened.tokenizer
    lead, tail = (tokenizer.cls_token_id,), (tokenizer.mask_token_id, tokenizer.sep_token_id)
    ids, mask = pad([(*lead, *r.prompt, *tail) for r in rows], tokenizer.pad_token_id, opened.model.device)
    hidden = opened.model.base_model(input_ids=ids, attention_mask=mask).last_hidden_state
    return hidden, mask, [range(len(r.prompt) + 1, len(r.prompt) + 2) for r in rows], hidden


def _masked_head(model: Any, hidden: Tensor) -> Tensor:
    """Vocabulary logits of a masked language model, through its own head (BERT calls it `cls`, RoBERTa `lm_head`)."""
    head = getattr(model, "cls", None) or getattr(model, "lm_head", None) or getattr(model, "vocab_transform", None)
    if head is None:
        raise UnsuitedModel(f"{type(model).__name__} has no masked-language-model head that is known here")
    logits: Tensor = head(hidden)
    return logits


def _seq2seq(opened: Opened, rows: Sequence[Rendered]) -> _Inner:
    filler, start = opened.tokenizer.pad_token_id, opened.model.config.decoder_start_token_id
    end = opened.tokenizer.eos_token_id
    ids, mask = pad([(*r.prompt, end) for r in rows], filler, opened.model.device)
    given, given_mask = pad([(start, *r.completion[:-1]) for r in rows], filler, opened.model.device)
    out = opened.model.base_model(
        input_ids=ids, attention_mask=mask, decoder_input_ids=given, decoder_attention_mask=given_mask, use_cache=False
    )
    hidden = out.last_hidden_state
    if getattr(opened.model.config, "scale_decoder_outputs", opened.model.config.tie_word_embeddings):
        hidden = hidden * opened.model.config.d_model**-0.5
    return hidden, mask, [range(len(r.completion)) for r in rows], out.encoder_last_hidden_state


_FAMILIES = {"decoder": _decoder, "encoder": _encoder, "seq2seq": _seq2seq}


def trie_scores(opened: Opened, prompt: Sequence[int], root: Node, count: int) -> Tensor:
    """float[count]: log-probability of every label's token sequence after the prompt, in one pass of a decoder.

    The nodes of the trie are laid behind the prompt, each seeing the prompt and its own ancestors only, so that a
    prefix shared by many labels is computed once. Equal to scoring each label alone.
    """
    tokens, parents, depth, ends = _flatten(root)
    device, size, lead = opened.model.device, len(prompt) + len(tokens), len(prompt)
    seen = torch.zeros((size, size), dtype=torch.bool)
    seen[:lead, :lead] = torch.ones((lead, lead), dtype=torch.bool).tril()
    for k, parent in enumerate(parents):
        seen[lead + k] = seen[lead + parent] if parent >= 0 else seen[lead - 1]
        seen[lead + k, lead + k] = True
    bias = torch.zeros((1, 1, size, size), dtype=opened.model.dtype).masked_fill_(~seen, torch.finfo(opened.model.dtype).min)
    ids = torch.tensor([[*prompt, *tokens]], device=device)
    positions = torch.tensor([[*range(lead), *(lead + d for d in depth)]], device=device)
    hidden = opened.model.base_model(
        input_ids=ids, attention_mask=bias.to(device), position_ids=positions, use_cache=False
    ).last_hidden_state[0]
    logs = opened.model.get_output_embeddings()(hidden[lead - 1 :]).float().log_softmax(-1).cpu()
    total: list[Tensor] = []
    scores = torch.full((count,), float("-inf"))
    for k, (token, parent) in enumerate(zip(tokens, parents, strict=True)):
        total.append(logs[parent + 1, token] + (total[parent] if parent >= 0 else 0.0))
        if ends[k] >= 0:
            scores[ends[k]] = total[k]
    return scores


def _flatten(root: Node) -> tuple[list[int], list[int], list[int], list[int]]:
    """Tokens, parent positions (-1: the prompt), depths and ending labels of the trie's nodes, parents first."""
    tokens: list[int] = []
    parents: list[int] = []
    depth: list[int] = []
    ends: list[int] = []
    open_nodes = [(root, -1, 0)]
    while open_nodes:
        node, at, level = open_nodes.pop(0)
        for token, child in node.children.items():
            tokens.append(token)
            parents.append(at)
            depth.append(level)
            ends.append(child.label)
            open_nodes.append((child, len(tokens) - 1, level + 1))
    return tokens, parents, depth, ends

"""Scores labels of several tokens in one pass of a decoder, each shared prefix computed once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from homeostat.llm.forward import mean_over, pad
from homeostat.llm.labels import Node
from homeostat.llm.lead import opening
from homeostat.llm.load import Opened
from homeostat.llm.network import vocabulary_logits

LOGITS = 2**25
"""Most logits held at once, as a count of numbers (128 MB); rows beyond go into the next pass."""


@dataclass(frozen=True, slots=True)
class _Flat:
    """The nodes of a trie, parents first."""

    tokens: list[int]
    parents: list[int]
    """Number of the parent node; -1 is the prompt."""
    depth: list[int]
    ends: list[int]
    """Index of the label that ends at the node, or -1."""


def trie_scores(opened: Opened, prompts: Sequence[Sequence[int]], root: Node, count: int) -> tuple[Tensor, Tensor]:
    """Log-probability of every label's token sequence after each prompt, and the mean hidden states over the prompts.

    The nodes of the trie are laid behind the prompt, each seeing the prompt and its own ancestors only, so that a
    prefix shared by many labels is computed once. Equal to scoring each label alone.

    Returns:
        float[rows, count] and float[rows, hidden].
    """
    flat = _flatten(root)
    vocabulary = opened.model.get_input_embeddings().weight.shape[0]
    rows = max(1, LOGITS // (vocabulary * (len(flat.tokens) + 1)))
    parts = [_pass(opened, prompts[k : k + rows], flat, count) for k in range(0, len(prompts), rows)]
    return torch.cat([scores for scores, _ in parts]), torch.cat([pooled for _, pooled in parts])


def _pass(opened: Opened, prompts: Sequence[Sequence[int]], flat: _Flat, count: int) -> tuple[Tensor, Tensor]:
    """One forward pass: the prompts filled up at the left, so that the nodes lie at the same places in every row."""
    model = opened.model
    ids, mask = pad([[*p, *flat.tokens] for p in prompts], opened.tokenizer.pad_token_id, model.device, left=True)
    lead = ids.shape[1] - len(flat.tokens)
    lengths = torch.tensor([len(p) for p in prompts], device=model.device)
    deep = torch.tensor(flat.depth, device=model.device)
    positions = torch.cat([(mask[:, :lead].cumsum(1) - 1).clamp(min=0), lengths[:, None] + deep], dim=1)
    start = opening(model, ids, _bias(mask, flat, model.dtype), positions)
    hidden = model.base_model(**start.given, use_cache=False).last_hidden_state[:, start.behind :]
    tail = hidden[:, lead - 1 :]
    logs = vocabulary_logits(model, tail.flatten(0, 1)).float().log_softmax(-1).reshape(*tail.shape[:2], -1)
    scores = torch.full((len(prompts), count), float("-inf"), device=model.device)
    total: list[Tensor] = []
    for token, parent, label in zip(flat.tokens, flat.parents, flat.ends, strict=True):
        total.append(logs[:, parent + 1, token] + (total[parent] if parent >= 0 else 0.0))
        if label >= 0:
            scores[:, label] = total[-1]
    return scores, mean_over(hidden[:, :lead], mask[:, :lead].bool())


def _bias(mask: Tensor, flat: _Flat, dtype: torch.dtype) -> Tensor:
    """float[rows, 1, places, places]: 0 where a place sees another, very negative where not."""
    places, lead = mask.shape[1], mask.shape[1] - len(flat.tokens)
    seen = torch.ones((places, places), dtype=torch.bool).tril()
    for k, parent in enumerate(flat.parents):
        seen[lead + k] = seen[lead + parent if parent >= 0 else lead - 1]
        seen[lead + k, lead + k] = True
    every = seen.to(mask.device) & mask.bool()[:, None, None, :]
    # A place that holds filler sees itself, so that no row of the attention is empty.
    every = every | torch.eye(places, dtype=torch.bool, device=mask.device)
    return torch.zeros(every.shape, dtype=dtype, device=mask.device).masked_fill(~every, torch.finfo(dtype).min)


def _flatten(root: Node) -> _Flat:
    flat, waiting = _Flat([], [], [], []), [(root, -1, 0)]
    while waiting:
        node, at, level = waiting.pop(0)
        for token, child in node.children.items():
            flat.tokens.append(token)
            flat.parents.append(at)
            flat.depth.append(level)
            flat.ends.append(child.label)
            waiting.append((child, len(flat.tokens) - 1, level + 1))
    return flat

"""Counts the floating-point operations of a run, from the shapes that went through the model.

A multiplication and an addition count as two. Within 5 % of torch's own counter, by test.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn

from homeostat.llm.render import Rendered

_AT_PLACES = {False: re.compile(r"^(cls|lm_head|head|vocab_transform)\."), True: re.compile(r"(^|\.)decoder\.")}
"""Weights met at predicted places alone: an encoder's output network, a sequence-to-sequence model's decoder …"""
_CROSS = re.compile(r"(EncDecAttention|encoder_attn)\.(k|v)(_proj)?\.")
"""… but for what its decoder computes of every token read."""


@dataclass(frozen=True, slots=True)
class Size:
    """What a model costs: weights met by every token, by every predicted place, and width × layers for attention."""

    body: int
    adapter: int
    head: int
    attention: int
    head_adapter: int = 0
    """Of the adapter, what is met at predicted places alone."""

    @staticmethod
    def of(model: Any) -> Size:
        """Read the sizes off a transformers model, adapters included."""
        config, counts = model.config, {(where, what): 0 for where in (False, True) for what in (False, True)}
        tables = {id(m.weight) for m in model.modules() if isinstance(m, nn.Embedding)}
        tables.add(id(model.get_output_embeddings().weight))
        for name, weight in model.named_parameters():
            if weight.ndim == 2 and id(weight) not in tables:
                place = bool(_AT_PLACES[config.is_encoder_decoder].search(name)) and not _CROSS.search(name)
                counts[place, "lora_" in name] += weight.numel()
        width = int(config.num_attention_heads) * int(getattr(config, "head_dim", None) or 0) or int(config.hidden_size)
        return Size(
            body=counts[False, False],
            adapter=counts[False, True],
            head=int(config.vocab_size) * int(config.hidden_size) + counts[True, False],
            attention=width * int(config.num_hidden_layers),
            head_adapter=counts[True, True],
        )

    def forward(self, tokens: int, squares: int, places: int) -> float:
        """Operations of a forward pass over `tokens` tokens, `squares` pairs of attended places, `places` logits."""
        weights = (self.body + self.adapter) * tokens + (self.head + self.head_adapter) * places
        return 2.0 * weights + 4.0 * self.attention * squares

    def step(self, tokens: int, squares: int, places: int, *, full: bool) -> float:
        """Forward and backward: the gradient of the activations always, that of the weights where they are trained.

        With an adapter a little too much (2 % in 6 layers): nothing is propagated into the embeddings.
        """
        trained = self.adapter * tokens + self.head_adapter * places
        if full:
            trained += self.body * tokens + self.head * places
        return self.forward(tokens, squares, places) * 2.0 + 2.0 * trained + 4.0 * self.attention * squares


def shape(rows: Sequence[Rendered], family: str) -> tuple[int, int, int]:
    """Tokens read, pairs of tokens that attend to each other, and predicted places of one padded batch.

    A decoder reads a completion too but for its last token; an encoder reads three marks beside the prompt, a
    sequence-to-sequence model one.
    """
    longest = max(len(row.ids) - 1 if family == "decoder" else len(row.prompt) + _MARKS[family] for row in rows)
    return len(rows) * longest, len(rows) * longest**2, sum(len(row.completion) for row in rows)


_MARKS = {"encoder": 3, "seq2seq": 1}

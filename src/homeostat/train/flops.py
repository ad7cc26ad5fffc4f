"""Counts the floating-point operations of a run, from the shapes that went through the model.

A multiplication and an addition count as two. Within 5 % of torch's own counter, by test.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn

from homeostat.llm.four_bit import count
from homeostat.llm.lead import LEADS, lead_of
from homeostat.llm.render import Rendered
from homeostat.llm.trunk import depth, trunk_of

_AT_PLACES = {
    False: re.compile(r"^(cls|lm_head|head|vocab_transform|answer_head)\."),
    True: re.compile(r"(^|\.)decoder\.|^answer_head\."),
}
"""Weights met at predicted places alone: an encoder's output network, a sequence-to-sequence model's decoder …"""
_ROWS = "trainable_tokens"
"""Rows of the vocabulary that an adapter trains: looked up, not multiplied with."""
_CROSS = re.compile(r"(EncDecAttention|encoder_attn)\.(k|v)(_proj)?\.")
"""… but for what its decoder computes of every token read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """What a model costs: weights met by every token, by every predicted place, and width × layers for attention."""

    body: int
    adapter: int = 0
    head: int
    attention: int
    head_adapter: int = 0
    """Of the adapter, what is met at predicted places alone."""
    passed: int = 0
    """Of body and adapter, the weights through which a gradient flows back: those behind the first that is trained."""
    learned: int = 0
    """Of body and adapter, the weights that get a gradient of their own."""
    head_learned: int = 0
    """Of what is met at predicted places, the same."""
    read: int = 0
    """Places before every prompt that are read anew with it."""
    kept: int = 0
    """Places before every prompt that are only attended to."""
    trunk: int = 0
    """Weights of the layers whose states are kept (`llm.trunk`), which are in none of the others."""
    trunk_attention: int = 0
    """The same of `attention`."""

    @staticmethod
    def of(model: Any) -> Size:
        """Read the sizes off a transformers model, adapters included; what is trained is what requires a gradient."""
        config, output, lead = model.config, model.get_output_embeddings().weight, lead_of(model)
        trunk, levels = trunk_of(model), depth(model)
        tables = {id(m.weight) for m in model.modules() if isinstance(m, nn.Embedding)} | {id(output)}
        met, learned, passed, below = Counter[tuple[bool, bool]](), Counter[bool](), 0, 0
        behind = lead is not None and any(tensor.requires_grad for tensor in lead.parameters())
        for name, weight in model.named_parameters():
            multiplied = not (weight.ndim != 2 or id(weight) in tables or _ROWS in name or name.startswith(LEADS))
            if trunk and levels[name] <= trunk.layers:
                below += count(weight) if multiplied else 0
                continue
            behind = behind or weight.requires_grad
            if not multiplied:
                continue
            place = bool(_AT_PLACES[config.is_encoder_decoder].search(name)) and not _CROSS.search(name)
            met[place, "lora_" in name] += count(weight)
            learned[place] += count(weight) if weight.requires_grad else 0
            passed += count(weight) if behind and not place else 0
        width = int(config.num_attention_heads) * int(getattr(config, "head_dim", None) or 0) or int(config.hidden_size)
        head = int(config.vocab_size) * int(config.hidden_size)
        kept_layers = trunk.layers if trunk else 0
        return Size(
            body=met[False, False],
            adapter=met[False, True],
            head=head + met[True, False],
            attention=width * (int(config.num_hidden_layers) - kept_layers),
            head_adapter=met[True, True],
            passed=passed,
            learned=learned[False],
            head_learned=learned[True] + (head if output.requires_grad else 0),
            read=lead.read if lead else 0,
            kept=lead.places - lead.read if lead else 0,
            trunk=below,
            trunk_attention=width * kept_layers,
        )

    def shape(self, rows: Sequence[Rendered], family: str) -> tuple[int, int, int]:
        """The same as `shape`, with what stands before every prompt."""
        tokens, _, places = shape(rows, family)
        longest = tokens // len(rows) + self.read
        return len(rows) * longest, len(rows) * longest * (longest + self.kept), places

    def forward(self, tokens: int, squares: int, places: int) -> float:
        """Operations of a forward pass over `tokens` tokens, `squares` pairs of attended places, `places` logits."""
        weights = (self.body + self.adapter) * tokens + (self.head + self.head_adapter) * places
        return 2.0 * weights + 4.0 * self.attention * squares

    def below(self, model: Any) -> float:
        """Operations that the model's trunk has taken since this was last asked."""
        trunk = trunk_of(model)
        if trunk is None:
            return 0.0
        read = trunk.taken()
        return 2.0 * self.trunk * read.tokens + 4.0 * self.trunk_attention * read.squares

    def step(self, tokens: int, squares: int, places: int) -> float:
        """Forward and backward: the gradient of activations as far down as something is trained, that of weights where
        they are trained.
        """
        back = self.passed * tokens + (self.head + self.head_adapter) * places
        own = self.learned * tokens + self.head_learned * places
        share = self.passed / max(self.body + self.adapter, 1)
        return self.forward(tokens, squares, places) + 2.0 * (back + own) + 8.0 * self.attention * squares * share


def shape(rows: Sequence[Rendered], family: str) -> tuple[int, int, int]:
    """Tokens read, pairs of tokens that attend to each other, and predicted places of one padded batch.

    A decoder reads a completion too but for its last token; an encoder reads three marks beside the prompt, a
    sequence-to-sequence model one.
    """
    longest = max(len(row.ids) - 1 if family == "decoder" else len(row.prompt) + _MARKS[family] for row in rows)
    return len(rows) * longest, len(rows) * longest**2, sum(len(row.completion) for row in rows)


_MARKS = {"encoder": 3, "seq2seq": 1}

"""Counts the floating-point operations of a run, from the shapes that went through the model.

A multiplication and an addition count as two. Checked against torch's own counter by test.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Size:
    """What a model costs: weights met by every token, by every predicted place, and width × layers for attention."""

    body: int
    adapter: int
    head: int
    attention: int

    @staticmethod
    def of(model: Any) -> Size:
        """Read the sizes off a transformers model, adapters included."""
        shapes = {n: p.numel() for n, p in model.named_parameters() if p.ndim == 2}
        embedding = {n: s for n, s in shapes.items() if "embed" in n or "lm_head" in n or "shared" in n}
        adapter = sum(s for n, s in shapes.items() if "lora_" in n and n not in embedding)
        body = sum(s for n, s in shapes.items() if n not in embedding) - adapter
        width = int(model.config.hidden_size)
        return Size(body, adapter, int(model.config.vocab_size) * width, width * int(model.config.num_hidden_layers))

    def forward(self, tokens: int, squares: int, places: int) -> float:
        """Operations of a forward pass over `tokens` tokens, `squares` pairs of attended places, `places` logits."""
        return 2.0 * ((self.body + self.adapter) * tokens + self.head * places) + 4.0 * self.attention * squares

    def step(self, tokens: int, squares: int, places: int, *, full: bool) -> float:
        """Forward and backward: the gradient of the activations always, that of the weights where they are trained."""
        forward = self.forward(tokens, squares, places)
        weights = 2.0 * ((self.body * tokens + self.head * places if full else 0) + self.adapter * tokens)
        return forward * 2.0 + weights + 4.0 * self.attention * squares

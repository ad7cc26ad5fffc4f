"""What the champion says of new rows, asked before the first step, and how far a candidate has moved from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from homeostat.llm.forward import predict
from homeostat.llm.generate import generate
from homeostat.llm.load import Opened
from homeostat.llm.render import Rendered
from homeostat.train.ask import log_probabilities
from homeostat.train.flops import Size
from homeostat.train.objectives.distill.apart import apart, folded
from homeostat.train.penalties.divergence import divergence
from homeostat.train.samples import Sample

GAUGED = 128
"""Most new rows on which the champion and the candidate are compared."""
HEARD = 32
"""Most of them to which the champion writes a reply, on tasks of text."""
WORDS = 32
"""Most tokens of such a reply."""
LIKELIEST = 64
"""Of the tokens at a place, those that are compared one by one; the rest counts as one."""
AT_ONCE = 8
"""Replies of one forward pass: what is said at each of their places is as wide as the vocabulary."""


def gauged(samples: Sequence[Sample], seed: int) -> list[Rendered]:
    """The new rows on which champion and candidate are compared: at most GAUGED, drawn by the seed."""
    fresh = [s.rendered for s in samples if not (s.replay or s.recalled or s.free)]
    some = np.random.default_rng([seed, 3]).permutation(len(fresh))[:GAUGED]
    return [fresh[k] for k in sorted(some)]


@dataclass(slots=True)
class Champion:
    """What the model before training says: of the labels it knows, or token by token of replies that it writes."""

    labels: Tensor
    """int64[labels]: the tokens of the labels it knows; none on a task of text, or where there is no champion."""
    prompts: list[Rendered]
    """The new rows it was asked about; on a task of text with its own replies."""
    said: Tensor
    """float[prompts, labels]: its log-probabilities on them; float[tokens, likeliest + 1] of its replies' tokens."""
    flops: float = 0.0
    """Operations that all asking took so far."""
    likeliest: Tensor | None = None
    """int64[tokens, likeliest]: which tokens it held likeliest at each place of its replies."""

    @staticmethod
    def nobody() -> Champion:
        """No champion: it teaches nothing, and nothing has moved from it."""
        return Champion(torch.zeros(0, dtype=torch.int64), [], torch.zeros(0, 0))

    @staticmethod
    def ask(opened: Opened, labels: Tensor, prompts: list[Rendered]) -> Champion:
        """Ask a model about new rows, over the labels of these tokens."""
        said, spent = log_probabilities(opened, prompts, labels)
        return Champion(labels, prompts, said, spent)

    @staticmethod
    @torch.no_grad()
    def hear(opened: Opened, prompts: Sequence[Rendered]) -> Champion:
        """Have a model reply to new rows, drawn at its own chances, and keep how likely it held what at each place."""
        nobody, some = Champion.nobody(), [row.prompt for row in prompts[:HEARD]]
        if not some:
            return nobody
        replies = generate(opened, some, most=WORDS, temperature=1.0).tokens
        rows = [Rendered(prompt, tuple(reply)) for prompt, reply in zip(some, replies, strict=True)]
        said, at, spent = _words(opened, rows)
        return Champion(nobody.labels, rows, said, 2.0 * spent, at)

    def distance(self, opened: Opened) -> float:
        """Mean KL(champion || candidate) in nats on new rows, over the champion's labels or a token of its replies;
        `opened` is the candidate.

        It tells without labels how much a model has forgotten (Shenfeld et al. 2025, 2509.04259).
        """
        if not self.prompts:
            return 0.0
        if self.likeliest is not None:
            now, _, spent = _words(opened, self.prompts, self.likeliest)
            self.flops += spent
            return float(apart(now, self.said).mean())
        logs, spent = log_probabilities(opened, self.prompts, self.labels)
        self.flops += spent
        return float(divergence(logs, self.said))


@torch.no_grad()
def _words(opened: Opened, rows: Sequence[Rendered], at: Tensor | None = None) -> tuple[Tensor, Tensor, float]:
    """What a model says at every place of replies: float[tokens, likeliest + 1], of int64[tokens, likeliest] (its own
    likeliest if `at` is not given), and the operations that it took.
    """
    size, said, of, spent, done = Size.of(opened.model), list[Tensor](), list[Tensor](), 0.0, 0
    for start in range(0, len(rows), AT_ONCE):
        some = rows[start : start + AT_ONCE]
        logs = predict(opened, some).logits.float().log_softmax(-1)
        most = min(LIKELIEST, logs.shape[-1] - 1)
        of.append(logs.topk(most, dim=-1).indices if at is None else at[done : done + len(logs)])
        said.append(folded(logs, of[-1]))
        spent, done = spent + size.forward(*size.shape(some, opened.family)), done + len(logs)
    return torch.cat(said), torch.cat(of), spent

"""From what a model says to replies: requests that share a pass, what is known of each, and how sure it was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from homeostat.llm.backend import Reply, Request
from homeostat.llm.generate import Generated
from homeostat.llm.head import Said


@dataclass(frozen=True, slots=True)
class Group:
    """Requests that share a pass: of one task, of one version or of heads on the bare base, with like lengths."""

    at: list[int]
    """Positions in the batch that was asked for."""
    requests: list[Request]
    prompts: list[tuple[int, ...]]

    @property
    def first(self) -> Request:
        """One of them, for what they have in common."""
        return self.requests[0]

    def only(self, rows: Sequence[int]) -> Group:
        """Those of these rows."""
        return Group([self.at[k] for k in rows], [self.requests[k] for k in rows], [self.prompts[k] for k in rows])

    def of(self, version: str) -> Group:
        """The same requests, asked of another version that reads them alike."""
        return replace(self, requests=[replace(request, version=version) for request in self.requests])


class Scored(NamedTuple):
    """What is said of rows of labels, on the CPU."""

    scores: Tensor
    """float[rows, labels]: log-probabilities."""
    pooled: Tensor
    """float[rows, hidden]: mean states over the prompts."""
    doubt: Tensor | None = None
    """float[rows], in nats: how far the members of an ensemble disagree; None where one answers alone."""


def picked(group: Group, said: Scored, labels: Sequence[str]) -> list[Reply]:
    """The likeliest label per row."""
    entropy = -(said.scores.exp() * said.scores.clamp(min=-1e4)).sum(-1)
    sure, best = said.scores.max(-1)
    vectors = said.pooled.to(torch.float16).numpy()
    return [
        Reply(
            text=labels[int(best[k])],
            confidence=float(sure[k].exp()),
            entropy=float(entropy[k]),
            prompt_tokens=len(prompt),
            reply_tokens=1,
            embedding=vectors[k].tobytes(),
            disagreement=0.0 if said.doubt is None else float(said.doubt[k]),
        )
        for k, prompt in enumerate(group.prompts)
    ]


def told(group: Group, said: Sequence[Said], pooled: Tensor) -> list[Reply]:
    """What a head replies that tells numbers or tags."""
    vectors = pooled.to(torch.float16).cpu().numpy()
    return [
        Reply(
            text=one.text,
            confidence=one.confidence,
            entropy=one.entropy,
            prompt_tokens=len(prompt),
            reply_tokens=1,
            embedding=vector.tobytes(),
        )
        for one, prompt, vector in zip(said, group.prompts, vectors, strict=True)
    ]


def written(group: Group, made: Generated, tokenizer: Any) -> list[Reply]:
    """What was generated."""
    vectors = made.pooled.to(torch.float16).cpu().numpy()
    return [
        Reply(
            text=tokenizer.decode(tokens, skip_special_tokens=True).strip(),
            confidence=float(np.exp(made.log_probability[k])),
            entropy=made.entropy[k],
            prompt_tokens=len(group.prompts[k]),
            reply_tokens=len(tokens),
            embedding=vectors[k].tobytes(),
        )
        for k, tokens in enumerate(made.tokens)
    ]

"""Batches as a loss sees them, with logits drawn at random in the place of a model's."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import torch

from homeostat.llm.forward import Predicted
from homeostat.llm.load import Opened
from homeostat.llm.render import Rendered
from homeostat.train.samples import Sample
from homeostat.train.step import Ground, Step

VOCABULARY = 10


def predicted(completions: Sequence[Sequence[int]], seed: int = 0) -> Predicted:
    """What a model might say at the places of these completions."""
    row = torch.tensor([k for k, completion in enumerate(completions) for _ in completion])
    logits = torch.randn(len(row), VOCABULARY, generator=torch.Generator().manual_seed(seed)).requires_grad_(True)
    target = torch.tensor([token for completion in completions for token in completion])
    return Predicted(logits=logits, states=torch.zeros(len(row), 4), row=row, target=target, pooled=torch.zeros(1, 4))


def ground(samples: Sequence[Sample] = (), **more: Any) -> Ground:
    """Something to stand on that has no model to run."""
    nobody: Any = SimpleNamespace(device=torch.device("cpu"))
    return Ground(opened=Opened(nobody, None, "decoder"), train=samples, **more)


def step(
    completions: Sequence[Sequence[int]],
    weights: Sequence[float] = (),
    allowed: Sequence[int] = (),
    *,
    on: Ground | None = None,
    seed: int = 0,
) -> Step:
    """A batch of rows with these completions."""
    weights = weights or [1.0] * len(completions)
    rows = [
        Sample(Rendered((k,), tuple(c)), weight=w) for k, (c, w) in enumerate(zip(completions, weights, strict=True))
    ]
    made = Step(on or ground(rows, allowed=torch.tensor(allowed) if allowed else None), rows)
    made.predicted = predicted(completions, seed)
    return made

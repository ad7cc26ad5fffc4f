"""What the model that learns would write itself: completions drawn at its own chances."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from homeostat.llm.generate import generate
from homeostat.llm.render import Rendered
from homeostat.train.samples import Sample
from homeostat.train.step import Step


@torch.no_grad()
def written(step: Step, samples: Sequence[Sample], *, most: int, temperature: float = 1.0) -> list[Rendered]:
    """A reply to each request, of at most `most` tokens; temperature 0 takes the likeliest token each time.

    Drawn by torch's random state, so that a run that goes on from a checkpoint writes the same again.
    """
    opened, meter = step.ground.opened, step.ground.meter
    learning, prompts = opened.model.training, [s.rendered.prompt for s in samples]
    opened.model.eval()
    replies = generate(opened, prompts, most=most, temperature=temperature).tokens
    opened.model.train(learning)
    size = meter.size(opened)
    tokens = size.read * len(prompts) + sum(map(len, [*prompts, *replies]))
    meter.flops += size.forward(tokens, 0, sum(map(len, replies)))
    return [Rendered(prompt, tuple(reply)) for prompt, reply in zip(prompts, replies, strict=True)]

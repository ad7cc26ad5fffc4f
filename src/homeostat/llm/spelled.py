"""Replies as a model meets them, token by token: how likely each is, and whether it would have been written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from homeostat.llm.forward import Predicted


@dataclass(frozen=True, slots=True)
class Spelled:
    """A reply that was given to a model."""

    tokens: tuple[int, ...]
    logs: np.ndarray
    """float64[tokens]: log-probability, in nats, of each after those before it."""
    likeliest: np.ndarray
    """bool[tokens]: whether it is the one that the model would have written there."""


def spelled(predicted: Predicted, targets: Sequence[Sequence[int]]) -> list[Spelled]:
    """The replies of one pass, in their order, from what the model said at each of their tokens."""
    logs = predicted.logits.float().log_softmax(-1)
    each = logs.gather(-1, predicted.target[:, None])[:, 0].double().cpu().numpy()
    first = (logs.argmax(-1) == predicted.target).cpu().numpy()
    ends = np.cumsum([len(target) for target in targets]).tolist()
    places = [slice(end - len(target), end) for end, target in zip(ends, targets, strict=True)]
    return [Spelled(tuple(target), each[at], first[at]) for target, at in zip(targets, places, strict=True)]

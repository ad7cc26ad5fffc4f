"""What the champion says of new rows, asked before the first step, and how far a candidate has moved from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from homeostat.llm.load import Opened
from homeostat.llm.render import Rendered
from homeostat.train.ask import log_probabilities
from homeostat.train.penalties.divergence import divergence
from homeostat.train.samples import Sample

GAUGED = 128
"""Most new rows on which the champion and the candidate are compared."""


def gauged(samples: Sequence[Sample], seed: int) -> list[Rendered]:
    """The new rows on which champion and candidate are compared: at most GAUGED, drawn by the seed."""
    fresh = [s.rendered for s in samples if not (s.replay or s.recalled)]
    some = np.random.default_rng([seed, 3]).permutation(len(fresh))[:GAUGED]
    return [fresh[k] for k in sorted(some)]


@dataclass(slots=True)
class Champion:
    """What the model before training says of the labels it knows."""

    labels: Tensor
    """int64[labels]: the tokens of the labels it knows; none where there is no champion."""
    prompts: list[Rendered]
    """The new rows it was asked about."""
    said: Tensor
    """float[prompts, labels]: its log-probabilities on them."""
    flops: float = 0.0
    """Operations that all asking took so far."""

    @staticmethod
    def nobody() -> Champion:
        """No champion: it teaches nothing, and nothing has moved from it."""
        return Champion(torch.zeros(0, dtype=torch.int64), [], torch.zeros(0, 0))

    @staticmethod
    def ask(opened: Opened, labels: Tensor, prompts: list[Rendered]) -> Champion:
        """Ask a model about new rows, over the labels of these tokens."""
        said, spent = log_probabilities(opened, prompts, labels)
        return Champion(labels, prompts, said, spent)

    def distance(self, opened: Opened) -> float:
        """Mean KL(champion || candidate) in nats on new rows, over the champion's labels; `opened` is the candidate.

        It tells without labels how much a model has forgotten (Shenfeld et al. 2025, 2509.04259).
        """
        if not self.prompts:
            return 0.0
        logs, spent = log_probabilities(opened, self.prompts, self.labels)
        self.flops += spent
        return float(divergence(logs, self.said))

"""Divergence from the champion's label distribution on old traffic, which protects what was known.

KL on old inputs kept the most of the old at the least cost of the new among EWC, L2-SP and KL on new inputs
(docs/decisions, METHODS of the design; compare Li & Hoiem 2016, 1606.09282, where it is taken on new inputs).
"""

from __future__ import annotations

import torch
from torch import Tensor


def divergence(logits: Tensor, teacher: Tensor) -> Tensor:
    """Mean KL(teacher || model) in nats over the labels the teacher knew.

    Args:
        logits: float[rows, labels known now], the old ones first.
        teacher: float[rows, labels known then], log-probabilities.
    """
    known = logits[:, : teacher.shape[1]].float().log_softmax(-1)
    return (teacher.exp() * (teacher - known)).sum(-1).mean() if len(logits) else torch.zeros(())

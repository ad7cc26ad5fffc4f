"""Divergence from the champion's label distribution on old traffic, which protects what was known.

On a small encoder, KL on old inputs kept the most of the old at the least cost of the new, beside EWC, L2-SP and KL on
new inputs; Li & Hoiem (2016, 1606.09282) take it on new ones.
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

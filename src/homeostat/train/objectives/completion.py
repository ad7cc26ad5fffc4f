"""Cross-entropy of the completion's tokens, and of nothing else."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from homeostat.llm.forward import Predicted, places


def completion_loss(predicted: Predicted, weights: Tensor, allowed: Tensor | None = None) -> Tensor:
    """Mean cross-entropy in nats over the predicted tokens, each row's tokens weighted by its weight.

    Args:
        predicted: logits at the completion's places.
        weights: float[rows].
        allowed: int64[k], the only tokens that compete (the label codes known so far), or None for the vocabulary.
            Tokens outside keep their logits: a label that is not known yet is not pushed away before it comes.
    """
    logits, target = predicted.logits.float(), predicted.target
    if allowed is not None:
        logits = logits[:, allowed]
        target = places(target, allowed)
    loss = F.cross_entropy(logits, target, reduction="none")
    weight = weights[predicted.row]
    return (loss * weight).sum() / weight.sum()

"""How far apart two models are at a place: Kullback–Leibler both ways, and what lies between."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def apart(student: Tensor, teacher: Tensor, beta: float = 0.0) -> Tensor:
    """float[places], in nats, of log-probabilities float[places, k].

    The generalized Jensen–Shannon divergence (Agarwal et al. 2024, 2306.13649): beta KL(teacher || mix) +
    (1 - beta) KL(student || mix), where the mix is beta of the teacher and the rest of the student. At the ends, where
    it would vanish, it is KL(teacher || student) for beta 0 and KL(student || teacher) for beta 1.
    """
    if beta == 0.0:
        return _divergence(teacher, student)
    if beta == 1.0:
        return _divergence(student, teacher)
    mix = torch.logaddexp(student + math.log1p(-beta), teacher + math.log(beta))
    return beta * _divergence(teacher, mix) + (1.0 - beta) * _divergence(student, mix)


def likeliest(student: Tensor, teacher: Tensor, top: int) -> tuple[Tensor, Tensor]:
    """Both over the teacher's `top` likeliest tokens, and what is left over as one more: float[places, top + 1].

    It is what a teacher behind an interface gives, and a fraction of what is to be kept of one that is here.
    """
    at = teacher.topk(min(top, teacher.shape[-1] - 1), dim=-1).indices
    return folded(student, at), folded(teacher, at)


def folded(logs: Tensor, at: Tensor) -> Tensor:
    """float[places, k + 1]: log-probabilities at int64[places, k], and what is left over as one more."""
    kept = logs.gather(-1, at)
    rest = torch.log1p(-kept.exp().sum(-1, keepdim=True).clamp(max=1.0 - 1e-6))
    return torch.cat([kept, rest], -1)


def _divergence(one: Tensor, other: Tensor) -> Tensor:
    # Where `one` gives nothing a chance, 0 × -inf is 0.
    return torch.where(one > -torch.inf, one.exp() * (one - other), 0.0).sum(-1)

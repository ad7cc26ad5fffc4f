"""How likely replies are: to the model that learns, and to the model it was before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from homeostat.errors import BadRequest
from homeostat.llm.forward import Predicted
from homeostat.llm.render import Rendered
from homeostat.train.step import Ground, Step

ROWS = 64
"""Rows of one forward pass."""


def likelihoods(predicted: Predicted, rows: int) -> Tensor:
    """float[rows]: sum of the log-probabilities of each row's completion tokens, in nats."""
    logs = predicted.logits.float().log_softmax(-1).gather(1, predicted.target[:, None]).squeeze(1)
    return torch.zeros(rows, device=logs.device).index_add(0, predicted.row, logs)


def lengths(predicted: Predicted, rows: int) -> Tensor:
    """float[rows]: completion tokens of each row."""
    return torch.bincount(predicted.row, minlength=rows).float()


@dataclass(frozen=True, slots=True)
class Reference:
    """What a model says of replies before it learns."""

    said: Mapping[Rendered, float]

    @staticmethod
    @torch.no_grad()
    def of(ground: Ground, rows: Iterable[Rendered]) -> Reference:
        """Ask the model, which is still what it starts from."""
        wanted = sorted(set(rows), key=lambda row: len(row.ids))
        said: dict[Rendered, float] = {}
        for start in range(0, len(wanted), ROWS):
            some = wanted[start : start + ROWS]
            said |= zip(some, likelihoods(ground.predict(some), len(some)).tolist(), strict=True)
        return Reference(said)

    def gains(self, now: Tensor, rows: Iterable[Rendered]) -> Tensor:
        """float[rows]: by how much the log-probability has risen since."""
        return now - torch.tensor([self.said[row] for row in rows], device=now.device)


@dataclass(frozen=True, slots=True)
class Pairs:
    """What the model says of both replies of each row, in one pass."""

    chosen: Tensor
    """float[rows]: log-probability of the better reply, in nats."""
    rejected: Tensor
    """float[rows]: of the other."""
    chosen_tokens: Tensor
    rejected_tokens: Tensor

    @staticmethod
    def of(step: Step) -> Pairs:
        """Both replies of each row of a batch."""
        better, worse = [s.rendered for s in step.samples], rejected(step)
        both, n = step.ground.predict([*better, *worse]), len(better)
        logs, tokens = likelihoods(both, 2 * n), lengths(both, 2 * n)
        return Pairs(logs[:n], logs[n:], tokens[:n], tokens[n:])


def rejected(step: Step) -> list[Rendered]:
    """The worse reply of each row.

    Raises:
        BadRequest: a row has none.
    """
    found = [s.rejected for s in step.samples if s.rejected is not None]
    if len(found) < len(step.samples):
        raise BadRequest("a row of a preference run has one reply, not two", fix="give each row the reply liked less")
    return found

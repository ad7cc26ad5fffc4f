"""Supervised contrast: states of one class are drawn together, those of others pushed apart (Khosla et al. 2020,
2004.11362). Beside cross-entropy, where classes have few rows (Gunel et al. 2021, 2011.01403).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from homeostat.config.schema import knob
from homeostat.errors import UnsuitedModel
from homeostat.llm.head import head_of
from homeostat.train.samples import Sample
from homeostat.train.step import Ground, Loss, Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrastive:
    """Mean over rows with a companion of -log of the softmax that its companions get among all other rows."""

    temperature: float = knob(0.1, least=1e-6)
    weight: float = knob(0.1, least=0.0)

    def begin(self, ground: Ground) -> Loss:
        """Hold that there are classes.

        Raises:
            UnsuitedModel: the task has none.
        """
        if not ground.chooses:
            what = "classes are to be drawn apart, and the task has none"
            raise UnsuitedModel(what, where="recipe.penalties", fix="leave out `contrastive`")
        return _Contrasting(ground, self.temperature)


@dataclass(frozen=True, slots=True)
class _Contrasting:
    ground: Ground
    """The run's own, which knows of what class a row is."""
    temperature: float

    def weigh(self, samples: Sequence[Sample]) -> float:
        """Rows with a companion of their class in the batch; replies in words are of none."""
        classes = [one for s in samples if (one := self.ground.class_of(s)) is not None]
        return float(sum(classes.count(one) > 1 for one in classes))

    def __call__(self, step: Step) -> Tensor:
        """The mean over the batch: of the states that are answered from, by the labels' rows or by a head."""
        head = head_of(step.ground.opened.model)
        states = head.features(step.predicted) if head else step.predicted.states.float()
        places: dict[tuple[float, ...], int] = {}
        classes = [places.setdefault(s.told_as, len(places)) for s in step.samples]
        return contrast(states, torch.tensor(classes, device=states.device), self.temperature)


def contrast(states: Tensor, classes: Tensor, temperature: float) -> Tensor:
    """The loss of float[rows, hidden] of classes int64[rows], a scalar in nats; at least one class must have two."""
    unit = F.normalize(states, dim=1)
    itself = torch.eye(len(unit), dtype=torch.bool, device=unit.device)
    logs = (unit @ unit.T / temperature).masked_fill(itself, -torch.inf).log_softmax(1)
    same = (classes[:, None] == classes[None]) & ~itself
    each = -logs.masked_fill(~same, 0.0).sum(1) / same.sum(1).clamp(min=1)
    return each[same.any(1)].mean()

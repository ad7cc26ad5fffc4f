"""Hidden states: rows that are alike to the teacher shall be alike to the student (Tung & Mori 2019, 1907.09682).

Compared by how alike rows are and not state by state, so that the two may be of different width and nothing has to be
learned in between.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from homeostat.config.schema import knob
from homeostat.errors import UnsuitedModel
from homeostat.llm.load import Opened
from homeostat.train.samples import Sample
from homeostat.train.step import Ground, Loss, Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness:
    """Mean squared difference of the rows' likenesses, each row's having length 1, times the rows."""

    weight: float = knob(1.0, least=0.0)

    def begin(self, ground: Ground) -> Loss:
        """Hold that there is a teacher.

        Raises:
            UnsuitedModel: there is none.
        """
        if ground.teacher is None:
            raise UnsuitedModel("there is no teacher whose states could be learned", fix="name one, or leave it out")
        return _Alike(ground.teacher)


@dataclass(frozen=True, slots=True)
class _Alike:
    teacher: Opened

    def weigh(self, samples: Sequence[Sample]) -> float:
        """Pairs of rows."""
        return float(len(samples) * (len(samples) - 1))

    def __call__(self, step: Step) -> Tensor:
        """Over the pairs of the batch."""
        with torch.no_grad():
            theirs = step.ground.predict([s.rendered for s in step.samples], self.teacher).pooled.float()
        return likeness(step.predicted.pooled.float(), theirs)


def likeness(one: Tensor, other: Tensor) -> Tensor:
    """A scalar of float[rows, hidden] and float[rows, other hidden]."""
    return len(one) * F.mse_loss(F.normalize(one @ one.T, dim=1), F.normalize(other @ other.T, dim=1))

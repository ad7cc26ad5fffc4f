"""Learning from ratings: replies are learned by how much they were liked (reward-weighted regression, Peters & Schaal
2007; for language models 2210.01241, 2308.12050).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from homeostat.config.schema import knob
from homeostat.train.samples import Sample
from homeostat.train.step import Ground, Lesson, Loss, Step, weigh_places


@dataclass(frozen=True, slots=True, kw_only=True)
class Rated:
    """Cross-entropy of the completion's tokens, each row weighed by exp((its rating - the mean rating) / temperature);
    the weights have mean 1.
    """

    temperature: float = knob(0.25, least=1e-6)
    """The lower, the more the best replies count; a high one learns from all alike."""
    weight: float = knob(1.0, least=0.0)

    @property
    def rates(self) -> bool:
        """It reads how much replies were liked."""
        return True

    def lacks(self, values: Sequence[float]) -> str:
        """Ratings that differ."""
        what = f"all {len(values)} replies are worth the same, and `rated` learns from how ratings differ"
        return what if len(set(values)) < 2 else ""

    def begin(self, ground: Ground) -> Lesson:
        """Find the mean rating, and the weight that a mean row would have."""
        values = torch.tensor([s.value for s in ground.train], dtype=torch.float64)
        raised = torch.exp((values - values.mean()) / self.temperature)
        return _Rated(float(values.mean()), float(raised.mean()), self.temperature)


@dataclass(frozen=True, slots=True)
class _Rated:
    middle: float
    scale: float
    temperature: float

    @property
    def looked(self) -> Loss:
        """Itself: held-out replies count by how much they were liked too."""
        return self

    def weigh(self, samples: Sequence[Sample]) -> float:
        """Tokens, by the weight of their rows and without that of the rating."""
        return weigh_places(samples)

    def __call__(self, step: Step) -> Tensor:
        """The mean over the tokens of the batch."""
        values = torch.tensor([s.value for s in step.samples], device=step.scores.device)
        liked = torch.exp((values - self.middle) / self.temperature) / self.scale
        each = F.cross_entropy(step.scores, step.right, reduction="none")
        return step.mean(each * liked[step.predicted.row])

"""Group-relative policy optimization: several replies to a request are tried, and those that were worth more than the
others become likelier (Shao et al. 2024, 2402.03300), without dividing by the group's spread or by the reply's length,
which both lean (Liu et al. 2025, 2503.20783).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from homeostat.config.schema import knob
from homeostat.train.objectives.reward.judged import REWARDS, Reward
from homeostat.train.objectives.written import written
from homeostat.train.samples import Sample
from homeostat.train.step import Ground, Lesson, Loss, Step, weigh_rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Grpo:
    """-advantage × log-probability of each token that was tried, over the tokens that might have been."""

    reward: str = "exact"
    """Name of what says what a reply is worth; see `homeostat.rewards`."""
    group: int = knob(8, least=2)
    """Replies that are tried to a request."""
    temperature: float = knob(1.0, least=1e-6)
    most: int = knob(32, least=1)
    """Most tokens of a reply."""
    weight: float = knob(1.0, least=0.0)

    def begin(self, ground: Ground) -> Lesson:
        """Find the reward.

        Raises:
            UnknownPlugin, BrokenPlugin, MissingExtra: there is none of this name, or it cannot be loaded.
        """
        return _Trying(self, REWARDS.get(self.reward))


@dataclass(frozen=True, slots=True)
class _Trying:
    spec: Grpo
    reward: Reward

    @property
    def looked(self) -> Loss:
        """What replies to held-out requests miss of the highest reward."""
        return _Missed(self.spec, self.reward)

    def weigh(self, samples: Sequence[Sample]) -> float:
        """Requests, by their weight."""
        return weigh_rows(samples)

    def __call__(self, step: Step) -> Tensor:
        """The mean over the requests of the batch; its value says nothing, its gradient is the policy's."""
        rows = [s for s in step.samples for _ in range(self.spec.group)]
        replies = written(step, rows, most=self.spec.most, temperature=self.spec.temperature)
        worth = torch.tensor(
            [self.reward(step.ground.opened.tokenizer, s, r.completion) for s, r in zip(rows, replies, strict=True)]
        )
        said = step.ground.predict(replies)
        better = advantages(worth, self.spec.group).to(said.logits.device)
        logs = said.logits.float().log_softmax(-1).gather(1, said.target[:, None])[:, 0]
        weights = torch.tensor([s.weight for s in rows], device=logs.device)
        each = -(weights * better)[said.row] * (logs - logs.detach()).exp()
        return each.sum() / (self.spec.most * weights.sum())


@dataclass(frozen=True, slots=True)
class _Missed:
    spec: Grpo
    reward: Reward

    def weigh(self, samples: Sequence[Sample]) -> float:
        """Requests, by their weight."""
        return weigh_rows(samples)

    def __call__(self, step: Step) -> Tensor:
        """1 - the mean worth of the likeliest replies."""
        replies = written(step, step.samples, most=self.spec.most, temperature=0.0)
        tokenizer = step.ground.opened.tokenizer
        worth = [self.reward(tokenizer, s, r.completion) for s, r in zip(step.samples, replies, strict=True)]
        return 1.0 - (torch.tensor(worth) * step.weights.cpu()).sum() / step.weights.cpu().sum()


def advantages(worth: Tensor, group: int) -> Tensor:
    """float[requests × group]: what each reply was worth beyond its group's mean."""
    each = worth.view(-1, group)
    return (each - each.mean(1, keepdim=True)).flatten()

"""What was kept, lost and carried over, from scores by stage and by group.

A group is a task, or the rows that a turn first showed. `A[t][i]` is the score on group i after stage t, both from 0,
where stage 0 is the first model; None where it was not asked. Joint retraining loses too where labels are added, so
excess forgetting stands beside backward transfer.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

Scores = Sequence[Sequence[float | None]]


def backward(own: Scores) -> float | None:
    """Backward transfer: mean over earlier groups of the score at the end less that right after the group's stage."""
    return mean([less(own[-1][i], own[i][i]) for i in range(len(own) - 1)])


def forward(own: Scores, first: Scores) -> float | None:
    """Forward transfer: mean over later groups of the score before their stage less that of the first model.

    From group 2 on: before stage 1 every arm is the first model.
    """
    return mean([less(own[i - 1][i], first[i - 1][i]) for i in range(2, len(own))])


def excess(last: Sequence[float | None], joint: Sequence[float | None]) -> float | None:
    """Excess forgetting: how much further joint retraining is at the end, a mean over earlier groups."""
    return mean([less(theirs, mine) for theirs, mine in zip(joint[:-1], last[:-1], strict=True)])


def mean(values: Sequence[float | None]) -> float | None:
    """Of those there are; None of none."""
    given = [value for value in values if value is not None]
    return float(np.mean(given)) if given else None


def less(a: float | None, b: float | None) -> float | None:
    """The difference, where both are there."""
    return a - b if a is not None and b is not None else None

"""One training: what it stands on, how it is done, and where it is told of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from homeostat.train.gang import ALONE, Gang
from homeostat.train.recipe import Recipe
from homeostat.train.step import Ground

Report = Callable[[dict[str, float]], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What a run needs."""

    ground: Ground
    parameters: Sequence[torch.nn.Parameter]
    """The trained tensors of the ground's model."""
    recipe: Recipe
    workspace: Path | None = None
    """Where checkpoints go; None keeps nothing."""
    report: Report = lambda values: None
    """Called after every look with numbers of the run: see `homeostat.train.fit.fit`."""
    gang: Gang = ALONE
    """The processes that a batch is divided among."""

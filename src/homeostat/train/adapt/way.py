"""What may be trained of a model, and how what was trained is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol

import torch
from torch import Tensor

from homeostat.llm.load import Opened
from homeostat.llm.render import Rendered
from homeostat.train.rows import LabelRows


@dataclass(frozen=True, slots=True, kw_only=True)
class Tempo:
    """How a trained tensor moves beside the others."""

    factor: float = 1.0
    """What its learning rate is multiplied with."""
    begins: float = 0.0
    """Share of the steps before which it stands still and gets no gradient."""
    decays: bool = True
    """Whether weight decay pulls it toward zero, where it is a matrix: false for one that means nothing at zero."""


class Way(Protocol):
    """A way to adapt a model: plain values, in a recipe."""

    kind: ClassVar[str]
    """Kind of the version that it leaves: `lora` for an adapter, `prompt` or `prefix` for what stands before prompts,
    `full` for all weights. Training goes on from a version of the same kind."""

    @property
    def places(self) -> int:
        """Places of the context that it takes before every prompt."""
        return 0

    @property
    def moves(self) -> bool:
        """Whether the model, before its first step, says something else than the version that is gone on from."""
        return False

    def attach(
        self, model: Any, start: Path | None = None, rows: Mapping[int, Tensor] | None = None, seed: int = 0
    ) -> list[torch.nn.Parameter]:
        """Mark what is trained, and make it where it is not there yet; its tensors, in float32.

        Args:
            model: a transformers model; for kind `full` it has the weights that are gone on from already.
            start: what is gone on from, for kinds other than `full`; None for a fresh one.
            rows: where the rows of further labels begin, float[hidden] by token.
            seed: of what is drawn.
        """
        ...

    def look(self, opened: Opened, rows: Sequence[Rendered]) -> None:
        """See what will be learned, after `attach` and before the first step, and begin at a better place.

        Most ways have no use for it; without it a way begins where `attach` put it.
        """
        return None

    def tempi(self, model: Any) -> list[Tempo]:
        """How each of the tensors moves, in the order in which `attach` gave them; none where all move alike."""
        return []

    def label_rows(self, model: Any, labels: Tensor) -> LabelRows | None:
        """Where the rows of these tokens lie; None where they are not among what is trained."""
        ...

    def save(self, model: Any, folder: Path) -> None:
        """Write what a version of this kind is loaded from, in safetensors."""
        ...

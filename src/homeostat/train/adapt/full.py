"""Every weight is trained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor

from homeostat.llm.adapters import has_rows
from homeostat.llm.four_bit import require_floats
from homeostat.llm.load import quiet
from homeostat.train.adapt.way import Way
from homeostat.train.rows import LabelRows


@dataclass(frozen=True, slots=True, kw_only=True)
class Full(Way):
    """All weights of the model."""

    kind: ClassVar[str] = "full"

    def attach(
        self, model: Any, start: Path | None = None, rows: Mapping[int, Tensor] | None = None, seed: int = 0
    ) -> list[torch.nn.Parameter]:
        """All tensors of the model, in float32; whoever goes on from a champion has opened its weights.

        `rows` are where the rows of further labels begin, float[hidden] by token.

        Raises:
            UnsuitedModel: the weights lie in four bits.
        """
        require_floats(model, "training weights")
        place_rows(model, rows or {})
        for tensor in model.parameters():
            tensor.data = tensor.data.float()
            tensor.requires_grad_(True)
        return list(model.parameters())

    def label_rows(self, model: Any, labels: Tensor) -> LabelRows | None:
        """Where the rows of these tokens lie; None where reading and writing have a matrix each."""
        return LabelRows(model.get_input_embeddings().weight, labels) if has_rows(model) else None

    def save(self, model: Any, folder: Path) -> None:
        """Write `model.safetensors` and its configuration."""
        quiet()
        model.save_pretrained(folder)


def place_rows(model: Any, rows: Mapping[int, Tensor]) -> None:
    """Put the rows of further labels, float[hidden] by token, into the table of a model that has such (`has_rows`)."""
    if rows and has_rows(model):
        table = model.get_input_embeddings().weight
        table.data[list(rows)] = torch.stack(list(rows.values())).to(table)

"""Every weight is trained."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from homeostat.llm.adapters import has_rows
from homeostat.llm.load import quiet
from homeostat.train.recipe import Recipe
from homeostat.train.refit import LabelRows


def attach(
    model: Any, recipe: Recipe, start: Path | None, rows: Mapping[int, torch.Tensor] | None = None
) -> list[torch.nn.Parameter]:
    """All tensors of the model, in float32; the caller has opened the champion's weights where it goes on from them.

    `rows` are where the rows of further labels begin, float[hidden] by token.
    """
    if rows and has_rows(model):
        table = model.get_input_embeddings().weight
        table.data[list(rows)] = torch.stack(list(rows.values())).to(table)
    for tensor in model.parameters():
        tensor.data = tensor.data.float()
        tensor.requires_grad_(True)
    return list(model.parameters())


def label_rows(model: Any, labels: torch.Tensor) -> LabelRows | None:
    """Where the rows of these tokens lie; None where reading and writing have a matrix each."""
    return LabelRows(model.get_input_embeddings().weight, labels) if has_rows(model) else None


def save(model: Any, folder: Path) -> None:
    """Write `model.safetensors` and its configuration."""
    quiet()
    model.save_pretrained(folder)

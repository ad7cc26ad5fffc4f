"""Every weight is trained."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from homeostat.llm.load import quiet
from homeostat.train.recipe import Recipe


def attach(model: Any, recipe: Recipe, start: Path | None, labels: Sequence[int] = ()) -> list[torch.nn.Parameter]:
    """All tensors of the model, in float32; the caller has opened the champion's weights where it goes on from them."""
    for tensor in model.parameters():
        tensor.data = tensor.data.float()
        tensor.requires_grad_(True)
    return list(model.parameters())


def save(model: Any, folder: Path) -> None:
    """Write `model.safetensors` and its configuration."""
    quiet()
    model.save_pretrained(folder)

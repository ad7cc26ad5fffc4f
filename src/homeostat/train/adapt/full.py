"""Every weight is trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from homeostat.train.recipe import Recipe


def attach(model: Any, recipe: Recipe, start: Path | None) -> list[torch.nn.Parameter]:
    """All tensors of the model; the caller has opened the champion's weights already where it goes on from them."""
    for tensor in model.parameters():
        tensor.requires_grad_(True)
    return list(model.parameters())


def save(model: Any, folder: Path) -> None:
    """Write `model.safetensors` and its configuration."""
    model.save_pretrained(folder)

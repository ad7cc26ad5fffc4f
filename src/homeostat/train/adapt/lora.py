"""Low-rank adapters on every linear layer (Hu et al. 2021, 2106.09685)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import peft
import torch

from homeostat.llm.adapters import add_adapter
from homeostat.llm.load import quiet
from homeostat.train.recipe import Recipe

NAME = "tuned"


def attach(model: Any, recipe: Recipe, start: Path | None) -> list[torch.nn.Parameter]:
    """Put an adapter on the model, going on from `start` where it is given, and return its tensors, in float32.

    Raises:
        ModelNotFound, UnsafeWeights, CorruptWeights: `start` cannot be gone on from.
    """
    if start is not None:
        add_adapter(model, start, NAME, trainable=True)
    else:
        config = peft.LoraConfig(
            r=recipe.rank, lora_alpha=recipe.alpha, target_modules="all-linear", lora_dropout=0.0, bias="none"
        )
        torch.manual_seed(recipe.seed)
        model.add_adapter(config, adapter_name=NAME)
    model.set_adapter(NAME)
    parameters = []
    for name, tensor in model.named_parameters():
        tensor.requires_grad_("lora_" in name and f".{NAME}." in name)
        if tensor.requires_grad:
            tensor.data = tensor.data.float()
            parameters.append(tensor)
    return parameters


def save(model: Any, folder: Path) -> None:
    """Write `adapter_model.safetensors` and its configuration, which names no path of this machine.

    Equal adapters are equal files, whatever process writes them.
    """
    quiet()
    config = model.peft_config[NAME]
    config.base_model_name_or_path = None
    config.target_modules = sorted(config.target_modules)  # peft would write a set, in another order in each process
    model.save_pretrained(folder)

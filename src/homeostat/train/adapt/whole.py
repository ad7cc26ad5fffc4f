"""What was trained, as a model of its own that needs no other: an adapter is merged into the weights it stands on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from peft.tuners.lora import LoraLayer
from torch import Tensor

from homeostat.errors import UnsuitedModel
from homeostat.llm.four_bit import require_floats
from homeostat.llm.load import quiet
from homeostat.train.adapt.beside import NAME
from homeostat.train.adapt.way import Way


def require_whole(way: Way) -> None:
    """Hold that what a way leaves can be a model of its own.

    Raises:
        UnsuitedModel: it leaves something that stands before every prompt.
    """
    if way.kind not in ("full", "lora"):
        raise UnsuitedModel(
            f"a learned {way.kind} cannot become part of the weights",
            where="recipe.adapt",
            fix="train all weights (`full`) or an adapter (`lora`)",
        )


def save_whole(way: Way, model: Any, folder: Path) -> None:
    """Write all weights as they were trained, in safetensors, and their configuration; the model stays as it is.

    Raises:
        UnsuitedModel: as `require_whole` says.
    """
    require_whole(way)
    if way.kind == "full":
        way.save(model, folder)
    else:
        write_whole(model, merged(model), folder)


def write_whole(model: Any, tensors: Mapping[str, Tensor], folder: Path) -> None:
    """Write these tensors as the weights of a model of the same architecture with nothing put on it."""
    quiet()
    with torch.device("meta"):
        whole = type(model)(model.config)
    whole.load_state_dict(tensors, assign=True)
    whole.tie_weights()
    if model.can_generate():
        whole.generation_config = model.generation_config
    whole.save_pretrained(folder)


@torch.no_grad()
def merged(model: Any) -> dict[str, Tensor]:
    """The weights of a model without an adapter that answers as this one with its own, by their names.

    Raises:
        UnsuitedModel: they lie in four bits, so that there are none.
    """
    require_floats(model, "merging an adapter")
    tensors = {
        name.replace(".base_layer.", "."): tensor for name, tensor in model.state_dict().items() if "lora_" not in name
    }
    for path, layer in model.named_modules():
        if isinstance(layer, LoraLayer) and NAME in layer.lora_A:
            weight = layer.get_base_layer().weight
            own = weight.detach().clone()
            layer.merge(adapter_names=[NAME])
            tensors[f"{path}.weight"] = weight.detach().clone()
            layer.merged_adapters.clear()
            weight.copy_(own)  # taking the product off again would not give back every bit
    return tensors

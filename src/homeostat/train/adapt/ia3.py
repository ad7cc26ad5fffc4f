"""Vectors that stretch what layers compute: (IA)³ (Liu et al. 2022, 2205.05638).

Keys, values and the inner states of the feed-forward part are multiplied, place by place, with learned factors: some
hundred times fewer numbers than an adapter of rank 16, for tasks with few examples. Factors go into the rows or columns
of the weights behind them without a remainder, so what is saved is a whole model that takes no more to answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import peft
import torch
from peft.tuners.ia3 import IA3Layer
from torch import Tensor

from homeostat.errors import UnsuitedModel
from homeostat.llm.adapters import has_rows
from homeostat.llm.four_bit import require_floats
from homeostat.train.adapt.full import place_rows
from homeostat.train.adapt.way import Tempo, Way
from homeostat.train.adapt.whole import write_whole
from homeostat.train.rows import LabelRows

NAME = "tuned"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ia3(Way):
    """Factors alone; they need a high rate, such as the paper's 3e-3 and up to ten times that on small models."""

    kind: ClassVar[str] = "full"

    def attach(
        self, model: Any, start: Path | None = None, rows: Mapping[int, Tensor] | None = None, seed: int = 0
    ) -> list[torch.nn.Parameter]:
        """Factors of one, in float32; whoever goes on from a champion has opened its weights, its own factors in them.

        `rows` are where the rows of further labels begin, float[hidden] by token; training does not move them.

        Raises:
            UnsuitedModel: it is not known which layers of this architecture are to be stretched, or the weights, into
                which the factors are multiplied, lie in four bits.
        """
        require_floats(model, "(IA)³")
        place_rows(model, rows or {})
        try:
            model.add_adapter(peft.IA3Config(), adapter_name=NAME)
        except ValueError as unknown:
            raise UnsuitedModel(
                f"(IA)³ does not know the layers of {type(model).__name__}", where="recipe.adapt", fix="use `lora`"
            ) from unknown
        for name, tensor in model.named_parameters():
            tensor.requires_grad_(".ia3_l." in name)
        parameters = [tensor for tensor in model.parameters() if tensor.requires_grad]
        for tensor in parameters:
            tensor.data = tensor.data.float()
        return parameters

    def tempi(self, model: Any) -> list[Tempo]:
        """No decay: a factor that does nothing is one, not zero."""
        return [Tempo(decays=False)] * sum(tensor.requires_grad for tensor in model.parameters())

    def label_rows(self, model: Any, labels: Tensor) -> LabelRows | None:
        """Where the rows of these tokens lie, to be fitted when training has ended; they are saved with the rest."""
        return LabelRows(model.get_input_embeddings().weight, labels) if has_rows(model) else None

    def save(self, model: Any, folder: Path) -> None:
        """Write all weights, the factors multiplied into them, and their configuration; the model stays as it is."""
        write_whole(model, merged(model), folder)


@torch.no_grad()
def merged(model: Any) -> dict[str, Tensor]:
    """The weights of a model without factors that answers as this one with them, by the names of its architecture."""
    tensors = {k.replace(".base_layer.", "."): t for k, t in model.state_dict().items() if ".ia3_l." not in k}
    for path, layer in model.named_modules():
        if isinstance(layer, IA3Layer):
            weight, factors = layer.get_base_layer().weight, layer.ia3_l[NAME]
            # float[out, 1] stretches what comes out, float[1, in] what goes in; GPT-2 keeps its weights as [in, out].
            turned = factors.T if getattr(layer, "fan_in_fan_out", False) else factors
            tensors[f"{path}.weight"] = (weight.float() * turned).to(weight)
            if f"{path}.bias" in tensors and not layer.is_feedforward:
                bias = tensors[f"{path}.bias"]
                tensors[f"{path}.bias"] = (bias.float() * factors.flatten()).to(bias)
    return tensors

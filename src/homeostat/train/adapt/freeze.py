"""A part of all weights is trained: from some layer up, by name, from the top down, or the lower the slower.

What is near the input holds for most texts, what is near the output for the task, so the lower part can stay (Kumar et
al. 2022, 2202.10054; by kind of change, 2210.11466), can begin later (gradual unfreezing) or can move more slowly
(discriminative rates; both Howard & Ruder 2018, 1801.06146). What stays costs no way back and no moments.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor

from homeostat.config.schema import knob
from homeostat.errors import UnsuitedModel, did_you_mean
from homeostat.llm.adapters import has_rows, path_of_vocabulary
from homeostat.llm.trunk import depth, lowest
from homeostat.train.adapt.full import Full
from homeostat.train.adapt.way import Tempo, Way
from homeostat.train.rows import LabelRows


@dataclass(frozen=True, slots=True, kw_only=True)
class Freeze(Way):
    """Some of the weights; the others stay what they are, bit by bit.

    In a model that reads and writes by one matrix, freezing the lowest layers freezes what it writes by too. Labels
    then keep the rows that they begin with, and the layers above learn to point at them.
    """

    kind: ClassVar[str] = "full"
    bottom: float = knob(0.0, least=0.0)
    """So many of the lowest layers, or below 1 that share of them, are frozen, and the tables of tokens below them."""
    only: tuple[str, ...] = ()
    """Patterns of names, such as `*.mlp.*`: what matches none of them is frozen; empty for no such limit."""
    without: tuple[str, ...] = ()
    """Patterns of names: what matches one of them is frozen."""
    gradual: float = knob(0.0, least=0.0, most=1.0)
    """Share of the steps in which the trained layers join in, one after the other from the top; 0 for all at once."""
    decay: float = knob(1.0, least=0.0)
    """What the learning rate of a layer is, as a share of that of the layer above; ULMFiT has 1 / 2.6."""

    def attach(
        self, model: Any, start: Path | None = None, rows: Mapping[int, Tensor] | None = None, seed: int = 0
    ) -> list[torch.nn.Parameter]:
        """The tensors that are trained, in the model's order; all of them are in float32.

        `rows` are where the rows of further labels begin, float[hidden] by token, also where they are not trained.

        Raises:
            UnsuitedModel: a pattern fits no tensor of the model, or nothing is left to train.
        """
        Full().attach(model, start, rows, seed)
        trained = self._names(model)
        for name, tensor in model.named_parameters():
            tensor.requires_grad_(name in trained)
        return [tensor for name, tensor in model.named_parameters() if name in trained]

    def tempi(self, model: Any) -> list[Tempo]:
        """By depth: the top layer begins at once with the full rate."""
        if self.gradual == 0.0 and self.decay == 1.0:
            return []
        depths, trained = depth(model), self._names(model)
        highest = max(depths.values())
        order = sorted({depths[name] for name in trained}, reverse=True)
        wait = {level: self.gradual * k / max(len(order) - 1, 1) for k, level in enumerate(order)}
        return [
            Tempo(factor=self.decay ** (highest - level), begins=wait[level])
            for level in (depths[name] for name, _ in model.named_parameters() if name in trained)
        ]

    def label_rows(self, model: Any, labels: Tensor) -> LabelRows | None:
        """Where the rows of these tokens lie; None where they are frozen."""
        trained = f"{path_of_vocabulary(model)}.weight" in self._names(model)
        return LabelRows(model.get_input_embeddings().weight, labels) if trained and has_rows(model) else None

    def save(self, model: Any, folder: Path) -> None:
        """Write all weights, trained or not, and their configuration."""
        Full().save(model, folder)

    def _names(self, model: Any) -> set[str]:
        """What is trained."""
        depths = depth(model)
        for pattern in (*self.only, *self.without):
            if not any(fnmatchcase(name, pattern) for name in depths):
                fix = did_you_mean(pattern, {re.sub(r"\.\d+\.", ".*.", name) for name in depths})
                raise UnsuitedModel(f"no tensor of the model is called '{pattern}'", where="recipe.adapt", fix=fix)
        bottom = lowest(model, self.bottom)
        found = {
            name
            for name, level in depths.items()
            if (level > bottom or not bottom)
            and (not self.only or any(fnmatchcase(name, pattern) for pattern in self.only))
            and not any(fnmatchcase(name, pattern) for pattern in self.without)
        }
        if not found:
            most = max(depths.values())
            fix = f"the model has {most} layers: freeze fewer, or name something else in `only`"
            raise UnsuitedModel("everything is frozen: nothing is left to train", where="recipe.adapt", fix=fix)
        return found

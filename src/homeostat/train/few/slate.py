"""A model with an adapter, on which one task of few examples is laid after another.

B of the adapter can be learned over tasks; A stays as it was drawn. The rows of the labels belong to one task and begin
at what its labels' words mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from homeostat.errors import Diverged, UnsuitedModel
from homeostat.llm.labels import LabelCodes, encode_labels
from homeostat.llm.load import Opened
from homeostat.llm.render import Renderer
from homeostat.train.adapt.beside import rows_of
from homeostat.train.adapt.lora import Lora
from homeostat.train.meta.reptile import up_only
from homeostat.train.rows import LabelRows, beginnings
from homeostat.train.samples import Sample
from homeostat.train.step import Ground
from homeostat.types.task import Task


class Slate:
    """A model with an adapter, on which one task of few examples is laid after another."""

    def __init__(self, opened: Opened, ways: int, lora: Lora, start: Path | None, *, seed: int = 0) -> None:
        """`ways` is the most labels of a task; `start` a folder with a beginning.

        Raises:
            UnsuitedModel: the model has an adapter already, or too few codes for so many labels.
            ModelNotFound, UnsafeWeights, CorruptWeights: `start` cannot be gone on from.
        """
        if getattr(opened.model, "peft_config", {}):
            raise UnsuitedModel("the base has an adapter on it", fix="take it off, and begin from its folder")
        self.opened, self.renderer = opened, Renderer(opened.tokenizer)
        codes = encode_labels(opened.tokenizer, [f"label {k}" for k in range(ways)], alias=True).sequences
        self.tokens = torch.tensor([code[0] for code in codes], device=opened.model.device)
        empty = torch.zeros(int(opened.model.config.hidden_size))
        self.lora = lora
        lora.attach(opened.model, start, {int(token): empty for token in self.tokens}, seed)
        self.rows: LabelRows | None = rows_of(opened.model, self.tokens)
        self.parameters: list[Tensor] = list(up_only(opened.model))
        if self.rows is not None:
            self.rows.table.requires_grad_(True)
            self.parameters.append(self.rows.table)

    def lay(self, labels: Sequence[str]) -> Ground:
        """Have the rows begin at what these labels mean, and nobody else compete."""
        if self.rows is not None:
            rows = torch.zeros_like(self.rows.read())
            self.rows.write(rows)  # how long rows are on average must not tell of the task before
            codes = LabelCodes(tuple(labels), tuple((int(t),) for t in self.tokens[: len(labels)]))
            rows[: len(labels)] = torch.stack(list(beginnings(self.opened, codes).values()))
            self.rows.write(rows)
        return Ground(opened=self.opened, train=[], allowed=self.tokens[: len(labels)])

    def samples(self, task: Task, texts: Sequence[str], at: Sequence[int]) -> list[Sample]:
        """The rows to learn."""
        return [
            Sample(self.renderer.example(task, text, (int(self.tokens[k]),))) for text, k in zip(texts, at, strict=True)
        ]

    def require_finite(self) -> None:
        """Hold that learning led somewhere.

        Raises:
            Diverged: a number is none.
        """
        if not all(bool(p.isfinite().all()) for p in self.parameters):
            raise Diverged("steps on a few examples led to what is not a number", fix="take a lower rate")

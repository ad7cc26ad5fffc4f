"""A head of the version's own, trained alone on a model that stays as it is, or together with another way.

A fresh head moves features that were good already, so it may learn alone for a while before the rest joins in (Kumar et
al. 2022, 2202.10054).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor

from homeostat.config.schema import knob
from homeostat.llm.batches import passes
from homeostat.llm.forward import predict
from homeostat.llm.head import Head, Shape, head_of, put_head, save_head
from homeostat.llm.load import Opened
from homeostat.llm.render import Rendered
from homeostat.train.adapt.way import Tempo, Way
from homeostat.train.rows import LabelRows

FLAT = 1e-3
"""Least spread of a feature, as a share of that of all, in which it is measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Headed(Way):
    """A head, and what is trained beside it."""

    kind: ClassVar[str] = "headed"
    shape: Shape
    body: Way | None = None
    """How the model below is adapted; None leaves it as it is."""
    ahead: float = knob(0.0, least=0.0, most=1.0)
    """Share of the steps in which the head learns alone."""

    @property
    def places(self) -> int:
        """Those of the body."""
        return self.body.places if self.body else 0

    def attach(
        self, model: Any, start: Path | None = None, rows: Mapping[int, Tensor] | None = None, seed: int = 0
    ) -> list[torch.nn.Parameter]:
        """Put a fresh head on the model, drawn by the seed; the body's tensors, then the head's."""
        model.requires_grad_(False)
        below = self.body.attach(model, start, rows, seed) if self.body else []
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            put_head(model, Head(self.shape, int(model.config.hidden_size)))
        return [*below, *_head(model).parameters()]

    @torch.no_grad()
    def look(self, opened: Opened, rows: Sequence[Rendered]) -> None:
        """Let the body look, and the head measure what it looks at in units of its spread over these rows."""
        if self.body:
            self.body.look(opened, rows)
        head = _head(opened.model)
        ordered = sorted(rows, key=lambda row: len(row.ids))
        some = [ordered[at] for at in passes([len(row.ids) for row in ordered], opened.model.device)]
        parts = [head.features(predict(opened, each)) for each in some]
        if sum(map(len, parts)) > 1:
            seen = torch.cat(parts)
            spread = seen.std(0)
            head.mean.copy_(seen.mean(0))
            head.scale.copy_(spread.clamp(min=max(FLAT * float(spread.mean()), 1e-6)))

    def tempi(self, model: Any) -> list[Tempo]:
        """Those of the body, none of which begins before the head has learned alone; the head's at once."""
        own = [Tempo()] * len(list(_head(model).parameters()))
        head = model.answer_head
        del model.answer_head  # a body that counts what is trained counts its own
        below = sum(tensor.requires_grad for tensor in model.parameters())
        tempi = (self.body.tempi(model) if self.body else []) or [Tempo()] * below
        put_head(model, head)
        return [*(replace(tempo, begins=max(tempo.begins, self.ahead)) for tempo in tempi), *own]

    def label_rows(self, model: Any, labels: Tensor) -> LabelRows | None:
        """None: labels have no rows here but those of the head."""
        return None

    def save(self, model: Any, folder: Path) -> None:
        """Write `head.safetensors`, and beside it what the body writes."""
        head = _head(model)
        del model.answer_head  # the body writes the model as it would be without
        try:
            if self.body:
                self.body.save(model, folder)
        finally:
            put_head(model, head)
        save_head(head, folder)


def _head(model: Any) -> Head:
    head = head_of(model)
    assert head is not None, "attach puts it on"
    return head

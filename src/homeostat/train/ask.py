"""Asks a model what it says of labels, row by row, and counts what asking takes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from homeostat.llm.forward import predict
from homeostat.llm.load import Opened
from homeostat.llm.render import Rendered
from homeostat.train.flops import Size, shape

ROWS = 64
"""Rows of one forward pass."""


@torch.no_grad()
def log_probabilities(opened: Opened, rows: Sequence[Rendered], labels: Tensor) -> tuple[Tensor, float]:
    """float[rows, labels] over these label tokens, computed in float32, and the operations they took."""
    size, spent = Size.of(opened.model), 0.0
    order = sorted(range(len(rows)), key=lambda k: len(rows[k].prompt))
    logs = torch.zeros(len(rows), len(labels), device=labels.device)
    for start in range(0, len(order), ROWS):
        some = order[start : start + ROWS]
        asked = [Rendered(rows[k].prompt, (0,)) for k in some]
        logs[some] = predict(opened, asked).logits[:, labels].float().log_softmax(-1)
        spent += size.forward(*shape(asked, opened.family))
    return logs, spent

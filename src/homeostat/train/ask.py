"""Asks a model what it says of labels, row by row, and counts what asking takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from homeostat.llm.batches import passes
from homeostat.llm.forward import predict
from homeostat.llm.load import Opened
from homeostat.llm.precision import computing
from homeostat.llm.render import Rendered
from homeostat.train.flops import Size


@dataclass(frozen=True, slots=True)
class Asked:
    """What a model says of rows, in the order of the rows."""

    states: Tensor
    """float[rows, hidden]: the state from which the first completion token is predicted."""
    logits: Tensor
    """float[rows, labels], over the tokens of the labels."""
    flops: float


@torch.no_grad()
def ask(opened: Opened, rows: Sequence[Rendered], labels: Tensor, *, bfloat16: bool = False) -> Asked:
    """The states and the logits of rows over these label tokens, in float32 if nothing else is said."""
    size: Size = opened.through(partial(Size.of, opened.model))
    spent = 0.0
    order = sorted(range(len(rows)), key=lambda k: len(rows[k].prompt))
    logits = torch.zeros(len(rows), len(labels), device=labels.device)
    states = torch.zeros(len(rows), int(opened.model.config.hidden_size), device=labels.device)
    for at in passes([len(rows[k].prompt) for k in order], opened.model.device):
        some = order[at]
        asked = [Rendered(rows[k].prompt, (0,)) for k in some]
        with computing(opened.model.device, max(len(row.ids) for row in asked), bfloat16=bfloat16):
            predicted = predict(opened, asked)
        states[some], logits[some] = predicted.states.float(), predicted.logits[:, labels].float()
        spent += size.forward(*size.shape(asked, opened.family)) + size.below(opened.model)
    return Asked(states, logits, spent)


def log_probabilities(
    opened: Opened, rows: Sequence[Rendered], labels: Tensor, *, bfloat16: bool = False
) -> tuple[Tensor, float]:
    """float[rows, labels] over these label tokens, in float32 if nothing else is said, and the operations they took."""
    asked = ask(opened, rows, labels, bfloat16=bfloat16)
    return asked.logits.log_softmax(-1), asked.flops

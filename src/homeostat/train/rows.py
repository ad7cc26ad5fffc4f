"""The labels' rows of the vocabulary: where they lie, and where that of a new label begins: at what its words mean.

The usual beginning of a new token, the mean of its pieces (Hewitt 2021). A code is read at the place where the model
would begin to spell the label, so a model that can almost say the words can almost choose the code.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from homeostat.llm.adapters import has_rows
from homeostat.llm.labels import LabelCodes
from homeostat.llm.load import Opened


@dataclass(frozen=True, slots=True)
class LabelRows:
    """Where the rows of the labels lie in the model."""

    table: Tensor
    """float[rows, hidden]: a parameter that holds them among others."""
    at: Tensor
    """int64[labels]: which of its rows they are, in the order of the labels."""

    def read(self) -> Tensor:
        """float[labels, hidden], a copy."""
        return self.table.detach()[self.at].float()

    def write(self, rows: Tensor) -> None:
        """Put others in their place."""
        with torch.no_grad():
            self.table[self.at] = rows.to(self.table)


def beginnings(opened: Opened, codes: LabelCodes | None, known: int = 0) -> Mapping[int, Tensor]:
    """Token -> float32[hidden], for the code of every label behind the `known` first ones.

    A label that is a word of the vocabulary itself has its meaning already; a model without rows gets none.
    """
    if codes is None or not has_rows(opened.model):
        return {}
    table = opened.model.get_input_embeddings().weight.detach().float()
    length = table.norm(dim=1).mean()
    found = {}
    for label, (token, *_) in list(zip(codes.labels, codes.sequences, strict=True))[known:]:
        pieces = opened.tokenizer(" " + in_words(label), add_special_tokens=False, split_special_tokens=True)[
            "input_ids"
        ]
        mean = table[pieces].mean(0)
        found[token] = table[token].clone() if pieces == [token] else mean / mean.norm().clamp(min=1e-6) * length
    return found


def in_words(label: str) -> str:
    """A label as one would say it: `late_delivery` is "late delivery"; one without words stays as it is."""
    return " ".join(re.findall(r"[^\W_]+", label)) or label

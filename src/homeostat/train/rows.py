"""Where the row of a new label's code begins: at what the label's words mean to the base.

The usual beginning of a new token, the mean of its pieces (Hewitt 2021). A code is read at the place where the model
would begin to spell the label, so a model that can almost say the words can almost choose the code.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from torch import Tensor

from homeostat.llm.adapters import has_rows
from homeostat.llm.labels import LabelCodes
from homeostat.llm.load import Opened


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
        words = " ".join(re.findall(r"[^\W_]+", label)) or label
        pieces = opened.tokenizer(" " + words, add_special_tokens=False, split_special_tokens=True)["input_ids"]
        mean = table[pieces].mean(0)
        found[token] = table[token].clone() if pieces == [token] else mean / mean.norm().clamp(min=1e-6) * length
    return found

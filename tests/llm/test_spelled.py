"""Replies of one pass are taken apart again, each with its own tokens."""

from __future__ import annotations

import pytest
import torch

from homeostat.llm.forward import Predicted
from homeostat.llm.spelled import spelled


def test_each_reply_has_its_own_tokens() -> None:
    """Two replies of two tokens and one: logarithms and whether each was the likeliest, by hand."""
    logits = torch.tensor([[2.0, 0.0], [0.0, 3.0], [1.0, 0.0]])
    target = torch.tensor([0, 0, 1])
    said = Predicted(logits=logits, states=logits, target=target, row=torch.tensor([0, 0, 1]), pooled=logits[:2])
    one, two = spelled(said, [(0, 0), (1,)])
    logs = logits.log_softmax(-1)
    assert (one.tokens, two.tokens) == ((0, 0), (1,))
    assert one.logs == pytest.approx([float(logs[0, 0]), float(logs[1, 0])])
    assert two.logs == pytest.approx([float(logs[2, 1])])
    assert (one.likeliest.tolist(), two.likeliest.tolist()) == ([True, False], [False])

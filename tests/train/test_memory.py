"""What does not fit in memory."""

from __future__ import annotations

import pytest
import torch

from homeostat.train.memory import is_out_of_memory, peak_bytes


def test_it_is_told_from_other_errors() -> None:
    """What torch really raises for more than there is, on this machine, and Python's own; no other error is."""
    with pytest.raises((RuntimeError, MemoryError)) as told:
        torch.empty(2**48)
    assert is_out_of_memory(told.value)
    assert is_out_of_memory(MemoryError())
    assert not is_out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    assert not is_out_of_memory(ValueError("not enough memory"))


def test_the_peak_grows() -> None:
    """What was held once counts."""
    before = peak_bytes()
    torch.ones(2**22).sum()
    assert peak_bytes() >= before > 1e7

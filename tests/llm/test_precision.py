"""Where bfloat16 is used, and what it leaves alone."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

from homeostat.llm.precision import SHORT, computing, has_bfloat16, needs_float16

CPU = torch.device("cpu")


def test_the_machine_says_what_it_can() -> None:
    """The answer is that of the processor: the kernel lists the same ability among its flags."""
    if torch.cuda.is_available():
        pytest.skip("a GPU answers for the processor")
    try:
        flags = set(Path("/proc/cpuinfo").read_text(encoding="utf-8").split())
    except OSError:
        pytest.skip("this system has no list of its processor's abilities")
    assert has_bfloat16() == bool(flags & {"avx512_bf16", "amx_bf16"})


@pytest.mark.parametrize("narrow", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("longest", [SHORT, SHORT + 1])
def test_products_are_narrow_and_sums_are_not(longest: int, narrow: torch.dtype) -> None:
    """Inside, a product of float32 gives bfloat16, or float16 if that is asked for, a loss float32; gradients are
    float32; outside, none is.
    """
    weight = torch.randn(4, 4, requires_grad=True)
    with computing(CPU, longest, bfloat16=narrow is torch.bfloat16, float16=narrow is torch.float16):
        product = torch.randn(3, 4) @ weight
        states = product.reshape(1, 1, 3, 4)
        attended = F.scaled_dot_product_attention(states, states, states)
        loss = F.cross_entropy(attended.reshape(3, 4).float(), torch.tensor([0, 1, 2]))
    torch.autograd.backward(loss)
    assert (product.dtype, loss.dtype) == (narrow, torch.float32)
    assert weight.grad is not None
    assert weight.grad.dtype == torch.float32
    assert (torch.randn(3, 4) @ weight).dtype == torch.float32


def test_without_it_nothing_changes() -> None:
    """Where it is not wanted, products stay float32 inside too."""
    with computing(CPU, 10, bfloat16=False):
        assert (torch.randn(3, 4) @ torch.randn(4, 4)).dtype == torch.float32


def test_float16_is_for_gpus_without_bfloat16() -> None:
    """A machine never needs float16 that has bfloat16, nor one without a GPU: a CPU is no faster with it."""
    assert not (needs_float16() and has_bfloat16())
    assert torch.cuda.is_available() or not needs_float16()

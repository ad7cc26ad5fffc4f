"""How exactly to compute: bfloat16 where the hardware multiplies it faster than float32, float16 where only that."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import lru_cache

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

SHORT = 128
"""Rows of up to so many tokens attend faster by plain matrix products than by the CPU's tiled kernel, whose backward
pass takes a third of a training step at 45 tokens; the products hold rows × heads × tokens² numbers a layer."""


def has_bfloat16() -> bool:
    """Whether this machine multiplies bfloat16 in hardware: a GPU, or a CPU with AVX512-BF16 or AMX."""
    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    known = torch.cpu.get_capabilities()
    return bool(known.get("avx512_bf16") or known.get("amx_bf16"))


def is_bfloat16(wanted: str) -> bool:
    """Whether to compute in bfloat16 where `auto`, `float32` or `bfloat16` is wanted."""
    return wanted == "bfloat16" or (wanted == "auto" and has_bfloat16())


def needs_float16() -> bool:
    """Whether this machine multiplies float16 in hardware and not bfloat16: a GPU from before 2020."""
    return torch.cuda.is_available() and not has_bfloat16()


@contextmanager
def computing(device: torch.device, longest: int, *, bfloat16: bool, float16: bool = False) -> Iterator[None]:
    """Matrix products in bfloat16 or float16, if so wanted, of float32 weights; sums, losses and steps stay in float32.

    Args:
        device: where the model is.
        longest: tokens of the longest row, by which the kernel of the attention is chosen.
        bfloat16: as `has_bfloat16` says, if in doubt.
        float16: as `needs_float16` says, if in doubt; whoever trains so scales the loss.
    """
    if not (bfloat16 or float16):
        yield
        return
    kernels = [SDPBackend.MATH] if device.type == "cpu" and longest <= SHORT else _EVERY
    with torch.autocast(device.type, torch.bfloat16 if bfloat16 else torch.float16), sdpa_kernel(kernels):
        yield


_ALLOWED: dict[SDPBackend, Callable[[], bool]] = {
    SDPBackend.FLASH_ATTENTION: torch.backends.cuda.flash_sdp_enabled,
    SDPBackend.EFFICIENT_ATTENTION: torch.backends.cuda.mem_efficient_sdp_enabled,
    SDPBackend.CUDNN_ATTENTION: torch.backends.cuda.cudnn_sdp_enabled,
    SDPBackend.MATH: torch.backends.cuda.math_sdp_enabled,
}
_EVERY = list(_ALLOWED)


def same_kernels() -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
    """What activations are computed in, and what they are computed in again on the way back (`context_fn` of torch's
    checkpointing): the way back lies outside of `computing`, and torch itself brings back the precision alone.
    """
    return nullcontext(), sdpa_kernel([kernel for kernel, allowed in _ALLOWED.items() if allowed()])


@lru_cache(maxsize=3)
def peak_flops(*, bfloat16: bool, float16: bool = False) -> float:
    """Operations a second of this machine's large matrix products, with the threads of this process; measured once."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    size = 8192 if device.type == "cuda" else 512
    dtype = torch.bfloat16 if bfloat16 else torch.float16 if float16 else torch.float32
    one = torch.ones(size, size, device=device, dtype=dtype)
    best = 0.0
    for _ in range(4):
        began = time.perf_counter()
        (one @ one)[0, 0].item()  # waits for the product
        best = max(best, 2.0 * size**3 / (time.perf_counter() - began))
    return best

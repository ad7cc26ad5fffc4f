"""What happens when a batch does not fit: it is taken in halves, down to one row."""

from __future__ import annotations

import resource
import sys

import torch

_SAYS = ("not enough memory", "can't allocate memory", "out of memory")
"""What torch's CPU allocator says in a plain RuntimeError, which is how it comes here."""


def is_out_of_memory(failed: BaseException) -> bool:
    """Whether what was raised means that memory did not suffice."""
    if isinstance(failed, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(failed, RuntimeError) and any(says in str(failed).lower() for says in _SAYS)


def peak_bytes() -> float:
    """The most memory held so far: of the GPU where there is one, else of this process."""
    if torch.cuda.is_available():
        return float(torch.cuda.max_memory_allocated())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return float(peak if sys.platform == "darwin" else peak * 1024)

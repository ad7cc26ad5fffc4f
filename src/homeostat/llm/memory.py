"""What memory a version takes to answer: measured in a process of its own that does nothing else.

Imports no store: the process gets the base's name, the version, its folder and requests, and sends numbers back.
"""

from __future__ import annotations

import resource
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch

from homeostat.errors import HomeostatError, LostProcess
from homeostat.llm.backend import Request
from homeostat.llm.local import LocalBackend
from homeostat.types.version import Version

_STATUS = Path("/proc/self/status")
ROWS = 32
"""Requests that are answered at once, as many as a gateway takes together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Bytes, of one process."""

    base: int
    """Of the tensors of the base, as they lie in memory."""
    version: int
    """Of the files that the version adds, or stands on in place of the base."""
    libraries: int
    """Resident before the first weight was read."""
    loaded: int
    """Resident when the version could answer."""
    peak: int
    """The most that was ever resident, up to the last reply."""
    device: int
    """The most that torch held of a GPU at any time; 0 where there is none."""
    requests: int


def answering(
    base: str, version: Version, folder: Path | None, requests: Sequence[Request], *, threads: int, precision: str
) -> Held:
    """What this process holds while it loads a version and answers; of use only in one that has done nothing else.

    Raises:
        HomeostatError: as `LocalBackend.load` and `LocalBackend.reply`.
    """
    libraries = resident()
    backend = LocalBackend(base, threads=threads, precision=precision)
    weights = backend.weight_bytes
    backend.load(version, folder)
    loaded = resident()
    for first in range(0, len(requests), ROWS):
        backend.reply(requests[first : first + ROWS])
    return Held(
        base=weights,
        version=sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) if folder else 0,
        libraries=libraries,
        loaded=loaded,
        peak=peak(),
        device=int(torch.cuda.max_memory_allocated()) if torch.cuda.is_available() else 0,
        requests=len(requests),
    )


def measured(
    base: str, version: Version, folder: Path | None, requests: Sequence[Request], *, threads: int, precision: str
) -> Held:
    """The same of a fresh process, which ends with it.

    Raises:
        HomeostatError: as `answering`.
        LostProcess: the process was ended, as it is where memory does not suffice.
    """
    context = get_context("spawn")
    said, end = context.Pipe(duplex=False)
    given = (base, version, folder, tuple(requests), threads, precision)
    process = context.Process(target=_process, args=(end, *given), daemon=True)
    process.start()
    end.close()
    try:
        found: Held | HomeostatError = said.recv()
    except EOFError:
        process.join()
        fix = "see whether this machine has the memory: it holds the base once more while this is measured"
        raise LostProcess(f"the process that answered ended with {process.exitcode}", fix=fix) from None
    finally:
        process.join(timeout=5)
        process.terminate()
    if isinstance(found, HomeostatError):
        raise found
    return found


def resident() -> int:
    """Bytes of this process that are in memory now; the most so far where the system does not tell."""
    return _of("VmRSS") or peak()


def peak() -> int:
    """The most bytes of this process that were in memory so far.

    Linux counts what the parent had in `ru_maxrss` of a process that was started by another, so its own page is read.
    """
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return _of("VmHWM") or (most if sys.platform == "darwin" else most * 1024)


def _of(name: str) -> int:
    """A line of the system's page about this process, in bytes; 0 where there is none."""
    if not _STATUS.exists():
        return 0
    lines = _STATUS.read_text(encoding="ascii", errors="replace").splitlines()
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:")), 0)


def _process(end: Any, base: str, version: Version, folder: Path | None, *given: Any) -> None:
    """What the process does."""
    requests, threads, precision = given
    try:
        end.send(answering(base, version, folder, requests, threads=threads, precision=precision))
    except HomeostatError as problem:
        end.send(problem)

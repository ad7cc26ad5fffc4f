"""One training in several processes, on the cores or GPUs of one machine: each takes a part of every batch.

A loss is a mean over a batch, put together from parts by their weights (`Loss.weigh`), so the gradients of the parts
that the processes take only have to be added up, and every process makes the same step (data parallel, Li et al. 2020,
2006.15704, without a wrapper around the model). All hold the same tensors; the first one looks, saves and reports.
"""

from __future__ import annotations

import multiprocessing
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import TypeVar

import torch
import torch.distributed as talk
from torch import Tensor

from homeostat.errors import LostProcess

T = TypeVar("T")
PATIENCE = timedelta(minutes=10)
"""How long a process waits for the others before it takes them for lost."""


@dataclass(frozen=True, slots=True)
class Gang:
    """The processes of a run, as one of them sees it."""

    rank: int = 0
    """Which one it is; 0 is the one that saves and reports."""
    size: int = 1

    def part(self, rows: Sequence[T]) -> Sequence[T]:
        """The rows of a batch that this process takes: every so many-th, so that lengths are alike."""
        return rows[self.rank :: self.size]

    def add(self, gradients: Sequence[Tensor], *numbers: float) -> list[float]:
        """Add up over all processes, in place; the numbers are given back as sums.

        Raises:
            LostProcess: another process is gone.
        """
        if self.size == 1:
            return list(numbers)
        told = torch.tensor(numbers, dtype=torch.float64)
        flat = torch.cat([gradient.reshape(-1).float() for gradient in gradients])
        with _or_lost():
            talk.all_reduce(told.to(flat.device) if talk.get_backend() == "nccl" else told)
            talk.all_reduce(flat)
        start = 0
        for gradient in gradients:
            gradient.copy_(flat[start : start + gradient.numel()].view_as(gradient))
            start += gradient.numel()
        return told.tolist()

    def first(self, number: float) -> float:
        """What the first process says, so that none decides otherwise."""
        if self.size == 1:
            return number
        said = torch.tensor(number, dtype=torch.float64)
        with _or_lost():
            talk.broadcast(said.cuda() if talk.get_backend() == "nccl" else said, 0)
        return float(said)


ALONE = Gang()
Follow = Callable[[Gang], None]
"""What the other processes do: the same run, saving nothing."""


@contextmanager
def gang(size: int, follow: Follow) -> Iterator[Gang]:
    """So many processes in all, this one the first, until the block ends; `follow` must be picklable.

    Raises:
        LostProcess: one of the others has ended before its time.
    """
    if size == 1:
        yield ALONE
        return
    with tempfile.TemporaryDirectory() as folder:
        meeting, context = f"file://{Path(folder) / 'meeting'}", multiprocessing.get_context("spawn")
        threads = torch.get_num_threads()
        others = [
            context.Process(target=_follow, args=(Gang(rank, size), meeting, threads, follow), daemon=True)
            for rank in range(1, size)
        ]
        for other in others:
            other.start()
        try:
            _join(Gang(0, size), meeting)
            yield Gang(0, size)
        finally:
            _part(others)


def _follow(place: Gang, meeting: str, threads: int, follow: Follow) -> None:
    """What another process does from its beginning to its end."""
    torch.set_num_threads(threads)
    _join(place, meeting)
    follow(place)
    talk.destroy_process_group()


def _join(place: Gang, meeting: str) -> None:
    """Meet the others; on GPUs each process takes its own."""
    on_gpus = torch.cuda.device_count() >= place.size
    if on_gpus:
        torch.cuda.set_device(place.rank)
    with _or_lost():
        talk.init_process_group(
            "nccl" if on_gpus else "gloo",
            init_method=meeting,
            rank=place.rank,
            world_size=place.size,
            timeout=PATIENCE,
        )


def _part(others: Sequence[BaseProcess]) -> None:
    """Leave the others, and end those that have not ended."""
    if talk.is_initialized():
        talk.destroy_process_group()
    for other in others:
        other.join(timeout=5)
        if other.is_alive():
            other.kill()
            other.join()


@contextmanager
def _or_lost() -> Iterator[None]:
    try:
        yield
    except (RuntimeError, talk.DistError) as broken:
        raise LostProcess(
            f"another process of the training is gone: {str(broken).splitlines()[0]}",
            where="train.processes",
            fix="start the training again, which goes on from its checkpoint; with fewer processes if memory is short",
        ) from broken

"""One training in several processes, on the cores or GPUs of one machine: each takes a part of every batch.

A loss is a mean over a batch, put together from parts by their weights (`Loss.weigh`), so the gradients of the parts
that the processes take only have to be added up, and every process makes the same step (data parallel, Li et al. 2020,
2006.15704, without a wrapper around the model). All hold the same tensors; the first one looks, saves and reports.
Where each holds a share of them alone, `shares` has the same words.
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
from homeostat.train.step import Step

T = TypeVar("T")
PATIENCE = timedelta(minutes=10)
"""How long a process waits for the others before it takes them for lost."""


@dataclass(frozen=True, slots=True)
class Gang:
    """The processes of a run, as one of them sees it."""

    rank: int = 0
    """Which one it is; 0 is the one that saves and reports."""
    size: int = 1

    @property
    def in_step(self) -> bool:
        """Whether no process can run the model without the others: then none can take smaller parts by itself."""
        return False

    def parts(self, batch: Sequence[T], most: int) -> list[Sequence[T]]:
        """The rows of a batch that this process takes, in parts of so many rows at most; 0 for all in one part.

        Every so many-th row, so that lengths are alike; no part where there are not rows enough.
        """
        mine = batch[self.rank :: self.size]
        most = most or max(1, len(mine))
        return [mine[k : k + most] for k in range(0, len(mine), most)]

    def idle(self, step: Step) -> list[Tensor]:
        """What a process adds to the loss where none of its rows counts: nothing, if nobody waits for it."""
        return []

    def add(self, parameters: Sequence[Tensor], *numbers: float) -> list[float]:
        """Add up the gradients of all processes, in place; the numbers are given back as sums.

        Raises:
            LostProcess: another process is gone.
        """
        if self.size == 1:
            return list(numbers)
        gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
        flat = torch.cat([gradient.reshape(-1).float() for gradient in gradients])
        with or_lost():
            talk.all_reduce(flat)
        start = 0
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = gradient.copy_(flat[start : start + gradient.numel()].view_as(gradient))
            start += gradient.numel()
        return self.sums(*numbers)

    def sums(self, *numbers: float) -> list[float]:
        """The sums of what all processes say. Raises as `add`."""
        told = torch.tensor(numbers, dtype=torch.float64, device=meeting_place())
        with or_lost():
            talk.all_reduce(told)
        return told.tolist()

    def first(self, number: float) -> float:
        """What the first process says, so that none decides otherwise. Raises as `add`."""
        if self.size == 1:
            return number
        said = torch.tensor(number, dtype=torch.float64, device=meeting_place())
        with or_lost():
            talk.broadcast(said, 0)
        return float(said)


def meeting_place() -> str:
    """Where tensors must lie to be sent to the other processes: `cuda` where each has a GPU of its own, else `cpu`."""
    return "cuda" if talk.get_backend() == "nccl" else "cpu"


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
    with or_lost():
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
def or_lost() -> Iterator[None]:
    """What the others do not answer to is told as `LostProcess`."""
    try:
        yield
    except (RuntimeError, talk.DistError) as broken:
        raise lost(broken) from broken


def lost(broken: Exception) -> LostProcess:
    """What to tell of an error that came instead of the others' answer."""
    return LostProcess(
        f"another process of the training is gone: {str(broken).splitlines()[0]}",
        where="train.processes",
        fix="start the training again, which goes on from its checkpoint; with fewer processes if memory is short",
    )

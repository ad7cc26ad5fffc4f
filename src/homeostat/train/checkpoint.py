"""Where a run stands, in one safetensors file that is either the old state or the new one, never half of each."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from homeostat.errors import full_disk_named
from homeostat.train.shares import laid, whole

FILE = "state.safetensors"


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What a run keeps beside its model and its optimizer."""

    best: Sequence[Tensor]
    average: Sequence[Tensor]
    """Empty where the run keeps no average."""
    trail: Sequence[Tensor] = ()
    """The slow average that an objective asks for; empty where none does."""
    progress: dict[str, Any]


def save(
    folder: Path, parameters: Sequence[Tensor], optimizer: torch.optim.Optimizer, state: State, *, mine: bool = True
) -> None:
    """Write the trained tensors, the best ones so far, what the optimizer keeps, and the progress.

    Tensors that lie in shares are put together, for which all processes of a run call this; `mine` is whether this
    one writes.

    Raises:
        StoreFull: the disk is full; the state before is still there.
    """
    kept = {"now": parameters, "best": state.best, "average": state.average, "trail": state.trail}
    tensors = {f"{name}.{k}": whole(p, mine=mine) for name, some in kept.items() for k, p in enumerate(some)}
    for k, parameter in enumerate(parameters):
        for name, value in optimizer.state.get(parameter, {}).items():
            tensors[f"opt.{k}.{name}"] = whole(value, mine=mine)
    if not mine:
        return
    folder.mkdir(parents=True, exist_ok=True)
    told = {"progress": state.progress, "groups": [_plain(group) for group in optimizer.param_groups]}
    temporary = folder / f"{FILE}.tmp"
    with full_disk_named("the disk takes no more checkpoints", where=str(folder)):
        save_file(tensors, temporary, metadata={name: json.dumps(said) for name, said in told.items()})
        _sync(temporary)
        temporary.replace(folder / FILE)
        _sync(folder)


def load(folder: Path, parameters: Sequence[Tensor], optimizer: torch.optim.Optimizer, run: str) -> State | None:
    """Put a run back where it stood and give what it kept, or None where nothing of it was saved.

    A checkpoint whose progress names another `run` is passed over: it belongs to other rows, another recipe or another
    start, and the next one saved here takes its place.
    """
    path = folder / FILE
    if not path.exists():
        return None
    with safe_open(path, framework="pt") as file:
        progress: dict[str, Any] = json.loads(file.metadata()["progress"])
        if progress["run"] != run:
            return None
        for group, values in zip(optimizer.param_groups, json.loads(file.metadata()["groups"]), strict=True):
            group.update(values)
        names = list(file.keys())
        with torch.no_grad():
            for k, parameter in enumerate(parameters):
                parameter.copy_(laid(file.get_tensor(f"now.{k}"), parameter))
                kept = {n.rpartition(".")[2]: file.get_tensor(n) for n in names if n.startswith(f"opt.{k}.")}
                if kept:
                    # Adam's `step` is among them, so that its bias correction goes on where it was.
                    optimizer.state[parameter] = {n: laid(t, parameter) for n, t in kept.items()}

        def tensors(prefix: str) -> list[Tensor]:
            some = [f"{prefix}.{k}" for k in range(len(parameters))]
            return [laid(file.get_tensor(n), p) for n, p in zip(some, parameters, strict=True) if n in names]

        return State(best=tensors("best"), average=tensors("average"), trail=tensors("trail"), progress=progress)


def _plain(group: dict[str, Any]) -> dict[str, Any]:
    """What an optimizer counts for a group of tensors, beside their own state."""
    return {name: value for name, value in group.items() if isinstance(value, bool | int | float)}


def _sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

"""Where a run stands, in one safetensors file that is either the old state or the new one, never half of each."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from homeostat.errors import full_disk_named

FILE = "state.safetensors"


def save(
    folder: Path,
    parameters: Sequence[Tensor],
    best: Sequence[Tensor],
    optimizer: torch.optim.Optimizer,
    progress: dict[str, Any],
) -> None:
    """Write the trained tensors, the best ones so far, what the optimizer keeps, the random state and the progress.

    Raises:
        StoreFull: the disk is full; the state before is still there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {f"now.{k}": p.detach().contiguous() for k, p in enumerate(parameters)}
    tensors |= {f"best.{k}": p.contiguous() for k, p in enumerate(best)}
    for k, parameter in enumerate(parameters):
        for name, value in optimizer.state.get(parameter, {}).items():
            tensors[f"opt.{k}.{name}"] = value.detach().contiguous()
    tensors["random"] = torch.get_rng_state()
    temporary = folder / f"{FILE}.tmp"
    with full_disk_named("the disk takes no more checkpoints", where=str(folder)):
        save_file(tensors, temporary, metadata={"progress": json.dumps(progress)})
        _sync(temporary)
        temporary.replace(folder / FILE)
        _sync(folder)


def load(
    folder: Path, parameters: Sequence[Tensor], optimizer: torch.optim.Optimizer, run: str
) -> tuple[list[Tensor], dict[str, Any]] | None:
    """Put a run back where it stood; the best tensors and the progress, or None where nothing of it was saved.

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
        names = list(file.keys())
        with torch.no_grad():
            for k, parameter in enumerate(parameters):
                parameter.copy_(file.get_tensor(f"now.{k}"))
                kept = {n.rpartition(".")[2]: file.get_tensor(n) for n in names if n.startswith(f"opt.{k}.")}
                if kept:
                    # Adam's `step` is among them, so that its bias correction goes on where it was.
                    optimizer.state[parameter] = {n: t.to(parameter.device) for n, t in kept.items()}
        torch.set_rng_state(file.get_tensor("random"))
        best = [file.get_tensor(f"best.{k}").to(parameters[k].device) for k in range(len(parameters))]
    return best, progress


def _sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

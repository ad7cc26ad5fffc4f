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

FILE = "state.safetensors"


def save(
    folder: Path,
    parameters: Sequence[Tensor],
    best: Sequence[Tensor],
    optimizer: torch.optim.Optimizer,
    progress: dict[str, Any],
) -> None:
    """Write the trained tensors, the best ones so far, the optimizer's moments, the random state and the progress."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {f"now.{k}": p.detach().contiguous() for k, p in enumerate(parameters)}
    tensors |= {f"best.{k}": p.contiguous() for k, p in enumerate(best)}
    for k, parameter in enumerate(parameters):
        for name, value in optimizer.state.get(parameter, {}).items():
            tensors[f"opt.{k}.{name}"] = value.detach().contiguous()
    tensors["random"] = torch.get_rng_state()
    temporary = folder / f"{FILE}.tmp"
    save_file(tensors, temporary, metadata={"progress": json.dumps(progress)})
    with temporary.open("rb") as written:
        os.fsync(written.fileno())
    temporary.replace(folder / FILE)


def load(
    folder: Path, parameters: Sequence[Tensor], optimizer: torch.optim.Optimizer
) -> tuple[list[Tensor], dict[str, Any]] | None:
    """Put a run back where it stood; returns the best tensors and the progress, or None where nothing was saved."""
    path = folder / FILE
    if not path.exists():
        return None
    with safe_open(path, framework="pt") as file:
        names = set(file.keys())
        with torch.no_grad():
            for k, parameter in enumerate(parameters):
                parameter.copy_(file.get_tensor(f"now.{k}"))
                moments = {n.rpartition(".")[2]: file.get_tensor(n) for n in names if n.startswith(f"opt.{k}.")}
                if moments:
                    optimizer.state[parameter] = moments
        torch.set_rng_state(file.get_tensor("random"))
        best = [file.get_tensor(f"best.{k}") for k in range(len(parameters))]
        progress: dict[str, Any] = json.loads(file.metadata()["progress"])
    return best, progress

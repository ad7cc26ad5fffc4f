"""What a run has taken, as it is written down with its version: one form for adapters, weights and heads."""

from __future__ import annotations

import torch

from homeostat.train.fit import Fitted


def billed(fitted: Fitted, *, flops: float, cpu_seconds: float) -> dict[str, float]:
    """What the steps took, and beside them the operations and CPU-seconds of making ready, asking, fitting rows and
    saving. Its entries are told under `Trained.cost`.
    """
    progress = fitted.progress
    return {
        "flops": progress.flops + flops,
        "cpu_seconds": progress.cpu_seconds + cpu_seconds,
        "steps": float(progress.step),
        "best_step": float(progress.best_step),
        "held_out": progress.best,
        "padding": fitted.padding,
        "back_offs": float(progress.back_offs),
        "skipped": float(progress.skipped),
        "part_rows": float(progress.part_rows),
    }


def on_gpu(device: torch.device, seconds: float, processes: int = 1) -> dict[str, float]:
    """The GPU-seconds of the steps: how long each of the devices was held. Nothing where there was none."""
    return {} if device.type == "cpu" else {"gpu_seconds": seconds * processes}

"""What a run has taken, as it is written down."""

from __future__ import annotations

import torch

from homeostat.train.bill import billed, on_gpu
from homeostat.train.fit import Fitted, Progress


def test_what_was_done_beside_the_steps_is_added() -> None:
    """Operations and CPU-seconds are the sum of both; what tells of the steps is told as it is."""
    progress = Progress(run="r", step=7, best_step=5, best=0.25, flops=100.0, cpu_seconds=2.0, part_rows=4, skipped=1)
    told = billed(Fitted(progress, 8, 0.125), flops=11.0, cpu_seconds=0.5)
    assert (told["flops"], told["cpu_seconds"], told["padding"]) == (111.0, 2.5, 0.125)
    assert (told["steps"], told["best_step"], told["held_out"]) == (7.0, 5.0, 0.25)
    assert (told["part_rows"], told["skipped"], told["back_offs"]) == (4.0, 1.0, 0.0)


def test_a_gpu_is_held_by_every_process() -> None:
    """Nothing is told where there is none."""
    assert on_gpu(torch.device("cuda"), 3.0, 2) == {"gpu_seconds": 6.0}
    assert on_gpu(torch.device("cpu"), 3.0, 2) == {}

"""Runs as TensorBoard reads them: a folder of event files for each, under `tracking/tensorboard`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from homeostat.extras import require
from homeostat.train.track.tracker import Run, Tracker, finite


@dataclass(frozen=True, slots=True)
class TensorBoard:
    """A run's event file; one that goes on writes another beside the first, and TensorBoard joins them."""

    writer: Any

    def look(self, values: Mapping[str, float]) -> None:
        """A scalar for each number of the look."""
        for name, value in finite(values).items():
            if name not in ("step", "steps"):
                self.writer.add_scalar(f"train/{name}", value, int(values["step"]))
        self.writer.flush()

    def end(self, summary: Mapping[str, float]) -> None:
        """What the run cost, as scalars without a course."""
        for name, value in summary.items():
            self.writer.add_scalar(f"cost/{name}", value, 0)
        self.writer.close()


def begin(run: Run) -> Tracker:
    """Write into `tracking/tensorboard/TASK/VERSION`.

    Raises:
        MissingExtra: tensorboard is not installed.
    """
    require("tensorboard", "to tell TensorBoard of a run", extra="tensorboard")
    board = require("torch.utils.tensorboard", "to tell TensorBoard of a run", extra="tensorboard")
    writer = board.SummaryWriter(str(run.folder / "tensorboard" / run.task / run.version))
    if run.parameters:
        rows = "\n".join(f"| {name} | {value} |" for name, value in run.parameters.items())
        writer.add_text("recipe", f"| what | value |\n|---|---|\n{rows}")
    return TensorBoard(writer)

"""Runs in Weights & Biases: online with a key, else offline under `tracking`, for `wandb sync` later."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from homeostat.extras import require
from homeostat.train.track.tracker import Run, Tracker, finite


@dataclass(frozen=True, slots=True)
class WandB:
    """A run of a W&B project, which is called as ours."""

    run: Any

    def look(self, values: Mapping[str, float]) -> None:
        """The numbers of the look, at its step."""
        told = {f"train/{name}": value for name, value in finite(values).items() if name not in ("step", "steps")}
        self.run.log(told, step=int(values["step"]))

    def end(self, summary: Mapping[str, float]) -> None:
        """What the run cost, as its summary; it has failed where nothing is known of its cost."""
        self.run.summary.update({f"cost/{name}": value for name, value in summary.items()})
        self.run.finish(exit_code=0 if summary else 1)


def begin(run: Run) -> Tracker:
    """The run with the version's id, gone on with where the server knows it. WANDB_MODE decides, if it is set.

    Raises:
        MissingExtra: wandb is not installed.
    """
    wandb = require("wandb", "to tell Weights & Biases of a run", extra="wandb")
    run.folder.mkdir(parents=True, exist_ok=True)
    begun = wandb.init(
        project=run.project,
        group=run.task,
        name=f"{run.task} {run.version}",
        id=run.version,
        resume="allow",
        config=dict(run.recipe),
        dir=str(run.folder),
        mode=os.environ.get("WANDB_MODE") or ("online" if os.environ.get("WANDB_API_KEY") else "offline"),
        settings=wandb.Settings(silent=True, console="off", disable_git=True, save_code=False, x_disable_stats=True),
        reinit="create_new",
    )
    return WandB(begun)

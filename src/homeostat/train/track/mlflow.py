"""Runs in MLflow: at the server of MLFLOW_TRACKING_URI, else in a SQLite file under `tracking`."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from homeostat.extras import require
from homeostat.train.track.tracker import Run, Tracker, finite

_LONGEST = 500
"""Letters of a parameter's value; more are refused by older servers."""


@dataclass(frozen=True, slots=True)
class MLflow:
    """A run of an MLflow experiment, which is called as the project."""

    client: Any
    entities: Any
    id: str

    def look(self, values: Mapping[str, float]) -> None:
        """A metric for each number of the look, at its step, in one request."""
        self._log({name: value for name, value in values.items() if name not in ("step", "steps")}, int(values["step"]))

    def end(self, summary: Mapping[str, float]) -> None:
        """What the run cost, and that it is finished; it is failed where nothing is known of its cost."""
        self._log({f"cost.{name}": value for name, value in summary.items()}, 0)
        self.client.set_terminated(self.id, status="FINISHED" if summary else "FAILED")

    def _log(self, values: Mapping[str, float], step: int) -> None:
        now = int(time.time() * 1000)
        metrics = [self.entities.Metric(name, value, now, step) for name, value in finite(values).items()]
        self.client.log_batch(self.id, metrics=metrics)


def begin(run: Run) -> Tracker:
    """A run of its own for each version; one that goes on is found again by its tag `homeostat.version`.

    Raises:
        MissingExtra: mlflow is not installed.
    """
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    mlflow = require("mlflow", "to tell MLflow of a run", extra="mlflow")
    logging.getLogger("mlflow").setLevel(logging.WARNING)
    entities = require("mlflow.entities", "to tell MLflow of a run", extra="mlflow")
    run.folder.mkdir(parents=True, exist_ok=True)
    place = os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{run.folder / 'mlflow.db'}"
    client = mlflow.MlflowClient(tracking_uri=place)
    known = client.get_experiment_by_name(run.project)
    experiment = known.experiment_id if known else client.create_experiment(run.project)
    return MLflow(client, entities, _found(client, experiment, run) or _created(client, experiment, run, entities))


def _found(client: Any, experiment: str, run: Run) -> str:
    """The version's run, if it was begun before it was killed; running again."""
    found = client.search_runs([experiment], filter_string=f"tags.`homeostat.version` = '{run.version}'", max_results=1)
    if not found:
        return ""
    client.update_run(found[0].info.run_id, status="RUNNING")
    return str(found[0].info.run_id)


def _created(client: Any, experiment: str, run: Run, entities: Any) -> str:
    tags = {"homeostat.version": run.version, "homeostat.task": run.task}
    id = str(client.create_run(experiment, run_name=f"{run.task} {run.version}", tags=tags).info.run_id)
    parameters = [entities.Param(name, value[:_LONGEST]) for name, value in run.parameters.items()]
    client.log_batch(id, params=parameters)
    return id

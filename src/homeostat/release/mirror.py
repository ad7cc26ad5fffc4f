"""The versions of a task in MLflow's model registry, for those who look there: who answers, who did, and why.

Ours stays the one that counts: nothing is read back. A registered model is called `project.task`; each version of
ours is one of its versions, found again by its tag, so that mirroring twice changes nothing.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from homeostat.extras import require
from homeostat.release.card import card
from homeostat.store import Store
from homeostat.types.version import Version

TAG = "homeostat."
ALIASES = ("champion", "challenger")
LONGEST = 4000
"""Letters of a description or a tag; longer ones are cut."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mirrored:
    """What there is in the registry now."""

    model: str
    """Its name there."""
    versions: Mapping[str, str]
    """Version -> its number there."""
    new: tuple[str, ...]
    """Versions that were not there before."""
    changed: tuple[str, ...]
    """Versions of which something was brought up to date."""
    aliases: Mapping[str, str]
    """Alias -> version."""


def registry(folder: Path) -> Any:
    """The client of the registry: at the server of MLFLOW_TRACKING_URI, else in the SQLite file that runs are told to.

    Raises:
        MissingExtra: mlflow is not installed.
    """
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    mlflow = require("mlflow", "to mirror versions", extra="mlflow")
    logging.getLogger("mlflow").setLevel(logging.WARNING)
    folder.mkdir(parents=True, exist_ok=True)
    place = os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{folder / 'mlflow.db'}"
    return mlflow.MlflowClient(tracking_uri=place, registry_uri=place)


def mirror(store: Store, project: str, task: str, client: Any) -> Mirrored:
    """Bring the registry up to date with the versions of a task, and who answers it."""
    model = f"{project}.{task}"
    if not client.search_registered_models(filter_string=f"name = '{model}'"):
        client.create_registered_model(model, tags={f"{TAG}task": task})
    known = {one.tags.get(f"{TAG}version", ""): one for one in client.search_model_versions(f"name = '{model}'")}
    new, changed, numbers = [], [], {}
    for version in store.versions.list(task):
        tags = _tags(store, version)
        there = known.get(version.id)
        if there is None:
            source = f"homeostat:{version.blob or version.base}"
            text = card(store, version.id)[:LONGEST]
            there = client.create_model_version(model, source=source, tags=tags, description=text)
            new.append(version.id)
        elif differing := {name: value for name, value in tags.items() if there.tags.get(name) != value}:
            for name, value in differing.items():
                client.set_model_version_tag(model, there.version, name, value)
            client.update_model_version(model, there.version, description=card(store, version.id)[:LONGEST])
            changed.append(version.id)
        numbers[version.id] = str(there.version)
    aliases = _aliases(store, task, model, numbers, client)
    return Mirrored(model=model, versions=numbers, new=tuple(new), changed=tuple(changed), aliases=aliases)


def _tags(store: Store, version: Version) -> dict[str, str]:
    """What can be looked for: its own fields, and the newest verdict."""
    verdicts = [verdict for verdict in store.verdicts.list(version.task) if verdict.candidate == version.id]
    said = {
        "version": version.id,
        "state": version.state.value,
        "kind": version.kind,
        "base": version.base,
        "blob": version.blob,
        "parent": version.parent,
        "dataset": version.dataset,
        "verdict": verdicts[-1].outcome.value if verdicts else "",
        "because": verdicts[-1].because if verdicts else "",
    }
    return {f"{TAG}{name}": value[:LONGEST] for name, value in said.items() if value}


def _aliases(store: Store, task: str, model: str, numbers: Mapping[str, str], client: Any) -> dict[str, str]:
    """Set the aliases that there are, and take away those that there are no more."""
    there, found = dict(client.get_registered_model(model).aliases), {}
    for alias in ALIASES:
        version = store.aliases.get(task, alias) or ""
        if version in numbers:
            found[alias] = version
            if str(there.get(alias)) != numbers[version]:
                client.set_registered_model_alias(model, alias, numbers[version])
        elif alias in there:
            client.delete_registered_model_alias(model, alias)
    return found

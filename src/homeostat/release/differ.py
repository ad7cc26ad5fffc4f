"""Two versions beside each other: what they were made with and of, how they did, how far apart their weights lie."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import safe_open

from homeostat.llm.weights import BESIDE
from homeostat.release.record import Document, record
from homeostat.store import Store
from homeostat.types.version import Version

_PLAIN = ("task", "base", "kind", "state", "parent", "dataset", "config")


def diff(store: Store, one: Version, other: Version) -> Document:
    """What differs between two versions; an empty part differs in nothing.

    Raises:
        Tampered: a file of theirs has changed since it was stored.
    """
    mine, theirs = record(store, one), record(store, other)
    return {
        "version": _changed(mine["version"], theirs["version"], _PLAIN),
        "recipe": _changed(mine["version"]["recipe"], theirs["version"]["recipe"]),
        "cost": _changed(mine["version"]["cost"], theirs["version"]["cost"]),
        "memory": _changed(_held(mine["memory"]), _held(theirs["memory"])),
        "rows": _changed(mine["dataset"].get("counts", {}), theirs["dataset"].get("counts", {})),
        "examples": _changed(mine["dataset"].get("per_label", {}), theirs["dataset"].get("per_label", {})),
        "labels": {
            "new": [label for label in other.labels if label not in one.labels],
            "gone": [label for label in one.labels if label not in other.labels],
        },
        "scores": _changed(_scores(mine), _scores(theirs)),
        "weights": _weights(_folder(store, one), _folder(store, other)),
    }


def _changed(mine: Mapping[str, Any], theirs: Mapping[str, Any], names: tuple[str, ...] = ()) -> dict[str, list[Any]]:
    """Name -> [the one's, the other's], where they differ."""
    every = names or tuple(dict.fromkeys([*mine, *theirs]))
    return {name: [mine.get(name), theirs.get(name)] for name in every if mine.get(name) != theirs.get(name)}


def _held(memory: Document) -> Document:
    """What was measured, without the moment; the most that was held by where it was held."""
    told: Document = {name: memory[name] for name in ("base", "version", "requests") if name in memory}
    return {**told, f"peak, {memory['device']}": memory["peak"]} if memory else told


def _scores(known: Document) -> dict[str, Any]:
    """Metric -> mean, interval and n by the newest report, each on the test rows of its own day."""
    return {report["metric"]: report["candidate_score"] for report in known["reports"]}


def _folder(store: Store, version: Version) -> Path | None:
    return store.blobs.folder(version.blob) if version.blob else None


def _weights(one: Path | None, other: Path | None) -> dict[str, Any]:
    """How far the other's tensors lie from the one's: the norm of the difference over the one's norm, of all tensors
    that both have in one shape (None if there are none), and of the five that moved most. Tensors as they are stored:
    two adapters that do the same by other factors are not near each other.
    """
    if one is None or other is None:
        return {"same": one is other}
    mine, theirs = _tensors(one), _tensors(other)
    both = [name for name in mine if name in theirs and mine[name].shape == theirs[name].shape]
    apart = {name: float(np.linalg.norm(theirs[name] - mine[name])) for name in both}
    norms = {name: float(np.linalg.norm(mine[name])) for name in both}
    moved = sorted(both, key=lambda name: -_ratio(apart[name], norms[name]))[:5]
    total = _ratio(float(np.hypot.reduce([0.0, *apart.values()])), float(np.hypot.reduce([0.0, *norms.values()])))
    return {
        "same": not set(mine) ^ set(theirs) and len(both) == len(mine) and total == 0.0,
        "distance": total if both else None,
        "tensors": len(both),
        "of one alone": sorted(set(mine) - set(both))[:5],
        "of the other alone": sorted(set(theirs) - set(both))[:5],
        "moved most": {name: _ratio(apart[name], norms[name]) for name in moved if apart[name]},
    }


def _ratio(apart: float, norm: float) -> float:
    return apart / norm if norm else float(apart > 0.0)


def _tensors(folder: Path) -> dict[str, np.ndarray]:
    """float32 of all weights in the safetensors of a folder, by name."""
    found: dict[str, np.ndarray] = {}
    for path in sorted(path for path in folder.rglob("*.safetensors") if path.name not in BESIDE):
        with safe_open(path, framework="pt") as tensors:
            for name in list(tensors.keys()):
                found[f"{path.stem}.{name}"] = tensors.get_tensor(name).to(torch.float32).numpy()
    return found

"""A head and its features on disk, in one safetensors file that is either the old state or the new one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save_file

from homeostat.errors import full_disk_named
from homeostat.llm.features import Features
from homeostat.llm.weights import check_file
from homeostat.train.head.ridge import RidgeHead, RidgeValues

Head = RidgeHead | RidgeValues


def save(path: Path, features: Features, head: Head, made: str = "") -> None:
    """Write a head, the features that its rows had, and a word on how both were made.

    Of the Gram matrix the lower half alone is written.

    Raises:
        StoreFull: the disk is full; what was there before is still there.
    """
    tensors = {
        "gram": head.sums.gram[np.tril_indices(len(head.sums.gram))],
        "cross": head.sums.cross,
        "mean": features.mean,
        "scale": features.scale,
        "projection": features.projection,
    }
    told: dict[str, Any] = {"width": head.width, "ridge": head.ridge}
    if isinstance(head, RidgeHead):
        told |= {"balance": head.balance, "labels": head.labels, "counts": head.counts}
    else:
        told |= {"rows": head.rows}
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".draft")
    with full_disk_named("the disk takes no more heads", where=str(path)):
        whole = {name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}
        # One word, for the order of several is another each time, and equal heads shall be equal files.
        word = json.dumps({"head": told, "buckets": features.buckets, "made": made}, sort_keys=True)
        save_file(whole, draft, metadata={"word": word})
        draft.replace(path)


def load(path: Path) -> tuple[Features, Head]:
    """The features and the head of a file; it goes on as if it had never been put away.

    Raises:
        CorruptWeights: it cannot be read.
    """
    check_file(path)
    with safe_open(path, framework="numpy") as file:
        word = json.loads(file.metadata()["word"])
        told, buckets = word["head"], int(word["buckets"])
        head: Head = RidgeHead(**told) if "labels" in told else RidgeValues(**told)
        head.sums.gram[np.tril_indices(len(head.sums.gram))] = file.get_tensor("gram")
        head.sums.cross = file.get_tensor("cross")
        mean, scale, projection = (file.get_tensor(name) for name in ("mean", "scale", "projection"))
    return Features(mean, scale, projection, buckets), head


def made(path: Path) -> str:
    """The word on how a head was made that its file was given.

    Raises:
        CorruptWeights: it cannot be read.
    """
    check_file(path)
    with safe_open(path, framework="numpy") as file:
        return str(json.loads(file.metadata()["word"])["made"])

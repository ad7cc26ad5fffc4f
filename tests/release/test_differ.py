"""Two versions beside each other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file
from safetensors.torch import save_file as save_torch

from homeostat.release.differ import diff
from homeostat.release.registry import register
from homeostat.store import Store
from homeostat.types.dataset import Dataset
from homeostat.types.version import Version
from release.rehearsal import TASK, open_store

ONE = Version(id="ver_a", task=TASK, time=1.0, base="b", labels=("x", "y"), recipe={"lr": 0.1, "rank": 8})


def made(store: Store, folder: Path, version: Version, **tensors: np.ndarray) -> Version:
    folder.mkdir()
    save_file(tensors, folder / "adapter_model.safetensors")
    return register(store, version, folder)


def test_what_differs(tmp_path: Path) -> None:
    """Fields, recipe, counts and labels that differ stand with both values; what is alike is left out."""
    with open_store(tmp_path) as store:
        for id, n in (("dst_1", 5), ("dst_2", 7)):
            blob = store.blobs.put_text("")
            store.datasets.put(Dataset(id=id, task=TASK, time=1.0, blob=blob, counts={"selected": 9, "mixed": n}))
        one, other = replace(ONE, dataset="dst_1"), replace(ONE, id="ver_b", dataset="dst_2", parent="ver_a")
        other = replace(other, labels=("y", "z"), recipe={"lr": 0.2, "rank": 8})
        for version in (one, other):
            store.versions.put(version)
        found = diff(store, one, other)
    assert found["version"] == {"parent": ["", "ver_a"], "dataset": ["dst_1", "dst_2"]}
    assert (found["recipe"], found["rows"]) == ({"lr": [0.1, 0.2]}, {"mixed": [5, 7]})
    assert found["labels"] == {"new": ["z"], "gone": ["x"]}
    assert found["weights"] == {"same": True}


def test_how_far_weights_lie_apart(tmp_path: Path) -> None:
    """The distance is that of all tensors as one vector, by hand: ||(0, 5)|| / ||(3, 4)|| = 1."""
    with open_store(tmp_path) as store:
        one = made(store, tmp_path / "a", ONE, u=np.array([3.0], np.float32), v=np.array([4.0], np.float32))
        two = replace(ONE, id="ver_b")
        other = made(store, tmp_path / "b", two, u=np.array([3.0], np.float32), v=np.array([9.0], np.float32))
        found = diff(store, one, other)["weights"]
        same = diff(store, one, one)["weights"]
    assert found["distance"] == pytest.approx(1.0)
    assert found["moved most"] == {"adapter_model.v": pytest.approx(1.25)}
    assert (found["same"], same["same"], same["distance"]) == (False, True, 0.0)


def test_versions_without_a_tensor_in_common_have_no_distance(tmp_path: Path) -> None:
    """A head and an adapter are not 0 apart: nothing of them can be compared."""
    with open_store(tmp_path) as store:
        one = made(store, tmp_path / "a", ONE, u=np.array([3.0], np.float32))
        other = made(store, tmp_path / "b", replace(ONE, id="ver_b"), v=np.array([3.0], np.float32))
        found = diff(store, one, other)["weights"]
    assert (found["same"], found["distance"], found["tensors"]) == (False, None, 0)
    assert (found["of one alone"], found["of the other alone"]) == (["adapter_model.u"], ["adapter_model.v"])


def test_what_lies_beside_weights_is_no_distance(tmp_path: Path) -> None:
    """States and importance, which a version keeps for its successor, do not count as weights."""
    with open_store(tmp_path) as store:
        one = made(store, tmp_path / "a", ONE, u=np.array([3.0], np.float32))
        (tmp_path / "b").mkdir()
        save_file({"states": np.array([9.0], np.float32)}, tmp_path / "b" / "states.safetensors")
        save_file({"u": np.array([3.0], np.float32)}, tmp_path / "b" / "adapter_model.safetensors")
        other = register(store, replace(ONE, id="ver_b"), tmp_path / "b")
        assert diff(store, one, other)["weights"]["same"]


def test_tensors_of_other_shapes_and_kinds(tmp_path: Path) -> None:
    """What only one has, or in another shape, is named and not compared; half precision is."""
    with open_store(tmp_path) as store:
        one = made(store, tmp_path / "a", ONE, u=np.ones(2, np.float32), v=np.ones(2, np.float32))
        (tmp_path / "b").mkdir()
        tensors = {"u": torch.full((2,), 2.0, dtype=torch.bfloat16), "v": torch.ones(3)}
        save_torch(tensors, tmp_path / "b" / "adapter_model.safetensors")
        other = register(store, replace(ONE, id="ver_b"), tmp_path / "b")
        found = diff(store, one, other)["weights"]
    assert (found["distance"], found["tensors"]) == (pytest.approx(1.0), 1)
    assert found["of one alone"] == found["of the other alone"] == ["adapter_model.v"]
